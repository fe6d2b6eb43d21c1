/* SPDX-License-Identifier: MIT */
/* Processes die, stop, exec, fork, close everything: what they held, and what others notice. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/story.h"

/* However busy the machine is: not within each, but within one. */
START_TEST(what_the_killed_held_is_back_within_a_second)
{
	begin();
	int64_t took = INT64_MAX;
	for (int i = 0; i < 10 && took > 1000; i++) {
		struct actor a = holder(500);
		actor_kill(&a);
		int64_t before = now_ms();
		ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
		took = now_ms() - before;
		ck_assert(wait_until(is_alone, NULL, HANG_MS));
	}
	ck_assert_int_le(took, 1000);
	ck_assert(is_sound());
	ck_assert_uint_ge(stats().recovered, 500);
	end();
}
END_TEST

START_TEST(what_an_exited_process_held_is_back)
{
	begin();
	struct actor a = holder(500);
	ck_assert_int_eq(actor_ask(&a, "exit"), INT64_MIN);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	actor_kill(&a);
	end();
}
END_TEST

/* The pid lives on, and so does the socket of its parent: only the lock tells. */
START_TEST(exec_is_death_to_the_pool)
{
	begin();
	struct actor a = holder(500);
	ck_assert_int_eq(actor_ask(&a, "exec"), 0);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	ck_assert_int_eq(actor_ask(&a, "open frames"), 0);
	ck_assert_int_eq(actor_ask(&a, "get 10"), 0);
	actor_kill(&a);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	end();
}
END_TEST

START_TEST(closing_all_descriptors_is_not_death)
{
	begin();
	struct actor a = holder(500);
	ck_assert_int_eq(actor_ask(&a, "closefrom"), 0);
	sleep_ms(300);
	ck_assert_uint_eq(stats().used, 500);
	ck_assert_int_eq(actor_ask(&a, "put 500"), 0);
	ck_assert_int_eq(actor_ask(&a, "open frames"), 0);
	ck_assert_int_eq(actor_ask(&a, "get 20"), 0);
	actor_kill(&a);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	end();
}
END_TEST

START_TEST(a_stopped_process_keeps_its_blocks_for_5_s)
{
	begin();
	struct actor a = holder(100), churner = holder(0);
	actor_tell(&churner, "churn");
	kill(a.pid, SIGSTOP);
	int64_t until = now_ms() + 5000;
	while (now_ms() < until) {
		ck_assert_uint_ge(stats().used, 100);
		ck_assert_uint_ge(obtainable(), BLOCKS - 100 - 4 * 24);
	}
	kill(a.pid, SIGCONT);
	ck_assert_int_eq(actor_ask(&a, "put 100"), 0);
	actor_kill(&a);
	actor_kill(&churner);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	end();
}
END_TEST

START_TEST(a_forked_child_is_told_and_its_death_is_no_bodys)
{
	begin();
	struct actor a = holder(100);
	ck_assert_int_eq(actor_ask(&a, "fork"), ECHILD);
	sleep_ms(100);
	ck_assert_uint_eq(stats().used, 100);
	ck_assert_int_eq(actor_ask(&a, "put 100"), 0);
	actor_kill(&a);
	end();
}
END_TEST

/* A child that opens the pool itself; @mine is its parent's block. 0, or which step failed. */
static int be_child(void *mine)
{
	struct mempool_conn *own;
	struct mempool *p;

	if (mempool_get(pool) || errno != ECHILD || mempool_put(pool, mine) != -ECHILD) {
		return 1;
	}
	if (mempool_close(pool) != -ECHILD || mempool_open(conn, "frames", 0, &p) != -ECHILD) {
		return 2;
	}
	mempool_disconnect(conn);
	if (mempool_connect(&own, NULL) != 0 || mempool_open(own, "frames", 0, &p) != 0) {
		return 3;
	}
	if (!mempool_get(p) || mempool_put(p, mempool_block_at(p, 0)) != -EPERM) {
		return 4;
	}
	/* In the place of the parent's handle there is a pool of the child's own now. */
	if (mempool_get(pool) || errno != ECHILD || mempool_put(pool, mine) != -ECHILD) {
		return 5;
	}
	return mempool_flush(pool) == -ECHILD ? 0 : 6;
}

