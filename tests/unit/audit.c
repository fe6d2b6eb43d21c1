/* SPDX-License-Identifier: MIT */
/*
 * The audit finds what is broken: each case breaks one thing in a sound pool. And it takes nothing
 * for broken that somebody is about to mend: each case lays what a process leaves that is stopped
 * or dead at the worst moment, and then takes away the mark that says so.
 */
#include <string.h>

#include "lib/core/grow.h"
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
	unsigned char seen[200] = {0};
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

START_TEST(a_sent_block_that_its_channel_does_not_hold_is_lost)
{
	begin();
	mp_atomic64 *cell = &mp_pool_channel(&arena.daemon, 2)->cell[5];
	mp_store(&arena.daemon.words[block].whole, 7ull << 32 | mp_word_sent(2));
	ck_assert_uint_eq(audit().lost, 1);
	mp_store(cell, 7ull << 32 | block);
	ck_assert_uint_eq(audit().lost, 0);
	mp_store(cell, 6ull << 32 | block); /* an earlier gift of it */
	ck_assert_uint_eq(audit().lost, 1);
	mp_store(&arena.daemon.words[block].whole, 7ull << 32 | mp_word_sent(9)); /* of 4 */
	ck_assert_uint_eq(audit().lost, 1);
}
END_TEST

/* In broadcast 1, whose seat 3 somebody has; the token is in cell 5. */
static void share(uint32_t pending, uint32_t held)
{
	struct mp_channel *channel = mp_pool_channel(&arena.daemon, 1);
	mp_store(&channel->kind, MP_CHANNEL_BROADCAST);
	mp_store(&channel->seat[3].owner, 1ull << 32 | 1);
	mp_store(&channel->cell[5], 7ull << 32 | block);
	mp_store(&arena.daemon.words[block].whole, 7ull << 32 | mp_word_shared(1, pending, held));
}

START_TEST(a_shared_block_of_nobody_is_lost)
{
	begin();
	share(0, 0);
	ck_assert_uint_eq(audit().lost, 1);
	share(0, 1u << 3);
	ck_assert_uint_eq(audit().lost, 0);
	share(0, 1u << 3 | 1u << 4); /* nobody has seat 4 */
	ck_assert_uint_eq(audit().lost, 1);
	share(1u << 4, 1u << 3);
	ck_assert_uint_eq(audit().lost, 1);
	share(1u << 3, 0);
	ck_assert_uint_eq(audit().lost, 0);
	mp_store(&mp_pool_channel(&arena.daemon, 1)->seat[3].owner, 2ull << 32);
	ck_assert_uint_eq(audit().lost, 1);
}
END_TEST

START_TEST(a_shared_block_that_cannot_come_to_its_subscriber_is_lost)
{
	begin();
	mp_atomic64 *cell = &mp_pool_channel(&arena.daemon, 1)->cell[5];
	share(1u << 3, 0);
	mp_store(cell, 6ull << 32 | block); /* an earlier gift of it */
	ck_assert_uint_eq(audit().lost, 1);
	mp_store(cell, 0);
	ck_assert_uint_eq(audit().lost, 1);
	share(0, 1u << 3); /* held: it needs no token */
	mp_store(cell, 0);
	ck_assert_uint_eq(audit().lost, 0);
}
END_TEST

