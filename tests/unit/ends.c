/* SPDX-License-Identifier: MIT */
/* Ends: marks, what each end of each kind of channel is told of the other, and when. */
#include "lib/core/broadcast.h"
#include "lib/core/ends.h"
#include "lib/core/futex.h"
#include "lib/core/work.h"
#include "tests/support/arena.h"
#include "tests/unit/suite.h"

#define SLOTS 130 /* three words of marks */

static struct arena arena;
static struct member first, second, receiver;
static struct mp_channel *channel;

static void begin(void)
{
	arena_make(&arena,
		   (struct mp_shape){.blocks = 100, .n_caches = 4, .n_slots = SLOTS, .depth = 8});
	arena_seat(&arena, 1, &first);
	arena_seat(&arena, SLOTS - 1, &second);
	arena_seat(&arena, 64, &receiver);
	channel = mp_pool_channel(&arena.daemon, 3); /* the last: its marks end the area */
}

static bool is_over(const struct mp_ends *noted)
{
	return mp_channel_is_over(&receiver.pool, channel, noted);
}

static void send_one(struct member *from)
{
	uint32_t index;
	int error;
	ck_assert_int_eq(member_get(from, &index), 0);
	void *block = mp_pool_address(&from->pool, index);
	ck_assert_uint_eq(mp_channel_send(&from->pool, channel, &block, 1, &error), 1);
}

static void receive_one(void)
{
	void *block;
	int error;
	ck_assert_uint_eq(mp_channel_receive(&receiver.pool, channel, &block, 1, &error), 1);
}

START_TEST(a_stream_is_over_when_all_senders_went_and_all_is_received)
{
	begin();
	struct mp_ends noted = mp_ends_note_senders(&receiver.pool, channel);
	ck_assert(!is_over(&noted)); /* nobody came yet */
	mp_ends_begin(&first.pool, channel);
	mp_ends_begin(&second.pool, channel);
	send_one(&first);
	ck_assert(!is_over(&noted));
	mp_ends_stop(&first.pool, channel, 1);
	ck_assert(!is_over(&noted));
	mp_ends_stop(&second.pool, channel, SLOTS - 1);
	ck_assert(!is_over(&noted));
	receive_one();
	ck_assert(is_over(&noted));
	mp_ends_begin(&second.pool, channel); /* who comes anew is heard */
	ck_assert(!is_over(&noted));
}
END_TEST

START_TEST(a_receiver_hears_of_senders_that_were_there_or_left_something)
{
	begin();
	mp_ends_begin(&first.pool, channel);
	struct mp_ends there = mp_ends_note_senders(&receiver.pool, channel);
	send_one(&first);
	mp_ends_stop(&first.pool, channel, 1);
	struct mp_ends later = mp_ends_note_senders(&receiver.pool, channel);
	receive_one();
	ck_assert(is_over(&there));
	ck_assert(is_over(&later));
	struct mp_ends after = mp_ends_note_senders(&receiver.pool, channel);
	ck_assert(!is_over(&after)); /* all was over before it came */
}
END_TEST

START_TEST(a_sender_is_deserted_when_its_receiver_went)
{
	begin();
	struct mp_ends before = mp_ends_note_receivers(&first.pool, channel);
	ck_assert(!mp_ends_is_deserted(&first.pool, channel, &before));
	uint64_t claim = mp_channel_claim(&receiver.pool, channel);
	struct mp_ends meanwhile = mp_ends_note_receivers(&first.pool, channel);
	ck_assert(!mp_ends_is_deserted(&first.pool, channel, &meanwhile));
	mp_channel_leave(channel, claim);
	struct mp_ends after = mp_ends_note_receivers(&first.pool, channel);
	ck_assert(mp_ends_is_deserted(&first.pool, channel, &before));
	ck_assert(mp_ends_is_deserted(&first.pool, channel, &meanwhile));
	ck_assert(!mp_ends_is_deserted(&first.pool, channel, &after));
	mp_channel_claim(&receiver.pool, channel);
	ck_assert(!mp_ends_is_deserted(&first.pool, channel, &before));
}
END_TEST

