/* SPDX-License-Identifier: MIT */
/* Channels: in order, once, past full and empty, past the death of either end. */
#include <string.h>

#include "lib/core/channel.h"
#include "lib/core/futex.h"
#include "tests/support/arena.h"
#include "tests/unit/midway.h"
#include "tests/unit/suite.h"

#define DEPTH 8

static struct arena arena;
static struct member sender, receiver;
static struct mp_channel *channel;
static void *out[100], *in[100];

static void begin(void)
{
	arena_make(&arena, (struct mp_shape){.blocks = 100, .n_caches = 4, .depth = DEPTH});
	arena_seat(&arena, 0, &sender);
	arena_seat(&arena, 1, &receiver);
	channel = mp_pool_channel(&arena.daemon, 1);
	ck_assert_int_eq(member_get_bulk(&sender, out, 60), 0);
}

static uint32_t send(uint32_t from, uint32_t n, int expected)
{
	int error;
	uint32_t sent = mp_channel_send(&sender.pool, channel, out + from, n, &error);
	ck_assert_int_eq(error, expected);
	return sent;
}

static uint32_t receive(uint32_t n, int expected)
{
	int error;
	uint32_t got = mp_channel_receive(&receiver.pool, channel, in, n, &error);
	ck_assert_int_eq(error, expected);
	return got;
}

/* The blocks in @in are those sent from @from on, and the receiver's; they go back. */
static void check(uint32_t from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t index = (uint32_t)mp_pool_index(&receiver.pool, in[i]);
		ck_assert_uint_eq(index, mp_pool_index(&sender.pool, out[from + i]));
		ck_assert_int_eq(member_put(&sender, index), -EPERM);
		ck_assert_int_eq(member_put(&receiver, index), 0);
	}
}

START_TEST(what_is_sent_arrives_in_order)
{
	begin();
	ck_assert_uint_eq(receive(1, 0), 0);
	for (uint32_t round = 0; round < 10; round++) {
		ck_assert_uint_eq(send(round * 5, 5, 0), 5);
		ck_assert_uint_eq(receive(10, 0), 5);
		check(round * 5, 5);
	}
	ck_assert_uint_eq(receive(1, 0), 0);
}
END_TEST

START_TEST(a_full_channel_takes_no_more_and_the_block_stays)
{
	begin();
	ck_assert_uint_eq(send(0, 10, -EAGAIN), DEPTH);
	ck_assert_uint_eq(send(8, 1, -EAGAIN), 0);
	ck_assert_int_eq(member_put(&sender, (uint32_t)mp_pool_index(&sender.pool, out[9])), 0);
	ck_assert_uint_eq(receive(3, 0), 3);
	check(0, 3);
	ck_assert_uint_eq(send(8, 1, 0), 1);
	ck_assert_uint_eq(receive(10, 0), 6);
	check(3, 6);
}
END_TEST

START_TEST(what_is_not_ours_is_not_sent)
{
	begin();
	void *twice[] = {out[0], out[0], out[1]};
	int error;
	ck_assert_uint_eq(mp_channel_send(&sender.pool, channel, twice, 3, &error), 1);
	ck_assert_int_eq(error, -EPERM);
	void *inside = (char *)out[2] + 1;
	ck_assert_uint_eq(mp_channel_send(&sender.pool, channel, &inside, 1, &error), 0);
	ck_assert_int_eq(error, -EINVAL);
	ck_assert_uint_eq(receive(10, 0), 1);
}
END_TEST

START_TEST(several_producers_share_a_channel)
{
	begin();
	struct member other;
	void *theirs[4], *left[4];
	int error;
	arena_seat(&arena, 2, &other);
	ck_assert_int_eq(member_get_bulk(&other, theirs, 4), 0);
	memcpy(left, theirs, sizeof left);
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(send(i, 1, 0), 1);
		ck_assert_uint_eq(mp_channel_send(&other.pool, channel, theirs + i, 1, &error), 1);
	}
	ck_assert_uint_eq(receive(10, 0), 8);
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_ptr_eq(in[2 * i], out[i]);
		ck_assert_ptr_eq(in[2 * i + 1], left[i]);
	}
}
END_TEST

