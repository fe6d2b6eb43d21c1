/* SPDX-License-Identifier: MIT */
/* Waiting for a block: it comes, whoever else wants it, whoever dies; or the deadline does. */
#include <pthread.h>
#include <stdio.h>
#include <sys/time.h>

#include "tests/system/story.h"

#define TRIES 1000

static struct actor waiter, owner;

/* The actor has all blocks and is at it for ever; @how is what it is told. */
static struct actor greedy(const char *how)
{
	struct actor a = holder(0);

	actor_tell(&a, how);
	while (stats().used < stats().blocks) {
		sleep_ms(1);
	}
	return a;
}

/* Within a second, but for a few times on a busy machine. */
static void get_each_time(int tries)
{
	int late = 0;
	for (int i = 0; i < tries; i++) {
		int64_t before = now_ms();
		void *block = mempool_get_wait(pool, HANG_MS);
		ck_assert_msg(block != NULL, "try %d of %d: errno %d", i, tries, errno);
		ck_assert_int_eq(mempool_put(pool, block), 0);
		late += now_ms() - before > 1000;
	}
	ck_assert_int_le(late, 1 + tries / 10);
}

START_TEST(a_block_is_had_beside_a_greedy_peer_each_time)
{
	begin();
	struct actor peer = greedy("greedy 0");
	get_each_time(TRIES);
	actor_kill(&peer);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	ck_assert(is_sound());
	end();
}
END_TEST

/* Who puts once in a while and gets it back at once. */
START_TEST(a_block_is_had_beside_a_peer_that_seldom_puts)
{
	begin();
	struct actor peer = greedy("greedy 100");
	get_each_time(20);
	actor_kill(&peer);
	end();
}
END_TEST

/* @change: of the attributes of a pool that takes the usual one's place. */
static void begin_with(void (*change)(struct mempool_attr *attr))
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	service_start(&service);
	conn = service_connect();
	attr.block_size = 64;
	attr.blocks = BLOCKS;
	change(&attr);
	ck_assert_int_eq(mempool_create(conn, "frames", &attr, &pool), 0);
}

static void of_one_block(struct mempool_attr *attr)
{
	attr->blocks = 1;
}

static void without_caches(struct mempool_attr *attr)
{
	attr->blocks = 10;
	attr->thread_cache = MEMPOOL_NO_CACHE;
}

START_TEST(a_pool_of_one_block_goes_back_and_forth)
{
	begin_with(of_one_block);
	struct actor peer = greedy("greedy 0");
	get_each_time(TRIES);
	actor_kill(&peer);
	end();
}
END_TEST

START_TEST(a_pool_without_caches_goes_back_and_forth)
{
	begin_with(without_caches);
	struct actor peer = greedy("greedy 0");
	get_each_time(TRIES);
	actor_kill(&peer);
	end();
}
END_TEST

START_TEST(the_deadline_is_kept)
{
	begin();
	struct actor peer = holder(BLOCKS);
	int64_t before = now_ms();
	ck_assert_ptr_null(mempool_get_wait(pool, 250));
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_int_ge(now_ms() - before, 250);
	ck_assert_ptr_null(mempool_get_wait(pool, 0));
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_ptr_null(mempool_get_wait(pool, -2));
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_uint_eq(stats().waits, 1);
	ck_assert_uint_lt(stats().failures, 20); /* it slept, and did not ask all the time */
	actor_kill(&peer);
	end();
}
END_TEST

/* Each in its own way brings blocks to who waits. @told: by a command; NULL: by its death. */
static void someone_brings(const char *told)
{
	struct actor peer = holder(BLOCKS);
	waiter = holder(0);
	actor_tell(&waiter, "wait 30000");
	sleep_ms(150);
	if (told) {
		ck_assert_int_eq(actor_ask(&peer, "%s", told), 0);
	} else {
		actor_kill(&peer);
	}
	ck_assert_int_eq(actor_hear(&waiter), 0);
	actor_kill(&waiter);
	if (told) {
		actor_kill(&peer);
	}
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
}

START_TEST(a_put_a_close_or_a_death_brings_the_block)
{
	begin();
	someone_brings("put 1");
	someone_brings("put 500");
	someone_brings("force");
	someone_brings(NULL);
	end();
}
END_TEST

static int64_t wake_by_put(void)
{
	/* So that the owner has a magazine with room, and the put is of the fast kind. */
	ck_assert_int_eq(actor_ask(&owner, "put 1"), 0);
	ck_assert_int_eq(actor_ask(&owner, "get 1"), 0);
	actor_tell(&waiter, "wait 30000");
	sleep_ms(SLEEP_MS);
	int64_t before = now_ms();
	ck_assert_int_eq(actor_ask(&owner, "put 1"), 0);
	ck_assert_int_eq(actor_hear(&waiter), 0);
	return now_ms() - before;
}

