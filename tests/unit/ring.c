/* SPDX-License-Identifier: MIT */
/* Rings: what is at a position, while others go on, laps of 2^32 included. */
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/core/ring.h"
#include "tests/support/arena.h"
#include "tests/unit/suite.h"

#define DEPTH 16384 /* so that a cell can be pages away from head, also where these are large */
#define LAST_LAP (UINT32_MAX * (uint64_t)DEPTH)

static struct arena arena;
static struct mp_pool *pool;
static struct mp_channel *channel;

static void begin(void)
{
	arena_make(&arena, (struct mp_shape){.blocks = 100, .n_caches = 4, .depth = DEPTH});
	pool = &arena.daemon;
	channel = mp_pool_channel(pool, 1);
}

static uint64_t token_of(uint64_t position)
{
	return 1ull << 32 | (position & 15);
}

/* Moves the empty ring to @head, as if all before it was sent and received. */
static void move_to(uint64_t head)
{
	for (uint64_t p = head; p - head < DEPTH; p++) {
		mp_store(mp_ring_cell(pool, channel, p), mp_ring_empty(pool, p));
	}
	mp_store(&channel->head, head);
	mp_store(&channel->tail, head);
	mp_store(&channel->limit, head);
}

static enum mp_ring_look look(uint64_t position)
{
	uint64_t cell;
	return mp_ring_look(pool, channel, position, &cell);
}

static void post(uint32_t n)
{
	uint64_t p = mp_load(&channel->tail);
	while (n-- > 0) {
		ck_assert(mp_ring_post(pool, channel, &p, token_of(p)));
	}
	mp_store(&channel->tail, p);
}

START_TEST(a_look_tells_what_is_at_a_position)
{
	begin();
	move_to(5);
	post(3);
	mp_ring_clear(pool, channel, 6, token_of(6));
	ck_assert_int_eq(look(4), MP_RING_PASSED);
	ck_assert_int_eq(look(5), MP_RING_TOKEN);
	ck_assert_int_eq(look(6), MP_RING_EMPTIED);
	ck_assert_int_eq(look(7), MP_RING_TOKEN);
	ck_assert_int_eq(look(8), MP_RING_NOTHING);
	ck_assert_int_eq(look(5 + DEPTH), MP_RING_NOTHING); /* whose cell has the token of 5 */
	ck_assert_int_eq(look(UINT64_MAX), MP_RING_NOTHING);
	mp_store(mp_ring_cell(pool, channel, 7), 77);
	ck_assert_int_eq(look(7), MP_RING_SCRIBBLED);
	mp_store(&channel->tail, 6);
	ck_assert_uint_eq(mp_ring_end(pool, channel), 7);
}
END_TEST

START_TEST(a_full_ring_takes_no_more_before_head_is_raised)
{
	begin();
	move_to(5);
	post(DEPTH);
	uint64_t p = mp_load(&channel->tail);
	mp_ring_clear(pool, channel, 5, token_of(5));
	ck_assert(!mp_ring_has_position(pool, channel, &p));
	ck_assert(!mp_ring_post(pool, channel, &p, token_of(p)));
	ck_assert_uint_eq(mp_ring_end(pool, channel), 5 + DEPTH);
	mp_ring_raise_head(channel, 6);
	ck_assert(mp_ring_has_position(pool, channel, &p));
	ck_assert(mp_ring_post(pool, channel, &p, token_of(p)));
	ck_assert_uint_eq(mp_ring_end(pool, channel), 6 + DEPTH);
}
END_TEST

START_TEST(head_only_rises)
{
	begin();
	move_to(5);
	mp_ring_raise_head(channel, 9);
	mp_ring_raise_head(channel, 7);
	ck_assert_uint_eq(mp_load(&channel->head), 9);
}
END_TEST

/* Of who was stopped before it emptied the cell, for a lap. */
START_TEST(an_old_token_empties_no_later_lap)
{
	begin();
	move_to(0);
	post(1);
	mp_ring_clear(pool, channel, 0, token_of(0));
	mp_ring_raise_head(channel, 1);
	mp_store(mp_ring_cell(pool, channel, DEPTH), 2ull << 32 | 3);
	mp_ring_clear(pool, channel, 0, token_of(0));
	ck_assert_uint_eq(mp_load(mp_ring_cell(pool, channel, DEPTH)), 2ull << 32 | 3);
}
END_TEST