START_TEST(a_forked_child_opens_for_itself)
{
	begin();
	void *mine = mempool_get(pool);
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		_exit(be_child(mine));
	}
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	ck_assert_uint_eq(stats().used, 1);
	end();
}
END_TEST

static void *get_and_put(void *unused)
{
	(void)unused;
	void *blocks[40];
	ck_assert_int_eq(mempool_get_bulk(pool, blocks, 40), 0);
	ck_assert_int_eq(mempool_put_bulk(pool, blocks, 40), 0);
	return NULL;
}

static volatile unsigned handled;

static void get_and_put_in_handler(int signal)
{
	int saved = errno;
	(void)signal;
	void *block = mempool_get(pool);
	if (block && mempool_put(pool, block) == 0) {
		handled++;
	}
	errno = saved;
}

static void *get_and_put_once(void *over)
{
	void *block = mempool_get(pool);
	if (block) {
		mempool_put(pool, block);
	}
	__atomic_store_n((int *)over, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

/* Handlers that interrupt a thread anywhere, its first call included. */
START_TEST(a_signal_handler_may_call_at_any_moment)
{
	begin();
	struct sigaction action = {.sa_handler = get_and_put_in_handler, .sa_flags = SA_RESTART};
	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < 500; i++) {
		pthread_t thread;
		int over = 0;
		ck_assert_int_eq(pthread_create(&thread, NULL, get_and_put_once, &over), 0);
		while (!__atomic_load_n(&over, __ATOMIC_SEQ_CST)) {
			pthread_kill(thread, SIGUSR1);
		}
		pthread_join(thread, NULL);
	}
	ck_assert_uint_gt(handled, 0);
	ck_assert_uint_eq(stats().cached, 0);
	ck_assert_uint_eq(obtainable(), BLOCKS);
	ck_assert(is_sound());
	end();
}
END_TEST

START_TEST(a_thread_that_exits_caches_nothing)
{
	begin();
	for (int i = 0; i < 100; i++) {
		pthread_t thread;
		ck_assert_int_eq(pthread_create(&thread, NULL, get_and_put, NULL), 0);
		pthread_join(thread, NULL);
	}
	struct mempool_stats s = stats();
	ck_assert_uint_eq(s.cached, 0);
	ck_assert_uint_eq(s.free, BLOCKS);
	ck_assert_uint_eq(s.gets, 4000);
	end();
}
END_TEST

START_TEST(gifts_of_the_dead_lapse_when_their_grace_is_over)
{
	begin();
	struct actor a = holder(1);
	uint64_t lapsed = (uint64_t)actor_ask(&a, "give");
	actor_kill(&a);
	ck_assert(wait_until(is_nothing_used, NULL, HANG_MS));
	ck_assert_ptr_null(mempool_take(pool, (struct mempool_token){lapsed}));
	ck_assert_int_eq(errno, ESTALE);
	ck_assert_uint_eq(obtainable(), BLOCKS);
	end();
}
END_TEST

START_TEST(seats_of_the_dead_are_free_again)
{
	begin();
	for (int i = 0; i < 300; i++) {
		struct actor a;
		actor_start(&a);
		ck_assert_int_eq(actor_ask(&a, "open frames"), 0);
		ck_assert_int_eq(actor_ask(&a, "get 3"), 0);
		actor_kill(&a);
	}
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	ck_assert_uint_eq(obtainable(), BLOCKS);
	end();
}
END_TEST

SUITE("death", what_the_killed_held_is_back_within_a_second, what_an_exited_process_held_is_back,
      exec_is_death_to_the_pool, closing_all_descriptors_is_not_death,
      a_stopped_process_keeps_its_blocks_for_5_s, a_forked_child_is_told_and_its_death_is_no_bodys,
      a_forked_child_opens_for_itself, a_signal_handler_may_call_at_any_moment,
      a_thread_that_exits_caches_nothing, gifts_of_the_dead_lapse_when_their_grace_is_over,
      seats_of_the_dead_are_free_again)
