/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/core/futex.h"
#include "tests/crash/clock.h"

static bool held;
static struct timespec time_held;
static void (*held_meanwhile)(void *arg);
static void *held_arg;

int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
bool __real_mp_futex_wait(mp_atomic32 *word, uint32_t expected, const struct timespec *deadline);
bool __wrap_mp_futex_wait(mp_atomic32 *word, uint32_t expected, const struct timespec *deadline);

/*
 * A system call, which is one instruction. The vDSO reads again what a tick changes meanwhile:
 * where a step takes as long as a tick, for ever.
 */
static int clock_read(clockid_t clock, struct timespec *now)
{
	return (int)syscall(SYS_clock_gettime, clock, now);
}

void clock_hold(void (*meanwhile)(void *arg), void *arg)
{
	clock_read(CLOCK_MONOTONIC, &time_held);
	held_meanwhile = meanwhile;
	held_arg = arg;
	held = true;
}

void clock_pass(long seconds)
{
	time_held.tv_sec += seconds;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	if (!held) {
		return clock_read(clock, now);
	}
	*now = time_held;
	return 0;
}

bool __wrap_mp_futex_wait(mp_atomic32 *word, uint32_t expected, const struct timespec *deadline)
{
	if (!held) {
		return __real_mp_futex_wait(word, expected, deadline);
	}
	if (deadline && mp_is_before(&time_held, deadline)) {
		time_held = *deadline;
	}
	held_meanwhile(held_arg);
	return false;
}
