/* SPDX-License-Identifier: MIT */
/*
 * Queues: rings of tokens (ring.h) from many producers to one consumer at a time. What is said here
 * of producers and of sleeping holds for the other kinds of channels as well.
 *
 * Invariants besides the ring's, between any two instructions of anybody:
 *	of positions [head, first empty) only the first ones may be empty(lap + 1): received, and
 *		their receiver is in the midst of a batch, or died before it raised head
 *	a token in a cell is of a gift (MOVING), or stale: taken, withdrawn, or reclaimed
 *	a word is SENT(c) => its token stands in c's ring, at a position from head on
 *	only the process whose slot consumer names writes head and empties cells
 *
 * Order of stores, and what is true if the process dies after each:
 *	send	1 word: USED(p) -> MOVING(p)	a gift of the dead: reclaimed after the grace time
 *		2 cell: empty -> token, CAS	sent; it stays so
 *		3 tail				done
 *	receive	1 word: MOVING -> USED(q), CAS	q's, and reclaimed with q; the token is stale, and
 *						the next consumer drops it
 *		2 cell: token -> empty(lap + 1)	the next consumer passes over it
 *		3 head + 1			done
 * So a consumer has the block before the token leaves the ring, and no block is lost between. A
 * batch does 1 and 2 for each block, and 3 once.
 *
 * Sent stays sent. Before a process's gifts are taken back, and before it may close the pool, a
 * walk over all rings makes those whose tokens stand in one the channel's: MOVING(p) -> SENT(c), by
 * the daemon's pass for the dead, by the process itself when it closes. They wait for a consumer,
 * for as long as the pool lives, and only gifts that were mailed in other ways wait for a grace
 * time. The walk finds all of them: who is dead posts nothing, nor does who has closed its
 * channels, and a token does not leave its cell before its block was taken. The consumer may take
 * the block at the same time; one of the two CAS fails, and if it is the consumer's, it looks at
 * the word again.
 *
 * A channel has one consumer at a time: consumer is {sequence | slot + 1}. A process claims it by
 * CAS when it is free; that process, or the daemon's pass over its slot, frees it.
 *
 * Sleeping. A consumer that finds nothing sets asleep in hungry, has a full barrier, looks again,
 * and sleeps while hungry is as it made it; so does its bell (lib/bell.h), beside it. A producer
 * looks at hungry after its CAS and a full barrier, once a batch (mp_fence_after_rmw(); a consumer
 * that sleeps seldom could pay for both, but one that waits for each message sleeps each time); if
 * it says asleep, it clears that, raises the sequence and wakes all. tests/model/weak/sleep.pml is
 * a model of it. A producer that finds no room sets asleep in crowded, runs the barrier of
 * futex.h (so that the consumer needs no fence), looks again, and sleeps while crowded is as it
 * made it; the consumer looks at crowded after it has raised head. Any number may sleep on either
 * word, for reasons of their own: each notification raises the sequence, so none of them can take
 * another one's asleep for its own. Who is about to sleep on crowded looks at hungry first: the
 * producer that filled the ring may have been stopped before it did, and then both ends would
 * sleep. A process that dies between clearing and waking costs the sleepers the rest of their
 * slice.
 */
#ifndef MP_CORE_CHANNEL_H
#define MP_CORE_CHANNEL_H

#include "lib/core/layout.h"

struct mp_ends;
struct mp_wait;

/* Makes the channel one of that kind, if it is of none yet. False: it is of another. */
bool mp_channel_is_of_kind(struct mp_channel *channel, enum mp_channel_kind kind);

/* Becomes the consumer. Returns the claim, for mp_channel_leave(), or 0: there is a consumer. */
uint64_t mp_channel_claim(struct mp_pool *pool, struct mp_channel *channel);

/* Stops being the consumer, if @claim still holds. */
void mp_channel_leave(struct mp_channel *channel, uint64_t claim);

/* Does so for the consumer that has that slot, if one has. For the daemon's pass over the slot. */
void mp_channel_evict(struct mp_channel *channel, uint32_t slot);

/* The slot that sent what cell @k of channel @number holds; MP_SLOTS_MAX or more: nobody's. */
uint32_t mp_channel_sender(const struct mp_pool *pool, uint32_t number, uint32_t k);

/* If that is @slot still, makes the block the channel's. False: it is not. */
bool mp_channel_keep(struct mp_pool *pool, uint32_t number, uint32_t k, uint32_t slot);

/*
 * Makes all that this process has sent the channels', and decides what of it is a broadcast's; none
 * of its threads may be sending.
 */
void mp_channel_keep_all(struct mp_pool *pool);

/*
 * Sends up to @n blocks, in order, while there is room. Returns how many it sent; if fewer than @n,
 * *@error says why: -EAGAIN when the channel is full, else why mp_word_give() refused the next one.
 */
uint32_t mp_channel_send(struct mp_pool *pool, struct mp_channel *channel, void *const *blocks,
			 uint32_t n, int *error);

/*
 * Receives up to @n blocks. For the consumer alone. Returns how many; fewer than @n when there are
 * no more, or with *@error -EIO when somebody has scribbled on the channel.
 */
uint32_t mp_channel_receive(struct mp_pool *pool, struct mp_channel *channel, void **blocks,
			    uint32_t n, int *error);

/* Whether it is the end of the stream for the consumer who noted that; see ends.h. */
bool mp_channel_is_over(const struct mp_pool *pool, struct mp_channel *channel,
			const struct mp_ends *noted);

/* Whether there is something to receive; for others than the consumer this is a hint. */
bool mp_channel_is_filled(const struct mp_pool *pool, const struct mp_channel *channel);

/* Whether there is room for another. */
bool mp_channel_has_room(const struct mp_pool *pool, struct mp_channel *channel);

/* For who sends and is to sleep on crowded until there is room: as mp_futex_prepare(). */
uint32_t mp_channel_prepare_crowded(struct mp_channel *channel);

/*
 * Sleep until there is something to receive, or room, or the other end has gone, if @noted is not
 * NULL; see ends.h. May return earlier.
 */
void mp_channel_await_token(const struct mp_pool *pool, struct mp_channel *channel,
			    const struct mp_ends *noted, struct mp_wait *wait);
void mp_channel_await_room(const struct mp_pool *pool, struct mp_channel *channel,
			   const struct mp_ends *noted, struct mp_wait *wait);

#endif
