/* SPDX-License-Identifier: MIT */
/*
 * Work: each block to one of many receivers, once; past the death of any. Cases on deaths lay what
 * is true after one line of the order of stores in lib/core/work.h.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/core/ring.h"
#include "lib/core/work.h"
#include "tests/support/arena.h"
#include "tests/unit/suite.h"

#define BLOCKS 100
#define DEPTH 8
#define NUMBER 1 /* of the channel */

static struct arena arena;
static struct member sender, a, b;
static struct mp_channel *channel;
static void *out[100], *in[100];

static void begin_with(uint32_t depth)
{
	arena_make(&arena, (struct mp_shape){.blocks = BLOCKS, .n_caches = 8, .depth = depth});
	channel = mp_pool_channel(&arena.daemon, NUMBER);
	ck_assert(mp_channel_is_of_kind(channel, MP_CHANNEL_WORK));
	arena_seat(&arena, 0, &sender);
	arena_seat(&arena, 1, &a);
	arena_seat(&arena, 2, &b);
	ck_assert_int_eq(member_get_bulk(&sender, out, 60), 0);
}

static void begin(void)
{
	begin_with(DEPTH);
}

static uint32_t send(uint32_t from, uint32_t n, int expected)
{
	int error;
	uint32_t sent = mp_channel_send(&sender.pool, channel, out + from, n, &error);
	ck_assert_int_eq(error, expected);
	return sent;
}

static uint32_t receive(struct member *by, uint32_t n, int expected)
{
	int error;
	uint32_t got = mp_work_receive(&by->pool, channel, in, n, &error);
	ck_assert_int_eq(error, expected);
	return got;
}

/* The member receives blocks @from to @from + @n - 1, and no more if more are asked for. */
static void expect(struct member *by, uint32_t from, uint32_t n, uint32_t asked)
{
	ck_assert_uint_eq(receive(by, asked, 0), n);
	for (uint32_t i = 0; i < n; i++) {
		ck_assert_ptr_eq(in[i], out[from + i]);
		ck_assert_int_eq(member_put(by, (uint32_t)mp_pool_index(&by->pool, in[i])), 0);
	}
}

static mp_atomic64 *word_of(uint32_t i)
{
	return &arena.daemon.words[mp_pool_index(&sender.pool, out[i])].whole;
}

static void clear(uint32_t position)
{
	mp_ring_clear(&a.pool, channel, position, mp_load(&channel->cell[position % DEPTH]));
}

/* All is sound; and when all have died, and what was sent is received, all blocks can be had. */
static void finish(void)
{
	static unsigned char owners[BLOCKS];
	struct member last;
	ck_assert_ptr_null(arena_audit(&arena));
	for (uint32_t slot = 0; slot < 3; slot++) {
		arena_bury(&arena, slot, true);
		ck_assert_ptr_null(arena_audit(&arena));
	}
	arena_seat(&arena, 3, &last);
	receive(&last, 100, 0);
	arena_bury(&arena, 3, true);
	arena_seat(&arena, 3, &last);
	memset(owners, 0, sizeof owners);
	ck_assert_uint_eq(member_drain(&last, owners, 1), BLOCKS);
	ck_assert_ptr_null(arena_audit(&arena));
}

START_TEST(each_block_goes_to_one_receiver_in_order)
{
	begin();
	ck_assert_uint_eq(receive(&a, 1, 0), 0);
	for (uint32_t round = 0; round < 10; round++) {
		ck_assert_uint_eq(send(round * 6, 6, 0), 6);
		expect(&a, round * 6, 1, 1);
		expect(&b, round * 6 + 1, 3, 3);
		expect(&a, round * 6 + 4, 2, 10);
		ck_assert_uint_eq(receive(&b, 10, 0), 0);
	}
	finish();
}
END_TEST

START_TEST(a_full_channel_takes_no_more_until_somebody_receives)
{
	begin();
	ck_assert_uint_eq(send(0, 10, -EAGAIN), DEPTH);
	ck_assert_uint_eq(send(8, 1, -EAGAIN), 0);
	uint32_t crowded = mp_futex_prepare(&channel->crowded);
	expect(&b, 0, 3, 3);
	ck_assert_uint_ne(mp_load(&channel->crowded), crowded);
	ck_assert_uint_eq(send(8, 4, -EAGAIN), 3);
	expect(&a, 3, DEPTH, 100);
	finish();
}
END_TEST

START_TEST(senders_wake_whoever_waits)
{
	begin();
	uint32_t hungry = mp_futex_prepare(&channel->hungry);
	send(0, 1, 0);
	ck_assert_uint_ne(mp_load(&channel->hungry), hungry);
	finish();
}
END_TEST

/* ---- what the dead leave ---- */

