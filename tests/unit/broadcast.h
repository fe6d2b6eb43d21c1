/* SPDX-License-Identifier: MIT */
/* A pool with one broadcast, a sender and readers, for the suites on broadcasts. */
#ifndef TESTS_UNIT_BROADCAST_H
#define TESTS_UNIT_BROADCAST_H

#include <string.h>

#include "lib/core/broadcast.h"
#include "lib/core/ring.h"
#include "tests/support/arena.h"
#include "tests/unit/suite.h"

#define BLOCKS 200
#define DEPTH 8
#define SLOTS 20
#define NUMBER 2 /* of the channel */

/* A process that subscribes, and what it has borrowed last. */
struct reader {
	struct member member;
	struct mp_subscriber seat;
	const void *in[100];
};

static struct arena arena;
static struct mp_channel *channel;
static struct member sender; /* slot 0 */
static void *out[100];

static inline void begin_shaped(struct mp_shape shape)
{
	arena_make(&arena, shape);
	channel = mp_pool_channel(&arena.daemon, NUMBER);
	ck_assert(mp_channel_is_of_kind(channel, MP_CHANNEL_BROADCAST));
	arena_seat(&arena, 0, &sender);
	ck_assert_int_eq(member_get_bulk(&sender, out, 60), 0);
}

static inline void begin(void)
{
	begin_shaped((struct mp_shape){
		.blocks = BLOCKS, .n_caches = SLOTS, .n_slots = SLOTS, .depth = DEPTH});
}

static inline int join(struct reader *r, uint32_t slot, bool lossy)
{
	arena_seat(&arena, slot, &r->member);
	return mp_broadcast_join(&r->member.pool, &r->member.local, NUMBER, lossy, &r->seat);
}

static inline void leave(struct reader *r)
{
	mp_broadcast_leave(&r->member.pool, &r->member.local, &r->seat);
}

static inline uint32_t send_by(struct member *by, void *const *blocks, uint32_t n, int expected)
{
	int error;
	uint32_t sent = mp_broadcast_send(&by->pool, &by->local, NUMBER, blocks, n, &error);
	ck_assert_int_eq(error, expected);
	return sent;
}

static inline uint32_t send(uint32_t from, uint32_t n, int expected)
{
	return send_by(&sender, out + from, n, expected);
}

static inline uint32_t borrow(struct reader *r, uint32_t n, int expected)
{
	int error;
	uint32_t got =
		mp_broadcast_borrow(&r->member.pool, &r->member.local, &r->seat, r->in, n, &error);
	ck_assert_int_eq(error, expected);
	return got;
}

static inline uint32_t index_of(const void *block)
{
	return (uint32_t)mp_pool_index(&sender.pool, block);
}

static inline mp_atomic64 *word_of(uint32_t i)
{
	return &arena.daemon.words[index_of(out[i])].whole;
}

static inline enum mp_state state_of(uint32_t i)
{
	return mp_word_state(mp_load(word_of(i)));
}

/* Whether block @i is shared, by those bits. */
static inline bool is_shared(uint32_t i, uint32_t pending, uint32_t held)
{
	return (uint32_t)mp_load(word_of(i)) == mp_word_shared(NUMBER, pending, held);
}

static inline int give_back(struct reader *r, uint32_t i)
{
	return mp_broadcast_return(&r->member.pool, &r->member.local, &r->seat, index_of(out[i]));
}

/* The reader borrows blocks @from to @from + @n - 1 in this order, and gives them back. */
static inline void expect(struct reader *r, uint32_t from, uint32_t n)
{
	ck_assert_uint_eq(borrow(r, n, 0), n);
	for (uint32_t i = 0; i < n; i++) {
		ck_assert_ptr_eq(r->in[i], out[from + i]);
		ck_assert_int_eq(give_back(r, from + i), 0);
	}
}

static inline uint64_t lost(const struct reader *r)
{
	ck_assert_uint_eq(mp_load(&channel->seat[r->seat.seat].lost), mp_load(&r->seat.lost));
	return mp_load(&r->seat.lost);
}

/* How many blocks can be got, each once; they go back when their process is buried. */
static inline size_t gettable(uint32_t slot)
{
	static unsigned char owners[BLOCKS];
	struct member last;
	memset(owners, 0, sizeof owners);
	arena_seat(&arena, slot, &last);
	return member_drain(&last, owners, 1);
}

/* All is sound; and when all have died, all blocks can be had, each once. */
static inline void finish(void)
{
	ck_assert_ptr_null(arena_audit(&arena));
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		if (mp_load(&arena.daemon.slots[slot].state) != MP_SLOT_FREE) {
			arena_bury(&arena, slot, true);
			ck_assert_ptr_null(arena_audit(&arena));
		}
	}
	for (uint32_t i = 0; i < MP_SEATS_MAX; i++) {
		ck_assert_uint_eq((uint32_t)mp_load(&channel->seat[i].owner), 0);
	}
	ck_assert_uint_eq(mp_load(&channel->members), 0);
	ck_assert_uint_eq(gettable(0), BLOCKS);
	ck_assert_ptr_null(arena_audit(&arena));
}

#endif
