/* SPDX-License-Identifier: MIT */
/*
 * Pressure: where getters that wait for a block and those who put one meet. One futex word a pool,
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
 * Nobody sleeps while there is a block for him. Who puts stores the word and busy, and then loads
 * the pressure; the waiter stores the pressure and then looks for words and busy, and its
 * membarrier stands for the fence in both. So either the second get finds the block (in the depot,
 * loose, or by stealing it out of an idle cache), or whoever put it finds ASLEEP and brings it to
 * the depot. That is why put looks at the pressure last, after busy = 0. Its price is one load and
 * a branch; who waits pays for the order.
 *
 * Who puts is often who gets next, and would have the block back before the waiter is awake. So a
 * getter that is about to go to the depot and finds WOKEN lets the waiters go first: until one of
 * them has got its block or gone back to sleep, or a scheduler's turn or two have passed.
 *
 * What is true if somebody dies:
 *	waiter, ASLEEP left behind	the next put flushes and wakes in vain; a getter waits once
 *	putter, before -> WOKEN		its pass announces what it left, and wakes
 *	putter, before its futex wake	the waiters' slice is over some time, or the pass wakes them
 *	waiter, after being woken	a getter waits once; the other waiters were woken as well
 * There is no count of waiters that a death could falsify.
 *
 * Processes that could not register for membarrier put without that order: then the slice is what a
 * waiter may lose.
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

/* Whether somebody may be asleep. After mp_leave(). */
static inline bool mp_is_pressed(const struct mp_pool *pool)
{
	return __builtin_expect(mp_load(&pool->header->pressure) & MP_ASLEEP, 0);
}

/* Wakes all waiters; what they are to find is in the depot or loose. */
void mp_pressure_wake(struct mp_pool *pool);

/* Says that something was left for collectors: reclaim_seq + 1, and wakes. */
void mp_announce(struct mp_pool *pool);

/* Before a waiter's last look: raises the pressure. Returns what mp_pressure_sleep() wants. */
uint32_t mp_pressure_raise(struct mp_pool *pool);

/* Sleeps until something has changed, but not after @deadline (CLOCK_MONOTONIC, NULL: none). */
void mp_pressure_sleep(struct mp_pool *pool, uint32_t raised, const struct timespec *deadline);

/* After a waiter that has raised the pressure has its block, or gives up. */
void mp_pressure_calm(struct mp_pool *pool);

/* Lets those who were woken go first. */
void mp_pressure_yield(struct mp_pool *pool);

#endif
