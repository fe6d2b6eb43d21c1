/* SPDX-License-Identifier: MIT */
/*
 * Broadcasts after a death: each case lays what is true after one line of the orders of stores in
 * lib/core/broadcast.h, as whoever dies there leaves it. Another does its work on that, or the
 * daemon's pass comes first; and then all blocks can be had again, each once.
 */
#include "tests/unit/broadcast.h"

static struct reader a, b;

/* Subscribers in seats 0 and 1. */
static void begin_with(bool a_lossy, bool b_lossy)
{
	begin();
	ck_assert_int_eq(join(&a, 1, a_lossy), 0);
	ck_assert_int_eq(join(&b, 2, b_lossy), 0);
}

/* A sender's steps 1 and 2: the block is posted and not decided. */
static void post_by(struct member *by, void *block)
{
	uint64_t token, p = mp_load(&channel->head);
	ck_assert_int_eq(mp_word_give(&by->pool, index_of(block), &token), 0);
	ck_assert(mp_ring_post(&by->pool, channel, &p, token));
}

static void post(uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < from + n; i++) {
		post_by(&sender, out[i]);
	}
}

static void share(uint32_t i, uint32_t pending, uint32_t held)
{
	mp_store(word_of(i),
		 mp_word_with(mp_load(word_of(i)), mp_word_shared(NUMBER, pending, held)));
}

static void use(uint32_t i, const struct member *by)
{
	mp_store(word_of(i), mp_word_with(mp_load(word_of(i)), by->pool.used));
}

/* Who sits in that seat, and has done no more. */
static void sit(uint32_t seat, uint32_t slot)
{
	struct member member;
	arena_seat(&arena, slot, &member);
	mp_store(&channel->seat[seat].owner, 7ull << 32 | (slot + 1));
}

/* ---- join ---- */

START_TEST(who_dies_in_its_seat_before_it_is_a_member_leaves_it)
{
	begin_with(false, false);
	sit(2, 9);
	send(0, 3, 0);
	ck_assert(is_shared(0, 3, 0));
	arena_bury(&arena, 9, false);
	ck_assert_uint_eq(mp_load(&channel->seat[2].owner), 7ull << 32);
	expect(&a, 0, 3);
	expect(&b, 0, 3);
	finish();
}
END_TEST

START_TEST(who_dies_as_a_member_without_a_cursor_leaves_nothing)
{
	begin_with(false, false);
	sit(2, 9);
	mp_or(&channel->members, 4u << 16 | 4u);
	send(0, 3, 0);
	ck_assert(is_shared(0, 7, 0));
	expect(&a, 0, 2);
	expect(&b, 0, 2);
	ck_assert_uint_eq(arena_bury(&arena, 9, false), 2);
	ck_assert(is_shared(2, 3, 0));
	ck_assert_uint_eq(mp_load(&channel->members), 3);
	finish();
}
END_TEST

/* What it left in its words would else be its successor's. */
START_TEST(who_has_the_seat_next_gets_nothing_of_the_deads)
{
	begin_with(false, false);
	send(0, 3, 0);
	borrow(&b, 1, 0);
	arena_bury(&arena, 2, false);
	ck_assert_int_eq(join(&b, 3, true), 0);
	ck_assert_uint_eq(b.seat.seat, 1);
	ck_assert_uint_eq(borrow(&b, 10, 0), 0);
	ck_assert_int_eq(give_back(&b, 0), -EPERM);
	expect(&a, 0, 3);
	ck_assert_uint_eq(lost(&b), 0);
	finish();
}
END_TEST

/* ---- send ---- */

START_TEST(what_is_given_and_not_posted_is_reclaimed_after_the_grace)
{
	begin_with(false, false);
	uint64_t token;
	ck_assert_int_eq(mp_word_give(&sender.pool, index_of(out[0]), &token), 0);
	arena_bury(&arena, 0, false);
	ck_assert_int_eq(state_of(0), MP_MOVING);
	ck_assert_uint_eq(borrow(&a, 1, 0), 0);
	ck_assert_uint_eq(arena_bury(&arena, 0, true), 1);
	finish();
}
END_TEST

START_TEST(what_is_posted_is_decided_by_a_subscriber_that_comes)
{
	begin_with(false, true);
	post(0, 2);
	uint32_t hungry = mp_futex_prepare(&channel->hungry);
	expect(&b, 0, 1);
	ck_assert(is_shared(0, 1, 0));
	ck_assert_uint_ne(mp_load(&channel->hungry), hungry); /* the other may sleep */
	arena_bury(&arena, 0, false);
	expect(&a, 0, 2);
	expect(&b, 1, 1);
	finish();
}
END_TEST

