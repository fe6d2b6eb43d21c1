/* SPDX-License-Identifier: MIT */
/* Get and put through a thread's cache: every block once, wrong puts refused, all or none. */
#include <string.h>

#include "tests/support/arena.h"
#include "tests/unit/suite.h"

#define BLOCKS 200

static struct arena arena;
static struct member me, other;
static unsigned char owners[BLOCKS];

static void begin(uint32_t n_caches)
{
	arena_make(&arena, (struct mp_shape){.blocks = BLOCKS, .n_caches = n_caches});
	arena_seat(&arena, 0, &me);
	arena_seat(&arena, 1, &other);
}

static void *address(uint32_t index)
{
	return mp_pool_address(&me.pool, index);
}

/* Gets every block, each once, and puts them all, again and again. */
static void get_and_put_all(int rounds)
{
	while (rounds-- > 0) {
		memset(owners, 0, sizeof owners);
		ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS);
		for (uint32_t i = 0; i < BLOCKS; i++) {
			ck_assert_int_eq(member_put(&me, i), 0);
		}
	}
}

START_TEST(every_block_is_got_once)
{
	begin(4);
	ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS);
	uint32_t index;
	ck_assert_int_eq(member_get(&me, &index), -ENOMEM);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(what_was_put_is_got_again)
{
	begin(4);
	get_and_put_all(5);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(without_a_record_it_works_the_same)
{
	begin(0);
	get_and_put_all(3);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(a_flushed_cache_is_anybodys)
{
	begin(4);
	ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		ck_assert_int_eq(member_put(&me, i), 0);
	}
	member_flush(&me);
	memset(owners, 0, sizeof owners);
	ck_assert_uint_eq(member_drain(&other, owners, 2), BLOCKS);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(wrong_puts_are_refused_and_change_nothing)
{
	begin(4);
	uint32_t mine, theirs;
	ck_assert_int_eq(member_get(&me, &mine), 0);
	ck_assert_int_eq(member_get(&other, &theirs), 0);
	mp_enter(me.local.cache);
	ck_assert_int_eq(mp_put(&me.pool, &me.local, address(theirs)), -EPERM);
	ck_assert_int_eq(mp_put(&me.pool, &me.local, (char *)address(mine) + 1), -EINVAL);
	ck_assert_int_eq(mp_put(&me.pool, &me.local, address(BLOCKS)), -EINVAL);
	ck_assert_int_eq(mp_put(&me.pool, &me.local, NULL), -EINVAL);
	ck_assert_int_eq(mp_put(&me.pool, &me.local, address(mine)), 0);
	ck_assert_int_eq(mp_put(&me.pool, &me.local, address(mine)), -EALREADY);
	mp_leave(me.local.cache);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(a_call_inside_a_call_is_refused)
{
	begin(4);
	uint32_t index;
	ck_assert(mp_enter(me.local.cache));
	ck_assert_int_eq(member_get(&me, &index), -EDEADLK);
	mp_leave(me.local.cache);
	ck_assert_int_eq(member_get(&me, &index), 0);
}
END_TEST

START_TEST(bulk_get_is_all_or_none)
{
	void *blocks[BLOCKS + 1];
	begin(4);
	ck_assert_int_eq(member_get_bulk(&me, blocks, BLOCKS + 1), -ENOMEM);
	ck_assert_int_eq(member_get_bulk(&me, blocks, BLOCKS), 0);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		ck_assert_uint_eq(owners[mp_pool_index(&me.pool, blocks[i])]++, 0);
	}
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

/* For each place of the fault in a batch that spans two magazines. */
START_TEST(bulk_put_is_all_or_none)
{
	begin(4);
	uint32_t capacity = me.pool.shape.capacity;
	void *blocks[BLOCKS];
	ck_assert_int_eq(member_get_bulk(&me, blocks, BLOCKS), 0);
	ck_assert_int_eq(member_put_bulk(&me, blocks, 3), 0);
	for (uint32_t at = 0; at < capacity; at++) {
		void *batch[64];
		memcpy(batch, blocks + 3, capacity * sizeof *batch);
		batch[at] = batch[(at + 1) % capacity];
		ck_assert_int_eq(member_put_bulk(&me, batch, capacity), -EALREADY);
		batch[at] = (char *)batch[at] + 1;
		ck_assert_int_eq(member_put_bulk(&me, batch, capacity), -EINVAL);
		batch[at] = blocks[0];
		ck_assert_int_eq(member_put_bulk(&me, batch, capacity), -EALREADY);
	}
	for (uint32_t i = 3; i < BLOCKS; i++) {
		ck_assert_int_eq(member_put(&me, (uint32_t)mp_pool_index(&me.pool, blocks[i])), 0);
	}
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(empty_bulks_do_nothing)
{
	begin(4);
	ck_assert_int_eq(member_get_bulk(&me, NULL, 0), 0);
	ck_assert_int_eq(member_put_bulk(&me, NULL, 0), 0);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(a_thread_that_ends_leaves_nothing_behind)
{
	begin(2);
	ck_assert_uint_eq(member_drain(&me, owners, 1), BLOCKS);
	for (uint32_t i = 0; i < BLOCKS; i++) {
		member_put(&me, i);
	}
	mp_local_finish(&me.pool, &me.local);
	ck_assert_uint_eq(me.local.record, MP_NONE);
	struct member next;
	arena_thread(&other, &next);
	ck_assert_uint_ne(next.local.record, MP_NONE);
	memset(owners, 0, sizeof owners);
	ck_assert_uint_eq(member_drain(&next, owners, 1), BLOCKS);
}
END_TEST

START_TEST(a_thread_without_a_record_finds_one_that_is_freed)
{
	begin(2);
	struct member third;
	uint32_t index;
	arena_thread(&me, &third);
	ck_assert_uint_eq(third.local.record, MP_NONE);
	mp_local_finish(&other.pool, &other.local);
	for (int i = 0; i < 600; i++) {
		ck_assert_int_eq(member_get(&third, &index), 0);
		ck_assert_int_eq(member_put(&third, index), 0);
	}
	ck_assert_uint_ne(third.local.record, MP_NONE);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

SUITE("cache", every_block_is_got_once, what_was_put_is_got_again,
      without_a_record_it_works_the_same, a_flushed_cache_is_anybodys,
      wrong_puts_are_refused_and_change_nothing, a_call_inside_a_call_is_refused,
      bulk_get_is_all_or_none, bulk_put_is_all_or_none, empty_bulks_do_nothing,
      a_thread_that_ends_leaves_nothing_behind, a_thread_without_a_record_finds_one_that_is_freed)
