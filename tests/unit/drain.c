/* SPDX-License-Identifier: MIT */
/* Drains: what counts as received, of each kind of channel. */
#include "lib/core/broadcast.h"
#include "lib/core/drain.h"
#include "lib/core/ring.h"
#include "lib/core/word.h"
#include "lib/core/work.h"
#include "tests/support/arena.h"
#include "tests/unit/suite.h"

#define DEPTH 8
#define CHANNEL 1

static struct arena arena;
static struct member sender, receiver;
static struct mp_channel *channel;
static struct mp_subscriber subscriber;
static struct mp_drain drain;
static void *out[100], *in[100];
static int error;

static void begin(enum mp_channel_kind kind)
{
	arena_make(&arena, (struct mp_shape){.blocks = 100, .n_caches = 4, .depth = DEPTH});
	arena_seat(&arena, 0, &sender);
	arena_seat(&arena, 1, &receiver);
	channel = mp_pool_channel(&arena.daemon, CHANNEL);
	ck_assert(mp_channel_is_of_kind(channel, kind));
	ck_assert_int_eq(member_get_bulk(&sender, out, 60), 0);
}

static void subscribe(void)
{
	ck_assert_int_eq(
		mp_broadcast_join(&receiver.pool, &receiver.local, CHANNEL, false, &subscriber), 0);
}

static void send(uint32_t from, uint32_t n)
{
	ck_assert_uint_eq(mp_channel_send(&sender.pool, channel, out + from, n, &error), n);
}

static int look(void)
{
	return mp_drain_look(&sender.pool, &sender.local, &drain);
}

START_TEST(what_is_sent_meanwhile_does_not_count)
{
	begin(MP_CHANNEL_QUEUE);
	for (uint32_t round = 0; round < 10; round++) {
		send(round * 5, 4);
		drain = mp_drain_begin(&sender.pool, CHANNEL);
		send(round * 5 + 4, 1);
		ck_assert_uint_eq(mp_channel_receive(&receiver.pool, channel, in, 3, &error), 3);
		ck_assert_int_eq(look(), 0);
		ck_assert_uint_eq(mp_channel_receive(&receiver.pool, channel, in, 1, &error), 1);
		ck_assert_int_eq(look(), 1);
		ck_assert_uint_eq(mp_channel_receive(&receiver.pool, channel, in, 9, &error), 1);
		ck_assert_int_eq(look(), 1);
	}
}
END_TEST

/* The receiver has stopped, or died, with the block in hand and its token in the ring. */
START_TEST(what_was_taken_is_received)
{
	begin(MP_CHANNEL_WORK);
	send(0, 2);
	drain = mp_drain_begin(&sender.pool, CHANNEL);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(look(), 0);
		ck_assert_int_ge(mp_word_take(&receiver.pool, mp_load(&channel->cell[i]), false),
				 0);
	}
	ck_assert_int_eq(look(), 1);
	ck_assert_uint_eq(mp_load(&channel->head), 0);
}
END_TEST

/* Its sender is stopped before it has decided. */
static void post_undecided(void)
{
	uint64_t token, p = 0;

	ck_assert_int_eq(mp_word_give(&sender.pool, mp_pool_index(&sender.pool, out[0]), &token),
			 0);
	ck_assert(mp_ring_post(&sender.pool, channel, &p, token));
	drain = mp_drain_begin(&sender.pool, CHANNEL);
}

START_TEST(what_is_undecided_is_decided)
{
	const void *block;

	begin(MP_CHANNEL_BROADCAST);
	subscribe();
	post_undecided();
	ck_assert_int_eq(look(), 0);
	ck_assert_int_eq(mp_word_state(mp_load(
				 &sender.pool.words[(uint32_t)mp_load(&channel->cell[0])].whole)),
			 MP_SHARED);
	ck_assert_uint_eq(mp_broadcast_borrow(&receiver.pool, &receiver.local, &subscriber, &block,
					      1, &error),
			  1);
	ck_assert_int_eq(look(), 1); /* though it is not returned */
}
END_TEST

START_TEST(what_nobody_is_to_get_is_received)
{
	begin(MP_CHANNEL_BROADCAST);
	post_undecided();
	ck_assert_int_eq(look(), 1);
}
END_TEST

START_TEST(a_scribbled_ring_is_told)
{
	begin(MP_CHANNEL_QUEUE);
	send(0, 3);
	drain = mp_drain_begin(&sender.pool, CHANNEL);
	mp_store(&channel->cell[0], 77);
	ck_assert_int_eq(look(), -EIO);
}
END_TEST

/* Between the two looks of the beginning, so that the end is as far away as can be. */
START_TEST(a_drain_ends_beside_a_scribbled_head)
{
	begin(MP_CHANNEL_QUEUE);
	send(0, 3);
	drain = (struct mp_drain){.channel = CHANNEL, .next = 1, .end = UINT64_MAX};
	mp_store(&channel->head, 1ull << 60 | 4);
	ck_assert_int_eq(look(), -EIO);
	ck_assert_uint_eq(drain.next, 1ull << 60 | 4);
	mp_store(&channel->head, UINT64_MAX);
	ck_assert_int_eq(look(), 1);
}
END_TEST

SUITE("drain", what_is_sent_meanwhile_does_not_count, what_was_taken_is_received,
      what_is_undecided_is_decided, what_nobody_is_to_get_is_received, a_scribbled_ring_is_told,
      a_drain_ends_beside_a_scribbled_head)