START_TEST(what_is_posted_is_decided_by_the_pass)
{
	begin_with(false, true);
	post(0, 3);
	uint32_t hungry = mp_futex_prepare(&channel->hungry);
	arena_bury(&arena, 0, false);
	ck_assert_uint_ne(mp_load(&channel->hungry), hungry);
	ck_assert_uint_eq(mp_load(&arena.daemon.slots[0].state), MP_SLOT_FREE);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert(is_shared(i, 3, 0));
	}
	expect(&a, 0, 3);
	expect(&b, 0, 3);
	finish();
}
END_TEST

START_TEST(what_is_posted_for_nobody_is_reclaimed_by_the_pass)
{
	begin_with(false, false);
	post(0, 3);
	mp_and(&channel->members, 0); /* both are leaving, and have not walked yet */
	ck_assert_uint_eq(arena_bury(&arena, 0, false), 60);
	ck_assert_int_eq(state_of(0), MP_RECLAIMED);
	leave(&a);
	leave(&b);
	finish();
}
END_TEST

START_TEST(what_is_posted_is_decided_by_a_sender_that_needs_the_place)
{
	begin_with(false, true);
	post(0, DEPTH);
	ck_assert_uint_eq(send(DEPTH, 1, -EAGAIN), 0);
	ck_assert(is_shared(0, 3, 0));
	ck_assert_int_eq(state_of(1), MP_MOVING);
	expect(&a, 0, DEPTH);
	ck_assert_uint_eq(send(DEPTH, 2, 0), 2);
	expect(&b, 2, DEPTH);
	ck_assert_uint_eq(lost(&b), 2);
	finish();
}
END_TEST

START_TEST(what_is_posted_is_decided_by_the_last_that_leaves)
{
	begin();
	ck_assert_int_eq(join(&a, 1, false), 0);
	post(0, 3);
	leave(&a);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(state_of(i), MP_FREE);
	}
	finish();
}
END_TEST

START_TEST(what_is_posted_is_decided_by_one_that_leaves_others)
{
	begin_with(false, false);
	post(0, 3);
	leave(&a);
	ck_assert(is_shared(2, 2, 0));
	expect(&b, 0, 3);
	finish();
}
END_TEST

START_TEST(what_is_posted_is_also_for_one_that_joins_before_it_is_decided)
{
	begin();
	ck_assert_int_eq(join(&a, 1, false), 0);
	send(0, 2, 0);
	post(2, 2);
	mp_store(&channel->tail, 4);
	ck_assert_int_eq(join(&b, 2, true), 0);
	ck_assert(is_shared(1, 1, 0));
	ck_assert(is_shared(2, 3, 0));
	expect(&b, 2, 2);
	expect(&a, 0, 4);
	ck_assert_uint_eq(lost(&b), 0);
	finish();
}
END_TEST

START_TEST(what_is_posted_is_decided_by_its_sender_when_that_closes)
{
	begin_with(false, false);
	post(0, 2);
	mp_channel_keep_all(&a.member.pool);
	ck_assert_int_eq(state_of(0), MP_MOVING);
	mp_channel_keep_all(&sender.pool);
	ck_assert(is_shared(1, 3, 0));
	leave(&a);
	leave(&b);
	join(&a, 1, false);
	post(2, 1);
	mp_and(&channel->members, 0);
	mp_channel_keep_all(&sender.pool);
	ck_assert_int_eq(state_of(2), MP_RECLAIMED);
	ck_assert(mp_collect_pending(&arena.daemon));
	finish();
}
END_TEST

/* Without the tail, which is a hint. */
START_TEST(what_is_shared_stays_so_when_its_sender_dies)
{
	begin_with(false, true);
	send(0, 4, 0);
	mp_store(&channel->tail, 0);
	mp_store(&channel->limit, 0);
	arena_bury(&arena, 0, false);
	arena_seat(&arena, 0, &sender);
	void *more[2];
	ck_assert_int_eq(member_get_bulk(&sender, more, 2), 0);
	ck_assert_uint_eq(send_by(&sender, more, 2, 0), 2);
	expect(&a, 0, 4);
	ck_assert_uint_eq(borrow(&a, 2, 0), 2);
	expect(&b, 0, 4);
	finish();
}
END_TEST

