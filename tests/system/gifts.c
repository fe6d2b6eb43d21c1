/* SPDX-License-Identifier: MIT */
/* Gifts between processes, one and many: what becomes of them when either end is killed. */
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "tests/system/story.h"

#define MANY 40

static void *blocks[MANY];
static struct mempool_token tokens[MANY];

static void give_many(void)
{
	ck_assert_int_eq(mempool_get_bulk(pool, blocks, MANY), 0);
	ck_assert_int_eq(mempool_give_bulk(pool, blocks, tokens, MANY), 0);
}

START_TEST(a_bulk_is_given_and_taken)
{
	begin();
	give_many();
	struct actor a = holder(0);
	for (int i = 0; i < MANY; i++) {
		ck_assert_int_eq(actor_ask(&a, "take %ld", (long)tokens[i].v), 0);
	}
	ck_assert_int_eq(actor_ask(&a, "take %ld", (long)tokens[0].v), -ESTALE);
	ck_assert_int_eq(actor_ask(&a, "put %d", MANY), 0);
	actor_kill(&a);
	end();
}
END_TEST

START_TEST(a_bulk_is_given_whole_or_not_at_all)
{
	begin();
	ck_assert_int_eq(mempool_get_bulk(pool, blocks, MANY), 0);
	void *last = blocks[MANY - 1];
	blocks[MANY - 1] = blocks[3];
	ck_assert_int_eq(mempool_give_bulk(pool, blocks, tokens, MANY), -EPERM);
	blocks[MANY - 1] = (char *)last + 1;
	ck_assert_int_eq(mempool_give_bulk(pool, blocks, tokens, MANY), -EINVAL);
	blocks[MANY - 1] = last;
	ck_assert_uint_eq(stats().used, MANY);
	ck_assert_int_eq(mempool_put_bulk(pool, blocks, MANY), 0);
	end();
}
END_TEST

START_TEST(stale_tokens_of_a_bulk_leave_holes)
{
	begin();
	give_many();
	void *had[MANY];
	ck_assert_ptr_nonnull(mempool_take(pool, tokens[5]));
	ck_assert_int_eq(mempool_take_bulk(pool, tokens, had, MANY), MANY - 1);
	ck_assert_ptr_null(had[5]);
	had[5] = blocks[5];
	ck_assert_mem_eq(had, blocks, sizeof had);
	ck_assert_int_eq(mempool_take_bulk(pool, tokens, had, MANY), 0);
	ck_assert_int_eq(mempool_put_bulk(pool, blocks, MANY), 0);
	end();
}
END_TEST

/* A receiver got the tokens and was killed before it took all: the giver finds out what is left. */
START_TEST(gifts_whose_receiver_died_are_listed_and_withdrawn)
{
	begin();
	give_many();
	struct actor a = holder(0);
	for (int i = 0; i < 10; i++) {
		ck_assert_int_eq(actor_ask(&a, "take %ld", (long)tokens[i].v), 0);
	}
	actor_kill(&a);
	struct mempool_token left[MANY];
	void *had[MANY];
	ck_assert_int_eq(mempool_gifts(pool, left, 4), MANY - 10);
	ck_assert_int_eq(mempool_gifts(pool, left, MANY), MANY - 10);
	ck_assert_int_eq(mempool_withdraw_bulk(pool, left, had, MANY - 10), MANY - 10);
	ck_assert_int_eq(mempool_gifts(pool, left, MANY), 0);
	ck_assert_int_eq(mempool_put_bulk(pool, had, MANY - 10), 0);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	end();
}
END_TEST

START_TEST(nobody_withdraws_what_another_gave)
{
	begin();
	give_many();
	struct actor a = holder(0);
	ck_assert_int_eq(actor_ask(&a, "withdraw %ld", (long)tokens[0].v), -EPERM);
	ck_assert_int_eq(actor_ask(&a, "gifts"), 0);
	void *had[MANY];
	ck_assert_int_eq(mempool_withdraw_bulk(pool, tokens, had, MANY), MANY);
	ck_assert_int_eq(mempool_put_bulk(pool, had, MANY), 0);
	actor_kill(&a);
	end();
}
END_TEST

