/* SPDX-License-Identifier: MIT */
/*
 * A lock of one word, for sections of some nanoseconds: 0 nobody has it, 1 a thread has it.
 *
 * Who finds it free takes it by one exchange, and gives it back by a store: no system call. Who
 * finds it taken looks again, at longer and longer intervals, and then sleeps for ever longer, up
 * to a quarter of a millisecond, between two looks. Nobody has to wake him, so nothing is lost when
 * a store is all that the owner does; and as he sleeps, an owner of a lower priority gets on.
 *
 * While the process has one thread (os_lock_is_needless()), the lock is left out. glibc says so in
 * __libc_single_threaded, a variable that pthread_create() clears before the new thread exists.
 *
 *	(1) It is set: no other thread exists, so none is in a section, and none can be made but by
 *	    the thread that reads. That thread is in the section until it leaves; nothing in a
 *	    section makes a thread or calls what is not ours; signal handlers may not call us, nor
 *	    may they make threads. So it is alone up to the end of the section, and what a thread
 *	    that it makes later sees of the section is ordered by pthread_create().
 *	(2) It is clear: the lock is taken. That other threads left it out before is no harm, as
 *	    they did so before the first other thread, by (1).
 *	(3) It is set again, as may be in a forked child, or once the last other thread was joined:
 *	    that thread has left its sections, and the fork or the join orders them before ours.
 *
 * What the section began with is kept until its end (os_lock_take() returns it): the variable is
 * read once. A program whose threads are not glibc's (clone() by hand) must not use the library;
 * nor may it use malloc(), which glibc does alike.
 */
#ifndef MP_OS_LOCK_H
#define MP_OS_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __has_include
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define OS_LOCK_KNOWS_THREADS 1
#endif
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

/* Takes a lock that was found taken. */
void os_lock_wait(uint32_t *lock);

#ifdef OS_LOCK_KNOWS_THREADS
static inline bool os_lock_is_needless(void)
{
	return __libc_single_threaded;
}
#else
static inline bool os_lock_is_needless(void)
{
	return false;
}
#endif

/* Takes it, whether it is needed or not: for what goes beyond a section. */
static inline void os_lock_take_always(uint32_t *lock)
{
	if (unlikely(__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) != 0)) {
		os_lock_wait(lock); /* acquires what os_lock_drop() released */
	}
}

static inline void os_lock_drop(uint32_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE); /* for the exchange that finds it */
}

/* Begins a section. Returns whether os_lock_leave() is to drop the lock. */
static inline bool os_lock_enter(uint32_t *lock)
{
	if (likely(os_lock_is_needless())) {
		return false;
	}
	os_lock_take_always(lock);
	return true;
}

static inline void os_lock_leave(uint32_t *lock, bool taken)
{
	if (taken) {
		os_lock_drop(lock);
	}
}

#endif