/* ---- retire ---- */

/* Dropped of the lossy one; the token stands. @last: and nobody holds the block. */
static void lay_dropped(bool last)
{
	begin_with(true, true);
	send(0, DEPTH, 0);
	expect(&a, 0, 2);
	share(0, 0, last ? 0 : 1);
	if (last) {
		arena_seat(&arena, 9, &(struct member){0});
		mp_store(word_of(0), mp_word_with(mp_load(word_of(0)), mp_word_low(MP_USED, 9)));
	}
}

START_TEST(a_token_dropped_by_the_dead_is_passed_over_and_counted)
{
	lay_dropped(true);
	expect(&b, 1, DEPTH - 1);
	ck_assert_uint_eq(lost(&b), 1);
	ck_assert_uint_eq(arena_bury(&arena, 9, false), 1);
	finish();
}
END_TEST

START_TEST(a_token_dropped_by_the_dead_is_retired_by_the_next)
{
	lay_dropped(true);
	ck_assert_uint_eq(send(DEPTH, 1, 0), 1);
	ck_assert_int_eq(state_of(1), MP_SHARED); /* no more than one was retired */
	ck_assert_uint_eq(mp_load(&channel->head), 1);
	expect(&b, 1, DEPTH);
	ck_assert_uint_eq(lost(&b), 1);
	ck_assert_uint_eq(arena_bury(&arena, 9, false), 1);
	finish();
}
END_TEST

START_TEST(what_is_held_when_it_is_dropped_stays_held)
{
	lay_dropped(false);
	ck_assert_uint_eq(send(DEPTH, 3, 0), 3);
	ck_assert(is_shared(0, 0, 1));
	ck_assert_int_eq(give_back(&a, 0), 0);
	expect(&b, 3, DEPTH);
	ck_assert_uint_eq(lost(&b), 3);
	finish();
}
END_TEST

/* The cells emptied, and head not raised. */
static void lay_emptied(uint32_t n)
{
	begin_with(false, true);
	send(0, DEPTH, 0);
	expect(&a, 0, DEPTH);
	for (uint32_t i = 0; i < n; i++) {
		use(i, &sender);
		mp_ring_clear(&sender.pool, channel, i, mp_load(&channel->cell[i]));
	}
}

START_TEST(cells_emptied_by_the_dead_are_passed_over_and_counted)
{
	lay_emptied(3);
	expect(&b, 3, DEPTH - 3);
	ck_assert_uint_eq(lost(&b), 3);
	finish();
}
END_TEST

START_TEST(head_is_raised_over_cells_emptied_by_the_dead)
{
	lay_emptied(3);
	ck_assert_uint_eq(send(DEPTH, 3, 0), 3);
	ck_assert_uint_eq(mp_load(&channel->head), 3);
	ck_assert_int_eq(state_of(3), MP_SHARED); /* nothing was dropped for it */
	expect(&b, 3, DEPTH);
	ck_assert_uint_eq(lost(&b), 3);
	finish();
}
END_TEST

/* A jump of head, a token without the bit, an emptied cell: each counts once. */
START_TEST(each_way_of_losing_counts_once)
{
	begin_with(false, true);
	send(0, DEPTH, 0);
	expect(&a, 0, DEPTH);
	ck_assert_uint_eq(send(DEPTH, 2, 0), 2); /* head is 2 */
	use(2, &sender);
	use(3, &sender);
	mp_ring_clear(&sender.pool, channel, 2, mp_load(&channel->cell[2]));
	expect(&b, 4, 6);
	ck_assert_uint_eq(lost(&b), 4);
	finish();
}
END_TEST

/* ---- borrow, return ---- */

START_TEST(what_the_dead_held_is_reclaimed_with_the_last)
{
	begin_with(false, false);
	send(0, 2, 0);
	borrow(&a, 2, 0);
	mp_store(&a.seat.cursor, 0); /* before it had raised it */
	ck_assert_uint_eq(arena_bury(&arena, 1, false), 0);
	ck_assert(is_shared(0, 2, 0));
	borrow(&b, 1, 0);
	ck_assert_uint_eq(arena_bury(&arena, 2, false), 2);
	ck_assert_int_eq(state_of(0), MP_RECLAIMED);
	ck_assert_int_eq(state_of(1), MP_RECLAIMED);
	finish();
}
END_TEST

