/* SPDX-License-Identifier: MIT */
/*
 * Broadcasts of those who live: each block to all, in order; who holds senders up, and who loses.
 * What the dead leave is in broadcast_deaths.c.
 */
#include "tests/unit/broadcast.h"
#include "tests/unit/midway.h"

static struct reader a, b;

/* Subscribers in seats 0 and 1. */
static void begin_with(bool a_lossy, bool b_lossy)
{
	begin();
	ck_assert_int_eq(join(&a, 1, a_lossy), 0);
	ck_assert_int_eq(join(&b, 2, b_lossy), 0);
}

START_TEST(each_block_goes_to_every_subscriber_in_order)
{
	begin_with(false, true);
	for (uint32_t round = 0; round < 10; round++) {
		ck_assert_uint_eq(send(round * 5, 5, 0), 5);
		expect(&a, round * 5, 5);
		ck_assert_uint_eq(borrow(&a, 1, 0), 0);
		expect(&b, round * 5, 5);
	}
	ck_assert_uint_eq(lost(&b), 0);
	ck_assert_uint_eq(gettable(3), BLOCKS - 10);
	finish();
}
END_TEST

START_TEST(batches_go_across_the_rings_end)
{
	begin_with(false, false);
	for (uint32_t round = 0; round < 7; round++) {
		ck_assert_uint_eq(send(round * DEPTH, DEPTH, 0), DEPTH);
		expect(&a, round * DEPTH, 3);
		expect(&b, round * DEPTH, DEPTH);
		expect(&a, round * DEPTH + 3, DEPTH - 3);
		if (round < 4) {
			ck_assert_uint_eq(send(56, 1, 0), 1); /* so that rounds begin elsewhere */
			expect(&a, 56, 1);
			expect(&b, 56, 1);
			ck_assert_int_eq(member_get_bulk(&sender, out + 56, 1), 0);
		}
	}
	finish();
}
END_TEST

START_TEST(a_block_is_free_when_its_last_subscriber_has_returned_it)
{
	begin_with(false, false);
	send(0, 1, 0);
	ck_assert(is_shared(0, 3, 0));
	ck_assert_uint_eq(borrow(&a, 1, 0), 1);
	ck_assert(is_shared(0, 2, 1));
	ck_assert_uint_eq(borrow(&b, 1, 0), 1);
	ck_assert(is_shared(0, 0, 3));
	ck_assert_int_eq(give_back(&a, 0), 0);
	ck_assert(is_shared(0, 0, 2));
	ck_assert_ptr_null(arena_audit(&arena));
	ck_assert_int_eq(give_back(&b, 0), 0);
	ck_assert_int_eq(state_of(0), MP_FREE);
	ck_assert(!mp_collect_pending(&arena.daemon));
	finish();
}
END_TEST

START_TEST(what_is_shared_is_nobodys_to_put_give_or_send)
{
	begin_with(false, false);
	uint64_t token;
	send(0, 1, 0);
	borrow(&a, 1, 0);
	ck_assert_int_eq(member_put(&sender, index_of(out[0])), -EPERM);
	ck_assert_int_eq(member_put(&a.member, index_of(out[0])), -EPERM);
	ck_assert_int_eq(mp_word_give(&a.member.pool, index_of(out[0]), &token), -EPERM);
	ck_assert_uint_eq(send(0, 1, -EPERM), 0);
	ck_assert_uint_eq(send_by(&a.member, out, 1, -EPERM), 0);
	ck_assert_int_eq(mp_word_take(&b.member.pool, mp_load(&channel->cell[0]), false), -ESTALE);
	finish();
}
END_TEST

START_TEST(without_subscribers_the_block_stays)
{
	begin();
	ck_assert_uint_eq(send(0, 3, -ENOTCONN), 0);
	ck_assert_int_eq(join(&a, 1, false), 0);
	ck_assert_uint_eq(send(0, 3, 0), 3);
	leave(&a);
	ck_assert_uint_eq(send(3, 1, -ENOTCONN), 0);
	ck_assert_int_eq(member_put(&sender, index_of(out[3])), 0);
	finish();
}
END_TEST

