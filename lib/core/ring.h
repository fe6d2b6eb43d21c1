/* SPDX-License-Identifier: MIT */
/*
 * Rings of tokens in the control segment: what all kinds of channels are made of.
 *
 *	            head                            first empty
 *	            v                               v
 *	cell | e5 | token | token | e5 | token | e4 | e4 |      n = 8, positions 33 ...
 *
 * A position counts from 0 for ever; it is cell position % n, lap position / n. A cell is one
 * atomic:
 *	empty(lap)	{0 : 32 | lap : 32}		the token of that lap may be stored here
 *	token		{generation : 32 | index : 32}	sent; a generation is never 0
 *
 * There is no lock. A producer knows a position p that is not beyond the first empty one, and goes
 * up from there: CAS empty(lap of p) -> token. This one step sends the token; there is no half made
 * entry. A producer that loses the CAS goes on to p + 1; one that was stopped for laps meets cells
 * of other laps, and starts again from head. Producers fill positions in order only, so the filled
 * ones stand without a gap from head on. They fill none at or beyond head + n, even if its cell is
 * empty already: so who receives may empty many cells and then raise head once.
 *
 * tail and limit are hints that save producers the search and the look at head. Any producer stores
 * them; they may go back, and are never too large. A producer that takes a position for filled, as
 * its CAS there has failed, must have looked at a cell that was emptied for that position: so who
 * goes by the limit acquires it, and who stores it has acquired the head, which was raised after
 * the cell was emptied. Else it might see the new limit and the token of the lap before, pass over
 * an empty position, and post behind it; and as tail is beyond the gap then, nobody would fill it.
 * tests/model/weak/ring.pml is a model of it.
 *
 * Invariants, between any two instructions of anybody:
 *	positions [head, first empty) are tokens or empty(lap + 1), in any pattern
 *	head <= first empty <= head + n, and head only rises
 *	a token in a cell is of a block that was sent by it, or stale: taken, withdrawn, reclaimed
 *
 * A cell's value belongs to position p only if p < head + n, by head as it was before the look at
 * the cell, and head <= p, by head as it is after it; for head rises meanwhile. If p >= head + n,
 * nothing was there, and what the cell held may have been of the lap before. If p < head, others
 * went on, and it may be of a later one. Only the consumer of a queue, which alone raises head,
 * may do without.
 */
#ifndef MP_CORE_RING_H
#define MP_CORE_RING_H

#include "lib/core/layout.h"

/* What is at a position. */
enum mp_ring_look {
	MP_RING_NOTHING, /* not sent yet */
	MP_RING_TOKEN,
	MP_RING_EMPTIED,   /* received by all, but head is not raised yet */
	MP_RING_PASSED,    /* likewise, and head is beyond it */
	MP_RING_SCRIBBLED, /* what nobody of us writes */
};

static inline mp_atomic64 *mp_ring_cell(const struct mp_pool *pool, struct mp_channel *channel,
					uint64_t position)
{
	return &channel->cell[position & (pool->shape.depth - 1)];
}

/* The empty cell in which the token of @position may be stored. */
static inline uint64_t mp_ring_empty(const struct mp_pool *pool, uint64_t position)
{
	return (uint32_t)(position >> __builtin_ctz(pool->shape.depth)); /* a power of two */
}

/* What the cell is when its token has been received. */
static inline uint64_t mp_ring_emptied(const struct mp_pool *pool, uint64_t position)
{
	return (uint32_t)(mp_ring_empty(pool, position) + 1);
}

static inline bool mp_ring_is_token(uint64_t cell)
{
	return cell >> 32 != 0;
}

/* ---- for producers ---- */

/*
 * Reads head: moves *@p up to it, and returns the position that is too far to be filled. From what
 * is beyond even that, as somebody has scribbled on tail, *@p goes back to head.
 */
static inline uint64_t mp_ring_look_at_head(const struct mp_pool *pool, struct mp_channel *channel,
					    uint64_t *p)
{
	uint64_t head = mp_load_acquire(&channel->head);

	if (*p < head || *p - head > pool->shape.depth) {
		*p = head;
	}
	mp_store_release(&channel->limit, head + pool->shape.depth);
	return head + pool->shape.depth;
}

/* Whether *@p, which is moved up to head if need be, is not too far to be filled. */
static inline bool mp_ring_has_position(const struct mp_pool *pool, struct mp_channel *channel,
					uint64_t *p)
{
	uint64_t limit = mp_load(&channel->limit);

	if (*p >= limit) {
		limit = mp_ring_look_at_head(pool, channel, p);
	}
	return *p < limit;
}

/*
 * Stores the token at the first empty position from *@p on, and leaves *@p behind it. False: the
 * ring is full.
 */
static inline bool mp_ring_post(const struct mp_pool *pool, struct mp_channel *channel, uint64_t *p,
				uint64_t token)
{
	uint64_t limit = mp_load_acquire(&channel->limit);

	/* Others may be ahead of us by a ring or two; if by more, somebody has scribbled on it. */
	for (uint32_t tries = 4 * pool->shape.depth; tries > 0; tries--) {
		if (*p >= limit) {
			limit = mp_ring_look_at_head(pool, channel, p);
		}
		if (*p >= limit) {
			return false;
		}
		if (mp_cas(mp_ring_cell(pool, channel, *p), mp_ring_empty(pool, *p), token)) {
			++*p;
			return true;
		}
		++*p;
	}
	mp_ring_look_at_head(pool, channel, p); /* limit may be what is scribbled on */
	return false;
}

/* ---- for those who share the ring with other receivers ---- */

enum { MP_RING_AHEAD = 4 }; /* positions from where one is to where one fetches */

/* Looks at position @p, whose cell is then *@cell. */
enum mp_ring_look mp_ring_look(const struct mp_pool *pool, struct mp_channel *channel, uint64_t p,
			       uint64_t *cell);

/*
 * Fetches the word of the token at @p, if there is one, for who comes there soon: blocks are in no
 * order, so each word is in another cache line, and another CPU wrote it last.
 */
static inline void mp_ring_fetch(const struct mp_pool *pool, struct mp_channel *channel, uint64_t p)
{
	uint64_t cell = mp_load(mp_ring_cell(pool, channel, p));

	if (mp_ring_is_token(cell) && (uint32_t)cell < pool->max_blocks) {
		mp_prefetch_for_write(&pool->words[(uint32_t)cell].whole);
	}
}

/* Empties the cell of @p, whose token was @token; others may have done so. */
void mp_ring_clear(const struct mp_pool *pool, struct mp_channel *channel, uint64_t p,
		   uint64_t token);

/* Raises head to @to, unless it is there or beyond. All before @to must be emptied. */
void mp_ring_raise_head(struct mp_channel *channel, uint64_t to);

/* The first empty position, by a walk from tail, or from head if that is farther. */
uint64_t mp_ring_end(const struct mp_pool *pool, struct mp_channel *channel);

/* ---- for those who look on ---- */

/*
 * The word of the block whose token is @token, and its value. NULL: the token is stale, or
 * scribbled.
 */
mp_atomic64 *mp_ring_word(const struct mp_pool *pool, uint64_t token, uint64_t *word);

#endif