static int64_t wake_by_death(void)
{
	struct actor peer = holder(0);
	ck_assert_int_eq(actor_ask(&waiter, "put 1"), 0);
	ck_assert_int_eq(actor_ask(&peer, "get 1"), 0);
	actor_tell(&waiter, "wait 30000");
	sleep_ms(SLEEP_MS);
	int64_t before = now_ms();
	actor_kill(&peer);
	ck_assert_int_eq(actor_hear(&waiter), 0);
	return now_ms() - before;
}

START_TEST(who_waits_is_woken_by_puts_and_deaths)
{
	begin();
	waiter = holder(1);
	owner = holder(BLOCKS - 1);
	ck_assert(is_woken_promptly(wake_by_put));
	ck_assert(is_woken_promptly(wake_by_death));
	actor_kill(&waiter);
	actor_kill(&owner);
	end();
}
END_TEST

/* What a waiter that was killed leaves behind is one look, not a hang. */
START_TEST(killed_waiters_cost_the_living_little)
{
	begin();
	struct actor peer = greedy("greedy 0");
	for (int i = 0; i < 30; i++) {
		waiter = holder(0);
		actor_tell(&waiter, "wait -1");
		sleep_ms(i % 4);
		actor_kill(&waiter);
		get_each_time(1);
	}
	actor_kill(&peer);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	ck_assert(is_sound());
	end();
}
END_TEST

START_TEST(killed_putters_leave_nobody_asleep)
{
	begin();
	for (int i = 0; i < 30; i++) {
		struct actor peer = greedy("greedy 0");
		sleep_ms(i % 4);
		actor_kill(&peer);
		get_each_time(1);
		ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	}
	end();
}
END_TEST

START_TEST(many_wait_and_each_is_served)
{
	begin();
	struct actor peer = holder(BLOCKS), waiters[8];
	for (int i = 0; i < 8; i++) {
		waiters[i] = holder(0);
		actor_tell(&waiters[i], "wait 30000");
	}
	sleep_ms(100);
	actor_kill(&waiters[3]);
	for (int i = 0; i < 8; i++) {
		ck_assert_int_eq(actor_ask(&peer, "put 1"), 0);
	}
	for (int i = 0; i < 8; i++) {
		if (i != 3) {
			ck_assert_int_eq(actor_hear(&waiters[i]), 0);
			actor_kill(&waiters[i]);
		}
	}
	actor_kill(&peer);
	end();
}
END_TEST

static bool is_somebody_waiting(void *unused)
{
	(void)unused;
	return stats().waits > 0;
}

static void *wait_long(void *result)
{
	*(void **)result = mempool_get_wait(pool, HANG_MS);
	return NULL;
}

START_TEST(a_pool_is_not_closed_under_a_waiter)
{
	begin();
	struct actor peer = holder(BLOCKS);
	pthread_t thread;
	void *block = NULL;
	pthread_create(&thread, NULL, wait_long, &block);
	ck_assert(wait_until(is_somebody_waiting, NULL, HANG_MS));
	ck_assert_int_eq(mempool_close(pool), -EBUSY);
	ck_assert_int_eq(mempool_close_force(pool), -EBUSY);
	ck_assert_int_eq(actor_ask(&peer, "put 1"), 0);
	pthread_join(thread, NULL);
	ck_assert_ptr_nonnull(block);
	actor_kill(&peer);
	end();
}
END_TEST

static volatile sig_atomic_t signals;

static void on_signal(int signal)
{
	(void)signal;
	/* Between its looks the waiter is inside no call. */
	signals += mempool_get(pool) == NULL && errno != EDEADLK;
}

START_TEST(signals_do_not_end_the_wait)
{
	begin();
	struct actor peer = holder(BLOCKS);
	struct itimerval often = {.it_interval = {.tv_usec = 3000}, .it_value = {.tv_usec = 3000}};
	signal(SIGALRM, on_signal);
	setitimer(ITIMER_REAL, &often, NULL);
	int64_t before = now_ms();
	ck_assert_ptr_null(mempool_get_wait(pool, 300));
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_int_ge(now_ms() - before, 300);
	often.it_value = often.it_interval = (struct timeval){0};
	setitimer(ITIMER_REAL, &often, NULL);
	ck_assert_int_gt(signals, 0);
	actor_kill(&peer);
	end();
}
END_TEST

SUITE("waiting", a_block_is_had_beside_a_greedy_peer_each_time,
      a_block_is_had_beside_a_peer_that_seldom_puts, a_pool_of_one_block_goes_back_and_forth,
      a_pool_without_caches_goes_back_and_forth, the_deadline_is_kept,
      a_put_a_close_or_a_death_brings_the_block, who_waits_is_woken_by_puts_and_deaths,
      killed_waiters_cost_the_living_little, killed_putters_leave_nobody_asleep,
      many_wait_and_each_is_served, a_pool_is_not_closed_under_a_waiter,
      signals_do_not_end_the_wait)