START_TEST(what_is_not_ours_is_not_sent)
{
	begin_with(false, false);
	void *twice[] = {out[0], out[0], out[1]};
	ck_assert_uint_eq(send_by(&sender, twice, 3, -EPERM), 1);
	void *inside = (char *)out[2] + 1;
	ck_assert_uint_eq(send_by(&sender, &inside, 1, -EINVAL), 0);
	expect(&a, 0, 1);
	ck_assert_uint_eq(borrow(&a, 1, 0), 0);
	finish();
}
END_TEST

START_TEST(twelve_subscribe_and_no_thirteenth)
{
	static struct reader all[MP_SEATS_MAX], one_more;
	begin();
	for (uint32_t i = 0; i < MP_SEATS_MAX; i++) {
		ck_assert_int_eq(join(&all[i], 1 + i, i % 2), 0);
		ck_assert_uint_eq(all[i].seat.seat, i);
	}
	ck_assert_int_eq(join(&one_more, 15, false), -EUSERS);
	send(0, 5, 0);
	for (uint32_t i = 0; i < MP_SEATS_MAX; i++) {
		ck_assert_int_eq(state_of(4), MP_SHARED);
		expect(&all[i], 0, 5);
	}
	ck_assert_int_eq(state_of(4), MP_FREE);
	leave(&all[7]);
	ck_assert_int_eq(mp_broadcast_join(&one_more.member.pool, &one_more.member.local, NUMBER,
					   false, &one_more.seat),
			 0);
	ck_assert_uint_eq(one_more.seat.seat, 7);
	finish();
}
END_TEST

START_TEST(a_reliable_subscriber_holds_senders_up)
{
	begin_with(false, true);
	ck_assert_uint_eq(send(0, DEPTH + 2, -EAGAIN), DEPTH);
	ck_assert(!mp_broadcast_has_room(&sender.pool, NUMBER));
	ck_assert_int_eq(state_of(DEPTH), MP_USED);
	expect(&b, 0, DEPTH);
	ck_assert_uint_eq(send(DEPTH, 1, -EAGAIN), 0);
	ck_assert_uint_eq(borrow(&a, 2, 0), 2); /* received is enough; held keeps no place */
	ck_assert(mp_broadcast_has_room(&sender.pool, NUMBER));
	ck_assert_uint_eq(send(DEPTH, 3, -EAGAIN), 2);
	ck_assert(is_shared(0, 0, 1));
	expect(&a, 2, DEPTH);
	expect(&b, DEPTH, 2);
	ck_assert_uint_eq(lost(&a) + lost(&b), 0);
	finish();
}
END_TEST

/* ---- lossy ---- */

START_TEST(a_lossy_subscriber_loses_the_oldest_and_knows_how_many)
{
	begin();
	ck_assert_int_eq(join(&a, 1, true), 0);
	ck_assert_uint_eq(send(0, DEPTH + 5, 0), DEPTH + 5);
	for (uint32_t i = 0; i < 5; i++) {
		ck_assert_int_eq(state_of(i), MP_FREE);
	}
	expect(&a, 5, DEPTH);
	ck_assert_uint_eq(lost(&a), 5);
	ck_assert_uint_eq(borrow(&a, 1, 0), 0);
	ck_assert_uint_eq(lost(&a), 5);
	finish();
}
END_TEST

START_TEST(what_a_lossy_subscriber_holds_is_not_dropped)
{
	begin();
	ck_assert_int_eq(join(&a, 1, true), 0);
	send(0, DEPTH, 0);
	ck_assert_uint_eq(borrow(&a, 3, 0), 3);
	ck_assert_uint_eq(send(DEPTH, DEPTH, 0), DEPTH);
	ck_assert(is_shared(2, 0, 1));
	ck_assert_int_eq(state_of(3), MP_FREE);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(give_back(&a, i), 0);
	}
	expect(&a, DEPTH, DEPTH);
	ck_assert_uint_eq(lost(&a), DEPTH - 3);
	finish();
}
END_TEST

