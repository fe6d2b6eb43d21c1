/* SPDX-License-Identifier: MIT */
#include <mempool/mempool.hpp>

#include "loops.h"

using namespace mempools;

static pool<item> items;
static sender<item> to, to_all;
static receiver<item> from;
static subscriber<item> one_of_all;

int loop_get_put(int n)
{
	for (int i = 0; i < n; i++) {
		auto item = items.try_get();
		if (!item) {
			return 1;
		}
		item->number = i;
	}
	return 0;
}

int loop_batch(int n)
{
	batch<item, LOOP_BULK> some(items);

	for (int i = 0; i < n; i++) {
		if (!items.try_get(some, LOOP_BULK)) {
			return 1;
		}
		some[0].number = i;
		some.put();
	}
	return 0;
}

int loop_queue(int n)
{
	for (int i = 0; i < n; i++) {
		auto item = items.get();
		item->number = i;
		if (!to.try_send(std::move(item))) {
			return 1;
		}
		auto same = from.try_receive();
		if (!same || same->number != i) {
			return 1;
		}
	}
	return 0;
}

int loop_broadcast(int n)
{
	for (int i = 0; i < n; i++) {
		auto item = items.get();
		item->number = i;
		to_all.send(std::move(item), at_once);
		auto same = one_of_all.borrow(at_once);
		if (same->number != i) {
			return 1;
		}
	}
	return 0;
}

void loops_open(void)
{
	connection conn;
	attributes attr;

	attr.blocks = 1000;
	attr.lifetime = MEMPOOL_UNTIL_LAST_USER;
	items = pool<item>::create(conn, "cxx.loops", attr);
	to = sender<item>(items, 0);
	from = receiver<item>(items, 0);
	to_all = sender<item>(items, 1, MEMPOOL_CHANNEL_BROADCAST);
	one_of_all = subscriber<item>(items, 1);
}

void loops_close(void)
{
	to = {};
	to_all = {};
	from = {};
	one_of_all = {};
	items.close();
}
