/* SPDX-License-Identifier: MIT */
/*
 * What this process knows: which pools it has open, and which of its threads use them.
 *
 * All of it, and every thread's part, lies in pages that fork() hands to the child as zeros
 * (MADV_WIPEONFORK). The child so finds unlocked mutexes, empty lists and epoch 0, whichever thread
 * forked at whatever moment, and by whatever system call; handles and connections remember the
 * epoch they were made in, and are refused in any other.
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
	mp_atomic64 epoch;          /* a random number; 0: nothing here yet, or forked */
	pthread_mutex_t opening;    /* held by open, create and close from end to end */
	pthread_mutex_t mutex;      /* guards the rest; in a calm stretch; taken inside opening */
	bool stealable;             /* registered with membarrier */
	struct mempool *pools;      /* list, by mempool.next */
	struct thread *threads;     /* list, by thread.next */
	struct thread *look;        /* where the next look for vanished threads begins */
	bool places[PROCESS_POOLS]; /* taken by a pool */
};

/* This process's state, made if need be. NULL: no memory. */
struct process *process_get(void);

/* The epoch; 0 when there is none. */
uint64_t process_epoch(void);

/* Zeroed pages that a forked child sees as zeros again. NULL: no memory. */
void *process_map(size_t size);

/*
 * A stretch in which no signal handler runs in this thread (it might call us, and meet a lock its
 * own thread holds, or a thread's part half made) and the thread is not cancelled.
 */
struct calm {
	sigset_t signals;
	int cancel;
};
void calm_begin(struct calm *calm);
void calm_end(const struct calm *calm);

/* A place no open pool has, or -1. With the mutex held. */
int process_take_place(struct process *process);

#endif
