/* SPDX-License-Identifier: MIT */
/* What an onlooker counts: blocks by where they are, channels, subscribers. */
#include "lib/core/broadcast.h"
#include "lib/core/ring.h"
#include "lib/core/stats.h"
#include "lib/core/word.h"
#include "lib/core/work.h"
#include "tests/support/arena.h"
#include "tests/unit/suite.h"

#define SLOTS 8
#define DEPTH 8u
#define NUMBER 2 /* the channel of each case */

static struct arena arena;
static struct member sender, reader, other;
static struct mp_subscriber reliable, lossy;
static struct mp_channel *channel;
static struct mp_tally total, by_slot[SLOTS];
static struct mp_channel_tally tally;

static void begin(enum mp_channel_kind kind)
{
	arena_make(&arena, (struct mp_shape){
				   .blocks = 100, .n_caches = 4, .n_slots = SLOTS, .depth = DEPTH});
	arena_seat(&arena, 1, &sender);
	arena_seat(&arena, 4, &reader);
	arena_seat(&arena, 6, &other);
	channel = mp_pool_channel(&arena.daemon, NUMBER);
	ck_assert(mp_channel_is_of_kind(channel, kind));
	mp_ends_begin(&sender.pool, channel);
}

static void look(void)
{
	mp_tally(&arena.daemon, &total, by_slot, SLOTS);
	mp_tally_channel(&arena.daemon, NUMBER, &tally);
	ck_assert_uint_eq(total.used + total.cached + total.free + total.moving + total.shared +
				  total.reclaimed,
			  100);
}

static void *a_block(void)
{
	uint32_t index;
	ck_assert_int_eq(member_get(&sender, &index), 0);
	return mp_pool_address(&sender.pool, index);
}

static void send(uint32_t n)
{
	int error;
	for (; n > 0; n--) {
		void *block = a_block();
		ck_assert_uint_eq(mp_channel_send(&sender.pool, channel, &block, 1, &error), 1);
	}
}

static void broadcast(uint32_t n)
{
	int error;
	for (; n > 0; n--) {
		void *block = a_block();
		ck_assert_uint_eq(
			mp_broadcast_send(&sender.pool, &sender.local, NUMBER, &block, 1, &error),
			1);
	}
}

static void begin_broadcast(void)
{
	begin(MP_CHANNEL_BROADCAST);
	ck_assert_int_eq(mp_broadcast_join(&reader.pool, &reader.local, NUMBER, false, &reliable),
			 0);
	ck_assert_int_eq(mp_broadcast_join(&other.pool, &other.local, NUMBER, true, &lossy), 0);
}

static uint64_t borrow(struct member *who, struct mp_subscriber *as)
{
	const void *block;
	int error;
	ck_assert_uint_eq(mp_broadcast_borrow(&who->pool, &who->local, as, &block, 1, &error), 1);
	return mp_pool_index(&who->pool, block);
}

START_TEST(a_queue_tells_how_far_it_is_and_who_has_it_open)
{
	begin(MP_CHANNEL_QUEUE);
	void *block;
	int error;
	uint64_t claim = mp_channel_claim(&reader.pool, channel);
	send(3);
	ck_assert_uint_eq(mp_channel_receive(&reader.pool, channel, &block, 1, &error), 1);
	look();
	ck_assert_int_eq(tally.kind, MP_CHANNEL_QUEUE);
	ck_assert_uint_eq(tally.sent, 3);
	ck_assert_uint_eq(tally.retired, 1);
	ck_assert_uint_eq(tally.lag, 2);
	ck_assert_uint_eq(tally.senders, 1);
	ck_assert_uint_eq(tally.receivers, 1);
	ck_assert(mp_ends_sends(&arena.daemon, channel, 1));
	ck_assert(!mp_ends_receives(&arena.daemon, channel, 1));
	ck_assert(mp_ends_receives(&arena.daemon, channel, 4));
	mp_channel_leave(channel, claim);
	mp_ends_stop(&sender.pool, channel, 1);
	look();
	ck_assert_uint_eq(tally.senders + tally.receivers, 0);
	ck_assert(!mp_ends_receives(&arena.daemon, channel, 4));
}
END_TEST

START_TEST(work_counts_each_process_that_receives)
{
	begin(MP_CHANNEL_WORK);
	void *blocks[DEPTH];
	int error;
	mp_ends_begin_receiving(&reader.pool, channel);
	mp_ends_begin_receiving(&other.pool, channel);
	send(DEPTH); /* full */
	look();
	ck_assert_uint_eq(tally.receivers, 2);
	ck_assert_uint_eq(tally.lag, DEPTH);
	ck_assert(mp_ends_receives(&arena.daemon, channel, 4));
	ck_assert(mp_ends_receives(&arena.daemon, channel, 6));
	ck_assert(!mp_ends_receives(&arena.daemon, channel, 5));
	ck_assert_uint_eq(mp_work_receive(&other.pool, channel, blocks, DEPTH, &error), DEPTH);
	send(1);
	look();
	ck_assert_uint_eq(tally.sent, DEPTH + 1);
	ck_assert_uint_eq(tally.retired, DEPTH);
}
END_TEST

