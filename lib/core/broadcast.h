/* SPDX-License-Identifier: MIT */
/*
 * Broadcasts: rings of tokens (ring.h) from many producers to up to 12 subscribers. A block goes to
 * every subscriber there is when it is sent, and is free when the last of them has returned it.
 *
 *	members	{lossy:16 | members:16}		a bit a seat: who is a subscriber, and who rather
 *						loses the oldest block than holds producers up
 *	seat	owner, and for onlookers cursor and lost
 *	word	{generation | SHARED | channel | pending | held}
 *						the share: who is yet to get the block, and who
 *						has it
 *
 * The share is in the block's word, so a subscriber's bit, the block's generation, and whether it
 * was the last bit change in one CAS. Nobody ever compares two words that could disagree.
 *
 * Invariants, between any two instructions of anybody, besides those of ring.h:
 *	1 SHARED => pending | held is not 0, and has bits only of seats that have an owner; pending
 *	  never grows
 *	2 pending is not 0 => the token stands in the ring, at a position from head on
 *	3 a bit pending of a seat, of a token at position p => its owner's cursor <= p, and so will
 *	  come there
 *	4 SHARED -> USED only by the CAS that takes the last bit: nobody gets a block to write that
 *	  another may read
 *
 * Order of stores, and what is true if the process dies after each:
 *	join	1 seat: free -> me, CAS		the pass finds the owner, and frees it
 *		2 members: my bit on		the pass takes it out
 *		3 cursor = head, read after 2	from here on each bit of mine is ahead of me
 *		4 pass over what has no bit of mine; from there on lost counts
 *	send	1 word: USED(p) -> MOVING(p)	a gift of the dead: reclaimed after the grace time
 *		2 cell: empty -> token, CAS	sent; decided by whoever comes, or by p's pass
 *		3 members, read after 2; decide: MOVING -> SHARED(members, 0), CAS	shared
 *		4 tail; hungry? notify		costs sleepers the rest of their slice
 *	retire	by a producer that needs the place at head; nobody reliable waits for what is there
 *		1 word: MOVING -> decide
 *		2 word: pending, all of lossy seats, -> 0, CAS; the last: put the block
 *		3 cell: token -> empty(lap + 1), CAS
 *		4 head: raised, CAS; crowded? notify	dead between any two: the next one goes on
 *	borrow	1 word: MOVING -> decide
 *		2 word: my bit pending -> held, CAS	the dead's: taken off by the pass
 *		3 cursor + 1; crowded? notify
 *	return	1 word: my bit held -> 0, CAS; the last: -> USED(me), and put	reclaimed with me
 *	leave	1 members: my bits out
 *		2 walk from head to the first empty position: decide what is undecided, take my
 *		  pending bits off
 *		3 crowded? notify
 *		4 seat: owner -> free		dead before: the pass does it all again
 *
 * Why no mask is ever old. Members are read after the token is posted, and a seat's bit is taken
 * out of members before the ring is walked and what stands there decided. So what was posted before
 * the walk comes to that cell is decided by it at the latest, and what is posted later is decided
 * by somebody who reads members without the bit. One side stores the token and then loads members,
 * the other stores members and then loads the cell: both by a read-modify-write and the fence after
 * it. Somebody else who comes to the token has acquired the cell, so it sees members at least as
 * new as who posted it. A producer that was stopped with an old mask loses its CAS, as the word is
 * not MOVING any more. Who joins has its bit in before it reads head, so each block that has its
 * bit is at its cursor or beyond; an older head would do as well.
 *
 * Lossy is read after the word: a lossy seat's successor may be reliable, and only a word that
 * still has the bit of the first makes the CAS fail.
 *
 * Nobody waits for who is dead or stopped, but a producer for a reliable subscriber that lives.
 *
 * The seat's own count of lost begins with the end of join, and is exact but for what was sent
 * while it joined: of that it may count too much. Sleeping is as in channel.h; all stores that wake
 * somebody are CAS, so who sleeps needs no barrier but its own.
 */
#ifndef MP_CORE_BROADCAST_H
#define MP_CORE_BROADCAST_H

#include "lib/core/local.h"

struct mp_ends;
struct mp_wait;

/* A subscriber, private to its process. One thread at a time may borrow by it. */
struct mp_subscriber {
	uint32_t channel;
	uint32_t seat;
	uint64_t claim;     /* the seat's owner: {sequence | slot + 1} */
	mp_atomic64 cursor; /* its next position; the ringer looks at it as well, see lib/bell.h */
	mp_atomic64 lost;
	uint64_t begin; /* where the cursor was when it joined */
	bool lossy;
};

