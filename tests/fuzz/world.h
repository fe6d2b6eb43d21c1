/* SPDX-License-Identifier: MIT */
/*
 * The world that what is fuzzed runs in: meson.build has it call these instead of the system.
 *
 *	clock		goes on by a tick with each look at it, and not otherwise: the same input
 *			takes the same way however busy the machine is
 *	sleeping	is over at once; nor is anybody there to be woken, or to pass a barrier
 *	mappings	have 4 GiB before and behind them that nobody may touch
 *	write		goes nowhere: nothing but the daemon's log is written
 */
#ifndef TESTS_FUZZ_WORLD_H
#define TESTS_FUZZ_WORLD_H

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* The clock begins anew, with each input. */
void world_begin(uint64_t tick_ns);

int world_clock_gettime(clockid_t clock, struct timespec *now);
int world_nanosleep(const struct timespec *request, struct timespec *left);
long world_syscall(long number, ...);
void *world_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int world_munmap(void *address, size_t size);
ssize_t world_write(int fd, const void *bytes, size_t size);

#endif