/* A receiver's step 2: the block is its, and the token stands. */
static void take(struct member *by, uint32_t position)
{
	ck_assert_int_ge(mp_word_take(&by->pool, mp_load(&channel->cell[position]), false), 0);
}

START_TEST(a_block_taken_by_the_dead_is_reclaimed_with_it)
{
	begin();
	send(0, DEPTH, 0);
	take(&a, 0);
	take(&a, 1);
	ck_assert_ptr_null(arena_audit(&arena));
	ck_assert_uint_eq(arena_bury(&arena, 1, false), 2);
	expect(&b, 2, 6, 100);
	ck_assert_uint_eq(mp_load(&channel->head), DEPTH);
	finish();
}
END_TEST

/* Nobody waits for it: others pass over its token, and the place is free. */
START_TEST(a_token_whose_receiver_stands_still_is_passed_over)
{
	begin();
	send(0, DEPTH, 0);
	take(&a, 1);
	expect(&b, 0, 1, 1);
	ck_assert_uint_eq(receive(&b, 1, 0), 1);
	ck_assert_ptr_eq(in[0], out[2]);
	ck_assert_uint_eq(mp_load(&channel->head), 3);
	ck_assert_uint_eq(send(8, 4, -EAGAIN), 3);
	expect(&b, 3, DEPTH, 100);
	ck_assert_uint_eq(mp_word_ref(mp_load(word_of(1))), 1); /* still a's */
	finish();
}
END_TEST

/* It goes on when its cell is a later lap's, or only emptied. */
START_TEST(who_stood_still_empties_no_later_lap)
{
	begin();
	send(0, DEPTH, 0);
	uint64_t token = mp_load(&channel->cell[0]);
	take(&a, 0);
	expect(&b, 1, 7, 100);
	send(8, DEPTH, 0);
	uint64_t later = mp_load(&channel->cell[0]);
	mp_ring_clear(&a.pool, channel, 0, token);
	mp_ring_raise_head(channel, 1);
	ck_assert_uint_eq(mp_load(&channel->cell[0]), later);
	ck_assert_uint_eq(mp_load(&channel->head), DEPTH);
	expect(&b, 8, DEPTH, 100);
	finish();
}
END_TEST

START_TEST(cells_emptied_by_the_dead_are_passed_over)
{
	begin();
	send(0, 6, 0);
	take(&a, 0);
	take(&a, 2);
	clear(0);
	clear(2);
	ck_assert_uint_eq(send(6, 4, -EAGAIN), 2); /* no farther than head allows */
	expect(&b, 1, 1, 1);
	ck_assert_uint_eq(mp_load(&channel->head), 2);
	expect(&b, 3, 5, 100);
	ck_assert_uint_eq(mp_load(&channel->head), DEPTH);
	ck_assert_uint_eq(arena_bury(&arena, 1, false), 2);
	finish();
}
END_TEST

/* All is received, head is not raised: the next one frees the ring, and wakes who waits for it. */
START_TEST(head_is_raised_over_what_the_dead_have_emptied)
{
	begin();
	send(0, DEPTH, 0);
	for (uint32_t p = 0; p < DEPTH; p++) {
		take(&a, p);
		clear(p);
	}
	uint32_t crowded = mp_futex_prepare(&channel->crowded);
	ck_assert_uint_eq(receive(&b, 1, 0), 0);
	ck_assert_uint_eq(mp_load(&channel->head), DEPTH);
	ck_assert_uint_ne(mp_load(&channel->crowded), crowded);
	ck_assert_uint_eq(send(8, DEPTH, 0), DEPTH);
	finish();
}
END_TEST

START_TEST(what_was_withdrawn_comes_to_nobody)
{
	begin();
	send(0, 3, 0);
	ck_assert_int_ge(mp_word_take(&sender.pool, mp_load(&channel->cell[1]), true), 0);
	expect(&a, 0, 1, 1);
	expect(&b, 2, 1, 100);
	finish();
}
END_TEST

/* Also a sender that closes: its blocks become the channel's. */
START_TEST(what_the_dead_have_sent_stays_sent)
{
	begin();
	send(0, 2, 0);
	mp_channel_keep_all(&sender.pool);
	ck_assert_uint_eq(mp_word_channel(mp_load(word_of(0))), NUMBER);
	send(2, 2, 0);
	arena_bury(&arena, 0, false);
	ck_assert_uint_eq(mp_load(&arena.daemon.slots[0].state), MP_SLOT_FREE);
	ck_assert_uint_eq(mp_word_channel(mp_load(word_of(3))), NUMBER);
	ck_assert_ptr_null(arena_audit(&arena));
	expect(&a, 0, 1, 1);
	expect(&b, 1, 3, 100);
	finish();
}
END_TEST

/* ---- laps and scribbles ---- */

