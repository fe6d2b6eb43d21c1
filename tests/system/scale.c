/* SPDX-License-Identifier: MIT */
/* What much of everything costs: the daemon its memory, pools their books, threads a cache. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/system/story.h"

/* A line of /proc/PID/status, in kB. */
static unsigned long status_kb(pid_t pid, const char *field)
{
	char path[64], line[128];
	unsigned long kb = 0;
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof line, file)) {
		if (strncmp(line, field, strlen(field)) == 0) {
			sscanf(line + strlen(field), ": %lu", &kb);
		}
	}
	fclose(file);
	return kb;
}

START_TEST(a_hundred_pools_cost_the_daemon_less_than_8_mb)
{
	begin();
	char name[20];
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "pool-%d", i);
		ck_assert_int_eq(mempool_close(service_pool(conn, name, 64, 1000)), 0);
	}
	unsigned long kb = status_kb(service.pid, "RssAnon");
	ck_assert_uint_gt(kb, 0);
	ck_assert_uint_lt(kb, 8192);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "pool-%d", i);
		ck_assert_int_eq(mempool_destroy(conn, name), 0);
	}
	end();
}
END_TEST

/* Pools of that many threads with a cache; 0: the default. */
static void expect_bookkeeping(uint32_t threads, uint64_t most)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *made;
	struct mempool_info info;

	begin();
	attr.block_size = 64;
	attr.threads = threads;
	for (attr.blocks = 1; attr.blocks <= 1 << 20; attr.blocks *= 16) {
		ck_assert_int_eq(mempool_create(conn, "size", &attr, &made), 0);
		ck_assert_int_eq(mempool_close(made), 0);
		ck_assert_int_eq(mempool_find_pool(conn, "size", &info), 0);
		uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
		uint64_t data = (info.stride * attr.blocks + page - 1) / page * page;
		ck_assert_uint_le(info.memory - data, 16ull * attr.blocks + most);
		ck_assert_uint_eq(info.threads, threads ? threads : info.processes);
		ck_assert_int_eq(mempool_destroy(conn, "size"), 0);
	}
	end();
}

START_TEST(bookkeeping_of_64_threads_is_at_most_16_bytes_a_block_and_256_kb)
{
	expect_bookkeeping(64, 256 * 1024);
}
END_TEST

START_TEST(by_default_bookkeeping_is_at_most_16_bytes_a_block_and_512_kb)
{
	expect_bookkeeping(0, 512 * 1024);
}
END_TEST

static void *get_and_put(void *unused)
{
	(void)unused;
	for (int i = 0; i < 2000; i++) {
		void *block = mempool_get(pool);
		if (block && mempool_put(pool, block) != 0) {
			return &pool;
		}
	}
	return NULL;
}

START_TEST(more_threads_than_caches_lose_nothing)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	pthread_t threads[150];

	service_start(&service);
	conn = service_connect();
	attr.block_size = 64;
	attr.blocks = BLOCKS;
	attr.threads = 64;
	ck_assert_int_eq(mempool_create(conn, "frames", &attr, &pool), 0);
	for (int i = 0; i < 150; i++) {
		ck_assert_int_eq(pthread_create(&threads[i], NULL, get_and_put, NULL), 0);
	}
	for (int i = 0; i < 150; i++) {
		void *fault;
		pthread_join(threads[i], &fault);
		ck_assert_ptr_null(fault);
	}
	ck_assert_uint_eq(obtainable(), BLOCKS);
	ck_assert(is_sound());
	end();
}
END_TEST

START_TEST(many_opens_and_closes_leave_nothing)
{
	begin();
	for (int i = 0; i < 500; i++) {
		struct mempool_conn *c = service_connect();
		struct mempool *seen;
		ck_assert_int_eq(mempool_open(c, "frames", MEMPOOL_OBSERVE, &seen), 0);
		ck_assert_int_eq(mempool_close(seen), 0);
		mempool_disconnect(c);
		ck_assert_int_eq(mempool_close(pool), 0);
		ck_assert_int_eq(mempool_open(conn, "frames", 0, &pool), 0);
		void *block = mempool_get(pool);
		ck_assert_int_eq(mempool_put(pool, block), 0);
	}
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	ck_assert_uint_eq(obtainable(), BLOCKS);
	end();
}
END_TEST

SUITE("scale", a_hundred_pools_cost_the_daemon_less_than_8_mb,
      bookkeeping_of_64_threads_is_at_most_16_bytes_a_block_and_256_kb,
      by_default_bookkeeping_is_at_most_16_bytes_a_block_and_512_kb,
      more_threads_than_caches_lose_nothing, many_opens_and_closes_leave_nothing)
