/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/bench/relay_pool.h"

#define OPEN_MS 1000

struct mempool *relay_pool(const char *name, char why[BENCH_WHY])
{
	struct mempool_conn *conn;
	struct mempool *pool = NULL;
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	attr.block_size = RELAY_BLOCK_SIZE;
	attr.blocks = RELAY_BLOCKS;
	attr.channel_depth = RELAY_DEPTH;
	if (mempool_connect(&conn, NULL) == 0) {
		int error = mempool_create(conn, name, &attr, &pool);
		/* There is a moment when it has a name already and cannot be opened yet. */
		for (int ms = 0; ms < OPEN_MS && (error == -EEXIST || error == -ENOENT); ms++) {
			error = mempool_open(conn, name, 0, &pool);
			usleep(1000);
		}
		mempool_disconnect(conn);
	}
	if (pool == NULL) {
		snprintf(why, BENCH_WHY, "%s", mempool_errmsg());
	}
	return pool;
}