/* A producer that was stopped stores an old tail: the end is found from head on. */
START_TEST(the_end_is_found_whatever_tail_says)
{
	begin(MP_CHANNEL_QUEUE);
	send(5);
	for (uint64_t tail = 0; tail <= 5; tail++) {
		mp_store(&channel->tail, tail);
		ck_assert_uint_eq(mp_ring_end(&arena.daemon, channel), 5);
	}
	mp_store(&channel->tail, 1000); /* scribbled */
	ck_assert_uint_eq(mp_ring_end(&arena.daemon, channel), 5);
}
END_TEST

START_TEST(a_held_share_counts_for_each_who_holds_it)
{
	begin_broadcast();
	broadcast(3);
	look();
	ck_assert_uint_eq(total.shared, 3);
	ck_assert_uint_eq(by_slot[4].shared + by_slot[6].shared, 0); /* pending is nobody's */
	uint64_t first = borrow(&reader, &reliable);
	borrow(&reader, &reliable);
	ck_assert_uint_eq(borrow(&other, &lossy), first);
	look();
	ck_assert_uint_eq(total.shared, 3);
	ck_assert_uint_eq(by_slot[4].shared, 2);
	ck_assert_uint_eq(by_slot[6].shared, 1);
	ck_assert_int_eq(mp_broadcast_return(&reader.pool, &reader.local, &reliable, first), 0);
	ck_assert_int_eq(mp_broadcast_return(&other.pool, &other.local, &lossy, first), 0);
	look();
	ck_assert_uint_eq(total.shared, 2);
	ck_assert_uint_eq(by_slot[4].shared, 1);
}
END_TEST

START_TEST(a_broadcast_is_as_far_behind_as_its_slowest_subscriber)
{
	begin_broadcast();
	broadcast(4);
	borrow(&other, &lossy);
	look();
	ck_assert_int_eq(tally.kind, MP_CHANNEL_BROADCAST);
	ck_assert_uint_eq(tally.receivers, 2);
	ck_assert_uint_eq(tally.lag, 4);
	borrow(&reader, &reliable);
	borrow(&reader, &reliable);
	look();
	ck_assert_uint_eq(tally.lag, 3); /* of the lossy one */
	ck_assert_uint_eq(tally.lost, 0);
	mp_broadcast_leave(&other.pool, &other.local, &lossy);
	look();
	ck_assert_uint_eq(tally.receivers, 1);
	ck_assert_uint_eq(tally.lag, 2);
	ck_assert(!mp_ends_receives(&arena.daemon, channel, 6));
}
END_TEST

START_TEST(a_seat_tells_what_its_lossy_owner_will_find_lost)
{
	struct mp_seat_tally seat;
	begin_broadcast();
	for (uint32_t i = 0; i < DEPTH + 3; i++) {
		broadcast(1);
		uint64_t index = borrow(&reader, &reliable);
		ck_assert_int_eq(mp_broadcast_return(&reader.pool, &reader.local, &reliable, index),
				 0);
	}
	mp_tally_seat(&arena.daemon, NUMBER, lossy.seat, &seat);
	ck_assert(seat.lossy);
	ck_assert_uint_eq(seat.slot, 6);
	uint64_t lost = seat.lost;
	ck_assert_uint_ge(lost, 3);
	ck_assert_uint_eq(seat.cursor, mp_load(&channel->head));
	borrow(&other, &lossy);
	mp_tally_seat(&arena.daemon, NUMBER, lossy.seat, &seat);
	ck_assert_uint_eq(seat.lost, lost);
	ck_assert_uint_eq(mp_load(&lossy.lost), lost);
	mp_tally_seat(&arena.daemon, NUMBER, reliable.seat, &seat);
	ck_assert(!seat.lossy);
	ck_assert_uint_eq(seat.slot, 4);
	ck_assert_uint_eq(seat.lost, 0);
	mp_tally_seat(&arena.daemon, NUMBER, 11, &seat);
	ck_assert_uint_eq(seat.slot, MP_NONE);
	look();
	ck_assert_uint_eq(tally.lost, lost);
}
END_TEST

SUITE("stats", a_queue_tells_how_far_it_is_and_who_has_it_open,
      work_counts_each_process_that_receives, the_end_is_found_whatever_tail_says,
      a_held_share_counts_for_each_who_holds_it,
      a_broadcast_is_as_far_behind_as_its_slowest_subscriber,
      a_seat_tells_what_its_lossy_owner_will_find_lost)