/*
 * Several of these may have the last bit of a block. They put it, by @local; NULL, or inside a call
 * of the same thread: it becomes RECLAIMED.
 */

/* Becomes a subscriber. Returns 0, or -EUSERS: all seats are taken. */
int mp_broadcast_join(struct mp_pool *pool, struct mp_local *local, uint32_t channel, bool lossy,
		      struct mp_subscriber *subscriber);

/* Stops being one, which has no block borrowed. */
void mp_broadcast_leave(struct mp_pool *pool, struct mp_local *local,
			const struct mp_subscriber *subscriber);

/*
 * Sends up to @n blocks, in order, while there is room. Returns how many it sent; if fewer than @n,
 * *@error says why: -EAGAIN when a reliable subscriber has to receive first, -ENOTCONN when there
 * is no subscriber, else why mp_word_give() refused the next one.
 */
uint32_t mp_broadcast_send(struct mp_pool *pool, struct mp_local *local, uint32_t channel,
			   void *const *blocks, uint32_t n, int *error);

/* Borrows up to @n blocks. Returns how many; fewer when there are no more, or with *@error -EIO. */
uint32_t mp_broadcast_borrow(struct mp_pool *pool, struct mp_local *local,
			     struct mp_subscriber *subscriber, const void **blocks, uint32_t n,
			     int *error);

/* Returns one: 0; -EPERM: this subscriber has not borrowed it; -EINVAL: there is no such block. */
int mp_broadcast_return(struct mp_pool *pool, struct mp_local *local,
			const struct mp_subscriber *subscriber, uint64_t index);

/*
 * Makes a borrowed block this process's, if nobody else has it or is to get it. Returns 0, -EBUSY
 * when somebody is, -EPERM, -EINVAL.
 */
int mp_broadcast_own(struct mp_pool *pool, const struct mp_subscriber *subscriber, uint64_t index);

/*
 * Whether the subscriber has borrowed the block, and no other subscriber of this process has. If
 * two return it at once, neither may hear so.
 */
bool mp_broadcast_is_held_once(struct mp_pool *pool, const struct mp_subscriber *subscriber,
			       uint64_t index);

/* Whether there is something at the subscriber's cursor, or before it. */
bool mp_broadcast_is_filled(const struct mp_pool *pool, const struct mp_subscriber *subscriber);

/* Whether it is the end of the stream for the subscriber; see ends.h. */
bool mp_broadcast_is_over(const struct mp_pool *pool, const struct mp_subscriber *subscriber,
			  const struct mp_ends *noted);

/* Whether a producer can send: there is a position, or what is at head can be retired. */
bool mp_broadcast_has_room(const struct mp_pool *pool, uint32_t channel);

/* Sleep as mp_channel_await_token() and mp_channel_await_room() do. */
void mp_broadcast_await_token(const struct mp_pool *pool, const struct mp_subscriber *subscriber,
			      const struct mp_ends *noted, struct mp_wait *wait);
void mp_broadcast_await_room(const struct mp_pool *pool, uint32_t channel,
			     const struct mp_ends *noted, struct mp_wait *wait);

/* Decides who is to get the block of that token, if nobody has yet. */
void mp_broadcast_decide(struct mp_pool *pool, struct mp_local *local, uint32_t channel,
			 uint64_t token);

/* ---- for the daemon's pass, and a process that closes the pool ---- */

/* Takes the bits of those seats out of members. */
void mp_broadcast_expel(struct mp_channel *channel, uint32_t seats);

/*
 * If the token is of a block that is not decided yet, decides. Returns true if there is no
 * subscriber: the block is RECLAIMED now, which the caller must announce.
 */
bool mp_broadcast_settle(struct mp_pool *pool, uint32_t channel, uint64_t token);

/*
 * Takes the bits of those seats off a SHARED block of that channel. Returns true if they were the
 * last: the block is RECLAIMED now, which the caller must announce.
 */
bool mp_broadcast_sweep(struct mp_pool *pool, uint32_t channel, uint32_t seats, uint64_t index);

/* Frees those seats, and wakes whom their owners kept waiting. */
void mp_broadcast_vacate(struct mp_channel *channel, uint32_t seats);

#endif
