/* SPDX-License-Identifier: MIT */
/*
 * Dies at the k-th instruction: the trap flag raises SIGTRAP after each instruction, and its
 * handler sends SIGKILL to its own process when k have been done. Real deaths, robust locks and
 * all, some fifty thousand steps a second.
 */
#ifndef TESTS_CRASH_STEP_H
#define TESTS_CRASH_STEP_H

#include <stdbool.h>

/* Whether this machine can be stepped so. */
bool step_possible(void);

/*
 * Calls @act(@data), to be killed at instruction @k of it. Returns if it has fewer; then how many
 * it had. k 0: to count only.
 */
unsigned long step(void (*act)(void *), void *data, unsigned long k);

#endif