START_TEST(what_the_dead_was_the_last_to_return_is_reclaimed)
{
	begin_with(false, false);
	send(0, 1, 0);
	expect(&a, 0, 1);
	borrow(&b, 1, 0);
	use(0, &b.member);
	ck_assert_uint_eq(arena_bury(&arena, 2, false), 1);
	finish();
}
END_TEST

START_TEST(senders_need_not_wait_for_the_dead)
{
	begin_with(false, true);
	send(0, DEPTH, 0);
	ck_assert_uint_eq(send(DEPTH, 1, -EAGAIN), 0);
	uint32_t crowded = mp_futex_prepare(&channel->crowded);
	ck_assert_uint_eq(arena_bury(&arena, 1, false), 0);
	ck_assert_uint_ne(mp_load(&channel->crowded), crowded);
	ck_assert_uint_eq(send(DEPTH, 1, 0), 1);
	expect(&b, 1, DEPTH);
	finish();
}
END_TEST

/* ---- leave ---- */

START_TEST(who_dies_before_it_has_walked_leaves_nothing)
{
	begin_with(false, false);
	send(0, 2, 0);
	mp_broadcast_expel(channel, 1);
	post(2, 1);
	send(3, 1, 0);
	ck_assert(is_shared(3, 2, 0));
	expect(&b, 0, 4);
	ck_assert_uint_eq(arena_bury(&arena, 1, false), 2);
	ck_assert_uint_eq((uint32_t)mp_load(&channel->seat[0].owner), 0);
	finish();
}
END_TEST

START_TEST(who_dies_in_the_middle_of_its_walk_leaves_nothing)
{
	begin_with(false, false);
	send(0, 3, 0);
	mp_broadcast_expel(channel, 1);
	share(0, 2, 0);
	expect(&b, 0, 3);
	ck_assert_uint_eq(arena_bury(&arena, 1, false), 2);
	finish();
}
END_TEST

START_TEST(who_dies_after_its_walk_leaves_its_seat)
{
	begin_with(false, false);
	uint64_t owner = mp_load(&channel->seat[0].owner);
	send(0, 3, 0);
	leave(&a);
	mp_store(&channel->seat[0].owner, owner);
	ck_assert_uint_eq(arena_bury(&arena, 1, false), 0);
	ck_assert_uint_eq((uint32_t)mp_load(&channel->seat[0].owner), 0);
	expect(&b, 0, 3);
	finish();
}
END_TEST

/* ---- scribbles: an error or progress, but no hang, and nothing beyond the pool ---- */

static void scribble_cells(uint64_t first, uint64_t step)
{
	for (uint32_t i = 0; i < DEPTH; i++) {
		mp_store(&channel->cell[i], first + i * step);
	}
}

/* Everybody does everything, and comes back. */
static void all_do_all(void)
{
	struct reader c;
	int error;
	mp_broadcast_send(&sender.pool, &sender.local, NUMBER, out + 30, 20, &error);
	mp_broadcast_borrow(&a.member.pool, &a.member.local, &a.seat, a.in, 100, &error);
	mp_broadcast_borrow(&b.member.pool, &b.member.local, &b.seat, b.in, 100, &error);
	mp_broadcast_has_room(&sender.pool, NUMBER);
	if (join(&c, 10, true) == 0) {
		leave(&c);
	}
	leave(&a);
	arena_bury(&arena, 2, false);
	arena_bury(&arena, 0, true);
	mp_channel_keep_all(&c.member.pool);
	arena_audit(&arena);
}

START_TEST(scribbled_cells_are_an_error_and_not_a_hang)
{
	begin_with(false, true);
	scribble_cells(77, 0);
	ck_assert_uint_eq(borrow(&a, 10, -EIO), 0);
	ck_assert_uint_eq(send(0, 1, -EAGAIN), 0);
	ck_assert_int_eq(state_of(0), MP_USED);
	all_do_all();
	for (uint64_t step = 0; step < 3; step++) {
		begin_with(false, true);
		scribble_cells(UINT64_MAX - 100, step);
		all_do_all();
		begin_with(false, true);
		scribble_cells(1ull << 32 | (BLOCKS - 3), step);
		all_do_all();
	}
}
END_TEST