START_TEST(a_block_shared_by_what_is_no_broadcast_is_lost)
{
	begin();
	share(1u << 3, 0);
	mp_store(&mp_pool_channel(&arena.daemon, 1)->kind, MP_CHANNEL_WORK);
	ck_assert_uint_eq(audit().lost, 1);
	mp_store(&arena.daemon.words[block].whole, 7ull << 32 | mp_word_shared(9, 8, 0)); /* of 4 */
	ck_assert_uint_eq(audit().lost, 1);
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

/* ---- what is owed ---- */

static void lay(uint32_t at, enum mp_state state)
{
	mp_store(&arena.daemon.words[at].whole, 1ull << 32 | mp_word_low(state, 0));
}

static uint64_t lost(void)
{
	return audit().lost;
}

static void collect_all(void)
{
	mp_store(&arena.daemon.header->collected_seq, mp_load(&arena.daemon.header->reclaim_seq));
}

static void assert_clean(void *unused)
{
	(void)unused;
	ck_assert_str_eq(audit().first, "");
}

START_TEST(a_block_left_by_a_call_that_has_yet_to_announce_it_is_owed)
{
	begin();
	mp_announce_begin(&me.pool); /* what a put without room stores, to its last store but one */
	lay(block, MP_RECLAIMED);
	ck_assert_uint_eq(lost(), 0);
	mp_announce_end(&me.pool, false);
	ck_assert_uint_eq(lost(), 1);
}
END_TEST

START_TEST(an_announcement_owed_by_one_who_died_is_owed_until_his_pass)
{
	begin();
	mp_announce_begin(&me.pool);
	lay(block, MP_RECLAIMED);
	ck_assert_uint_eq(lost(), 0); /* the daemon has not heard of it */
	arena_bury_watched(&arena, 0, true, assert_clean, NULL);
	ck_assert_uint_eq(lost(), 0);
	collect_all(); /* without having taken it */
	ck_assert_uint_eq(lost(), 1);
}
END_TEST

START_TEST(the_next_process_in_a_slot_owes_nothing)
{
	begin();
	mp_announce_begin(&me.pool);
	arena_bury(&arena, 0, true);
	collect_all(); /* without having taken what the pass left */
	mp_slot_claim(&arena.daemon, 0, 1);
	ck_assert_uint_eq(lost(), 1);
}
END_TEST

START_TEST(a_dead_slot_owes_its_pass)
{
	begin();
	mp_slot_bury(&arena.daemon, 0);
	lay(block, MP_RECLAIMED);
	ck_assert_uint_eq(lost(), 0);
	mp_slot_release(&arena.daemon, 0);
	ck_assert_uint_eq(lost(), 1);
}
END_TEST

START_TEST(a_slot_in_its_grace_owes_its_second_pass)
{
	uint64_t token;
	begin();
	ck_assert_int_eq(mp_word_give(&me.pool, block, &token), 0);
	arena_bury_watched(&arena, 0, false, assert_clean, NULL);
	collect_all();
	mp_magazine_hand(mp_magazine(&arena.daemon, 5), MP_HOLDER_DEPOT, 0, MP_HOLDER_ORPHAN, 0);
	assert_clean(NULL);
	arena_bury_watched(&arena, 0, true, assert_clean, NULL);
	ck_assert(mp_collect_pending(&arena.daemon));
	collect_all();
	ck_assert_uint_eq(audit().broken, 2); /* and the one that was in the dead thread's hands */
}
END_TEST

START_TEST(an_orphan_that_a_call_has_yet_to_announce_is_owed)
{
	begin();
	mp_announce_begin(&me.pool);
	mp_magazine_hand(mp_magazine(&arena.daemon, 5), MP_HOLDER_DEPOT, 0, MP_HOLDER_ORPHAN, 0);
	ck_assert_uint_eq(audit().broken, 0);
	mp_announce_end(&me.pool, false);
	ck_assert_uint_eq(audit().broken, 1);
}
END_TEST

START_TEST(a_block_is_found_lost_while_others_are_in_calls)
{
	begin();
	lay(block, MP_RECLAIMED);
	ck_assert(mp_enter(me.local.cache));
	ck_assert_uint_eq(lost(), 1);
}
END_TEST

static void begin_growing(struct mp_growth *growth)
{
	arena_make(&arena, (struct mp_shape){.blocks = 100, .max_blocks = 200, .n_caches = 4});
	mp_grow_init(growth, 100, 200);
}

START_TEST(blocks_that_are_being_born_are_owed)
{
	struct mp_growth growth;
	begin_growing(&growth);
	while (!mp_grow_step(&arena.daemon, &growth, 7, 42)) {
		assert_clean(NULL);
	}
	assert_clean(NULL);
	ck_assert(!mp_load(&arena.daemon.header->growing));
	collect_all();
	ck_assert_uint_eq(lost(), 100);
}
END_TEST

START_TEST(blocks_born_and_not_yet_announced_are_owed)
{
	struct mp_growth growth;
	begin_growing(&growth);
	ck_assert(mp_grow_step(&arena.daemon, &growth, 200, 42));
	collect_all(); /* as if it had not announced them */
	mp_store(&arena.daemon.header->growing, 1);
	assert_clean(NULL);
	mp_store(&arena.daemon.header->growing, 0);
	ck_assert_uint_eq(lost(), 100);
}
END_TEST

START_TEST(an_unborn_block_that_is_not_being_born_is_lost)
{
	begin();
	lay(block, MP_UNBORN);
	ck_assert_uint_eq(lost(), 1);
	mp_store(&arena.daemon.header->growing, 1);
	ck_assert_uint_eq(lost(), 0);
}
END_TEST

/* A thread claims a record by one store, and may be stopped before it clears it. */
static void claim_and_stop(uint32_t record)
{
	uint64_t owner = mp_load(&arena.daemon.caches[record].owner);
	ck_assert_uint_eq((uint32_t)owner, 0);
	mp_store(&arena.daemon.caches[record].owner, ((owner >> 32) + 1) << 32 | (0 + 1));
}

START_TEST(a_record_just_claimed_holds_nothing)
{
	struct member other;
	begin();
	claim_and_stop(3); /* nobody has had it before */
	assert_clean(NULL);
	arena_seat(&arena, 1, &other);
	uint32_t index, record = other.local.record;
	ck_assert_int_eq(member_get(&other, &index), 0);
	arena_bury(&arena, 1, true);
	claim_and_stop(record);
	assert_clean(NULL);
}
END_TEST

START_TEST(hands_that_are_being_changed_are_no_fault)
{
	begin();
	mp_cache_note_previous(me.local.cache, 20);
	ck_assert_uint_eq(audit().duplicated, 1);
	mp_store(&me.local.cache->busy, 1); /* stopped in a call */
	ck_assert_uint_eq(audit().duplicated, 0);
	mp_store(&me.local.cache->busy, 0);
	mp_store(&me.local.cache->steal, 1); /* stolen from: settles in the next call */
	ck_assert_uint_eq(audit().duplicated, 0);
	mp_store(&me.local.cache->steal, 0);
	mp_slot_bury(&arena.daemon, 0); /* the pass takes them */
	ck_assert_uint_eq(audit().duplicated, 0);
}
END_TEST

SUITE("audit", a_free_block_that_nobody_lists_is_lost, a_block_of_nobody_is_lost,
      a_sent_block_that_its_channel_does_not_hold_is_lost, a_shared_block_of_nobody_is_lost,
      a_shared_block_that_cannot_come_to_its_subscriber_is_lost,
      a_block_shared_by_what_is_no_broadcast_is_lost, a_reclaimed_block_unannounced_is_lost,
      a_magazine_that_two_get_from_is_found, holders_and_counts_out_of_range_are_found,
      an_unannounced_orphan_is_found, an_unlisted_magazine_is_found_at_rest,
      a_block_left_by_a_call_that_has_yet_to_announce_it_is_owed,
      an_announcement_owed_by_one_who_died_is_owed_until_his_pass,
      the_next_process_in_a_slot_owes_nothing, a_dead_slot_owes_its_pass,
      a_slot_in_its_grace_owes_its_second_pass, an_orphan_that_a_call_has_yet_to_announce_is_owed,
      a_block_is_found_lost_while_others_are_in_calls, blocks_that_are_being_born_are_owed,
      blocks_born_and_not_yet_announced_are_owed, an_unborn_block_that_is_not_being_born_is_lost,
      a_record_just_claimed_holds_nothing, hands_that_are_being_changed_are_no_fault)
