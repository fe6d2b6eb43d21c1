/* SPDX-License-Identifier: MIT */
/*
 * A thread's part: one struct mp_local for each place a pool can have, and the sentence of its last
 * failure. A quarter of a megabyte of address space, of which only what is used is ever backed.
 *
 *	thread_self -> | header | errmsg | local of place 0 | local of place 1 | ...
 *
 * A thread that has none yet looks at a part that is all zeros, as does one in a forked child (its
 * part was wiped). A local says which handle it is for, and that is the one thing the fast path has
 * to test: none in those; and in a child that has opened a pool itself, in the same place, that one
 * and not the handle it inherited.
 *
 * Parts are linked into process.threads, so that close can finish the locals of all threads; a
 * thread's exit finishes its own.
 */
#ifndef MP_THREAD_H
#define MP_THREAD_H

#include "lib/core/local.h"
#include "lib/process.h"

#define THREAD_ERRMSG 320

struct thread {
	uint64_t epoch;
	struct thread *next;
	struct thread **link; /* what points at this one in process.threads */
	uint64_t unused[5];
	char errmsg[THREAD_ERRMSG];
	struct mp_local locals[PROCESS_POOLS];
};

extern __thread struct thread *thread_self;

/* This thread's part, made if need be. NULL: no memory. */
struct thread *thread_get(void);

#endif
