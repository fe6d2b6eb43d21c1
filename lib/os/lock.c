/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "lib/os/lock.h"

#define LOOKS 10           /* before the first sleep; each pauses twice as often as the last */
#define SLEEP_MIN_NS 50000 /* the first */
#define SLEEP_MAX_NS 250000

static inline void os_lock_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb"); /* as mp_pause() does, which says why */
#else
	__asm__ volatile("" : : : "memory");
#endif
}

/* No cancellation point, as no call on a pool is one; errno stays. */
static void os_lock_sleep(long ns)
{
	struct timespec time = {0, ns};
	int cancel, error = errno;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	nanosleep(&time, NULL);
	pthread_setcancelstate(cancel, NULL);
	errno = error;
}

static bool os_lock_try(uint32_t *lock)
{
	return __atomic_load_n(lock, __ATOMIC_RELAXED) == 0 &&
	       __atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) == 0;
}

void os_lock_wait(uint32_t *lock)
{
	long ns = SLEEP_MIN_NS;

	for (unsigned look = 0; look < LOOKS; look++) {
		for (unsigned i = 0; i < 1u << look; i++) {
			os_lock_pause();
		}
		if (os_lock_try(lock)) {
			return;
		}
	}
	while (!os_lock_try(lock)) {
		os_lock_sleep(ns);
		ns = 2 * ns < SLEEP_MAX_NS ? 2 * ns : SLEEP_MAX_NS;
	}
}