static void begin_with(uint32_t quota, uint32_t grace_ms)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	service_start(&service);
	conn = service_connect();
	attr.block_size = 64;
	attr.blocks = BLOCKS;
	attr.quota = quota;
	attr.gift_grace_ms = grace_ms;
	ck_assert_int_eq(mempool_create(conn, "frames", &attr, &pool), 0);
}

static bool is_one_used(void *unused)
{
	(void)unused;
	return stats().used == 1;
}

/* The daemon has taken its block back, and not its gifts. That they lapse: see death.c. */
START_TEST(a_dead_givers_gifts_can_be_taken_within_the_grace)
{
	begin_with(0, 10 * HANG_MS);
	void *mine = mempool_get(pool);
	struct actor a = holder(3);
	struct mempool_token first = {(uint64_t)actor_ask(&a, "give")};
	struct mempool_token second = {(uint64_t)actor_ask(&a, "give")};
	actor_kill(&a);
	ck_assert(wait_until(is_one_used, NULL, HANG_MS));
	ck_assert_uint_eq(stats().moving, 2);
	ck_assert_int_eq(mempool_put(pool, mempool_take(pool, first)), 0);
	ck_assert_uint_eq(stats().moving, 1);
	ck_assert_int_eq(mempool_put(pool, mempool_take(pool, second)), 0);
	ck_assert_int_eq(mempool_put(pool, mine), 0);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	end();
}
END_TEST

START_TEST(a_quota_limits_what_a_process_owns)
{
	begin_with(10, 0);
	struct mempool_channel *in, *out;
	struct actor a = holder(10);
	ck_assert_int_eq(actor_ask(&a, "get 1"), -EDQUOT);
	ck_assert_int_eq(actor_ask(&a, "wait 5000"), -EDQUOT);
	ck_assert_int_eq(actor_ask(&a, "bulk 3"), -EDQUOT);
	struct mempool_token token = {(uint64_t)actor_ask(&a, "give")};
	ck_assert_int_eq(actor_ask(&a, "bulk 2"), -EDQUOT);
	ck_assert_int_eq(actor_ask(&a, "get 1"), 0);
	ck_assert_int_eq(actor_ask(&a, "take %ld", (long)token.v), -EDQUOT);
	ck_assert_int_eq(actor_ask(&a, "withdraw %ld", (long)token.v), 0);
	ck_assert_int_eq(actor_ask(&a, "put 2"), 0);
	ck_assert_int_eq(actor_ask(&a, "get 1"), 0);
	ck_assert_int_eq(actor_ask(&a, "put 10"), 0);
	ck_assert_int_eq(actor_ask(&a, "bulk 10"), 0);
	actor_kill(&a);
	/* By channel: what may not be had stays there. */
	ck_assert_int_eq(mempool_channel_open(pool, 0, MEMPOOL_CHANNEL_RECEIVE, &in), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 0, 0, &out), 0);
	ck_assert_int_eq(mempool_get_bulk(pool, blocks, 10), 0);
	ck_assert_int_eq(mempool_channel_send_bulk(out, blocks, 4, 0), 4);
	ck_assert_int_eq(mempool_get_bulk(pool, blocks, 2), 0);
	void *had[MANY];
	ck_assert_int_eq(mempool_channel_receive_bulk(in, had, 4, 0), 2);
	ck_assert_int_eq(mempool_channel_receive_bulk(in, had + 2, 2, 0), -EDQUOT);
	ck_assert_int_eq(mempool_put_bulk(pool, had, 2), 0);
	ck_assert_int_eq(mempool_channel_receive_bulk(in, had, 4, 0), 2);
	end();
}
END_TEST

