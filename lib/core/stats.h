/* SPDX-License-Identifier: MIT */
/*
 * Counting: one walk over the words, and the counters of caches, slots and pool. It only reads, so
 * it works on a read-only mapping. While others work, the sums mix values of different moments.
 */
#ifndef MP_CORE_STATS_H
#define MP_CORE_STATS_H

#include "lib/core/layout.h"

/*
 * Of a pool, or of one slot in it: then free and reclaimed stay 0, and shared is how many shares of
 * broadcast blocks it holds.
 */
struct mp_tally {
	uint64_t used, cached, free, moving, shared, reclaimed;
	uint64_t gets, puts, failures, waits;
};

/* What an onlooker sees of one block. */
enum mp_place {
	MP_PLACE_NONE,
	MP_PLACE_DEPOT,
	MP_PLACE_CACHE,
	MP_PLACE_USED,
	MP_PLACE_MOVING,
	MP_PLACE_SHARED,
	MP_PLACE_RECLAIMED
};

/* Where a block with that word is, and, when a process has it, which slot (else MP_NONE). */
enum mp_place mp_place_of(const struct mp_pool *pool, uint64_t word, uint32_t *slot);

/* Which slot has the seat of that number, of the channel that shares the block; or MP_NONE. */
uint32_t mp_share_slot(const struct mp_pool *pool, uint64_t word, uint32_t seat);

/* Fills @total and the first @n of @by_slot, either of which may be NULL. */
void mp_tally(const struct mp_pool *pool, struct mp_tally *total, struct mp_tally *by_slot,
	      uint32_t n);

/* A channel: who has it open, and how far they are. */
struct mp_channel_tally {
	enum mp_channel_kind kind;
	uint32_t senders, receivers; /* processes; of a broadcast, receivers are subscribers */
	uint64_t sent, retired;      /* the first empty position; head */
	uint64_t lag;                /* not yet received by the receiver that is farthest behind */
	uint64_t lost;               /* of all subscribers there are */
};

/* A subscriber's seat. */
struct mp_seat_tally {
	uint32_t slot; /* MP_NONE: nobody has the seat */
	bool lossy;
	uint64_t cursor; /* the position it reads next */
	uint64_t lost;   /* with what it has yet to find lost */
};

void mp_tally_channel(const struct mp_pool *pool, uint32_t number, struct mp_channel_tally *tally);
void mp_tally_seat(const struct mp_pool *pool, uint32_t number, uint32_t seat,
		   struct mp_seat_tally *tally);

#endif
