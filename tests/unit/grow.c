/* SPDX-License-Identifier: MIT */
/* Growing: newborn blocks can be got, each once, also when the daemon began anew in the middle. */
#include "lib/core/grow.h"
#include "tests/support/arena.h"
#include "tests/unit/suite.h"

#define MOST 1000

static struct arena arena;
static struct member one, other;
static unsigned char owners[MOST];

static void begin(void)
{
	arena_make(&arena, (struct mp_shape){.blocks = 30, .max_blocks = MOST, .n_caches = 4});
	arena_seat(&arena, 0, &one);
	arena_seat(&arena, 1, &other);
}

/* Lays words up to @to, as far as @steps go. */
static bool grow(uint32_t from, uint32_t to, int steps)
{
	struct mp_growth growth;
	bool done = false;

	mp_grow_init(&growth, from, to);
	while (!done && steps-- > 0) {
		done = mp_grow_step(&arena.daemon, &growth, 10, 7);
	}
	if (done) {
		arena.daemon.shape.blocks = to;
	}
	return done;
}

START_TEST(a_pool_has_no_more_than_its_blocks)
{
	begin();
	ck_assert_uint_eq(mp_pool_born(&one.pool), 30);
	ck_assert_uint_eq(member_drain(&one, owners, 1), 30);
	ck_assert_int_eq(member_put(&one, 30), -EINVAL);
	ck_assert_int_eq(member_put(&one, MOST - 1), -EINVAL);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(newborn_blocks_are_found_by_who_has_it_open)
{
	begin();
	ck_assert_uint_eq(member_drain(&one, owners, 1), 30);
	ck_assert(grow(30, 500, 100));
	ck_assert_uint_eq(mp_pool_born(&one.pool), 500);
	ck_assert_uint_eq(member_drain(&other, owners, 2), 470);
	ck_assert(grow(500, MOST, 100));
	ck_assert_uint_eq(member_drain(&one, owners, 1), 500);
	for (uint32_t i = 0; i < MOST; i++) {
		ck_assert_int_eq(member_put(owners[i] == 1 ? &one : &other, i), 0);
	}
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(growing_by_single_blocks_leaves_room_for_all)
{
	begin();
	for (uint32_t n = 30; n < MOST; n++) {
		ck_assert(grow(n, n + 1, 2));
	}
	ck_assert_uint_eq(member_drain(&one, owners, 1), MOST);
	for (uint32_t i = 0; i < MOST; i++) {
		ck_assert_int_eq(member_put(&one, i), 0);
	}
	ck_assert_ptr_null(arena_audit(&arena));
	ck_assert(!mp_collect_pending(&one.pool)); /* none had to be left loose */
}
END_TEST

START_TEST(a_growth_cut_short_is_begun_again)
{
	begin();
	ck_assert(!grow(30, 500, 20)); /* 200 of them */
	ck_assert_uint_lt(member_drain(&one, owners, 1), 500);
	ck_assert(grow(30, 500, 100));
	member_drain(&other, owners, 2);
	for (uint32_t i = 0; i < 500; i++) {
		ck_assert_uint_ne(owners[i], 0);
	}
	ck_assert_uint_eq(owners[500], 0);
}
END_TEST

START_TEST(blocks_of_the_dead_among_the_newborn_come_back)
{
	begin();
	ck_assert(grow(30, 500, 100));
	ck_assert_uint_eq(member_drain(&one, owners, 1), 500);
	ck_assert_uint_eq(arena_bury(&arena, 0, true), 500);
	for (uint32_t i = 0; i < 500; i++) {
		owners[i] = 0;
	}
	ck_assert_uint_eq(member_drain(&other, owners, 2), 500);
}
END_TEST

SUITE("grow", a_pool_has_no_more_than_its_blocks, newborn_blocks_are_found_by_who_has_it_open,
      growing_by_single_blocks_leaves_room_for_all, a_growth_cut_short_is_begun_again,
      blocks_of_the_dead_among_the_newborn_come_back)
