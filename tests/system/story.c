/* SPDX-License-Identifier: MIT */
#include "tests/system/story.h"

struct service service;
struct mempool_conn *conn;
struct mempool *pool;

void begin(void)
{
	service_start(&service);
	conn = service_connect();
	pool = service_pool(conn, "frames", 100, BLOCKS);
}

void end(void)
{
	ck_assert_int_eq(mempool_close_force(pool), 0);
	ck_assert_int_eq(mempool_destroy(conn, "frames"), 0);
	mempool_disconnect(conn);
	ck_assert_uint_eq(service_stop(&service), 0);
}

struct mempool_stats stats(void)
{
	struct mempool_stats s;
	ck_assert_int_eq(mempool_stat(pool, &s), 0);
	return s;
}

bool is_nothing_used(void *unused)
{
	(void)unused;
	struct mempool_stats s = stats();
	return s.used + s.moving == 0;
}

bool is_sound(void)
{
	struct mempool_report report;
	return mempool_check(pool, &report) == 0;
}

size_t obtainable(void)
{
	static void *blocks[BLOCKS + 1];
	size_t n = 0;
	while (n <= BLOCKS && (blocks[n] = mempool_get(pool))) {
		n++;
	}
	ck_assert_int_eq(mempool_put_bulk(pool, blocks, n), 0);
	return n;
}

bool is_all_obtainable(void *unused)
{
	(void)unused;
	return obtainable() == BLOCKS;
}

unsigned count_clients(void)
{
	struct mempool_info info;
	ck_assert_int_eq(mempool_find_pool(conn, "frames", &info), 0);
	return info.clients;
}

bool is_alone(void *unused)
{
	(void)unused;
	return count_clients() == 1;
}

bool is_woken_promptly(int64_t (*wake_ms)(void))
{
	int lead = 0;
	while (lead < 5 && lead > -15) {
		lead += wake_ms() < 30 ? 1 : -1;
	}
	return lead > 0;
}

/* Once more if the other thread was at it at the same moment, to see whether this one is. */
static void *receive_one(void *channel)
{
	void *block = NULL;
	do {
		block = mempool_channel_receive(channel, HANG_MS);
	} while (!block && errno == EDEADLK);
	return block;
}

static bool is_received_elsewhere(void *channel)
{
	return !mempool_channel_receive(channel, 0) && errno == EDEADLK;
}

pthread_t receive_elsewhere(struct mempool_channel *channel)
{
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, receive_one, channel), 0);
	ck_assert(wait_until(is_received_elsewhere, channel, HANG_MS));
	return thread;
}

struct actor holder(int n)
{
	struct actor a;
	actor_start(&a);
	ck_assert_int_eq(actor_ask(&a, "open frames"), 0);
	ck_assert_int_eq(actor_ask(&a, "get %d", n), 0);
	return a;
}
