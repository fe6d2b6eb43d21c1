/* SPDX-License-Identifier: MIT */
/*
 * Traces an operation instruction by instruction, and stops or kills a process after the k-th.
 *
 * After each instruction, libc's included, there is a trap. Then is noted where the operation is,
 * and whether the instruction changed the memory that is watched: that is the trace. To come to the
 * k-th instruction again, a process runs at full speed to a breakpoint there, and passes it as
 * often as the trace says. When it does not come there, because it differs from the trace (a wait
 * ended sooner, a string instruction was interrupted), the caller lets it go slowly, step by step.
 *
 * How to trap is the machine's, see step_machine.h: a process of x86-64 sets its own trap flag; one
 * of aarch64 is traced by a child. There, a load-exclusive and its store-exclusive are one
 * instruction, with what is between them.
 */
#ifndef TESTS_CRASH_STEP_H
#define TESTS_CRASH_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TRACE_MAX 65536

struct point {
	uint64_t next; /* address of the next instruction */
	uint32_t nth;  /* how often the operation has come to it, this time included */
	bool changed;  /* the instruction just done changed what is watched */
};

/* In memory shared with the process that is traced. */
struct trace {
	uint32_t n; /* instructions the operation had */
	struct point point[TRACE_MAX];
};

struct trace *trace_new(void);

/*
 * Does @act(@data) and traces it. The trace also holds for processes that were forked from the same
 * one, because their code is at the same addresses.
 */
void trace_record(struct trace *trace, void (*act)(void *), void *data, const void *watched,
		  size_t size);

/*
 * Does @act(@data), and calls @stop after @k of its instructions (1 to trace->n), in a signal
 * handler: @stop may make system calls and use nothing of libc. Runs at full speed, or @slowly.
 * Returns whether @stop was called.
 */
bool step_to(const struct trace *trace, uint32_t k, bool slowly, void (*act)(void *), void *data,
	     void (*stop)(void));

/* A @stop that kills the process. */
void step_die(void);

/* Lets a process that is traced and stopped do one instruction. Its status, as waitpid() has it. */
int step_one(pid_t pid);

#endif