/* Also with gifts left: the slot stays, the mark does not. Who sleeps at the other end is woken. */
START_TEST(the_dead_are_at_no_end)
{
	begin();
	uint32_t index;
	uint64_t gift;
	mp_channel_claim(&receiver.pool, channel);
	mp_ends_begin(&first.pool, channel);
	mp_ends_begin(&second.pool, channel);
	struct mp_ends senders = mp_ends_note_senders(&receiver.pool, channel);
	struct mp_ends consumer = mp_ends_note_receivers(&first.pool, channel);
	ck_assert_int_eq(member_get(&second, &index), 0);
	ck_assert_int_eq(mp_word_give(&second.pool, index, &gift), 0);
	arena_bury(&arena, 1, true);
	ck_assert(!is_over(&senders));
	uint32_t hungry = mp_futex_prepare(&channel->hungry);
	arena_bury(&arena, SLOTS - 1, false);
	ck_assert(is_over(&senders));
	ck_assert_uint_ne(mp_load(&channel->hungry), hungry);
	uint32_t crowded = mp_futex_prepare(&channel->crowded);
	ck_assert(!mp_ends_is_deserted(&first.pool, channel, &consumer));
	arena_bury(&arena, 64, true);
	ck_assert(mp_ends_is_deserted(&first.pool, channel, &consumer));
	ck_assert_uint_ne(mp_load(&channel->crowded), crowded);
}
END_TEST

/* ---- work ---- */

static void begin_work(void)
{
	begin();
	ck_assert(mp_channel_is_of_kind(channel, MP_CHANNEL_WORK));
}

static void receive_work_by(struct member *by)
{
	void *block;
	int error;
	ck_assert_uint_eq(mp_work_receive(&by->pool, channel, &block, 1, &error), 1);
}

START_TEST(work_is_over_for_all_receivers_when_all_of_it_is_received)
{
	begin_work();
	mp_ends_begin_receiving(&receiver.pool, channel);
	struct mp_ends one = mp_ends_note_senders(&receiver.pool, channel);
	mp_ends_begin_receiving(&second.pool, channel);
	struct mp_ends other = mp_ends_note_senders(&second.pool, channel);
	mp_ends_begin(&first.pool, channel);
	send_one(&first);
	mp_ends_stop(&first.pool, channel, 1);
	ck_assert(!is_over(&one));
	receive_work_by(&second);
	ck_assert(is_over(&one));
	ck_assert(mp_channel_is_over(&second.pool, channel, &other));
}
END_TEST

START_TEST(a_sender_of_work_is_deserted_when_its_last_receiver_went)
{
	begin_work();
	struct mp_ends before = mp_ends_note_receivers(&first.pool, channel);
	mp_ends_begin_receiving(&receiver.pool, channel);
	mp_ends_begin_receiving(&second.pool, channel);
	mp_ends_stop_receiving(&receiver.pool, channel, 64);
	ck_assert(!mp_ends_is_deserted(&first.pool, channel, &before));
	struct mp_ends meanwhile = mp_ends_note_receivers(&first.pool, channel);
	mp_ends_stop_receiving(&second.pool, channel, SLOTS - 1);
	struct mp_ends after = mp_ends_note_receivers(&first.pool, channel);
	ck_assert(mp_ends_is_deserted(&first.pool, channel, &before));
	ck_assert(mp_ends_is_deserted(&first.pool, channel, &meanwhile));
	ck_assert(!mp_ends_is_deserted(&first.pool, channel, &after));
	mp_ends_begin_receiving(&receiver.pool, channel);
	ck_assert(!mp_ends_is_deserted(&first.pool, channel, &before));
}
END_TEST

START_TEST(the_dead_receive_no_work)
{
	begin_work();
	mp_ends_begin_receiving(&receiver.pool, channel);
	mp_ends_begin_receiving(&second.pool, channel);
	struct mp_ends noted = mp_ends_note_receivers(&first.pool, channel);
	arena_bury(&arena, SLOTS - 1, false);
	ck_assert(!mp_ends_is_deserted(&first.pool, channel, &noted));
	uint32_t crowded = mp_futex_prepare(&channel->crowded);
	arena_bury(&arena, 64, false);
	ck_assert(mp_ends_is_deserted(&first.pool, channel, &noted));
	ck_assert_uint_ne(mp_load(&channel->crowded), crowded);
}
END_TEST

/* ---- broadcasts ---- */

static struct mp_subscriber subscriber;

static void join(struct member *by, struct mp_subscriber *s)
{
	ck_assert_int_eq(mp_broadcast_join(&by->pool, &by->local, 3, false, s), 0);
}

static void begin_broadcast(void)
{
	begin();
	ck_assert(mp_channel_is_of_kind(channel, MP_CHANNEL_BROADCAST));
	join(&receiver, &subscriber);
}

static void broadcast_one(struct member *from)
{
	uint32_t index;
	int error;
	ck_assert_int_eq(member_get(from, &index), 0);
	void *block = mp_pool_address(&from->pool, index);
	ck_assert_uint_eq(mp_broadcast_send(&from->pool, &from->local, 3, &block, 1, &error), 1);
}

static void borrow_one(void)
{
	const void *block;
	int error;
	ck_assert_uint_eq(mp_broadcast_borrow(&receiver.pool, &receiver.local, &subscriber, &block,
					      1, &error),
			  1);
}

