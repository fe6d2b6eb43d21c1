/* SPDX-License-Identifier: MIT */
/*
 * A thread's part: one struct mp_local for each place a pool can have, and what its last failure
 * was. A quarter of a megabyte of address space, of which only what is used is ever backed.
 *
 *	thread_self -> | header | why | errmsg | local of place 0 | local of place 1 | ...
 *
 * A thread without a part has thread_self point at one of all zeros; in a forked child every part
 * is all zeros, as the kernel wiped it. A local says which handle it is for, and the fast path need
 * test nothing else: a zeroed local is for none, and the local of a pool that the child has opened
 * itself, in the same place, is not for the handle that the child inherited.
 *
 * Parts are linked into process.threads, so that close can finish the locals of all threads; a
 * thread's exit, our thread-specific destructor, finishes its own.
 *
 * Vanished threads. That destructor does not run for a thread that ends by the bare system call.
 * Nor does it run again for a thread that calls us after the C library's last round of destructors;
 * a signal handler can do so, as the C library blocks signals only a little later. Such a thread
 * leaves its part on the list, and with it its caches. Another thread of the process finishes them:
 *
 *	thread 7 of process 5               another thread of process 5
 *	makes its part: pid 5, tid 7        takes process.mutex
 *	calls us                            tgkill(5, 7, no signal): ESRCH
 *	exit, the system call               mp_local_finish() of each local of the part
 *	                                    takes the part off the list, unmaps it
 *
 * Invariant: whoever finishes a part holds the mutex and takes the part off the list; and it is
 * either the part's own thread, or the kernel has said that this thread does not exist.
 *
 * Why that is no race: a thread that does not exist runs no instruction any more. Its locals stand
 * still, and its destructor, which would finish the part, will not run. Only the kernel's word
 * counts for that; that a thread has long been silent proves nothing.
 * - A thread asks the kernel about threads of its own process alone. A child on our memory (vfork)
 *   would be told that none of ours exists, so it leaves parts of another pid alone. In a forked
 *   child the parts of its parent's threads are wiped, and on no list.
 * - Thread numbers are used again. By another process: tgkill says ESRCH all the same. By a thread
 *   of this process: the part stays until that thread ends too, or looks itself, since a part that
 *   has its number and is not its own is a vanished thread's.
 * - A thread that was joined may exist for a moment longer: the next look finds it. A main thread
 *   that called pthread_exit() exists until the process ends: what it leaves stays as long.
 *
 * If a thread vanished in the middle of a call (busy is still 1), only its part is freed, so that
 * it does not keep close away. Its record and magazines stay the process's until the process has
 * closed the pool or is dead, as nobody knows how far the call had come.
 *
 * If the process dies while one thread finishes the locals of another, all is as if it had died
 * while that one finished its own: shared memory names the process's slot and none of its threads.
 * lib/core/local.h says what the daemon finds after each store of mp_local_finish().
 *
 * When a thread looks for vanished ones. No fast path does, and no flush:
 *	it makes its part			at a few parts, each time at the next ones: the
 *						price does not grow, and few vanished ones are left
 *	it needs a record and none is free	at all parts
 *	it counts, mempool_stat()		at all; what nobody caches is not counted as cached
 *	it closes a pool			at all; a vanished thread is inside no call
 * Other processes need not wait for that: to a thief a vanished thread is an idle one.
 */
#ifndef MP_THREAD_H
#define MP_THREAD_H

#include <sys/types.h>

#include "lib/core/local.h"
#include "lib/process.h"
#include "lib/wire/protocol.h"

#define THREAD_ERRMSG 320

/* What a failed call has noted for mempool_errmsg(); see why.h. */
struct why {
	mp_atomic32 serial; /* of failures */
	uint32_t kind;      /* enum why_kind; 0: the sentence is in errmsg */
	uint64_t numbers[3];
	char pool[WIRE_NAME];
};

struct thread {
	uint64_t epoch;
	struct thread *next;
	struct thread **link; /* what points at this one in process.threads */
	pid_t pid, tid;       /* the thread's, for the kernel */
	struct why why;
	char errmsg[THREAD_ERRMSG];
	struct mp_local locals[PROCESS_POOLS];
};

extern __thread struct thread *thread_self;

/* Whether there was no memory for this thread's part when a call asked for it last. */
extern __thread bool thread_lacks_part;

/* This thread's part, which it makes if need be. NULL: no memory. */
struct thread *thread_get(void);

/* Finishes the parts of all vanished threads. Whether there were any. */
bool thread_finish_vanished(void);

#endif
