/* SPDX-License-Identifier: MIT */
/* What the daemon takes back from the dead, what it leaves for the grace time, and repeats. */
#include <string.h>

#include "lib/core/broadcast.h"
#include "tests/support/arena.h"
#include "tests/unit/suite.h"

#define BLOCKS 300
#define SLOTS 8

static struct arena arena;
static struct member dead, survivor;
static unsigned char owners[BLOCKS];

static void begin(void)
{
	arena_make(&arena, (struct mp_shape){.blocks = BLOCKS, .n_caches = 4, .n_slots = SLOTS});
	arena_seat(&arena, 0, &dead);
	arena_seat(&arena, 1, &survivor);
}

static uint32_t take_some(uint32_t n)
{
	uint32_t index = MP_NONE;
	while (n-- > 0) {
		ck_assert_int_eq(member_get(&dead, &index), 0);
	}
	return index;
}

static uint32_t state(uint32_t slot)
{
	return mp_load(&arena.daemon.slots[slot].state);
}

START_TEST(blocks_and_magazines_of_the_dead_come_back)
{
	begin();
	take_some(20);
	ck_assert_uint_eq(arena_bury(&arena, 0, false), 20);
	ck_assert_uint_eq(state(0), MP_SLOT_FREE);
	ck_assert_uint_eq(member_drain(&survivor, owners, 1), BLOCKS);
	ck_assert(!mp_collect_pending(&survivor.pool));
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(the_living_keep_theirs)
{
	begin();
	uint32_t index;
	ck_assert_int_eq(member_get(&survivor, &index), 0);
	take_some(20);
	arena_bury(&arena, 0, true);
	owners[index] = 7;
	ck_assert_uint_eq(member_drain(&survivor, owners, 1), BLOCKS - 1);
	ck_assert_int_eq(member_put(&survivor, index), 0);
}
END_TEST

START_TEST(a_pass_may_be_begun_again_anywhere)
{
	for (int steps = 0; steps < 400; steps += 13) {
		begin();
		memset(owners, 0, sizeof owners);
		take_some(20);
		struct mp_dead dead_slots[SLOTS] = {{0}};
		struct mp_pass pass;
		mp_slot_bury(&arena.daemon, 0);
		mp_pass_add(dead_slots, 0, true);
		mp_pass_init(&pass, dead_slots);
		for (int i = 0; i < steps && !mp_pass_step(&arena.daemon, &pass, 1); i++) {
		}
		arena_bury(&arena, 0, true);
		ck_assert_uint_eq(member_drain(&survivor, owners, 1), BLOCKS);
		ck_assert_ptr_null(arena_audit(&arena));
		arena_free(&arena);
	}
}
END_TEST

/* One walk serves all: what each held is counted for each, and who has gifts left stays. */
START_TEST(one_pass_serves_all_the_dead)
{
	begin();
	struct member others[4];
	struct mp_dead dead_slots[SLOTS] = {{0}};
	struct mp_pass pass;
	uint32_t index, steps = 0, alone = 0;
	uint64_t gift;
	for (uint32_t i = 0; i < 4; i++) {
		arena_seat(&arena, 2 + i, &others[i]);
		for (uint32_t n = 0; n <= i; n++) {
			ck_assert_int_eq(member_get(&others[i], &index), 0);
		}
	}
	ck_assert_int_eq(mp_word_give(&others[3].pool, index, &gift), 0);
	for (uint32_t slot = 2; slot < 6; slot++) {
		mp_slot_bury(&arena.daemon, slot);
		mp_pass_add(dead_slots, slot, false);
	}
	mp_pass_init(&pass, dead_slots);
	while (!mp_pass_step(&arena.daemon, &pass, 16)) {
		steps++;
	}
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(dead_slots[2 + i].recovered, i < 3 ? i + 1 : 3);
		ck_assert_uint_eq(dead_slots[2 + i].gifts, i == 3);
		ck_assert_uint_eq(state(2 + i), i == 3 ? MP_SLOT_DEAD : MP_SLOT_FREE);
	}
	ck_assert_uint_eq(mp_load(&arena.daemon.header->recoveries), 4);
	ck_assert_ptr_null(arena_audit(&arena));
	memset(dead_slots, 0, sizeof dead_slots);
	mp_slot_bury(&arena.daemon, 0);
	mp_pass_add(dead_slots, 0, true);
	mp_pass_init(&pass, dead_slots);
	while (!mp_pass_step(&arena.daemon, &pass, 16)) {
		alone++;
	}
	ck_assert_uint_eq(steps, alone);
	ck_assert_uint_eq(arena_bury(&arena, 5, true), 1);
	ck_assert_uint_eq(member_drain(&survivor, owners, 1), BLOCKS);
}
END_TEST

