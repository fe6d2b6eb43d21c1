/* SPDX-License-Identifier: MIT */
/*
 * pairs: so many gets and puts and nothing else, for a tool that counts instructions.
 *
 *	pairs POOL N BULK
 *
 * Opens the pool through $MEMPOOL_SOCKET (makes it when there is none), gets and puts N blocks,
 * BULK a call; BULK 1 is the single calls. The difference between two Ns is free of set-up.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mempool/mempool.h>

enum { BULK_MAX = 256 };

static struct mempool *open_pool(struct mempool_conn *conn, const char *name)
{
	struct mempool *pool;
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	attr.block_size = 64;
	attr.blocks = 8191;
	return mempool_open_or_create(conn, name, &attr, &pool) == 0 ? pool : NULL;
}

static int run_single(struct mempool *pool, unsigned long n)
{
	for (unsigned long i = 0; i < n; i++) {
		void *block = mempool_get(pool);
		if (block == NULL) {
			return -errno;
		}
		int error = mempool_put(pool, block);
		if (error < 0) {
			return error;
		}
	}
	return 0;
}

static int run_bulk(struct mempool *pool, unsigned long n, size_t bulk)
{
	void *blocks[BULK_MAX];

	for (unsigned long i = 0; i < n; i += bulk) {
		int error = mempool_get_bulk(pool, blocks, bulk);
		if (error == 0) {
			error = mempool_put_bulk(pool, blocks, bulk);
		}
		if (error < 0) {
			return error;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct mempool_conn *conn;

	unsigned long n = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long bulk = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	if (bulk < 1 || bulk > BULK_MAX) {
		fprintf(stderr, "usage: pairs POOL N BULK    (BULK 1 to %d)\n", BULK_MAX);
		return 2;
	}
	struct mempool *pool = NULL;
	if (mempool_connect(&conn, NULL) == 0) {
		pool = open_pool(conn, argv[1]);
	}
	if (pool == NULL) {
		fprintf(stderr, "pairs: %s\n", mempool_errmsg());
		return 1;
	}
	int error = bulk == 1 ? run_single(pool, n) : run_bulk(pool, n, bulk);
	if (error < 0) {
		fprintf(stderr, "pairs: %s\n", strerror(-error));
		return 1;
	}
	mempool_close(pool);
	mempool_disconnect(conn);
	return 0;
}
