/* SPDX-License-Identifier: MIT */
/* Quotas: counted for a process, whole or in part, and not at all without one. */
#include "lib/core/quota.h"
#include "tests/support/arena.h"
#include "tests/unit/suite.h"

static struct arena arena;
static struct member one, other;

static void begin(uint32_t quota)
{
	arena_make(&arena, (struct mp_shape){.blocks = 100, .n_caches = 4});
	arena_seat(&arena, 0, &one);
	arena_seat(&arena, 1, &other);
	one.pool.quota = other.pool.quota = quota;
}

START_TEST(a_process_has_its_quota_and_no_more)
{
	begin(10);
	ck_assert(mp_quota_charge(&one.pool, 7));
	ck_assert(!mp_quota_charge(&one.pool, 4));
	ck_assert(mp_quota_charge(&one.pool, 3));
	ck_assert(!mp_quota_charge(&one.pool, 1));
	ck_assert(mp_quota_charge(&other.pool, 10));
	mp_quota_return(&one.pool, 2);
	ck_assert_uint_eq(mp_quota_charge_some(&one.pool, 5), 2);
	ck_assert_uint_eq(mp_quota_charge_some(&one.pool, 5), 0);
}
END_TEST

START_TEST(without_a_quota_nothing_is_counted)
{
	begin(0);
	ck_assert(mp_quota_charge(&one.pool, 1000));
	ck_assert_uint_eq(mp_load(&one.pool.slots[0].owned), 0);
}
END_TEST

START_TEST(what_is_withdrawn_is_counted_beyond_the_quota)
{
	begin(2);
	ck_assert(mp_quota_charge(&one.pool, 2));
	mp_quota_charge_anyway(&one.pool);
	ck_assert_uint_eq(mp_quota_charge_some(&one.pool, 1), 0);
	mp_quota_return(&one.pool, 1);
	ck_assert_uint_eq(mp_quota_charge_some(&one.pool, 1), 0);
	mp_quota_return(&one.pool, 1);
	ck_assert_uint_eq(mp_quota_charge_some(&one.pool, 1), 1);
}
END_TEST

START_TEST(the_next_process_in_the_slot_begins_at_nothing)
{
	begin(10);
	ck_assert(mp_quota_charge(&one.pool, 10));
	arena_bury(&arena, 0, true);
	arena_seat(&arena, 0, &one);
	one.pool.quota = 10;
	ck_assert(mp_quota_charge(&one.pool, 10));
}
END_TEST

SUITE("quota", a_process_has_its_quota_and_no_more, without_a_quota_nothing_is_counted,
      what_is_withdrawn_is_counted_beyond_the_quota, the_next_process_in_the_slot_begins_at_nothing)