START_TEST(gifts_of_the_dead_have_grace)
{
	begin();
	uint64_t kept, lapsed;
	ck_assert_int_eq(mp_word_give(&dead.pool, take_some(1), &kept), 0);
	ck_assert_int_eq(mp_word_give(&dead.pool, take_some(1), &lapsed), 0);
	arena_bury(&arena, 0, false);
	ck_assert_uint_eq(state(0), MP_SLOT_DEAD);
	int64_t taken = mp_word_take(&survivor.pool, kept, false);
	ck_assert_int_ge(taken, 0);
	ck_assert_uint_eq(arena_bury(&arena, 0, true), 1);
	ck_assert_uint_eq(state(0), MP_SLOT_FREE);
	ck_assert_int_eq(mp_word_take(&survivor.pool, lapsed, false), -ESTALE);
	owners[taken] = 7;
	ck_assert_uint_eq(member_drain(&survivor, owners, 1), BLOCKS - 1);
}
END_TEST

START_TEST(counters_of_the_dead_are_kept)
{
	begin();
	take_some(20);
	arena_bury(&arena, 0, true);
	ck_assert_uint_eq(mp_load(&arena.daemon.header->gets), 20);
	ck_assert_uint_eq(mp_load(&arena.daemon.header->recovered), 20);
	ck_assert_uint_eq(mp_load(&arena.daemon.header->recoveries), 1);
}
END_TEST

