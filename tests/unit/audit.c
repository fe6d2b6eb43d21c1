/* SPDX-License-Identifier: MIT */
/*
 * The audit finds what is broken: each case breaks one thing in a sound pool. And it takes nothing
 * for broken that somebody is about to mend: each case lays what a process leaves that is stopped
 * or dead at the worst moment, and then takes away the mark that says so.
 */
#include <string.h>

#include "lib/core/broadcast.h"
#include "lib/core/grow.h"
#include "lib/core/ring.h"
#include "lib/core/word.h"
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

/* ---- channels ---- */

#define NUMBER 2 /* the channel that is a broadcast; the others are queues */
#define NOBODY 5 /* a slot that is free */

static struct member other;
static struct mp_subscriber first, second; /* of me, and of the other */
static struct mp_channel *channel;

static void begin_broadcast(void)
{
	const void *borrowed;
	int error;
	begin();
	arena_seat(&arena, 1, &other);
	channel = mp_pool_channel(&arena.daemon, NUMBER);
	ck_assert(mp_channel_is_of_kind(channel, MP_CHANNEL_BROADCAST));
	ck_assert_int_eq(mp_broadcast_join(&me.pool, &me.local, NUMBER, false, &first), 0);
	ck_assert_int_eq(mp_broadcast_join(&other.pool, &other.local, NUMBER, true, &second), 0);
	mp_ends_begin(&me.pool, channel);
	void *sent = mp_pool_address(&me.pool, block);
	ck_assert_uint_eq(mp_broadcast_send(&me.pool, &me.local, NUMBER, &sent, 1, &error), 1);
	ck_assert_uint_eq(mp_broadcast_borrow(&me.pool, &me.local, &first, &borrowed, 1, &error),
			  1);
	ck_assert_ptr_null(arena_audit(&arena));
}

static mp_atomic64 *word(void)
{
	return &arena.daemon.words[block].whole;
}

/* Changes the low half of the block's word, and asks how many are lost. */
static uint64_t lost_as(uint32_t low)
{
	mp_store(word(), mp_word_with(mp_load(word()), low));
	return lost();
}

static void assert_says(const char *words)
{
	ck_assert_msg(strstr(audit().first, words) != NULL, "'%s' is not in: %s", words,
		      audit().first);
}

START_TEST(a_shared_block_of_a_seat_that_nobody_has_is_lost)
{
	begin_broadcast();
	ck_assert_uint_eq(lost_as(mp_word_shared(NUMBER, 0, 1u << 0 | 1u << 7)), 1);
	assert_says("channel 2 shares it (bits of seats: held 0x81, pending 0, nobody's 0x80)");
	ck_assert_uint_eq(lost_as(mp_word_shared(NUMBER, 0, 1u << 1)), 0);
	mp_store(&channel->seat[1].owner, 1ull << 32 | (NOBODY + 1));
	ck_assert_uint_eq(lost(), 1); /* its owner has gone, and nobody frees it */
}
END_TEST

START_TEST(a_shared_block_of_nobody_is_lost)
{
	begin_broadcast();
	ck_assert_uint_eq(lost_as(mp_word_shared(NUMBER, 0, 0)), 1);
}
END_TEST

START_TEST(a_block_to_be_received_whose_token_is_nowhere_is_lost)
{
	begin_broadcast();
	mp_atomic64 *cell = &channel->cell[0];
	uint64_t token = mp_load(cell);
	mp_store(cell, mp_ring_emptied(&arena.daemon, 0));
	ck_assert_uint_eq(lost(), 1);
	assert_says("held 0x1, pending 0x2, nobody's 0) and does not hold its token");
	ck_assert_uint_eq(lost_as(mp_word_shared(NUMBER, 0, 3)), 0); /* all have it */
	mp_store(cell, token);
	ck_assert_uint_eq(lost_as(mp_word_shared(NUMBER, 2, 1)), 0);
}
END_TEST