START_TEST(scribbled_positions_are_an_error_and_not_a_hang)
{
	static const uint64_t far[] = {
		1, 77, UINT32_MAX, 1ull << 62, (1ull << 62) + 40, UINT64_MAX - 3, UINT64_MAX};
	for (uint32_t i = 0; i < 7 * 4; i++) {
		begin_with(i % 2, true);
		send(0, DEPTH / 2, 0);
		mp_store(&channel->tail, far[i / 4]);
		mp_store(&channel->limit, far[6 - i / 4]);
		if (i % 4 > 1) {
			mp_store(&channel->head, far[i / 4]);
		}
		all_do_all();
	}
}
END_TEST

/* Both hints, which no look at head corrects. */
START_TEST(senders_get_over_hints_that_are_far_too_large)
{
	begin_with(false, true);
	send(0, 1, 0);
	mp_store(&channel->tail, (1ull << 62) + 5 * DEPTH);
	mp_store(&channel->limit, UINT64_MAX);
	ck_assert(mp_broadcast_has_room(&sender.pool, NUMBER));
	ck_assert_uint_eq(send(1, 1, 0), 1);
	ck_assert_int_eq(state_of(1), MP_SHARED);
	ck_assert_uint_eq(mp_load(&channel->tail), 2);
}
END_TEST

START_TEST(scribbled_members_and_seats_are_an_error_and_not_a_hang)
{
	for (uint32_t i = 0; i < 4; i++) {
		begin_with(false, true);
		send(0, 3, 0);
		mp_store(&channel->members, i % 2 ? UINT32_MAX : 0xf0f0);
		for (uint32_t k = 0; k < MP_SEATS_MAX; k++) {
			mp_store(&channel->seat[k].owner, i < 2 ? UINT64_MAX - k : 5);
			mp_store(&channel->seat[k].cursor, UINT64_MAX);
		}
		all_do_all();
	}
}
END_TEST

START_TEST(scribbled_words_are_an_error_and_not_a_hang)
{
	for (uint32_t i = 0; i < 8; i++) {
		begin_with(false, true);
		send(0, 5, 0);
		borrow(&a, 2, 0);
		for (uint32_t k = 0; k < 5; k++) {
			uint32_t low = i << MP_REF_BITS | (k % 2 ? (1u << MP_REF_BITS) - 1 : k);
			mp_store(word_of(k), mp_word_with(mp_load(word_of(k)), low));
			give_back(&a, k);
			mp_broadcast_own(&a.member.pool, &a.seat, index_of(out[k]));
		}
		all_do_all();
	}
}
END_TEST

SUITE("broadcast_deaths", who_dies_in_its_seat_before_it_is_a_member_leaves_it,
      who_dies_as_a_member_without_a_cursor_leaves_nothing,
      who_has_the_seat_next_gets_nothing_of_the_deads,
      what_is_given_and_not_posted_is_reclaimed_after_the_grace,
      what_is_posted_is_decided_by_a_subscriber_that_comes, what_is_posted_is_decided_by_the_pass,
      what_is_posted_for_nobody_is_reclaimed_by_the_pass,
      what_is_posted_is_decided_by_a_sender_that_needs_the_place,
      what_is_posted_is_decided_by_the_last_that_leaves,
      what_is_posted_is_decided_by_one_that_leaves_others,
      what_is_posted_is_also_for_one_that_joins_before_it_is_decided,
      what_is_posted_is_decided_by_its_sender_when_that_closes,
      what_is_shared_stays_so_when_its_sender_dies,
      a_token_dropped_by_the_dead_is_passed_over_and_counted,
      a_token_dropped_by_the_dead_is_retired_by_the_next,
      what_is_held_when_it_is_dropped_stays_held,
      cells_emptied_by_the_dead_are_passed_over_and_counted,
      head_is_raised_over_cells_emptied_by_the_dead, each_way_of_losing_counts_once,
      what_the_dead_held_is_reclaimed_with_the_last,
      what_the_dead_was_the_last_to_return_is_reclaimed, senders_need_not_wait_for_the_dead,
      who_dies_before_it_has_walked_leaves_nothing,
      who_dies_in_the_middle_of_its_walk_leaves_nothing, who_dies_after_its_walk_leaves_its_seat,
      scribbled_cells_are_an_error_and_not_a_hang, scribbled_positions_are_an_error_and_not_a_hang,
      senders_get_over_hints_that_are_far_too_large,
      scribbled_members_and_seats_are_an_error_and_not_a_hang,
      scribbled_words_are_an_error_and_not_a_hang)
