/* SPDX-License-Identifier: MIT */
/*
 * An operation, instruction by instruction: where it goes, and a process stopped or killed at the
 * k-th of them.
 *
 * The trap flag raises SIGTRAP after each instruction, those of libc included, and its handler
 * notes where the operation is, and whether the instruction changed the memory that is watched:
 * that is the trace, some fifty thousand steps a second. To come to its k-th instruction again, a
 * process runs at full speed to a breakpoint, passed as often as the trace says. What differs from
 * the trace (a wait that ended sooner, a string instruction) is stepped instead. x86-64 only.
 */
#ifndef TESTS_CRASH_STEP_H
#define TESTS_CRASH_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_MAX 65536

struct point {
	uint64_t next; /* address of the instruction that follows */
	uint32_t nth;  /* how often the operation had come to it, this time included */
	bool changed;  /* the instruction just done changed what is watched */
};

/* In memory shared with the process that is traced. */
struct trace {
	uint32_t n; /* instructions the operation had */
	struct point point[TRACE_MAX];
};

struct trace *trace_new(void);

/* Does @act(@data) and traces it. The operations of one process are at the same addresses as those
 * of the process that forked it. */
void trace_record(struct trace *trace, void (*act)(void *), void *data, const void *watched,
		  size_t size);

/*
 * Does @act(@data), and calls @stop when @k of its instructions have been done (1 to trace->n), in
 * a signal handler: it may make system calls and use nothing of libc. At full speed, or @slowly.
 * Returns whether it was called.
 */
bool step_to(const struct trace *trace, uint32_t k, bool slowly, void (*act)(void *), void *data,
	     void (*stop)(void));

/* For @stop: the end. */
void step_die(void);

#endif