/* Two of them, at different places: each loses what it has not received yet. */
START_TEST(two_lossy_subscribers_lose_each_its_own)
{
	begin_with(true, true);
	send(0, DEPTH, 0);
	expect(&a, 0, 6);
	expect(&b, 0, 2);
	send(DEPTH, 4, 0);
	expect(&a, 6, 6);
	expect(&b, 4, 8);
	ck_assert_uint_eq(lost(&a), 0);
	ck_assert_uint_eq(lost(&b), 2);
	finish();
}
END_TEST

/* What the reliable one has received can be dropped of the lossy one, and no more. */
START_TEST(a_lossy_subscriber_beside_a_reliable_one_loses_what_that_has_received)
{
	begin_with(false, true);
	send(0, DEPTH, 0);
	ck_assert_uint_eq(borrow(&a, 3, 0), 3);
	ck_assert_uint_eq(send(DEPTH, DEPTH, -EAGAIN), 3);
	ck_assert(is_shared(0, 0, 1));
	ck_assert(is_shared(3, 3, 0));
	expect(&b, 3, DEPTH);
	ck_assert_uint_eq(lost(&b), 3);
	expect(&a, 3, DEPTH);
	finish();
}
END_TEST

START_TEST(who_joins_gets_what_is_sent_from_then_on)
{
	begin();
	ck_assert_int_eq(join(&a, 1, false), 0);
	ck_assert_uint_eq(send(0, DEPTH, 0), DEPTH);
	ck_assert_int_eq(join(&b, 2, true), 0);
	ck_assert(!mp_broadcast_is_filled(&b.member.pool, &b.seat));
	ck_assert_uint_eq(send(DEPTH, 1, -EAGAIN), 0); /* the newcomer frees nothing */
	expect(&a, 0, 2);
	ck_assert_uint_eq(send(DEPTH, 2, 0), 2);
	expect(&b, DEPTH, 2);
	ck_assert_uint_eq(lost(&b), 0);
	expect(&a, 2, DEPTH);
	finish();
}
END_TEST

/* ---- leaving ---- */

START_TEST(who_leaves_frees_what_it_had_still_to_get)
{
	begin_with(false, false);
	send(0, 6, 0);
	expect(&a, 0, 4);
	expect(&b, 0, 2);
	leave(&b);
	ck_assert_int_eq(state_of(3), MP_FREE); /* it was the last */
	ck_assert(is_shared(4, 1, 0));
	ck_assert_uint_eq(mp_load(&channel->members), 1);
	ck_assert_ptr_null(arena_audit(&arena));
	expect(&a, 4, 2);
	leave(&a);
	finish();
}
END_TEST

START_TEST(senders_need_not_wait_for_who_has_left)
{
	begin_with(false, true);
	send(0, DEPTH, 0);
	expect(&b, 0, DEPTH);
	uint32_t crowded = mp_futex_prepare(&channel->crowded);
	ck_assert_uint_eq(send(DEPTH, 1, -EAGAIN), 0);
	leave(&a);
	ck_assert_uint_ne(mp_load(&channel->crowded), crowded);
	ck_assert_uint_eq(send(DEPTH, DEPTH, 0), DEPTH);
	expect(&b, DEPTH, DEPTH);
	finish();
}
END_TEST

START_TEST(who_has_a_lossy_ones_seat_next_may_be_reliable)
{
	begin_with(true, true);
	leave(&a);
	ck_assert_int_eq(join(&a, 3, false), 0);
	ck_assert_uint_eq(a.seat.seat, 0);
	ck_assert_uint_eq(send(0, DEPTH + 1, -EAGAIN), DEPTH);
	expect(&a, 0, DEPTH);
	finish();
}
END_TEST

/* ---- waking ---- */