START_TEST(a_block_of_a_channel_of_another_kind_is_lost)
{
	begin_broadcast();
	ck_assert_uint_eq(lost_as(mp_word_shared(0, 0, 1)), 1);
	assert_says("channel 0 shares it (bits of seats: held 0x1, pending 0, nobody's 0) and is "
		    "no broadcast");
	ck_assert_uint_eq(lost_as(mp_word_shared(31, 0, 1)), 1); /* of 4 */
	assert_says("channel 31");
	ck_assert_uint_eq(lost_as(mp_word_sent(NUMBER)), 1); /* its token is there */
	assert_says("channel 2 was to have it");
}
END_TEST

static uint64_t broken(void)
{
	return audit().broken;
}

START_TEST(a_channel_of_no_kind_is_found)
{
	begin_broadcast();
	mp_store(&mp_pool_channel(&arena.daemon, 1)->kind, MP_CHANNEL_BROADCAST + 1);
	ck_assert_uint_eq(broken(), 1);
	assert_says("channel 1 is of no kind");
}
END_TEST

START_TEST(a_broadcast_that_words_cannot_name_is_found)
{
	arena_make(&arena, (struct mp_shape){.blocks = 100, .n_caches = 4, .n_channels = 64});
	mp_store(&mp_pool_channel(&arena.daemon, 31)->kind, MP_CHANNEL_BROADCAST);
	ck_assert_uint_eq(broken(), 0);
	mp_store(&mp_pool_channel(&arena.daemon, 32)->kind, MP_CHANNEL_BROADCAST);
	ck_assert_uint_eq(broken(), 1);
}
END_TEST

START_TEST(a_receiver_without_a_process_is_found)
{
	begin_broadcast();
	mp_atomic64 *consumer = &mp_pool_channel(&arena.daemon, 0)->consumer;
	mp_store(consumer, 1ull << 32 | (NOBODY + 1));
	ck_assert_uint_eq(broken(), 1);
	assert_says("channel 0 has a receiver that");
	mp_store(consumer, 1ull << 32 | (1 + 1));
	ck_assert_uint_eq(broken(), 0);
	mp_slot_bury(&arena.daemon, 1); /* the pass evicts it */
	ck_assert_uint_eq(broken(), 0);
}
END_TEST

START_TEST(a_ring_that_was_scribbled_on_is_found)
{
	begin_broadcast();
	for (uint32_t k = 0; k < arena.daemon.shape.depth; k += 5) {
		mp_atomic64 *cell = &channel->cell[k];
		uint64_t right = mp_load(cell);
		mp_store(cell, 17); /* empty, in another lap */
		ck_assert_uint_eq(broken(), 1);
		mp_store(cell, right);
	}
	assert_clean(NULL);
	mp_store(&channel->cell[7], 17);
	assert_says("channel 2 holds what nobody can have sent");
}
END_TEST

START_TEST(senders_that_would_leave_a_gap_are_found)
{
	begin_broadcast();
	mp_store(&channel->tail, 0); /* as an old one does */
	assert_clean(NULL);
	mp_store(&channel->tail, 2);
	ck_assert_uint_eq(broken(), 1);
	assert_says("channel 2 would be filled beyond a gap");
	mp_store(&channel->tail, 1);
	assert_clean(NULL);
	mp_store(&channel->limit, arena.daemon.shape.depth + 1);
	ck_assert_uint_eq(broken(), 1);
}
END_TEST

START_TEST(a_seat_whose_owner_is_gone_is_found)
{
	begin_broadcast();
	mp_store(&channel->seat[9].owner, 1ull << 32 | (NOBODY + 1));
	ck_assert_uint_eq(broken(), 1);
	assert_says("seat 9 of channel 2");
}
END_TEST

START_TEST(a_member_that_nobody_is_is_found)
{
	begin_broadcast();
	mp_or(&channel->members, 1u << 3);
	ck_assert_uint_eq(broken(), 1);
	mp_and(&channel->members, ~(1u << 3));
	mp_or(&channel->members, 1u << (MP_LOSSY_SHIFT + 3)); /* lossy, and no member */
	ck_assert_uint_eq(broken(), 1);
	assert_says("seat 3 of channel 2");
}
END_TEST

