/* SPDX-License-Identifier: MIT */
/*
 * What the system tests have in common: a private daemon, one pool of it, and questions about that
 * pool. Each test is a process of its own, so there is one of each.
 */
#ifndef TESTS_SYSTEM_STORY_H
#define TESTS_SYSTEM_STORY_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include <mempool/admin.h>

#include "tests/support/actor.h"
#include "tests/support/service.h"
#include "tests/unit/suite.h"

#define BLOCKS 1000

/* What begin() makes. */
extern struct service service;
extern struct mempool_conn *conn;
extern struct mempool *pool; /* "frames", of BLOCKS blocks */

/* Starts a daemon, connects, and opens the pool. */
void begin(void);

/* Closes and destroys all of it; nothing may be left in /dev/shm. */
void end(void);

struct mempool_stats stats(void);

/* Whether mempool_check() has nothing against the pool. */
bool is_sound(void);

/* Gets all blocks there are and puts them back. Returns how many. */
size_t obtainable(void);

unsigned count_clients(void);

/* Questions for wait_until(). */
bool is_nothing_used(void *unused);
bool is_all_obtainable(void *unused);
bool is_alone(void *unused); /* this process is the pool's only client */

/*
 * Whether somebody wakes a sleeper, who would wake by himself at the end of a slice of 100 ms (see
 * lib/core/futex.h). @wake_ms lets one sleep for SLEEP_MS, has it woken and says how long that
 * took; with no waker it is the rest of the slice. True when five more were fast than slow: on an
 * idle machine the first five, on a busy one they take the lead later.
 */
#define SLEEP_MS 20
bool is_woken_promptly(int64_t (*wake_ms)(void));

/* Starts a thread that returns the next block of the channel, and waits until it waits for that. */
pthread_t receive_elsewhere(struct mempool_channel *channel);

/* Starts a client that has @n blocks of the pool. */
struct actor holder(int n);

#endif