START_TEST(who_sends_wakes_who_waits_for_blocks)
{
	begin_with(false, false);
	uint32_t hungry = mp_futex_prepare(&channel->hungry);
	send(0, 1, 0);
	ck_assert_uint_ne(mp_load(&channel->hungry), hungry);
	finish();
}
END_TEST

START_TEST(who_borrows_wakes_who_waits_for_room)
{
	begin_with(false, false);
	send(0, 1, 0);
	uint32_t crowded = mp_futex_prepare(&channel->crowded);
	borrow(&a, 1, 0);
	ck_assert_uint_ne(mp_load(&channel->crowded), crowded);
	crowded = mp_futex_prepare(&channel->crowded);
	ck_assert_uint_eq(borrow(&a, 1, 0), 0); /* made no room, so wakes nobody */
	ck_assert_uint_eq(mp_load(&channel->crowded), crowded);
	finish();
}
END_TEST

/* ---- returning and owning ---- */

START_TEST(a_block_is_returned_once_by_who_has_borrowed_it)
{
	begin_with(false, false);
	send(0, 2, 0);
	borrow(&a, 1, 0);
	ck_assert_int_eq(give_back(&b, 0), -EPERM); /* it is still to come to it */
	ck_assert_int_eq(give_back(&a, 1), -EPERM);
	ck_assert_int_eq(give_back(&a, 30), -EPERM);
	ck_assert_int_eq(give_back(&a, 0), 0);
	ck_assert_int_eq(give_back(&a, 0), -EPERM);
	ck_assert(is_shared(0, 2, 0));
	ck_assert_int_eq(mp_broadcast_return(&a.member.pool, NULL, &a.seat, BLOCKS), -EINVAL);
	ck_assert_int_eq(mp_broadcast_return(&a.member.pool, NULL, &a.seat, UINT64_MAX), -EINVAL);
	expect(&b, 0, 2);
	ck_assert_int_eq(give_back(&b, 0), -EPERM);
	finish();
}
END_TEST

static int own(struct reader *r, uint32_t i)
{
	return mp_broadcast_own(&r->member.pool, &r->seat, index_of(out[i]));
}

START_TEST(the_last_holder_may_keep_a_block)
{
	begin_with(false, false);
	send(0, 2, 0);
	ck_assert_int_eq(own(&a, 0), -EPERM);
	borrow(&a, 2, 0);
	ck_assert_int_eq(own(&a, 0), -EBUSY); /* b is to get it */
	borrow(&b, 1, 0);
	ck_assert_int_eq(own(&a, 0), -EBUSY); /* b has it */
	ck_assert_int_eq(give_back(&b, 0), 0);
	ck_assert_int_eq(own(&b, 0), -EPERM);
	ck_assert_int_eq(own(&a, 0), 0);
	ck_assert_int_eq(own(&a, 0), -EPERM);
	ck_assert_int_eq(give_back(&a, 0), -EPERM);
	ck_assert_int_eq(mp_broadcast_own(&a.member.pool, &a.seat, BLOCKS), -EINVAL);
	ck_assert_int_eq(send_by(&a.member, out, 1, 0), 1); /* while its old token stands there */
	expect(&b, 1, 1);
	expect(&b, 0, 1);
	ck_assert_int_eq(give_back(&a, 1), 0);
	expect(&a, 0, 1);
	finish();
}
END_TEST

/* ---- the last bit, where a block cannot be put as others are ---- */

static void assert_announced(uint32_t i)
{
	ck_assert_int_eq(state_of(i), MP_RECLAIMED);
	ck_assert(mp_collect_pending(&arena.daemon));
	ck_assert_ptr_null(arena_audit(&arena));
}

START_TEST(without_a_local_the_last_to_return_leaves_the_block_reclaimed)
{
	begin();
	ck_assert_int_eq(join(&a, 1, false), 0);
	send(0, 1, 0);
	borrow(&a, 1, 0);
	ck_assert_int_eq(mp_broadcast_return(&a.member.pool, NULL, &a.seat, index_of(out[0])), 0);
	assert_announced(0);
	finish();
}
END_TEST

