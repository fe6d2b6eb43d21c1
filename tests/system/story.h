/* SPDX-License-Identifier: MIT */
/*
 * What the system tests have in common: a private service, a pool, and questions about it that are
 * asked until they are answered as they should be.
 */
#ifndef TESTS_SYSTEM_STORY_H
#define TESTS_SYSTEM_STORY_H

#include <errno.h>
#include <signal.h>
#include <string.h>

#include <mempool/admin.h>

#include "tests/support/actor.h"
#include "tests/support/service.h"
#include "tests/unit/suite.h"

#define BLOCKS 1000

static struct service service;
static struct mempool_conn *conn;
static struct mempool *pool;

static inline void begin(void)
{
	service_start(&service);
	conn = service_connect();
	pool = service_pool(conn, "frames", 100, BLOCKS);
}

/* Everything closed and destroyed, and nothing left in /dev/shm. */
static inline void end(void)
{
	ck_assert_int_eq(mempool_close_force(pool), 0);
	ck_assert_int_eq(mempool_destroy(conn, "frames"), 0);
	mempool_disconnect(conn);
	ck_assert_uint_eq(service_stop(&service), 0);
}

static inline struct mempool_stats stats(void)
{
	struct mempool_stats s;
	ck_assert_int_eq(mempool_stat(pool, &s), 0);
	return s;
}

static inline bool is_nothing_used(void *unused)
{
	(void)unused;
	struct mempool_stats s = stats();
	return s.used + s.moving == 0;
}

static inline bool is_sound(void)
{
	struct mempool_report report;
	return mempool_check(pool, &report) == 0;
}

/* Gets all there is. Puts it back, and says how many. */
static inline size_t obtainable(void)
{
	static void *blocks[BLOCKS + 1];
	size_t n = 0;
	while (n <= BLOCKS && (blocks[n] = mempool_get(pool))) {
		n++;
	}
	ck_assert_int_eq(mempool_put_bulk(pool, blocks, n), 0);
	return n;
}

static inline bool is_all_obtainable(void *unused)
{
	(void)unused;
	return obtainable() == BLOCKS;
}

static inline unsigned count_clients(void)
{
	struct mempool_info info;
	ck_assert_int_eq(mempool_find_pool(conn, "frames", &info), 0);
	return info.clients;
}

static inline bool is_alone(void *unused)
{
	(void)unused;
	return count_clients() == 1;
}

/*
 * Whether sleepers are woken, and do not merely wake of themselves after a slice (100 ms, see
 * lib/core/futex.h): the median of what @wake says, of which each is about half a slice then.
 */
static inline bool is_woken_promptly(int64_t (*wake_ms)(void))
{
	int slow = 0;
	for (int i = 0; i < 15; i++) {
		slow += wake_ms() > 25;
	}
	return slow < 8;
}

/* A client with @n blocks. */
static inline struct actor holder(int n)
{
	struct actor a;
	actor_start(&a);
	ck_assert_int_eq(actor_ask(&a, "open frames"), 0);
	ck_assert_int_eq(actor_ask(&a, "get %d", n), 0);
	return a;
}

#endif
