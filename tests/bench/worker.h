/* SPDX-License-Identifier: MIT */
/*
 * Workers: the two processes that run one peer, each pinned to its CPU, told by the driver over a
 * line (a socket pair) what to run next. They live through the whole run, idle in read() while
 * other peers have their turn, so pools stay open and caches in memory stay as they were left.
 *
 * The driver's line going away ends a worker.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <stdint.h>

#include "tests/bench/peer.h"

#define WORKER_LINE 3 /* descriptor of the first line in a program of its own */

/* What to run. */
struct slice {
	uint32_t size; /* index into bench_sizes */
	uint32_t bulk;
	uint32_t round;  /* 0: alone; else both, for the round-th time */
	uint32_t held;   /* blocks to hold meanwhile, below BENCH_HELD */
	uint64_t ns;     /* how long; or, when it is a relay, */
	uint32_t kind;   /* enum relay_kind, */
	uint64_t blocks; /* and how many to hand on; 0: it is none */

	/* Of a spread, with its own kinds; see party.h. */
	uint32_t receivers;
	uint32_t batch; /* blocks in one; 0: it is a stream */
	uint32_t warm;  /* of these, the first ones that are not timed */
};

/* What came of it. */
struct result {
	double ns;     /* per block got and put; 0: could not */
	double cpu_ns; /* of a spread, of all its processes */
	char why[BENCH_WHY];
};

/*
 * Becomes the two workers of @peer: prepares it, forks the second, serves lines[0] on cpus[0] and
 * lines[1] on cpus[1]. Returns, in both, when the line has gone.
 */
void worker_pair(const struct peer *peer, const int lines[2], const unsigned cpus[2]);

#endif