START_TEST(a_mark_of_a_slot_that_nobody_has_is_found)
{
	begin_broadcast();
	mp_or(mp_ends_senders(&arena.daemon, channel, 0), 1ull << NOBODY);
	ck_assert_uint_eq(broken(), 1);
	assert_says("channel 2 is open to slot 5, which nobody has");
	mp_and(mp_ends_senders(&arena.daemon, channel, 0), ~(1ull << NOBODY));
	mp_or(mp_ends_receivers(&arena.daemon, channel, 0), 1ull << NOBODY);
	ck_assert_uint_eq(broken(), 1);
	mp_slot_claim(&arena.daemon, NOBODY, 1);
	ck_assert_uint_eq(broken(), 0);
}
END_TEST

/* Of who joins: the seat, and then the bit; of who leaves or is expelled: the other way round. */
START_TEST(a_subscriber_that_is_coming_or_going_is_no_fault)
{
	begin_broadcast();
	mp_store(&channel->seat[4].owner, 1ull << 32 | (1 + 1));
	assert_clean(NULL);
	mp_or(&channel->members, 1u << 4);
	assert_clean(NULL);
	mp_broadcast_expel(channel, 1u << 4 | 1u << second.seat);
	assert_clean(NULL);
	arena_bury_watched(&arena, 1, true, assert_clean, NULL);
	arena_bury_watched(&arena, 0, true, assert_clean, NULL);
	ck_assert_uint_eq((uint32_t)mp_load(&channel->seat[4].owner), 0);
}
END_TEST

/* ---- of a copy ---- */

static struct mp_pool copy;

static bool read_again(void *unused, uint64_t at, uint64_t size)
{
	(void)unused;
	memcpy((char *)copy.header + at, (char *)arena.daemon.header + at, size);
	return true;
}

/* Copies what comes before the channels, and the words and magazines; the channels themselves. */
static void copy_all_but_channels(void)
{
	const struct mp_shape *shape = &arena.daemon.shape;
	read_again(NULL, 0, shape->channels_at);
	read_again(NULL, shape->words_at, shape->control_size - shape->words_at);
}

static void copy_channels(void)
{
	const struct mp_shape *shape = &arena.daemon.shape;
	read_again(NULL, shape->channels_at, shape->words_at - shape->channels_at);
}

static struct mp_audit audit_copy(void)
{
	const struct mp_refresh refresh = {.again = read_again};
	unsigned char seen[200] = {0};
	struct mp_audit result;
	mp_audit_live(&copy, &refresh, seen, &result);
	return result;
}

static void make_copy(void)
{
	const struct mp_shape *shape = &arena.daemon.shape;
	void *memory = calloc(1, shape->control_size);
	ck_assert_ptr_nonnull(memory);
	mp_pool_bind(&copy, shape, memory, NULL, MP_NONE);
}

START_TEST(a_copy_whose_channels_are_older_than_its_words_is_no_fault)
{
	begin_broadcast();
	make_copy(); /* with channels of zeros: unopened, and nobody has a seat */
	copy_all_but_channels();
	mp_store(&copy.slots[1].state, MP_SLOT_FREE); /* as before the other came */
	ck_assert_str_eq(audit_copy().first, "");
}
END_TEST

START_TEST(a_copy_whose_words_are_older_than_its_channels_is_no_fault)
{
	begin_broadcast();
	make_copy();
	copy_all_but_channels(); /* with shares of both */
	mp_broadcast_leave(&other.pool, &other.local, &second);
	ck_assert_int_eq(mp_broadcast_return(&me.pool, &me.local, &first, block), 0);
	mp_broadcast_leave(&me.pool, &me.local, &first);
	copy_channels();
	ck_assert_str_eq(audit_copy().first, "");
}
END_TEST

START_TEST(what_is_wrong_with_channels_is_found_in_a_copy)
{
	begin_broadcast();
	mp_store(&channel->seat[9].owner, 1ull << 32 | (NOBODY + 1));
	mp_or(mp_ends_senders(&arena.daemon, channel, 0), 1ull << NOBODY);
	mp_store(&channel->cell[7], 17);
	lost_as(mp_word_shared(NUMBER, 0, 1u << 7));
	make_copy();
	copy_all_but_channels();
	copy_channels();
	ck_assert_uint_eq(audit_copy().broken, 3);
	ck_assert_uint_eq(audit_copy().lost, 1);
}
END_TEST

