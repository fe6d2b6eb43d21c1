/* SPDX-License-Identifier: MIT */
/*
 * Workers: processes that get and put blocks of one pool as fast as they can, one by one, in bulk
 * and as gifts. A ledger outside the pool says which worker has which block.
 *
 * A worker enters a block into the ledger after it got the block, and strikes it out before it puts
 * it. So a block may be in use and not in the ledger, never the other way round. A worker that gets
 * a block which the ledger says another live worker has reports that block as handed out twice.
 */
#ifndef TESTS_CRASH_CROWD_H
#define TESTS_CRASH_CROWD_H

#include <mempool/mempool.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CROWD_WORKERS 4096 /* over the life of a crowd; each start takes a number */

/* In memory that all workers share. */
struct ledger {
	uint64_t duplicated; /* atomic; so are the rest */
	uint64_t refused;    /* puts that failed, though the worker had the block */
	uint64_t operations[CROWD_WORKERS];
	uint32_t doomed[CROWD_WORKERS]; /* set before SIGKILL: its entries no longer count */
	uint32_t owner[];               /* by block: worker + 1, or 0 */
};

struct crowd {
	struct ledger *ledger;
	const char *pool;
	uint32_t blocks;
	unsigned n_workers;
	unsigned seed;
};

struct worker {
	unsigned id;
	pid_t pid;
	int pidfd;
};

void crowd_make(struct crowd *crowd, const char *pool, uint32_t blocks, unsigned seed);

/* Starts a worker and waits until it has done something. */
void crowd_start(struct crowd *crowd, struct worker *worker);

/* Sends SIGKILL and waits until the kernel reports the death. Returns the time of that, in ns. */
int64_t crowd_kill(struct crowd *crowd, struct worker *worker);

uint64_t crowd_operations(const struct crowd *crowd, const struct worker *worker);

/* A pseudo-random number below @below: the same seed makes the same decisions. */
unsigned crowd_random(unsigned *seed, unsigned below);

#endif
