/* SPDX-License-Identifier: MIT */
/*
 * Futexes: sleeping on a shared word, never for longer than a slice, and waking whoever sleeps. And
 * the barrier by which one side pays for the fence of both.
 */
#ifndef MP_CORE_FUTEX_H
#define MP_CORE_FUTEX_H

#include <stdbool.h>
#include <time.h>

#include "lib/core/atomic.h"

#define MP_SLICE_MS \
	100 /* the longest sleep; what it costs when the waker was killed before waking */

/* The moment @ms milliseconds from now. */
void mp_deadline(struct timespec *deadline, long ms);

/* Whether @a is before @b. NULL, as @b: never comes. */
bool mp_is_before(const struct timespec *a, const struct timespec *b);

/* Whether the deadline has passed. NULL: never. */
bool mp_is_late(const struct timespec *deadline);

/*
 * Sleeps while the word is @expected, until woken, but no longer than to @deadline (NULL: none) and
 * than a slice. May return for no reason. Returns whether a signal handler ran meanwhile, and ended
 * the sleep.
 */
bool mp_futex_wait(mp_atomic32 *word, uint32_t expected, const struct timespec *deadline);

/* A call that waits, and what else than the deadline ends it. */
struct mp_wait {
	const struct timespec *deadline; /* NULL: none */
	/* Not 0: it is to sleep no more. Who sets it then changes the word, see lib/cancel.h. */
	const mp_atomic32 *cancelled, *all_cancelled;
	bool is_interrupted; /* set when a signal handler has ended a sleep of it */
};

/* Whether the wait has been cancelled. */
bool mp_wait_is_cancelled(const struct mp_wait *wait);

/*
 * Sleeps as mp_futex_wait() does, unless the wait has been cancelled. @expected is to be read
 * before: then no cancel comes unseen between the look at it and the sleep.
 */
void mp_wait_sleep(struct mp_wait *wait, mp_atomic32 *word, uint32_t expected);

/* Wakes all who sleep on the word. */
void mp_futex_wake(mp_atomic32 *word);

/* The number by which this process knows the thread; another container may have it as well. */
uint32_t mp_thread_number(void);

/*
 * A word {sequence : 31 | asleep : 1} on which any number sleep until something happens. Who is to
 * sleep calls mp_futex_prepare(), looks whether it has happened, and sleeps while the word is what
 * the call returned. Who makes it happen, by a read-modify-write, calls mp_futex_notify() after
 * that. Each of the two has a full barrier between its store and its look. Each notification
 * raises the sequence. By a bare flag a sleeper could miss its own: a notification clears the flag,
 * another sleeper sets it again, and the first goes to sleep on that.
 */
#define MP_FUTEX_ASLEEP 1u

/* Sets asleep; a full barrier. Returns the word. */
uint32_t mp_futex_prepare(mp_atomic32 *word);

/*
 * Clears asleep, if it is set, and wakes all. Its look comes after a read-modify-write before it; a
 * caller that has stored plainly needs a fence of its own, or its sleepers a barrier.
 */
void mp_futex_notify(mp_atomic32 *word);

/* Does so after a read-modify-write, where seldom anybody sleeps: looks without a call. */
static inline void mp_futex_rouse(mp_atomic32 *word)
{
	mp_fence_after_rmw();
	if (__builtin_expect(mp_load(word) & MP_FUTEX_ASLEEP, 0)) {
		mp_futex_notify(word);
	}
}

/* Wakes all, and keeps those awake that are about to sleep. Leaves asleep as it is. */
void mp_futex_stir(mp_atomic32 *word);

/*
 * A full barrier in this thread and in all running threads of processes that have registered with
 * mp_barrier_register(). False: the kernel has no such thing.
 */
bool mp_barrier(void);
bool mp_barrier_register(void);

#endif
