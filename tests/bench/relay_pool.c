/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "tests/bench/relay_pool.h"

struct mempool *relay_pool_of(const char *name, const struct mempool_attr *attr,
			      char why[BENCH_WHY])
{
	struct mempool_conn *conn;
	struct mempool *pool = NULL;

	if (mempool_connect(&conn, NULL) == 0) {
		mempool_open_or_create(conn, name, attr, &pool);
		mempool_disconnect(conn);
	}
	if (pool == NULL) {
		snprintf(why, BENCH_WHY, "%s", mempool_errmsg());
	}
	return pool;
}

struct mempool *relay_pool(const char *name, char why[BENCH_WHY])
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	attr.block_size = RELAY_BLOCK_SIZE;
	attr.blocks = RELAY_BLOCKS;
	attr.channel_depth = RELAY_DEPTH;
	return relay_pool_of(name, &attr, why);
}