/* Sends and receives two laps. */
static void work(struct mp_channel *queue)
{
	int error;
	for (uint32_t i = 0; i < 2 * arena.daemon.shape.depth + 3; i++) {
		void *sent = mp_pool_address(&me.pool, block), *got;
		ck_assert_uint_eq(mp_channel_send(&me.pool, queue, &sent, 1, &error), 1);
		ck_assert_uint_eq(mp_channel_receive(&me.pool, queue, &got, 1, &error), 1);
	}
}

/* Others work between the read of a channel's head and that of its cells, and after that. */
static bool read_torn(void *unused, uint64_t at, uint64_t size)
{
	const struct mp_shape *shape = &arena.daemon.shape;
	uint64_t head = offsetof(struct mp_channel, cell);
	if (at != shape->channels_at || size != shape->channel_size) {
		return read_again(unused, at, size);
	}
	read_again(unused, at, head);
	work(mp_pool_channel(&arena.daemon, 0));
	read_again(unused, at + head, size - head);
	work(mp_pool_channel(&arena.daemon, 0));
	return true;
}

START_TEST(a_copy_of_a_channel_that_is_at_work_is_no_fault)
{
	const struct mp_refresh refresh = {.again = read_torn};
	unsigned char seen[200] = {0};
	struct mp_audit result;
	begin();
	make_copy();
	mp_channel_claim(&me.pool, mp_pool_channel(&arena.daemon, 0));
	copy_all_but_channels();
	read_torn(NULL, arena.daemon.shape.channels_at, arena.daemon.shape.channel_size);
	mp_audit_live(&copy, &refresh, seen, &result);
	ck_assert_str_eq(result.first, "");
}
END_TEST

SUITE("audit", a_free_block_that_nobody_lists_is_lost, a_block_of_nobody_is_lost,
      a_sent_block_that_its_channel_does_not_hold_is_lost,

      a_reclaimed_block_unannounced_is_lost, a_magazine_that_two_get_from_is_found,
      holders_and_counts_out_of_range_are_found, an_unannounced_orphan_is_found,
      an_unlisted_magazine_is_found_at_rest,
      a_block_left_by_a_call_that_has_yet_to_announce_it_is_owed,
      an_announcement_owed_by_one_who_died_is_owed_until_his_pass,
      the_next_process_in_a_slot_owes_nothing, a_dead_slot_owes_its_pass,
      a_slot_in_its_grace_owes_its_second_pass, an_orphan_that_a_call_has_yet_to_announce_is_owed,
      a_block_is_found_lost_while_others_are_in_calls, blocks_that_are_being_born_are_owed,
      blocks_born_and_not_yet_announced_are_owed, an_unborn_block_that_is_not_being_born_is_lost,
      a_record_just_claimed_holds_nothing, hands_that_are_being_changed_are_no_fault,
      a_shared_block_of_a_seat_that_nobody_has_is_lost, a_shared_block_of_nobody_is_lost,
      a_block_to_be_received_whose_token_is_nowhere_is_lost,
      a_block_of_a_channel_of_another_kind_is_lost, a_channel_of_no_kind_is_found,
      a_broadcast_that_words_cannot_name_is_found, a_receiver_without_a_process_is_found,
      a_ring_that_was_scribbled_on_is_found, senders_that_would_leave_a_gap_are_found,
      a_seat_whose_owner_is_gone_is_found, a_member_that_nobody_is_is_found,
      a_mark_of_a_slot_that_nobody_has_is_found, a_subscriber_that_is_coming_or_going_is_no_fault,
      a_copy_whose_channels_are_older_than_its_words_is_no_fault,
      a_copy_whose_words_are_older_than_its_channels_is_no_fault,
      what_is_wrong_with_channels_is_found_in_a_copy,
      a_copy_of_a_channel_that_is_at_work_is_no_fault)
