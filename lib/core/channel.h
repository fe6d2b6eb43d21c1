/* SPDX-License-Identifier: MIT */
/*
 * Channels: rings of tokens in the control segment, from many producers to one consumer at a time.
 *
 *	            head (next to be received)      first empty
 *	            v                               v
 *	cell | e5 | token | token | token | token | e4 | e4 |      n = 8, positions 33 ...
 *
 * A position counts from 0 for ever; it is cell position % n, lap position / n. A cell is one
 * atomic:
 *	empty(lap)	{0 : 32 | lap : 32}		the token of that lap may be stored here
 *	token		{generation : 32 | index : 32}	sent; a generation is never 0
 *
 * There is no lock. A producer knows a position p that is not beyond the first empty one, and goes
 * up from there: CAS empty(lap of p) -> token. That is the sending, whole, in one step: a half made
 * entry cannot be. Who loses goes on to p + 1; a producer that was stopped for laps meets cells of
 * other laps, and starts again from head. As positions are filled in order only, the filled ones
 * stand without a gap from head on. No position at or beyond head + n is filled, even if its cell
 * has been emptied: so the consumer may empty many and then raise head once.
 *
 * tail and limit are hints that save the search and the look at head. They are plain stores by any
 * producer, may go back, and are never too large.
 *
 * Invariants, between any two instructions of anybody:
 *	positions [head, first empty) hold tokens, but for the first of them, which may be
 *		empty(lap + 1): received, and its receiver died before it raised head
 *	head <= first empty <= head + n
 *	a token in a cell is of a gift (MOVING), or stale: taken, withdrawn, or reclaimed
 *	only the slot that consumer names writes head, and empties cells
 *
 * Order of stores, and what is true if the process dies after each:
 *	send	1 word: USED(p) -> MOVING(p)	a gift of the dead: reclaimed after its grace
 *		2 cell: empty -> token, CAS	sent: received by whoever receives, within the grace
 *		3 tail				done
 *	receive	1 word: MOVING -> USED(q), CAS	q's, and reclaimed with q; the token is stale, and
 *						the next consumer drops it
 *		2 cell: token -> empty(lap + 1)	the next consumer passes over it
 *		3 head + 1			done
 * So a consumer has the block before the token leaves the ring, and no token is ever with nobody.
 * A batch does 1 and 2 for each, and 3 once.
 *
 * The consumer's seat: consumer is {sequence | slot + 1}, claimed by CAS when it is free, freed by
 * its owner or by the daemon's pass over the owner's slot.
 *
 * Sleeping. A consumer that finds nothing stores hungry, fences, looks again, and sleeps; a
 * sender's CAS is its fence, after which it looks at hungry, clears it and wakes. A producer that
 * finds no room stores crowded, has the barrier of futex.h run (the consumer is not to pay for it),
 * looks again, and sleeps; the consumer looks at crowded after it has raised head. Who dies between
 * clearing and waking costs the sleeper the rest of its slice.
 */
#ifndef MP_CORE_CHANNEL_H
#define MP_CORE_CHANNEL_H

#include <time.h>

#include "lib/core/layout.h"

/* Claims the consumer's seat. Returns what mp_channel_leave() wants, or 0: somebody has it. */
uint64_t mp_channel_claim(struct mp_pool *pool, struct mp_channel *channel);

/* Leaves the seat, if it is still that claim's. */
void mp_channel_leave(struct mp_channel *channel, uint64_t claim);

/* Frees the seat if the owner has that slot: for the daemon's pass over it. */
void mp_channel_evict(struct mp_channel *channel, uint32_t slot);

/*
 * Sends up to @n blocks, in order, while there is room. Returns how many were sent; fewer than @n
 * with *@error -EAGAIN (full), or a refusal as of mp_word_give() for the first that was not.
 */
uint32_t mp_channel_send(struct mp_pool *pool, struct mp_channel *channel, void *const *blocks,
			 uint32_t n, int *error);

/*
 * Receives up to @n blocks. By the consumer alone. Returns how many; fewer than @n when there are
 * no more, or with *@error -EIO: somebody has scribbled on the channel.
 */
uint32_t mp_channel_receive(struct mp_pool *pool, struct mp_channel *channel, void **blocks,
			    uint32_t n, int *error);

/* Whether there is something to receive. By the consumer, or as a hint. */
bool mp_channel_is_filled(const struct mp_pool *pool, const struct mp_channel *channel);

/* Sleeps until there is something to receive, or room; may return for no reason. */
void mp_channel_await_token(const struct mp_pool *pool, struct mp_channel *channel,
			    const struct timespec *deadline);
void mp_channel_await_room(const struct mp_pool *pool, struct mp_channel *channel,
			   const struct timespec *deadline);

#endif
