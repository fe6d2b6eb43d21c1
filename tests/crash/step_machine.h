/* SPDX-License-Identifier: MIT */
/*
 * What step.c leaves to the machine: step_x86_64.c and step_aarch64.c have step_each(), and of
 * step.h step_to() and step_one().
 */
#ifndef TESTS_CRASH_STEP_MACHINE_H
#define TESTS_CRASH_STEP_MACHINE_H

#include "tests/crash/step.h"

/* Does @act(@data), and calls trace_note() after each instruction. */
void step_each(void (*act)(void *), void *data);

/*
 * Adds a point to the trace that is recorded: the instruction at @next is the next. Looks for
 * changes if the one before @may_store.
 */
void trace_note(uint64_t next, bool may_store);

#endif
