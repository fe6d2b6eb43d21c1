/* SPDX-License-Identifier: MIT */
/* The census: it finds none only when none is free, wherever a free block may be. */
#include <string.h>

#include "lib/core/census.h"
#include "lib/core/collect.h"
#include "lib/core/pass.h"
#include "lib/core/pressure.h"
#include "lib/core/slot.h"
#include "tests/support/arena.h"
#include "tests/unit/suite.h"

#define BLOCKS 40

static struct arena arena;
static struct member me, other;
static unsigned char owners[BLOCKS];

/* @me has all blocks but one, which is @other's. */
static uint32_t begin(void)
{
	uint32_t last;

	arena_make(&arena, (struct mp_shape){.blocks = BLOCKS, .n_caches = 4, .n_shards = 2});
	arena_seat(&arena, 0, &me);
	arena_seat(&arena, 1, &other);
	ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS);
	for (last = 0; owners[last] != 1; last++) {
	}
	ck_assert_int_eq(member_put(&me, last), 0);
	member_flush(&me);
	ck_assert_int_eq(member_get(&other, &last), 0);
	ck_assert(mp_census_finds_none(&me.pool));
	return last;
}

START_TEST(a_block_in_an_idle_cache_is_free)
{
	uint32_t last = begin();

	ck_assert_int_eq(member_put(&other, last), 0);
	ck_assert(!mp_census_finds_none(&me.pool));
}
END_TEST

START_TEST(a_block_in_the_cache_of_a_thread_inside_a_call_is_free)
{
	uint32_t last = begin(), index;

	ck_assert_int_eq(member_put(&other, last), 0);
	ck_assert(mp_enter(other.local.cache));
	ck_assert(!mp_census_finds_none(&me.pool));
	ck_assert_int_eq(member_get(&me, &index), -EAGAIN);
	mp_leave(other.local.cache);
	ck_assert_int_eq(member_get(&me, &index), 0);
	ck_assert_int_eq(member_get(&me, &index), -ENOMEM);
}
END_TEST

START_TEST(a_block_in_the_depot_is_free)
{
	uint32_t last = begin();

	ck_assert_int_eq(member_put(&other, last), 0);
	member_flush(&other);
	ck_assert(!mp_census_finds_none(&me.pool));
}
END_TEST

/* Its record has no owner any more: what it cached is in the depot, or was announced. */
START_TEST(what_an_ended_thread_cached_is_free)
{
	for (int locked = 0; locked < 2; locked++) {
		uint32_t last = begin(), index;
		ck_assert_int_eq(member_put(&other, last), 0);
		for (uint32_t s = 0; locked && s < 2; s++) {
			pthread_mutex_lock(&arena.daemon.shards[s].lock);
		}
		mp_local_finish(&other.pool, &other.local);
		ck_assert(!mp_census_finds_none(&me.pool));
		for (uint32_t s = 0; locked && s < 2; s++) {
			pthread_mutex_unlock(&arena.daemon.shards[s].lock);
		}
		ck_assert_int_eq(member_get(&me, &index), 0);
		ck_assert(mp_census_finds_none(&me.pool));
		memset(owners, 0, sizeof owners);
		arena_free(&arena);
	}
}
END_TEST

/* It was killed when it had the magazine and not yet noted it; somebody has repaired the shard. */
START_TEST(what_the_dead_had_just_taken_out_of_the_depot_is_free)
{
	uint32_t last = begin(), taken;

	ck_assert_int_eq(member_put(&other, last), 0);
	member_flush(&other);
	ck_assert_int_eq(mp_depot_exchange(&other.pool, 0, other.local.record, MP_WANT_BLOCKS,
					   MP_NONE, &taken),
			 0);
	mp_store(&other.local.cache->hands, mp_hands(MP_NONE, MP_NONE));
	ck_assert(!mp_census_finds_none(&me.pool));
}
END_TEST

/* Its lock's holder may be about to put a block there, or may have taken one and not noted it. */
START_TEST(a_shard_that_somebody_changes_may_have_one)
{
	begin();
	struct mp_shard *s = &arena.daemon.shards[1];
	uint32_t changes = mp_load(&s->changes);
	mp_store(&s->changes, changes | 1);
	ck_assert(!mp_census_finds_none(&me.pool));
	mp_store(&s->changes, changes + 2);
	ck_assert(mp_census_finds_none(&me.pool));
}
END_TEST

START_TEST(a_reclaimed_block_is_free)
{
	uint32_t last = begin();

	mp_store(&arena.daemon.words[last].low, mp_word_low(MP_RECLAIMED, 0));
	mp_announce(&arena.daemon);
	ck_assert(!mp_census_finds_none(&me.pool));
}
END_TEST

/* From the death to the end of the pass, step by step. */
START_TEST(what_the_dead_cached_is_free_before_during_and_after_the_pass)
{
	static struct mp_dead dead[MP_SLOTS_MAX];
	struct mp_pass pass;
	uint32_t last = begin(), index, steps = 0;

	ck_assert_int_eq(member_put(&other, last), 0);
	mp_slot_bury(&arena.daemon, 1);
	mp_pass_add(dead, 1, true);
	mp_pass_init(&pass, dead);
	do {
		ck_assert(!mp_census_finds_none(&me.pool));
		steps++;
	} while (!mp_pass_step(&arena.daemon, &pass, 1));
	dead[1].passed = false;
	ck_assert_uint_gt(steps, 4);
	ck_assert(!mp_census_finds_none(&me.pool));
	ck_assert_int_eq(member_get(&me, &index), 0);
	ck_assert_int_eq(member_get(&me, &index), -ENOMEM);
}
END_TEST

/* Entries whose words say another thing are what a crash left. */
START_TEST(leftovers_are_not_free)
{
	uint32_t last = begin();

	ck_assert_int_eq(member_put(&other, last), 0);
	mp_store(&arena.daemon.words[last].low, other.pool.used);
	ck_assert_uint_eq(mp_load(&other.local.loaded.magazine->count), 1);
	ck_assert(mp_census_finds_none(&me.pool));
}
END_TEST

/* Somebody has scribbled on the hands: indices beyond the magazines are of none. */
START_TEST(hands_out_of_range_are_empty)
{
	begin();
	mp_store(&other.local.cache->hands, mp_hands(0x7fffffff, 0xfffffff0));
	ck_assert(mp_census_finds_none(&me.pool));
}
END_TEST

SUITE("census", a_block_in_an_idle_cache_is_free,
      a_block_in_the_cache_of_a_thread_inside_a_call_is_free, a_block_in_the_depot_is_free,
      what_the_dead_had_just_taken_out_of_the_depot_is_free, what_an_ended_thread_cached_is_free,
      a_shard_that_somebody_changes_may_have_one, a_reclaimed_block_is_free,
      what_the_dead_cached_is_free_before_during_and_after_the_pass, leftovers_are_not_free,
      hands_out_of_range_are_empty)
