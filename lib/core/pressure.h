/* SPDX-License-Identifier: MIT */
/*
 * Pressure: how getters that wait for a block learn that somebody put one. One futex word a pool,
 * {sequence:30 | state:2}; every change raises the sequence.
 *
 *	waiter                                   who puts (also: flush, exit, the daemon's pass)
 *	get: nothing                             words are FREE or RECLAIMED; busy = 0
 *	-> ASLEEP, or it is so already           ASLEEP? no: done
 *	membarrier                               flush: its cached blocks go to the depot
 *	get: nothing                             ASLEEP -> WOKEN, futex wake, all
 *	futex wait, a slice at most
 *	... again, until
 *	get: a block                             getter with empty hands that finds WOKEN
 *	if it raised it: -> CALM, futex wake     futex wait, some milliseconds, then -> CALM
 *
 * Nobody sleeps while there is a block. The putter stores the word and busy, and then loads the
 * pressure; the waiter stores the pressure and then looks for words and busy; the waiter's
 * membarrier is the fence that both need. So either the waiter's second get finds the block (in the
 * depot, RECLAIMED, or by stealing it out of an idle cache), or the putter finds ASLEEP and brings
 * it to the depot. That is why put looks at the pressure last, after busy = 0. The putter pays one
 * load and a branch; the waiter pays for the order.
 *
 * The thread that puts is often the next to get, and would have the block back before the waiter is
 * awake. So a getter that is about to go to the depot and finds WOKEN lets the waiters go first,
 * until one of them has got its block or sleeps again, or a scheduler's turn or two have passed.
 *
 * What is true if somebody dies:
 *	waiter, ASLEEP left behind	the next put flushes and wakes in vain; a getter waits once
 *	putter, before -> WOKEN		its pass announces what it left, and wakes
 *	putter, before its futex wake	the waiters' slice is over some time, or the pass wakes them
 *	waiter, after being woken	a getter waits once; the other waiters were woken as well
 * There is no count of waiters that a death could falsify.
 *
 * A process that could not register for membarrier fences between busy = 0 and its look at the
 * pressure (mp_pressure_order()). When it waits, its own barrier reaches nobody else: it may sleep
 * through a put, until its slice is over. An announcement is a read-modify-write, made also by the
 * daemon, which no waiter's barrier need reach; the fence after it is its own.
 */
#ifndef MP_CORE_PRESSURE_H
#define MP_CORE_PRESSURE_H

#include <time.h>

#include "lib/core/layout.h"

enum {
	MP_CALM = 0,
	MP_ASLEEP = 1,
	MP_WOKEN = 2,
	MP_PRESSURE_STATE = 3, /* mask */
};

/* Whether somebody may be asleep. To be asked after mp_leave(). */
static inline bool mp_is_pressed(const struct mp_pool *pool)
{
	return __builtin_expect(mp_load(&pool->header->pressure) & MP_ASLEEP, 0);
}

/*
 * Orders what was put, and busy = 0, before the look at the pressure, in a process that no waiter's
 * barrier reaches. To be called after mp_leave().
 */
static inline void mp_pressure_order(const struct mp_pool *pool)
{
	if (__builtin_expect(pool->fenced, 0)) {
		mp_fence();
	}
}

/* Wakes all waiters. What they are to find is in the depot or RECLAIMED. */
void mp_pressure_wake(struct mp_pool *pool);

/* Tells collectors that there is something for them: raises reclaim_seq and wakes waiters. */
void mp_announce(struct mp_pool *pool);

/*
 * For a client that is about to leave a RECLAIMED block or an orphan, and will then announce it: so
 * that an audit sees in its slot that it owes this, from before it leaves anything until after the
 * announcement. @left: whether there is something to announce.
 */
void mp_announce_begin(struct mp_pool *pool);
void mp_announce_end(struct mp_pool *pool, bool left);

/* For a waiter before its last look: raises the pressure. Returns it, for mp_pressure_sleep(). */
uint32_t mp_pressure_raise(struct mp_pool *pool);

/*
 * Sleeps until the pressure changes, or until @deadline (CLOCK_MONOTONIC; NULL: none). Returns
 * whether a signal handler ended the sleep.
 */
bool mp_pressure_sleep(struct mp_pool *pool, uint32_t raised, const struct timespec *deadline);

/* For a waiter that raised the pressure, when it has its block or gives up. */
void mp_pressure_calm(struct mp_pool *pool);

/* Has all waiters look again, and those that are about to sleep; leaves the state as it is. */
void mp_pressure_stir(struct mp_pool *pool);

/* For a getter before it goes to the depot: lets waiters that were woken go first. */
void mp_pressure_yield(struct mp_pool *pool);

#endif
