/* SPDX-License-Identifier: MIT */
/*
 * Futexes: sleeping on a shared word, always with an end, and waking who sleeps. And the barrier
 * that one side of such a meeting pays for both.
 */
#ifndef MP_CORE_FUTEX_H
#define MP_CORE_FUTEX_H

#include <time.h>

#include "lib/core/atomic.h"

#define MP_SLICE_MS 100 /* the longest sleep: what a waker that was killed can cost */

/* The moment @ms milliseconds from now. */
void mp_deadline(struct timespec *deadline, long ms);

/* Whether the deadline has passed; NULL never does. */
bool mp_is_late(const struct timespec *deadline);

/*
 * Sleeps while the word is @expected, until woken, but no longer than to @deadline (NULL: none) and
 * than a slice. May return for no reason.
 */
void mp_futex_wait(mp_atomic32 *word, uint32_t expected, const struct timespec *deadline);

/* Wakes all who sleep on the word. */
void mp_futex_wake(mp_atomic32 *word);

/*
 * A full barrier, in this thread and in all that run in processes that have registered with
 * mp_barrier_register(). False: the kernel cannot.
 */
bool mp_barrier(void);
bool mp_barrier_register(void);

#endif