/* 64 threads sit on full magazines; one getter has every free block. */
START_TEST(no_free_block_is_stranded_with_idle_threads)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	static void *all[4000];

	service_start(&service);
	conn = service_connect();
	attr.block_size = 64;
	attr.blocks = 4000;
	attr.threads = 128;
	attr.thread_cache = 48;
	ck_assert_int_eq(mempool_create(conn, "frames", &attr, &pool), 0);
	struct actor a = holder(0);
	ck_assert_int_eq(actor_ask(&a, "idle 64 48"), 0);
	ck_assert_uint_ge(stats().cached, 64 * 48);
	for (size_t i = 0; i < 4000; i++) {
		all[i] = mempool_get(pool);
		ck_assert_msg(all[i] != NULL, "block %zu: errno %d", i, errno);
	}
	ck_assert_ptr_null(mempool_get(pool));
	ck_assert_int_eq(errno, ENOMEM);
	ck_assert_uint_eq(stats().used, 4000);
	ck_assert(is_sound());
	ck_assert_int_eq(mempool_put_bulk(pool, all, 4000), 0);
	actor_kill(&a);
	end();
}
END_TEST

/* ---- a bulk that another thread disturbs ---- */

static atomic_int round_begun, round_done, given;
#define OVER INT_MAX    /* the round that ends the thread */
static int withdrawn;   /* blocks the thread has withdrawn in this round */
static bool last_given; /* the thread has given the last block away before the bulk could */

static int await(atomic_int *counter, int round)
{
	for (int i = 0; *counter < round; i++) {
		if (i > 10000) {
			sched_yield(); /* there may be one CPU */
		}
	}
	return *counter;
}

/* Gives the last block of the bulk, and withdraws all other gifts that it sees. */
static void *disturb(void *unused)
{
	struct mempool_token mine, seen[MANY + 1];
	void *block;

	for (int round = 1; await(&round_begun, round) != OVER; round++) {
		for (int i = round % 200; i > 0; i--) {
			atomic_signal_fence(memory_order_seq_cst);
		}
		mine = mempool_give(pool, blocks[MANY - 1]);
		last_given = mine.v != 0;
		withdrawn = 0;
		do {
			ssize_t n = mempool_gifts(pool, seen, MANY + 1);
			for (ssize_t i = 0; i < n; i++) {
				if (seen[i].v != mine.v) {
					block = mempool_withdraw(pool, seen[i]);
					withdrawn += block != NULL;
				}
			}
		} while (given < round);
		round_done = round;
	}
	return unused;
}

/* Whoever is told that none was given has all blocks, but the last, which the thread gave. */
static void check_undone(int result, const struct mempool_token *got)
{
	int kept = 0;

	for (int i = 0; i < MANY; i++) {
		kept += got[i].v != 0;
	}
	ck_assert_int_eq(result, kept > 0 ? -ESTALE : -EPERM);
	ck_assert_int_eq(withdrawn, kept);
}

START_TEST(a_disturbed_bulk_says_which_gifts_are_gone)
{
	int undone = 0;
	pthread_t thread;

	begin();
	ck_assert_int_eq(mempool_get_bulk(pool, blocks, MANY), 0);
	pthread_create(&thread, NULL, disturb, NULL);
	/* With one CPU the bulk is seldom disturbed. */
	int64_t end_at = now_ms() + 2000;
	for (int round = 1; undone < 100 && now_ms() < end_at; round++) {
		memset(tokens, 0, sizeof tokens);
		round_begun = round;
		int result = mempool_give_bulk(pool, blocks, tokens, MANY);
		given = round;
		await(&round_done, round);
		if (result != 0 && last_given) {
			check_undone(result, tokens);
			undone += result == -ESTALE;
		}
		struct mempool_token left[MANY];
		ssize_t n = mempool_gifts(pool, left, MANY);
		void *back[MANY];
		ck_assert_int_eq(mempool_withdraw_bulk(pool, left, back, (size_t)n), n);
		ck_assert_uint_eq(stats().used, MANY);
	}
	round_begun = OVER;
	pthread_join(thread, NULL);
	ck_assert_int_eq(mempool_put_bulk(pool, blocks, MANY), 0);
	end();
}
END_TEST

SUITE("gifts", a_bulk_is_given_and_taken, a_bulk_is_given_whole_or_not_at_all,
      stale_tokens_of_a_bulk_leave_holes, gifts_whose_receiver_died_are_listed_and_withdrawn,
      nobody_withdraws_what_another_gave, a_dead_givers_gifts_can_be_taken_within_the_grace,
      a_quota_limits_what_a_process_owns, no_free_block_is_stranded_with_idle_threads,
      a_disturbed_bulk_says_which_gifts_are_gone)