START_TEST(inside_a_call_the_last_to_return_leaves_the_block_reclaimed)
{
	begin();
	ck_assert_int_eq(join(&a, 1, false), 0);
	send(0, 2, 0);
	borrow(&a, 1, 0);
	ck_assert(mp_enter(a.member.local.cache));
	ck_assert_int_eq(give_back(&a, 0), 0);
	assert_announced(0);
	leave(&a);
	ck_assert_int_eq(state_of(1), MP_RECLAIMED);
	mp_leave(a.member.local.cache);
	finish();
}
END_TEST

START_TEST(the_last_to_return_is_charged_for_nothing)
{
	begin_with(false, true);
	a.member.pool.quota = sender.pool.quota = 100;
	send(0, DEPTH, 0);
	borrow(&a, DEPTH, 0);
	for (uint32_t i = 0; i < DEPTH; i++) {
		ck_assert_int_eq(give_back(&a, i), 0);
	}
	send(DEPTH, DEPTH, 0); /* drops what b has not received */
	ck_assert_int_eq(state_of(0), MP_FREE);
	leave(&a);
	ck_assert_uint_eq(mp_load(&arena.daemon.slots[0].owned), 0);
	ck_assert_uint_eq(mp_load(&arena.daemon.slots[1].owned), 0);
	finish();
}
END_TEST

/* ---- tokens that are stale ---- */

/* The token of an earlier gift of a block stands before the one that was sent. */
START_TEST(an_old_token_does_not_fit_a_later_share)
{
	begin_with(true, false);
	send(0, 1, 0);
	uint64_t first = mp_load(&channel->cell[0]);
	expect(&a, 0, 1);
	expect(&b, 0, 1);
	ck_assert_int_eq(member_get_bulk(&b.member, out, 1), 0); /* it was the last */
	ck_assert_uint_eq((uint32_t)first, index_of(out[0]));
	ck_assert_uint_eq(send_by(&b.member, out, 1, 0), 1);
	mp_store(&a.seat.cursor, 0); /* as of a thread that was stopped there */
	ck_assert_uint_eq(borrow(&a, 1, 0), 1);
	ck_assert_uint_eq(mp_load(&a.seat.cursor), 2);
	ck_assert_uint_eq(lost(&a), 1);
	expect(&b, 0, 1);
	finish();
}
END_TEST

/* The one that filled the ring was stopped before it looked whether somebody sleeps. */
START_TEST(who_is_to_wait_for_room_wakes_those_who_receive)
{
	struct timespec now;
	struct mp_wait wait = {.deadline = &now};

	begin_with(false, true);
	ck_assert_uint_eq(send(0, DEPTH, 0), DEPTH);
	mp_futex_prepare(&channel->hungry);
	mp_deadline(&now, 0);
	mp_broadcast_await_room(&sender.pool, NUMBER, NULL, &wait);
	ck_assert_uint_eq(mp_load(&channel->hungry) & MP_FUTEX_ASLEEP, 0);
}
END_TEST

/* ---- a sibling withdraws in the middle of a send ---- */

/* A ring that a reliable subscriber has not begun to read, and a block that does not fit. */
static void begin_deep(void)
{
	uint32_t depth = midway_depth();

	begin_shaped((struct mp_shape){
		.blocks = 2 * depth, .n_caches = SLOTS, .n_slots = SLOTS, .depth = depth});
	ck_assert_int_eq(join(&a, 1, false), 0);
	for (uint32_t i = 0; i < depth; i++) {
		ck_assert_uint_eq(send(0, 1, 0), 1);
		ck_assert_int_eq(member_get_bulk(&sender, out, 1), 0);
	}
}

