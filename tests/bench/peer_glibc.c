/* SPDX-License-Identifier: MIT */
/*
 * glibc's malloc and free: what a program without shared memory would use. A bulk is a loop, as
 * there is no such call. Two processes share nothing.
 */
#include <stdlib.h>

#include "tests/bench/loops.h"
#include "tests/bench/peer.h"

LOOPS_INLINE bool get(void *pool, void **block)
{
	*block = malloc(*(const uint32_t *)pool);
	return *block != NULL;
}

LOOPS_INLINE bool put(void *pool, void *block)
{
	(void)pool;
	free(block);
	return true;
}

LOOPS_INLINE bool get_bulk(void *pool, void **blocks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!get(pool, &blocks[i])) {
			return false;
		}
	}
	return true;
}

LOOPS_INLINE bool put_bulk(void *pool, void **blocks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		put(pool, blocks[i]);
	}
	return true;
}

static void *open_size(unsigned size, char why[BENCH_WHY])
{
	static uint32_t sizes[BENCH_SIZES];

	(void)why;
	sizes[size] = bench_sizes[size];
	return &sizes[size];
}

LOOPS_DEFINE

const struct peer peer_glibc = {
	.name = "glibc", .open = open_size, .run = run, .hold = hold, .drop = drop};
