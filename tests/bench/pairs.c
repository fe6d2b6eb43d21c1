/* SPDX-License-Identifier: MIT */
/*
 * pairs: so many gets and puts and little else, for a tool that counts instructions.
 *
 *	pairs POOL N BULK [KIND]
 *
 * Opens the pool through $MEMPOOL_SOCKET (makes it when there is none), gets and puts N blocks,
 * BULK a call; BULK 1 is the single calls. Between get and put each block goes through a channel of
 * the KIND queue, work or broadcast, if one is named, one by one, a batch of BULK after the other.
 * The difference between two Ns is free of set-up.
 */
#include <errno.h>
#include <stdbool.h>
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

/* ---- through a channel ---- */

enum { QUEUE, WORK, BROADCAST, KINDS }; /* also their channels' numbers */

static const struct {
	const char *name;
	unsigned flags;
} kinds[KINDS] = {
	[QUEUE] = {"queue", 0},
	[WORK] = {"work", MEMPOOL_CHANNEL_WORK},
	[BROADCAST] = {"broadcast", MEMPOOL_CHANNEL_BROADCAST},
};

struct line {
	struct mempool *pool;
	struct mempool_channel *in, *out;
};

static int send_some(const struct line *line, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		void *block = mempool_get(line->pool);
		if (block == NULL) {
			return -errno;
		}
		int error = mempool_channel_send(line->in, block, 0);
		if (error < 0) {
			return error;
		}
	}
	return 0;
}

static int receive_some(const struct line *line, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		void *block = mempool_channel_receive(line->out, 0);
		if (block == NULL) {
			return -errno;
		}
		int error = mempool_put(line->pool, block);
		if (error < 0) {
			return error;
		}
	}
	return 0;
}

static int borrow_some(const struct line *line, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const void *block = mempool_channel_borrow(line->out, 0);
		if (block == NULL) {
			return -errno;
		}
		int error = mempool_channel_return(line->out, block);
		if (error < 0) {
			return error;
		}
	}
	return 0;
}

static int run_line(struct mempool *pool, unsigned kind, unsigned long n, size_t bulk)
{
	struct line line = {.pool = pool};
	const unsigned flags = kinds[kind].flags;

	int error = mempool_channel_open(pool, kind, flags, &line.in);
	if (error == 0) {
		error = mempool_channel_open(pool, kind, flags | MEMPOOL_CHANNEL_RECEIVE,
					     &line.out);
	}
	for (unsigned long i = 0; error == 0 && i < n; i += bulk) {
		error = send_some(&line, bulk);
		if (error == 0) {
			error = kind == BROADCAST ? borrow_some(&line, bulk)
						  : receive_some(&line, bulk);
		}
	}
	if (error == 0) {
		mempool_channel_close(line.in);
		mempool_channel_close(line.out);
	}
	return error;
}

static int run(struct mempool *pool, const char *kind, unsigned long n, size_t bulk)
{
	if (kind == NULL) {
		return bulk == 1 ? run_single(pool, n) : run_bulk(pool, n, bulk);
	}
	for (unsigned i = 0; i < KINDS; i++) {
		if (strcmp(kind, kinds[i].name) == 0) {
			return run_line(pool, i, n, bulk);
		}
	}
	return -EINVAL;
}

int main(int argc, char **argv)
{
	struct mempool_conn *conn;

	bool is_well_called = argc == 4 || argc == 5;
	unsigned long n = is_well_called ? strtoul(argv[2], NULL, 10) : 0;
	unsigned long bulk = is_well_called ? strtoul(argv[3], NULL, 10) : 0;
	if (bulk < 1 || bulk > BULK_MAX) {
		fprintf(stderr, "usage: pairs POOL N BULK [KIND]    (BULK 1 to %d)\n", BULK_MAX);
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
	int error = run(pool, argc == 5 ? argv[4] : NULL, n, bulk);
	if (error < 0) {
		fprintf(stderr, "pairs: %s\n", strerror(-error));
		return 1;
	}
	mempool_close(pool);
	mempool_disconnect(conn);
	return 0;
}
