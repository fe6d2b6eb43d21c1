/* SPDX-License-Identifier: MIT */
/* The audit finds what is broken: each case breaks one thing in a sound pool. */
#include <string.h>

#include "tests/support/arena.h"
#include "tests/unit/suite.h"

static struct arena arena;
static struct member me;
static uint32_t block;

static void begin(void)
{
	arena_make(&arena, (struct mp_shape){.blocks = 100, .n_caches = 4});
	arena_seat(&arena, 0, &me);
	ck_assert_int_eq(member_get(&me, &block), 0);
	ck_assert_ptr_null(arena_audit(&arena));
}

static struct mp_audit audit(void)
{
	unsigned char seen[100] = {0};
	struct mp_audit result;
	mp_audit_live(&arena.daemon, NULL, seen, &result);
	return result;
}

START_TEST(a_free_block_that_nobody_lists_is_lost)
{
	begin();
	mp_store(&arena.daemon.words[block].whole, 1ull << 32 | mp_word_low(MP_FREE, 0));
	ck_assert_uint_eq(audit().lost, 1);
}
END_TEST

START_TEST(a_block_of_nobody_is_lost)
{
	begin();
	mp_store(&arena.daemon.words[block].whole, 1ull << 32 | mp_word_low(MP_USED, 5));
	ck_assert_uint_eq(audit().lost, 1);
	ck_assert_ptr_nonnull(strstr(audit().first, "lost"));
}
END_TEST

START_TEST(a_reclaimed_block_unannounced_is_lost)
{
	begin();
	mp_store(&arena.daemon.words[block].whole, 1ull << 32 | mp_word_low(MP_RECLAIMED, 0));
	ck_assert_uint_eq(audit().lost, 1);
	mp_add(&arena.daemon.header->reclaim_seq, 1);
	ck_assert_uint_eq(audit().lost, 0);
}
END_TEST

START_TEST(a_magazine_that_two_get_from_is_found)
{
	begin();
	uint32_t m = me.local.loaded.index;
	ck_assert(mp_magazine_hand(mp_magazine(&arena.daemon, m), MP_HOLDER_CACHE, me.local.record,
				   MP_HOLDER_ORPHAN, 0));
	ck_assert_uint_eq(audit().duplicated, 1);
}
END_TEST

START_TEST(holders_and_counts_out_of_range_are_found)
{
	begin();
	mp_store(&mp_magazine(&arena.daemon, 20)->holder, mp_holder_after(0, MP_HOLDER_DEPOT, 77));
	ck_assert_uint_eq(audit().broken, 1);
	mp_store(&mp_magazine(&arena.daemon, 21)->count, 1000);
	ck_assert_uint_eq(audit().broken, 2);
}
END_TEST

START_TEST(an_unannounced_orphan_is_found)
{
	begin();
	mp_local_finish(&me.pool, &me.local);
	ck_assert_ptr_null(arena_audit(&arena));
	ck_assert(mp_magazine_hand(mp_magazine(&arena.daemon, 5), MP_HOLDER_DEPOT, 0,
				   MP_HOLDER_ORPHAN, 0));
	ck_assert_uint_eq(audit().broken, 1);
	mp_add(&arena.daemon.header->reclaim_seq, 1);
	ck_assert_uint_eq(audit().broken, 0);
}
END_TEST

START_TEST(an_unlisted_magazine_is_found_at_rest)
{
	begin();
	arena.daemon.shards[0].full = mp_magazine(&arena.daemon, arena.daemon.shards[0].full)->next;
	ck_assert_ptr_nonnull(arena_audit(&arena));
}
END_TEST

SUITE("audit", a_free_block_that_nobody_lists_is_lost, a_block_of_nobody_is_lost,
      a_reclaimed_block_unannounced_is_lost, a_magazine_that_two_get_from_is_found,
      holders_and_counts_out_of_range_are_found, an_unannounced_orphan_is_found,
      an_unlisted_magazine_is_found_at_rest)