START_TEST(laps_beyond_2_32_go_on)
{
	begin();
	move_to(LAST_LAP - 2);
	for (uint32_t round = 0; round < 5; round++) {
		uint64_t head = mp_load(&channel->head), n = round % 2 ? DEPTH : DEPTH - 3;
		post((uint32_t)n);
		ck_assert_uint_eq(mp_ring_end(pool, channel), head + n);
		for (uint64_t p = head; p < head + n; p++) {
			ck_assert_int_eq(look(p), MP_RING_TOKEN);
			mp_ring_clear(pool, channel, p, token_of(p));
			ck_assert_int_eq(look(p), MP_RING_EMPTIED);
		}
		ck_assert_int_eq(look(head + n), MP_RING_NOTHING);
		mp_ring_raise_head(channel, head + n);
		ck_assert_int_eq(look(head), MP_RING_PASSED);
	}
}
END_TEST

START_TEST(scribbled_tokens_are_of_no_block)
{
	begin();
	uint64_t word, generation = mp_load(&pool->words[3].whole) >> 32;
	ck_assert_ptr_eq(mp_ring_word(pool, generation << 32 | 3, &word), &pool->words[3].whole);
	ck_assert_ptr_null(mp_ring_word(pool, (generation + 1) << 32 | 3, &word));
	ck_assert_ptr_null(mp_ring_word(pool, generation << 32 | 100, &word));
	ck_assert_ptr_null(mp_ring_word(pool, UINT64_MAX, &word));
	ck_assert_ptr_null(mp_ring_word(pool, 3, &word));
}
END_TEST

START_TEST(senders_get_over_scribbled_hints)
{
	begin();
	move_to(5);
	post(3);
	uint64_t p = UINT64_MAX;
	ck_assert(mp_ring_has_position(pool, channel, &p));
	ck_assert(mp_ring_post(pool, channel, &p, token_of(8)));
	ck_assert_uint_eq(p, 9);
	mp_store(&channel->tail, p);
	post(DEPTH - 4);
	mp_store(&channel->limit, UINT64_MAX);
	p = mp_load(&channel->tail);
	ck_assert(!mp_ring_post(pool, channel, &p, token_of(p)));
	ck_assert_uint_eq(mp_load(&channel->limit), 5 + DEPTH);
	ck_assert(!mp_ring_post(pool, channel, &p, token_of(p)));
	ck_assert_uint_eq(p, 5 + DEPTH);
}
END_TEST

/* ---- another goes on between two loads of one look ---- */

static uint64_t received; /* the position that it retires */

static void protect_head(int protection)
{
	uintptr_t size = (uintptr_t)sysconf(_SC_PAGESIZE), page = (uintptr_t)channel / size * size;
	ck_assert_int_eq(mprotect((void *)page, size, protection), 0);
}

/* In the place of another process, before the first load of head that follows. */
static void retire(int signal)
{
	(void)signal;
	protect_head(PROT_READ | PROT_WRITE);
	mp_ring_clear(pool, channel, received, token_of(received));
	mp_ring_raise_head(channel, received + 1);
}

/* Its cell holds the token of the lap before, and then another retires that. */
START_TEST(a_full_rings_cell_is_not_of_the_lap_beyond)
{
	begin();
	received = 3 * DEPTH + 10000;
	move_to(received);
	post(DEPTH);
	signal(SIGSEGV, retire);
	protect_head(PROT_NONE);
	ck_assert_int_eq(look(received + DEPTH), MP_RING_NOTHING);
	ck_assert_uint_eq(mp_load(&channel->head), received + 1);
}
END_TEST

SUITE("ring", a_look_tells_what_is_at_a_position, a_full_ring_takes_no_more_before_head_is_raised,
      head_only_rises, an_old_token_empties_no_later_lap, laps_beyond_2_32_go_on,
      scribbled_tokens_are_of_no_block, senders_get_over_scribbled_hints,
      a_full_rings_cell_is_not_of_the_lap_beyond)