/* A hint that lags, as of a producer that died before it stored it. */
START_TEST(hints_that_lag_are_made_good)
{
	begin();
	for (uint32_t round = 0; round < 5; round++) {
		mp_store(&channel->tail, 0);
		mp_store(&channel->limit, 0);
		ck_assert_uint_eq(send(round * 10, 10, -EAGAIN), DEPTH);
		ck_assert_uint_eq(receive(10, 0), DEPTH);
		check(round * 10, DEPTH);
	}
}
END_TEST

START_TEST(one_receives_at_a_time)
{
	begin();
	uint64_t claim = mp_channel_claim(&receiver.pool, channel);
	ck_assert_uint_ne(claim, 0);
	ck_assert_uint_eq(mp_channel_claim(&sender.pool, channel), 0);
	mp_channel_leave(channel, claim);
	uint64_t next = mp_channel_claim(&sender.pool, channel);
	ck_assert_uint_ne(next, 0);
	mp_channel_leave(channel, claim); /* not its seat any more */
	ck_assert_uint_eq(mp_channel_claim(&receiver.pool, channel), 0);
}
END_TEST

START_TEST(a_dead_consumer_leaves_its_seat_and_what_is_unread)
{
	begin();
	mp_channel_claim(&receiver.pool, channel);
	send(0, 6, 0);
	ck_assert_uint_eq(receive(2, 0), 2);
	arena_bury(&arena, 1, true);
	arena_seat(&arena, 3, &receiver);
	ck_assert_uint_ne(mp_channel_claim(&receiver.pool, channel), 0);
	ck_assert_uint_eq(receive(10, 0), 4);
	check(2, 4);
}
END_TEST

/* Received and emptied, but head not raised: what a death in the middle of a batch leaves. */
START_TEST(cells_emptied_by_the_dead_are_passed_over)
{
	begin();
	send(0, 6, 0);
	uint64_t head = mp_load(&channel->head);
	ck_assert_uint_eq(receive(2, 0), 2);
	mp_store(&channel->head, head);
	ck_assert_uint_eq(send(6, 4, -EAGAIN), 2); /* no farther than head allows */
	ck_assert_uint_eq(receive(10, 0), 6);
	check(2, 6);
}
END_TEST

static uint32_t slot_state(uint32_t slot)
{
	return mp_load(&arena.daemon.slots[slot].state);
}

