/* SPDX-License-Identifier: MIT */
/*
 * mempool itself, through the shared library as its users call it, with default attributes. Each
 * worker connects to $MEMPOOL_SOCKET for itself; whoever comes first makes the pool.
 */
#include <errno.h>
#include <stdio.h>

#include <mempool/mempool.h>

#include "tests/bench/loops.h"
#include "tests/bench/peer.h"

LOOPS_INLINE bool get(void *pool, void **block)
{
	*block = mempool_get(pool);
	return *block != NULL;
}

LOOPS_INLINE bool put(void *pool, void *block)
{
	return mempool_put(pool, block) == 0;
}

LOOPS_INLINE bool get_bulk(void *pool, void **blocks, size_t n)
{
	return mempool_get_bulk(pool, blocks, n) == 0;
}

LOOPS_INLINE bool put_bulk(void *pool, void **blocks, size_t n)
{
	return mempool_put_bulk(pool, blocks, n) == 0;
}

static struct mempool_conn *connection(void)
{
	static struct mempool_conn *conn;

	return conn != NULL || mempool_connect(&conn, NULL) == 0 ? conn : NULL;
}

static void *open_size(unsigned size, char why[BENCH_WHY])
{
	char name[32];
	struct mempool *pool = NULL;
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	attr.block_size = bench_sizes[size];
	attr.blocks = BENCH_BLOCKS;
	snprintf(name, sizeof name, "bench.%u", (unsigned)bench_sizes[size]);
	struct mempool_conn *conn = connection();
	if (conn != NULL) {
		mempool_open_or_create(conn, name, &attr, &pool);
	}
	if (pool == NULL) {
		snprintf(why, BENCH_WHY, "%s", mempool_errmsg());
	}
	return pool;
}

LOOPS_DEFINE

const struct peer peer_mempool = {
	.name = "mempool", .open = open_size, .run = run, .hold = hold, .drop = drop};