static void move_to(uint64_t head)
{
	for (uint64_t p = head; p < head + a.pool.shape.depth; p++) {
		mp_store(mp_ring_cell(&a.pool, channel, p), mp_ring_empty(&a.pool, p));
	}
	mp_store(&channel->head, head);
	mp_store(&channel->tail, head);
	mp_store(&channel->limit, head);
}

START_TEST(laps_beyond_2_32_go_on)
{
	begin();
	move_to(UINT32_MAX * (uint64_t)DEPTH - 3);
	for (uint32_t round = 0; round < 6; round++) {
		ck_assert_uint_eq(send(round * DEPTH, DEPTH, 0), DEPTH);
		expect(&a, round * DEPTH, 5, 5);
		expect(&b, round * DEPTH + 5, 3, 100);
	}
	finish();
}
END_TEST

/* ---- another receives between two loads of one receive ---- */

#define DEEP 16384 /* so that a cell can be pages away from head, also where these are large */
#define FAR 10000

static void protect_cell(int protection)
{
	uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t page = (uintptr_t)&channel->cell[FAR] / size * size;
	ck_assert_int_eq(mprotect((void *)page, size, protection), 0);
}

static uint32_t others;

/* In the place of another process, before the first load of a cell. */
static void receive_two(int signal)
{
	void *blocks[2];
	int error;
	(void)signal;
	protect_cell(PROT_READ | PROT_WRITE);
	others = mp_work_receive(&b.pool, channel, blocks, 2, &error);
}

START_TEST(who_is_overtaken_goes_on_behind_the_others)
{
	begin_with(DEEP);
	move_to(FAR);
	send(0, 3, 0);
	signal(SIGSEGV, receive_two);
	protect_cell(PROT_NONE);
	expect(&a, 2, 1, 1);
	ck_assert_uint_eq(others, 2);
	ck_assert_uint_eq(mp_load(&channel->head), FAR + 3);
	finish();
}
END_TEST

static void scribble_cells(uint64_t first, uint64_t step)
{
	for (uint32_t i = 0; i < DEPTH; i++) {
		mp_store(&channel->cell[i], first + i * step);
	}
}

START_TEST(scribbled_cells_are_an_error_and_not_a_hang)
{
	begin();
	scribble_cells(77, 0);
	ck_assert_uint_eq(receive(&a, 10, -EIO), 0);
	ck_assert_uint_eq(send(0, 1, -EAGAIN), 0);
	for (uint64_t step = 0; step < 3; step++) {
		scribble_cells(UINT64_MAX - 100, step);
		ck_assert_uint_eq(receive(&a, 10, 0), 0);
		scribble_cells(3ull << 32 | (BLOCKS - 3), step);
		ck_assert_uint_eq(receive(&a, 10, 0), 0);
	}
	ck_assert_ptr_null(arena_audit(&arena));
}
END_TEST

START_TEST(a_scribbled_cell_costs_no_block_before_it)
{
	begin();
	send(0, 6, 0);
	mp_store(&channel->cell[3], 77);
	ck_assert_uint_eq(receive(&a, 10, -EIO), 3);
	ck_assert_uint_eq(receive(&b, 10, -EIO), 0);
}
END_TEST

START_TEST(scribbled_positions_are_an_error_and_not_a_hang)
{
	static const uint64_t far[] = {1, 77, UINT32_MAX, (1ull << 62) + 40, UINT64_MAX};
	int error;
	for (uint32_t i = 0; i < 5; i++) {
		begin();
		send(0, 5, 0);
		mp_store(&channel->head, far[i]);
		mp_work_receive(&a.pool, channel, in, 100, &error);
		mp_store(&channel->tail, far[i]);
		mp_store(&channel->limit, far[4 - i]);
		mp_channel_send(&sender.pool, channel, out + 10, 10, &error);
		mp_work_receive(&a.pool, channel, in, 100, &error);
		mp_ring_end(&a.pool, channel);
		arena_bury(&arena, 0, true);
		arena_audit(&arena);
	}
}
END_TEST

SUITE("work", each_block_goes_to_one_receiver_in_order,
      a_full_channel_takes_no_more_until_somebody_receives, senders_wake_whoever_waits,
      a_block_taken_by_the_dead_is_reclaimed_with_it,
      a_token_whose_receiver_stands_still_is_passed_over, who_stood_still_empties_no_later_lap,
      cells_emptied_by_the_dead_are_passed_over, head_is_raised_over_what_the_dead_have_emptied,
      what_was_withdrawn_comes_to_nobody, what_the_dead_have_sent_stays_sent,
      laps_beyond_2_32_go_on, who_is_overtaken_goes_on_behind_the_others,
      scribbled_cells_are_an_error_and_not_a_hang, a_scribbled_cell_costs_no_block_before_it,
      scribbled_positions_are_an_error_and_not_a_hang)
