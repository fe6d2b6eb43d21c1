/* SPDX-License-Identifier: MIT */
/*
 * The pool of a relay that uses mempool, and getting and putting its blocks.
 */
#ifndef BENCH_RELAY_POOL_H
#define BENCH_RELAY_POOL_H

#include <mempool/mempool.h>

#include "tests/bench/peer.h"
#include "tests/bench/relay.h"

/* Opens it, or makes it: whoever comes first. NULL with a reason. */
struct mempool *relay_pool(const char *name, char why[BENCH_WHY]);

/* The same for another pool than a relay's. */
struct mempool *relay_pool_of(const char *name, const struct mempool_attr *attr,
			      char why[BENCH_WHY]);

RELAY_INLINE bool relay_pool_get(struct mempool *pool, void **blocks, size_t n)
{
	if (n == 1) {
		*blocks = mempool_get(pool);
		return *blocks != NULL;
	}
	return mempool_get_bulk(pool, blocks, n) == 0;
}

RELAY_INLINE bool relay_pool_put(struct mempool *pool, void **blocks, size_t n)
{
	if (n == 1) {
		return mempool_put(pool, *blocks) == 0;
	}
	return mempool_put_bulk(pool, blocks, n) == 0;
}

#endif
