/* SPDX-License-Identifier: MIT */
/*
 * A peer: one system that hands out fixed-size blocks, as the benchmark sees it.
 *
 * The workers call through this table once a batch. What happens inside a batch is compiled for
 * each peer by itself (loops.h), so that no operation is an indirect call and what a peer's header
 * inlines stays inlined.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_BLOCKS 8191u /* in every pool; a ring of DPDK wants 2^n - 1 */
#define BENCH_BATCH 8192u  /* blocks got and put between two looks at the clock */
#define BENCH_CACHE 256u   /* of DPDK, a thread */

enum {
	BENCH_SIZES = 3,  /* block sizes: bench_sizes[] */
	BENCH_BULKS = 3,  /* blocks a call: bench_bulks[] */
	BENCH_HELD = 128, /* blocks held beside at most */
	BENCH_WHY = 160,  /* room for a reason */
};

extern const uint32_t bench_sizes[BENCH_SIZES]; /* bytes */
extern const uint32_t bench_bulks[BENCH_BULKS];

struct slice;

struct peer {
	const char *name;

	/*
	 * Makes what two processes are to share; runs before they part. May be NULL. Returns false
	 * with a reason in @why.
	 */
	bool (*prepare)(char why[BENCH_WHY]);

	/* Begins to be worker @seat (0 or 1). May be NULL. */
	void (*enter)(unsigned seat);

	/* The pool of bench_sizes[@size] in this worker, or NULL with a reason. */
	void *(*open)(unsigned size, char why[BENCH_WHY]);

	/* Gets and puts BENCH_BATCH blocks, @bulk a call. Returns false when a call fails. */
	bool (*run)(void *pool, uint32_t bulk);

	/*
	 * Instead of run, hold and drop, in the hand-off benchmark: this worker's part of handing
	 * @blocks blocks from worker 0 to worker 1, @bulk a call; see relay.h.
	 */
	bool (*relay)(void *end, uint32_t kind, uint32_t bulk, uint64_t blocks);

	/*
	 * Instead of these, in the benchmark of broadcasts and work queues: the part of the process
	 * @seat in a batch of @blocks blocks; see spread.h. Returns how many it had, or -1.
	 */
	int64_t (*spread)(void *end, const struct slice *slice, unsigned seat, uint64_t blocks);

	/* Gets @n blocks one by one, all or none; puts them. Not timed. */
	bool (*hold)(void *pool, void **blocks, uint32_t n);
	void (*drop)(void *pool, void **blocks, uint32_t n);

	/* Another program that is this peer's workers, called CPU CPU NAME; NULL: this one is. */
	const char *program;
};

extern const struct peer peer_mempool;
extern const struct peer peer_glibc;
extern const struct peer peer_mutex;
extern const struct peer peer_dpdk;

#endif