/* The send gives the block and then finds no room. Either of the two has it, and knows. */
START_TEST(a_block_withdrawn_in_the_middle_of_a_send_is_not_the_senders)
{
	begin_deep();
	midway_begin(&sender, channel, out[0], true);
	ck_assert_uint_eq(send(0, 1, 0), 1);
	midway_end();
	ck_assert_int_eq(member_put(&sender, midway.index), 0); /* it is the sibling's */
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(a_block_that_finds_no_room_in_the_middle_of_a_send_stays_the_senders)
{
	begin_deep();
	midway_begin(&sender, channel, out[0], false);
	ck_assert_uint_eq(send(0, 1, -EAGAIN), 0);
	midway_end();
	ck_assert_int_eq(member_put(&sender, midway.index), 0);
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

/* Its token stands in the ring, and is of nobody. */
START_TEST(a_block_withdrawn_after_it_was_posted_comes_to_nobody)
{
	begin_with(false, true);
	uint64_t token, p = 0;
	ck_assert_int_eq(mp_word_give(&sender.pool, index_of(out[0]), &token), 0);
	ck_assert(mp_ring_post(&sender.pool, channel, &p, token));
	ck_assert_int_ge(mp_word_take(&sender.pool, token, true), 0);
	send(1, 2, 0);
	expect(&a, 1, 2);
	expect(&b, 1, 2);
	ck_assert_int_eq(state_of(0), MP_USED);
	ck_assert_uint_eq(lost(&a), 0); /* a reliable subscriber has nothing to count */
	finish();
}
END_TEST

/* ---- laps ---- */

START_TEST(laps_beyond_2_32_go_on)
{
	begin();
	uint64_t head = UINT32_MAX * (uint64_t)DEPTH - 3;
	for (uint64_t p = head; p < head + DEPTH; p++) {
		mp_store(mp_ring_cell(&sender.pool, channel, p), mp_ring_empty(&sender.pool, p));
	}
	mp_store(&channel->head, head);
	mp_store(&channel->tail, head);
	mp_store(&channel->limit, head);
	ck_assert_int_eq(join(&a, 1, true), 0);
	ck_assert_int_eq(join(&b, 2, true), 0);
	for (uint32_t round = 0; round < 4; round++) {
		ck_assert_uint_eq(send(round * 14, 14, 0), 14);
		expect(&a, round * 14 + 6, DEPTH);
	}
	expect(&b, 48, DEPTH);
	ck_assert_uint_eq(lost(&a), 4 * 6);
	ck_assert_uint_eq(lost(&b), 48);
	finish();
}
END_TEST

SUITE("broadcast", each_block_goes_to_every_subscriber_in_order, batches_go_across_the_rings_end,
      a_block_is_free_when_its_last_subscriber_has_returned_it,
      what_is_shared_is_nobodys_to_put_give_or_send, without_subscribers_the_block_stays,
      what_is_not_ours_is_not_sent, twelve_subscribe_and_no_thirteenth,
      a_reliable_subscriber_holds_senders_up,
      a_lossy_subscriber_loses_the_oldest_and_knows_how_many,
      what_a_lossy_subscriber_holds_is_not_dropped, two_lossy_subscribers_lose_each_its_own,
      a_lossy_subscriber_beside_a_reliable_one_loses_what_that_has_received,
      who_joins_gets_what_is_sent_from_then_on, who_leaves_frees_what_it_had_still_to_get,
      senders_need_not_wait_for_who_has_left, who_has_a_lossy_ones_seat_next_may_be_reliable,
      who_sends_wakes_who_waits_for_blocks, who_borrows_wakes_who_waits_for_room,
      a_block_is_returned_once_by_who_has_borrowed_it, the_last_holder_may_keep_a_block,
      without_a_local_the_last_to_return_leaves_the_block_reclaimed,
      inside_a_call_the_last_to_return_leaves_the_block_reclaimed,
      the_last_to_return_is_charged_for_nothing, an_old_token_does_not_fit_a_later_share,
      who_is_to_wait_for_room_wakes_those_who_receive,
      a_block_withdrawn_in_the_middle_of_a_send_is_not_the_senders,
      a_block_that_finds_no_room_in_the_middle_of_a_send_stays_the_senders,
      a_block_withdrawn_after_it_was_posted_comes_to_nobody, laps_beyond_2_32_go_on)
