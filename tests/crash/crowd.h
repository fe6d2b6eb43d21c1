/* SPDX-License-Identifier: MIT */
/*
 * Processes that get and put blocks of one pool as fast as they can, in all the ways there are, and
 * a ledger outside the pool of who has which block.
 *
 * A worker enters a block into the ledger after it got it and strikes it out before it puts it, so
 * that the ledger never says more than is true. A block that is got while somebody alive has it in
 * the ledger was handed out twice.
 */
#ifndef TESTS_CRASH_CROWD_H
#define TESTS_CRASH_CROWD_H

#include <mempool/mempool.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CROWD_WORKERS 4096 /* over the life of a crowd; each start is a new one */

/* In memory that all workers share. */
struct ledger {
	uint64_t duplicated; /* atomic; so are the rest */
	uint64_t refused;    /* puts of blocks of one's own that were refused */
	uint64_t operations[CROWD_WORKERS];
	uint32_t doomed[CROWD_WORKERS]; /* set before SIGKILL: its entries count no more */
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

/* Starts a worker; waits until it is at work. */
void crowd_start(struct crowd *crowd, struct worker *worker);

/* SIGKILL; returns when the kernel has reported the death, at what time in ns. */
int64_t crowd_kill(struct crowd *crowd, struct worker *worker);

uint64_t crowd_operations(const struct crowd *crowd, const struct worker *worker);

/* Pseudo-random, for reproducible decisions. */
unsigned crowd_random(unsigned *seed, unsigned below);

#endif