START_TEST(a_slot_may_be_seated_again)
{
	begin();
	for (int i = 0; i < 50; i++) {
		take_some(10);
		arena_bury(&arena, 0, true);
		arena_seat(&arena, 0, &dead);
	}
	ck_assert_uint_eq(member_drain(&survivor, owners, 1), BLOCKS);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

/* ---- broadcasts ---- */

#define NUMBER 1 /* of the channel */

static struct mp_channel *channel;

static void subscribe(struct member *by, struct mp_subscriber *s)
{
	ck_assert_int_eq(mp_broadcast_join(&by->pool, &by->local, NUMBER, false, s), 0);
}

/* The dead in seat 0, the survivor in seat 1, and a sender, which has sent six blocks. */
static void begin_broadcast(struct member *sender, struct mp_subscriber *of_survivor)
{
	struct mp_subscriber of_dead;
	void *blocks[6];
	const void *borrowed[2];
	int error;
	begin();
	channel = mp_pool_channel(&arena.daemon, NUMBER);
	ck_assert(mp_channel_is_of_kind(channel, MP_CHANNEL_BROADCAST));
	subscribe(&dead, &of_dead);
	subscribe(&survivor, of_survivor);
	arena_seat(&arena, 2, sender);
	ck_assert_int_eq(member_get_bulk(sender, blocks, 6), 0);
	ck_assert_uint_eq(
		mp_broadcast_send(&sender->pool, &sender->local, NUMBER, blocks, 6, &error), 6);
	ck_assert_uint_eq(
		mp_broadcast_borrow(&dead.pool, &dead.local, &of_dead, borrowed, 2, &error), 2);
}

/* Gives back whatever comes to it. */
static void receive_all(struct mp_subscriber *s)
{
	const void *block;
	int error;
	while (mp_broadcast_borrow(&survivor.pool, &survivor.local, s, &block, 1, &error) == 1) {
		mp_broadcast_return(&survivor.pool, &survivor.local, s,
				    mp_pool_index(&survivor.pool, block));
	}
}

static void bury_again(uint32_t slot)
{
	arena_bury(&arena, slot, false);
	ck_assert_uint_eq(state(slot), MP_SLOT_FREE);
	ck_assert_ptr_null(arena_audit(&arena));
}

/* At each step the subscriber who lives goes on: before, or between, or after. */
START_TEST(a_pass_over_a_subscriber_may_be_begun_again_anywhere)
{
	struct mp_subscriber of_survivor;
	struct member sender;
	for (int steps = 0; steps < 500; steps += 11) {
		struct mp_dead dead_slots[SLOTS] = {{0}};
		struct mp_pass pass;
		begin_broadcast(&sender, &of_survivor);
		memset(owners, 0, sizeof owners);
		mp_slot_bury(&arena.daemon, 0);
		mp_pass_add(dead_slots, 0, false);
		mp_pass_init(&pass, dead_slots);
		for (int i = 0; i < steps && !mp_pass_step(&arena.daemon, &pass, 1); i++) {
		}
		receive_all(&of_survivor);
		bury_again(0);
		ck_assert_uint_eq(mp_load(&channel->members), 2);
		ck_assert_uint_eq((uint32_t)mp_load(&channel->seat[0].owner), 0);
		ck_assert_uint_eq(member_drain(&survivor, owners, 1), BLOCKS);
		arena_free(&arena);
	}
}
END_TEST

static void send_one(struct member *by)
{
	void *block;
	int error;
	ck_assert_int_eq(member_get_bulk(by, &block, 1), 0);
	ck_assert_uint_eq(mp_broadcast_send(&by->pool, &by->local, NUMBER, &block, 1, &error), 1);
}

/* What comes while the pass walks is for who lives, by members as they are then. */
START_TEST(what_is_sent_during_a_pass_goes_to_the_living)
{
	struct mp_subscriber of_survivor;
	struct member sender;
	struct mp_dead dead_slots[SLOTS] = {{0}};
	struct mp_pass pass;
	begin_broadcast(&sender, &of_survivor);
	mp_slot_bury(&arena.daemon, 0);
	mp_pass_add(dead_slots, 0, false);
	mp_pass_init(&pass, dead_slots);
	while (!mp_pass_step(&arena.daemon, &pass, 50)) {
		send_one(&sender);
		receive_all(&of_survivor);
	}
	ck_assert_ptr_null(arena_audit(&arena));
	ck_assert_uint_eq(member_drain(&survivor, owners, 1), BLOCKS);
}
END_TEST

/* Mailed gifts keep the slot, and not the seat. */
START_TEST(seats_of_the_dead_are_free_though_gifts_are_left)
{
	struct mp_subscriber of_survivor;
	struct member sender;
	uint64_t gift;
	begin_broadcast(&sender, &of_survivor);
	ck_assert_int_eq(mp_word_give(&dead.pool, take_some(1), &gift), 0);
	arena_bury(&arena, 0, false);
	ck_assert_uint_eq(state(0), MP_SLOT_DEAD);
	ck_assert_uint_eq((uint32_t)mp_load(&channel->seat[0].owner), 0);
	ck_assert_uint_eq(mp_load(&channel->members), 2);
	receive_all(&of_survivor);
	ck_assert_uint_eq(arena_bury(&arena, 0, true), 1);
	ck_assert_uint_eq(member_drain(&survivor, owners, 1), BLOCKS);
}
END_TEST

/* Sender and all subscribers, in one walk: who sat lowest counts what the last had. */
START_TEST(one_pass_serves_all_ends_of_a_broadcast)
{
	struct mp_subscriber of_survivor;
	struct member sender, last;
	struct mp_dead dead_slots[SLOTS] = {{0}};
	struct mp_pass pass;
	begin_broadcast(&sender, &of_survivor);
	for (uint32_t slot = 0; slot < 3; slot++) {
		mp_slot_bury(&arena.daemon, slot);
		mp_pass_add(dead_slots, slot, false);
	}
	mp_pass_init(&pass, dead_slots);
	while (!mp_pass_step(&arena.daemon, &pass, 5)) {
	}
	ck_assert_uint_eq(
		dead_slots[0].recovered + dead_slots[1].recovered + dead_slots[2].recovered, 6);
	ck_assert_uint_eq(mp_load(&channel->members), 0);
	arena_seat(&arena, 4, &last);
	ck_assert_uint_eq(member_drain(&last, owners, 1), BLOCKS);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

/* In channels of the highest numbers as well, and in others not a bit is touched. */
START_TEST(a_pass_finds_seats_in_every_broadcast)
{
	struct mp_subscriber s[MP_BROADCASTS_MAX], of_survivor;
	arena_make(&arena, (struct mp_shape){.blocks = BLOCKS,
					     .n_caches = 4,
					     .n_slots = SLOTS,
					     .n_channels = MP_CHANNELS_MAX,
					     .depth = 8});
	arena_seat(&arena, 0, &dead);
	arena_seat(&arena, 1, &survivor);
	for (uint32_t i = 0; i < MP_BROADCASTS_MAX; i++) {
		ck_assert(mp_channel_is_of_kind(mp_pool_channel(&arena.daemon, i),
						MP_CHANNEL_BROADCAST));
		ck_assert_int_eq(
			mp_broadcast_join(&survivor.pool, &survivor.local, i, true, &of_survivor),
			0);
		ck_assert_int_eq(mp_broadcast_join(&dead.pool, &dead.local, i, true, &s[i]), 0);
	}
	arena_bury(&arena, 0, false);
	for (uint32_t i = 0; i < MP_BROADCASTS_MAX; i++) {
		const struct mp_channel *at = mp_pool_channel(&arena.daemon, i);
		ck_assert_uint_eq(mp_load(&at->members), 1u << 16 | 1u);
		ck_assert_uint_eq((uint32_t)mp_load(&at->seat[0].owner), 2);
		ck_assert_uint_eq((uint32_t)mp_load(&at->seat[1].owner), 0);
	}
	ck_assert_uint_eq(state(0), MP_SLOT_FREE);
}
END_TEST

SUITE("pass", blocks_and_magazines_of_the_dead_come_back, the_living_keep_theirs,
      a_pass_may_be_begun_again_anywhere, one_pass_serves_all_the_dead,
      gifts_of_the_dead_have_grace, counters_of_the_dead_are_kept, a_slot_may_be_seated_again,
      a_pass_over_a_subscriber_may_be_begun_again_anywhere,
      what_is_sent_during_a_pass_goes_to_the_living,
      seats_of_the_dead_are_free_though_gifts_are_left, one_pass_serves_all_ends_of_a_broadcast,
      a_pass_finds_seats_in_every_broadcast)