/* The sender's slot waits for nothing; its successor's blocks come after what it left. */
START_TEST(what_the_dead_have_sent_stays_sent)
{
	begin();
	send(0, 4, 0);
	arena_bury(&arena, 0, false);
	ck_assert_uint_eq(slot_state(0), MP_SLOT_FREE);
	ck_assert_uint_eq(receive(2, 0), 2);
	check(0, 2);
	arena_bury(&arena, 0, true);
	arena_bury(&arena, 1, true);
	arena_seat(&arena, 0, &sender);
	arena_seat(&arena, 1, &receiver);
	void *left[2] = {out[2], out[3]};
	ck_assert_int_eq(member_get_bulk(&sender, out, 60), 0);
	ck_assert_uint_eq(send(0, 3, 0), 3);
	ck_assert_uint_eq(receive(10, 0), 5);
	ck_assert_ptr_eq(in[0], left[0]);
	ck_assert_ptr_eq(in[1], left[1]);
	ck_assert_ptr_eq(in[2], out[0]);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

/* A mailed gift has its grace, whatever was sent besides. */
START_TEST(what_the_dead_have_mailed_waits_for_their_grace)
{
	begin();
	uint64_t mailed;
	send(0, 2, 0);
	ck_assert_int_eq(mp_word_give(&sender.pool, mp_pool_index(&sender.pool, out[2]), &mailed),
			 0);
	arena_bury(&arena, 0, false);
	ck_assert_uint_eq(slot_state(0), MP_SLOT_DEAD);
	ck_assert_uint_eq(arena_bury(&arena, 0, true), 1);
	ck_assert_uint_eq(slot_state(0), MP_SLOT_FREE);
	ck_assert_int_eq(mp_word_take(&receiver.pool, mailed, false), -ESTALE);
	ck_assert_uint_eq(receive(10, 0), 2);
	check(0, 2);
}
END_TEST

START_TEST(who_leaves_makes_what_it_sent_the_channels)
{
	begin();
	uint64_t mailed;
	uint32_t index = (uint32_t)mp_pool_index(&sender.pool, out[0]);
	send(0, DEPTH, 0);
	ck_assert_int_eq(mp_word_give(&sender.pool, mp_pool_index(&sender.pool, out[20]), &mailed),
			 0);
	mp_channel_keep_all(&receiver.pool);
	uint64_t word = mp_load(&sender.pool.words[index].whole);
	ck_assert_uint_eq(mp_word_channel(word), MP_NONE);
	mp_channel_keep_all(&sender.pool);
	word = mp_load(&sender.pool.words[index].whole);
	ck_assert_uint_eq(mp_word_channel(word), 1);
	ck_assert_int_eq(mp_word_take(&sender.pool, word >> 32 << 32 | index, true), -EPERM);
	ck_assert_int_eq(member_put(&sender, index), -EPERM);
	ck_assert_ptr_null(arena_audit(&arena));
	ck_assert_int_ge(mp_word_take(&sender.pool, mailed, true), 0);
	ck_assert_uint_eq(receive(20, 0), DEPTH);
	check(0, DEPTH);
}
END_TEST

/* Tokens that somebody scribbled make nothing the channel's that is not a gift of that time. */
START_TEST(scribbled_tokens_keep_nothing)
{
	begin();
	uint32_t index = (uint32_t)mp_pool_index(&sender.pool, out[0]);
	uint64_t generation = mp_load(&sender.pool.words[index].whole) >> 32;
	mp_store(&channel->cell[0], generation << 32 | index);
	mp_store(&channel->cell[1], UINT64_MAX);
	mp_store(&channel->cell[2], (generation + 7) << 32 | index);
	mp_channel_keep_all(&sender.pool);
	ck_assert_uint_eq(mp_load(&sender.pool.words[index].low), sender.pool.used);
}
END_TEST

START_TEST(scribbled_cells_are_an_error_and_not_a_hang)
{
	begin();
	for (uint32_t i = 0; i < DEPTH; i++) {
		mp_store(&channel->cell[i], 77);
	}
	ck_assert_uint_eq(receive(10, -EIO), 0);
	ck_assert_uint_eq(send(0, 1, -EAGAIN), 0);
	for (uint32_t i = 0; i < DEPTH; i++) {
		mp_store(&channel->cell[i], UINT64_MAX - i);
	}
	mp_store(&channel->tail, UINT64_MAX - 3);
	mp_store(&channel->limit, UINT64_MAX);
	ck_assert_uint_eq(receive(10, 0), 0);
	ck_assert_uint_eq(send(0, 1, 0), 1); /* in spite of the hints, as the cells are empty */
	ck_assert_uint_eq(receive(10, 0), 1);
	check(0, 1);
}
END_TEST

/* The bell and a receive sleep on one word; neither may sleep on what the other has set again. */
START_TEST(who_prepares_to_sleep_again_hides_no_notification)
{
	begin();
	uint32_t first = mp_futex_prepare(&channel->hungry);
	ck_assert_uint_eq(send(0, 1, 0), 1);
	uint32_t second = mp_futex_prepare(&channel->hungry);
	ck_assert_uint_ne(first, second);
	ck_assert_uint_eq(mp_futex_prepare(&channel->hungry), second);
	mp_futex_stir(&channel->hungry);
	ck_assert_uint_ne(mp_futex_prepare(&channel->hungry), second);
}
END_TEST

/* So it is with crowded, which the consumer notifies when it has made room. */
START_TEST(who_waits_for_room_anew_hides_no_notification)
{
	begin();
	uint32_t first = mp_futex_prepare(&channel->crowded);
	ck_assert_uint_eq(send(0, 1, 0), 1);
	ck_assert_uint_eq(receive(1, 0), 1);
	ck_assert_uint_eq(mp_load(&channel->crowded) & MP_FUTEX_ASLEEP, 0);
	uint32_t second = mp_futex_prepare(&channel->crowded);
	ck_assert_uint_ne(first, second);
	ck_assert_uint_eq(receive(1, 0), 0); /* made no room, so wakes nobody */
	ck_assert_uint_eq(mp_load(&channel->crowded), second);
}
END_TEST

/* The one that filled the ring was stopped before it looked whether somebody sleeps. */
START_TEST(who_is_to_wait_for_room_wakes_those_who_receive)
{
	struct timespec now;
	struct mp_wait wait = {.deadline = &now};

	begin();
	ck_assert_uint_eq(send(0, DEPTH, 0), DEPTH);
	mp_futex_prepare(&channel->hungry);
	mp_deadline(&now, 0);
	mp_channel_await_room(&sender.pool, channel, NULL, &wait);
	ck_assert_uint_eq(mp_load(&channel->hungry) & MP_FUTEX_ASLEEP, 0);
}
END_TEST

/* ---- a sibling withdraws in the middle of a send ---- */

/* A channel that is full, and a block that does not fit. */
static void begin_deep(void)
{
	uint32_t depth = midway_depth();

	arena_make(&arena, (struct mp_shape){.blocks = 2 * depth, .n_caches = 4, .depth = depth});
	arena_seat(&arena, 0, &sender);
	channel = mp_pool_channel(&arena.daemon, 1);
	for (uint32_t i = 0; i < depth; i++) {
		ck_assert_int_eq(member_get_bulk(&sender, out, 1), 0);
		ck_assert_uint_eq(send(0, 1, 0), 1);
	}
	ck_assert_int_eq(member_get_bulk(&sender, out, 1), 0);
}

static void send_in_two_halves(bool withdraws, uint32_t sent, int error)
{
	midway_begin(&sender, channel, out[0], withdraws);
	ck_assert_uint_eq(send(0, 1, error), sent);
	midway_end();
}

/* The send gives the block and then finds no room. Either of the two has it, and knows. */
START_TEST(a_block_withdrawn_in_the_middle_of_a_send_is_not_the_senders)
{
	begin_deep();
	send_in_two_halves(true, 1, 0);
	ck_assert_int_eq(member_put(&sender, midway.index), 0); /* it is the sibling's */
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(a_block_that_finds_no_room_in_the_middle_of_a_send_stays_the_senders)
{
	begin_deep();
	send_in_two_halves(false, 0, -EAGAIN);
	ck_assert_int_eq(member_put(&sender, midway.index), 0);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

SUITE("channel", what_is_sent_arrives_in_order, a_full_channel_takes_no_more_and_the_block_stays,
      what_is_not_ours_is_not_sent, several_producers_share_a_channel, hints_that_lag_are_made_good,
      one_receives_at_a_time, a_dead_consumer_leaves_its_seat_and_what_is_unread,
      cells_emptied_by_the_dead_are_passed_over, what_the_dead_have_sent_stays_sent,
      what_the_dead_have_mailed_waits_for_their_grace, who_leaves_makes_what_it_sent_the_channels,
      scribbled_tokens_keep_nothing, scribbled_cells_are_an_error_and_not_a_hang,
      who_is_to_wait_for_room_wakes_those_who_receive,
      a_block_withdrawn_in_the_middle_of_a_send_is_not_the_senders,
      a_block_that_finds_no_room_in_the_middle_of_a_send_stays_the_senders,
      who_prepares_to_sleep_again_hides_no_notification,
      who_waits_for_room_anew_hides_no_notification)
