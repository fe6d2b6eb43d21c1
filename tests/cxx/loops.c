/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include <mempool/mempool.h>

#include "loops.h"

static struct mempool *pool;
static struct mempool_channel *to, *from, *to_all, *one_of_all;

int loop_get_put(int n)
{
	for (int i = 0; i < n; i++) {
		struct item *item = mempool_get(pool);
		if (item == NULL) {
			return 1;
		}
		item->number = i;
		mempool_put(pool, item);
	}
	return 0;
}

int loop_batch(int n)
{
	void *items[LOOP_BULK];

	for (int i = 0; i < n; i++) {
		if (mempool_get_bulk(pool, items, LOOP_BULK) < 0) {
			return 1;
		}
		((struct item *)items[0])->number = i;
		mempool_put_bulk(pool, items, LOOP_BULK);
	}
	return 0;
}

int loop_queue(int n)
{
	for (int i = 0; i < n; i++) {
		struct item *item = mempool_get(pool);
		if (item == NULL) {
			return 1;
		}
		item->number = i;
		if (mempool_channel_send(to, item, 0) < 0) {
			return 1;
		}
		struct item *same = mempool_channel_receive(from, 0);
		if (same == NULL || same->number != i) {
			return 1;
		}
		mempool_put(pool, same);
	}
	return 0;
}

int loop_broadcast(int n)
{
	for (int i = 0; i < n; i++) {
		struct item *item = mempool_get(pool);
		if (item == NULL) {
			return 1;
		}
		item->number = i;
		if (mempool_channel_send(to_all, item, 0) < 0) {
			return 1;
		}
		const struct item *same = mempool_channel_borrow(one_of_all, 0);
		if (same == NULL || same->number != i) {
			return 1;
		}
		mempool_channel_return(one_of_all, same);
	}
	return 0;
}

void loops_open(void)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool_conn *conn;

	attr.block_size = sizeof(struct item);
	attr.blocks = 1000;
	attr.lifetime = MEMPOOL_UNTIL_LAST_USER;
	if (mempool_connect(&conn, NULL) < 0 ||
	    mempool_create(conn, "cxx.loops", &attr, &pool) < 0 ||
	    mempool_channel_open(pool, 0, 0, &to) < 0 ||
	    mempool_channel_open(pool, 0, MEMPOOL_CHANNEL_RECEIVE, &from) < 0 ||
	    mempool_channel_open(pool, 1, MEMPOOL_CHANNEL_BROADCAST, &to_all) < 0 ||
	    mempool_channel_open(pool, 1, MEMPOOL_CHANNEL_BROADCAST | MEMPOOL_CHANNEL_RECEIVE,
				 &one_of_all) < 0) {
		abort();
	}
	mempool_disconnect(conn);
}

void loops_close(void)
{
	mempool_close_force(pool);
}
