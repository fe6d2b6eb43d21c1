/* SPDX-License-Identifier: MIT */
/*
 * attach: from nothing to the first block, and what a pool's bookkeeping weighs.
 *
 * For pools of 1 k to 2^24 blocks of 64 bytes: the median time of connect, of open and of the first
 * get, in a process that does each a hundred times; and the bytes a pool takes besides its blocks,
 * beside the promise of 16 bytes a block and 512 KB.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mempool/admin.h>
#include <mempool/mempool.h>

#include "tests/support/service.h"

#define N_TRIES 100
#define BLOCK_SIZE 64u
#define PROMISE(blocks) (16ull * (blocks) + 512 * 1024)
#define SETTLE_MS 10000

static const uint32_t pool_blocks[] = {1u << 10, 1u << 16, 1u << 20, 1u << 24};

enum { CONNECT, OPEN, GET, TOTAL, N_STEPS };

struct tries {
	double us[N_STEPS][N_TRIES];
};

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;
	return (x > y) - (x < y);
}

static int fail(const char *what)
{
	fprintf(stderr, "attach: %s: %s\n", what, mempool_errmsg());
	return -1;
}

/* Waits until the daemon has cleared up after the last try, the dead included. */
static int settle(struct mempool_conn *conn, const char *name)
{
	const struct timespec nap = {.tv_nsec = 200000};
	struct mempool_client client;

	for (int i = 0; i < SETTLE_MS * 5; i++) {
		uint32_t cursor = 0;
		int n = mempool_next_client(conn, name, &cursor, &client);
		if (n <= 0) {
			return n < 0 ? fail("mempool_next_client") : 0;
		}
		nanosleep(&nap, NULL);
	}
	fprintf(stderr, "attach: a client that closed is still there\n");
	return -1;
}

static int try_once(const char *name, struct tries *tries, int i)
{
	struct mempool_conn *conn;
	struct mempool *pool;

	double t0 = now_us();
	if (mempool_connect(&conn, NULL) < 0) {
		return fail("mempool_connect");
	}
	double t1 = now_us();
	if (mempool_open(conn, name, 0, &pool) < 0) {
		return fail("mempool_open");
	}
	double t2 = now_us();
	void *block = mempool_get(pool);
	if (block == NULL) {
		return fail("mempool_get");
	}
	double t3 = now_us();
	mempool_put(pool, block);
	mempool_close(pool);
	mempool_disconnect(conn);
	tries->us[CONNECT][i] = t1 - t0;
	tries->us[OPEN][i] = t2 - t1;
	tries->us[GET][i] = t3 - t2;
	tries->us[TOTAL][i] = t3 - t0;
	return 0;
}

static void print_row(struct tries *tries, const struct mempool_info *info)
{
	uint64_t books = info->memory - (uint64_t)info->blocks * info->stride;

	printf("%9u", info->blocks);
	for (int step = 0; step < N_STEPS; step++) {
		qsort(tries->us[step], N_TRIES, sizeof(double), compare);
		printf(" %9.1f", tries->us[step][N_TRIES / 2]);
	}
	printf("  %12llu %9.2f  %12llu  %s\n", (unsigned long long)books,
	       (double)books / info->blocks, (unsigned long long)PROMISE(info->blocks),
	       books <= PROMISE(info->blocks) ? "kept" : "BROKEN");
	fflush(stdout);
}

static int make_pool(struct mempool_conn *conn, const char *name, uint32_t blocks)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *pool;

	attr.block_size = BLOCK_SIZE;
	attr.blocks = blocks;
	if (mempool_create(conn, name, &attr, &pool) < 0) {
		return fail("mempool_create");
	}
	return mempool_close(pool);
}

static int measure(struct mempool_conn *conn, uint32_t blocks)
{
	static struct tries tries;
	struct mempool_info info;
	char name[32];

	snprintf(name, sizeof name, "attach.%u", blocks);
	if (make_pool(conn, name, blocks) < 0) {
		return -1;
	}
	for (int i = 0; i < N_TRIES; i++) {
		if (settle(conn, name) < 0 || try_once(name, &tries, i) < 0) {
			return -1;
		}
	}
	if (mempool_find_pool(conn, name, &info) < 0) {
		return fail("mempool_find_pool");
	}
	print_row(&tries, &info);
	return mempool_destroy(conn, name);
}

static int measure_all(void)
{
	struct mempool_conn *conn;

	if (mempool_connect(&conn, NULL) < 0) {
		return fail("mempool_connect");
	}
	printf("medians of %d tries in us; bookkeeping in bytes; blocks of %u bytes\n\n", N_TRIES,
	       BLOCK_SIZE);
	printf("%9s %9s %9s %9s %9s  %12s %9s  %12s\n", "blocks", "connect", "open", "first get",
	       "total", "bookkeeping", "per block", "promised");
	int error = 0;
	for (size_t i = 0; i < sizeof pool_blocks / sizeof *pool_blocks && error == 0; i++) {
		error = measure(conn, pool_blocks[i]);
	}
	mempool_disconnect(conn);
	return error;
}

int main(int argc, char **argv)
{
	struct service service = {0};

	if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
		fprintf(stderr, "usage: attach [MEMPOOLD]\n");
		return 2;
	}
	if (argc == 2) {
		setenv("MEMPOOLD", argv[1], 1);
	}
	service_start(&service);
	int error = measure_all();
	service_stop(&service);
	return error == 0 ? 0 : 1;
}
