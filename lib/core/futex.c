/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/core/futex.h"

#define SECOND_NS 1000000000l

void mp_deadline(struct timespec *deadline, long ms)
{
	clock_gettime(CLOCK_MONOTONIC, deadline);
	deadline->tv_sec += ms / 1000;
	deadline->tv_nsec += ms % 1000 * 1000000;
	if (deadline->tv_nsec >= SECOND_NS) {
		deadline->tv_nsec -= SECOND_NS;
		deadline->tv_sec++;
	}
}

bool mp_is_before(const struct timespec *a, const struct timespec *b)
{
	return !b || a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

bool mp_is_late(const struct timespec *deadline)
{
	struct timespec now;

	if (!deadline) {
		return false;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	return !mp_is_before(&now, deadline);
}

bool mp_futex_wait(mp_atomic32 *word, uint32_t expected, const struct timespec *deadline)
{
	struct timespec until;

	mp_deadline(&until, MP_SLICE_MS);
	if (deadline && mp_is_before(deadline, &until)) {
		until = *deadline;
	}
	/* EAGAIN, ETIMEDOUT and 0 are all for the caller to look again. */
	return syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, &until, NULL,
		       FUTEX_BITSET_MATCH_ANY) != 0 &&
	       errno == EINTR;
}

bool mp_wait_is_cancelled(const struct mp_wait *wait)
{
	return (wait->cancelled && mp_load_acquire(wait->cancelled)) ||
	       (wait->all_cancelled && mp_load_acquire(wait->all_cancelled));
}

void mp_wait_sleep(struct mp_wait *wait, mp_atomic32 *word, uint32_t expected)
{
	if (!mp_wait_is_cancelled(wait) && mp_futex_wait(word, expected, wait->deadline)) {
		wait->is_interrupted = true;
	}
}

void mp_futex_wake(mp_atomic32 *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

uint32_t mp_futex_prepare(mp_atomic32 *word)
{
	uint32_t seen = mp_or(word, MP_FUTEX_ASLEEP) | MP_FUTEX_ASLEEP;

	mp_fence_after_rmw();
	return seen;
}

void mp_futex_notify(mp_atomic32 *word)
{
	mp_fence_after_rmw();
	uint32_t seen = mp_load(word);

	/* If the CAS fails, then another has raised the sequence since, and wakes all. */
	if (seen & MP_FUTEX_ASLEEP && mp_cas32(word, seen, seen + 1)) {
		mp_futex_wake(word);
	}
}

void mp_futex_stir(mp_atomic32 *word)
{
	mp_add(word, 2);
	mp_futex_wake(word);
}

uint32_t mp_thread_number(void)
{
	return (uint32_t)syscall(SYS_gettid);
}

bool mp_barrier(void)
{
	mp_fence();
	return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
}

bool mp_barrier_register(void)
{
	return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
}