static bool is_over_for_it(const struct mp_ends *noted)
{
	return mp_broadcast_is_over(&receiver.pool, &subscriber, noted);
}

START_TEST(a_broadcast_is_over_when_all_senders_went_and_all_is_received)
{
	begin_broadcast();
	struct mp_ends noted = mp_ends_note_senders(&receiver.pool, channel);
	ck_assert(!is_over_for_it(&noted));
	mp_ends_begin(&first.pool, channel);
	broadcast_one(&first);
	borrow_one();
	ck_assert(!is_over_for_it(&noted));
	broadcast_one(&first);
	uint32_t hungry = mp_futex_prepare(&channel->hungry);
	mp_ends_stop(&first.pool, channel, 1);
	ck_assert_uint_ne(mp_load(&channel->hungry), hungry);
	ck_assert(!is_over_for_it(&noted));
	borrow_one();
	ck_assert(is_over_for_it(&noted)); /* received; not returned */
	mp_ends_begin(&second.pool, channel);
	ck_assert(!is_over_for_it(&noted));
}
END_TEST

/* They went before it looked, and after it had joined. */
START_TEST(a_subscriber_hears_of_senders_that_left_something)
{
	begin_broadcast();
	mp_ends_begin(&first.pool, channel);
	broadcast_one(&first);
	mp_ends_stop(&first.pool, channel, 1);
	struct mp_ends later = mp_ends_note_senders(&receiver.pool, channel);
	ck_assert(!is_over_for_it(&later));
	borrow_one();
	ck_assert(is_over_for_it(&later));
}
END_TEST

START_TEST(a_broadcaster_is_deserted_when_its_last_subscriber_went)
{
	begin_broadcast();
	struct mp_subscriber other;
	struct mp_ends noted = mp_ends_note_receivers(&first.pool, channel);
	join(&second, &other);
	mp_broadcast_leave(&receiver.pool, &receiver.local, &subscriber);
	ck_assert(!mp_ends_is_deserted(&first.pool, channel, &noted));
	uint32_t crowded = mp_futex_prepare(&channel->crowded);
	arena_bury(&arena, SLOTS - 1, false);
	ck_assert(mp_ends_is_deserted(&first.pool, channel, &noted));
	ck_assert_uint_ne(mp_load(&channel->crowded), crowded);
	struct mp_ends after = mp_ends_note_receivers(&first.pool, channel);
	ck_assert(!mp_ends_is_deserted(&first.pool, channel, &after));
	join(&receiver, &subscriber);
	ck_assert(!mp_ends_is_deserted(&first.pool, channel, &noted));
	mp_broadcast_leave(&receiver.pool, &receiver.local, &subscriber);
	ck_assert(mp_ends_is_deserted(&first.pool, channel, &after));
}
END_TEST

/* Who waits for what has come, for room that is there, or for one who has gone does not sleep. */
START_TEST(nobody_sleeps_over_what_is_there)
{
	begin_broadcast();
	struct mp_ends noted = mp_ends_note_senders(&receiver.pool, channel);
	mp_ends_begin(&first.pool, channel);
	broadcast_one(&first);
	for (int i = 0; i < 1000; i++) { /* or the suite's time is over: a sleep is a slice */
		mp_broadcast_await_token(&receiver.pool, &subscriber, NULL, &(struct mp_wait){0});
		mp_broadcast_await_room(&first.pool, 3, NULL, &(struct mp_wait){0});
	}
	borrow_one();
	mp_ends_stop(&first.pool, channel, 1);
	struct mp_ends subscribers = mp_ends_note_receivers(&first.pool, channel);
	mp_broadcast_leave(&receiver.pool, &receiver.local, &subscriber);
	for (int i = 0; i < 1000; i++) {
		mp_broadcast_await_token(&receiver.pool, &subscriber, &noted, &(struct mp_wait){0});
		mp_broadcast_await_room(&first.pool, 3, &subscribers, &(struct mp_wait){0});
	}
}
END_TEST

SUITE("ends", a_stream_is_over_when_all_senders_went_and_all_is_received,
      a_receiver_hears_of_senders_that_were_there_or_left_something,
      a_sender_is_deserted_when_its_receiver_went, the_dead_are_at_no_end,
      work_is_over_for_all_receivers_when_all_of_it_is_received,
      a_sender_of_work_is_deserted_when_its_last_receiver_went, the_dead_receive_no_work,
      a_broadcast_is_over_when_all_senders_went_and_all_is_received,
      a_subscriber_hears_of_senders_that_left_something,
      a_broadcaster_is_deserted_when_its_last_subscriber_went, nobody_sleeps_over_what_is_there)
