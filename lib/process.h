/* SPDX-License-Identifier: MIT */
/*
 * Which pools this process has open, and which of its threads use them.
 *
 * All of it, and every thread's part, lies in pages that the kernel zeroes in a forked child
 * (MADV_WIPEONFORK). So the child finds unlocked mutexes, empty lists and epoch 0, whichever thread
 * forked, at whatever moment and by whatever system call. Handles and connections remember the
 * epoch they were made in, and calls refuse those of another.
 */
#ifndef MP_PROCESS_H
#define MP_PROCESS_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/core/atomic.h"

#define PROCESS_POOLS 1024 /* open at once */

struct mempool;
struct thread;

struct process {
	mp_atomic64 epoch;          /* a random number; 0: not begun, or a child just forked */
	pthread_mutex_t opening;    /* held by open, create and close from end to end */
	pthread_mutex_t mutex;      /* guards the rest; in a calm stretch; taken inside opening */
	bool has_barrier;           /* registered with membarrier; a sandbox may refuse it */
	struct mempool *pools;      /* list, by mempool.next */
	struct thread *threads;     /* list, by thread.next */
	struct thread *look;        /* where the next look for vanished threads begins */
	bool places[PROCESS_POOLS]; /* taken by a pool */
};

/* This process's state, which it makes if need be. NULL: no memory. */
struct process *process_get(void);

/* The epoch; 0 when there is none. */
uint64_t process_epoch(void);

/* Zeroed pages that a forked child sees as zeros again. NULL: no memory. */
void *process_map(size_t size);

/*
 * A stretch in which this thread runs no signal handler and is not cancelled. A handler might call
 * us, and wait for a lock that its own thread holds, or find the thread's part half made.
 */
struct calm {
	sigset_t signals;
	int cancel;
};
void calm_begin(struct calm *calm);
void calm_end(const struct calm *calm);

/* Takes a place that no open pool has. -1: all are taken. With the mutex held. */
int process_take_place(struct process *process);

#endif
