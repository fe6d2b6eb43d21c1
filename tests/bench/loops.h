/* SPDX-License-Identifier: MIT */
/*
 * The measured loops, compiled into each peer with its own calls.
 *
 * loops_run() is always inlined and @ops always a constant, so the compiler turns every call into a
 * direct one. Single: get one, put it back. Bulk: get @bulk by one call, put them back by one.
 * Blocks are not touched: what a program does with them is its own affair and the same for all.
 * loops_use() makes the compiler believe that they were, so no pair is optimised away.
 */
#ifndef BENCH_LOOPS_H
#define BENCH_LOOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/peer.h"

#define LOOPS_INLINE static inline __attribute__((always_inline))

/* One peer's operations. Each answers whether it went well. */
struct loops_ops {
	bool (*get)(void *pool, void **block);
	bool (*put)(void *pool, void *block);
	bool (*get_bulk)(void *pool, void **blocks, size_t n);
	bool (*put_bulk)(void *pool, void **blocks, size_t n);
};

LOOPS_INLINE void loops_use(void *block)
{
	__asm__ volatile("" : : "r"(block) : "memory");
}

LOOPS_INLINE bool loops_single(struct loops_ops ops, void *pool)
{
	for (uint32_t i = 0; i < BENCH_BATCH; i++) {
		void *block;
		if (!ops.get(pool, &block)) {
			return false;
		}
		loops_use(block);
		if (!ops.put(pool, block)) {
			return false;
		}
	}
	return true;
}

LOOPS_INLINE bool loops_bulk(struct loops_ops ops, void *pool, const uint32_t bulk)
{
	_Alignas(64) void *blocks[32];

	for (uint32_t i = 0; i < BENCH_BATCH / bulk; i++) {
		if (!ops.get_bulk(pool, blocks, bulk)) {
			return false;
		}
		loops_use(blocks);
		if (!ops.put_bulk(pool, blocks, bulk)) {
			return false;
		}
	}
	return true;
}

LOOPS_INLINE bool loops_run(struct loops_ops ops, void *pool, uint32_t bulk)
{
	switch (bulk) {
	case 1:
		return loops_single(ops, pool);
	case 8:
		return loops_bulk(ops, pool, 8);
	case 32:
		return loops_bulk(ops, pool, 32);
	default:
		return false;
	}
}

/* One by one, all or none; for a peer's hold and drop. */
LOOPS_INLINE void loops_drop(struct loops_ops ops, void *pool, void **blocks, uint32_t n)
{
	while (n > 0) {
		ops.put(pool, blocks[--n]);
	}
}

LOOPS_INLINE bool loops_hold(struct loops_ops ops, void *pool, void **blocks, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!ops.get(pool, &blocks[i])) {
			loops_drop(ops, pool, blocks, i);
			return false;
		}
	}
	return true;
}

/* The functions of struct peer that follow from get, put, get_bulk and put_bulk of its file. */
#define LOOPS_DEFINE                                                        \
	static const struct loops_ops ops = {get, put, get_bulk, put_bulk}; \
	static bool run(void *pool, uint32_t bulk)                          \
	{                                                                   \
		return loops_run(ops, pool, bulk);                          \
	}                                                                   \
	static bool hold(void *pool, void **blocks, uint32_t n)             \
	{                                                                   \
		return loops_hold(ops, pool, blocks, n);                    \
	}                                                                   \
	static void drop(void *pool, void **blocks, uint32_t n)             \
	{                                                                   \
		loops_drop(ops, pool, blocks, n);                           \
	}

#endif
