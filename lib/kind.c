/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/call.h"
#include "lib/core/work.h"
#include "lib/end.h"
#include "lib/kind.h"

static struct mp_pool *kind_pool(const struct mempool_channel *channel)
{
	return &channel->pool->core;
}

/* ---- queues ---- */

static int kind_claim(struct mempool_channel *channel)
{
	channel->claim = mp_channel_claim(kind_pool(channel), channel->core);
	return channel->claim ? 0 : -EBUSY;
}

static void kind_leave_queue(struct mempool_channel *channel, struct mp_local *local)
{
	(void)local;
	mp_channel_leave(channel->core, channel->claim);
}

static uint32_t kind_send(struct mempool_channel *channel, void *const *blocks, uint32_t n,
			  int *error)
{
	return mp_channel_send(kind_pool(channel), channel->core, blocks, n, error);
}

static uint32_t kind_receive(struct mempool_channel *channel, void **blocks, uint32_t n, int *error)
{
	return mp_channel_receive(kind_pool(channel), channel->core, blocks, n, error);
}

static bool kind_is_filled(const struct mempool_channel *channel)
{
	return mp_channel_is_filled(kind_pool(channel), channel->core);
}

static bool kind_is_over(const struct mempool_channel *channel)
{
	return mp_channel_is_over(kind_pool(channel), channel->core, channel->ends);
}

static bool kind_has_room(const struct mempool_channel *channel)
{
	return mp_channel_has_room(kind_pool(channel), channel->core);
}

static void kind_await_token(const struct mempool_channel *channel, struct mp_wait *wait)
{
	mp_channel_await_token(kind_pool(channel), channel->core, channel->ends, wait);
}

static void kind_await_room(const struct mempool_channel *channel, struct mp_wait *wait)
{
	mp_channel_await_room(kind_pool(channel), channel->core, channel->ends, wait);
}

/* ---- work ---- */

/* Any number may receive; channel.c marks the process. */
static int kind_join_work(struct mempool_channel *channel)
{
	(void)channel;
	return 0;
}

static void kind_leave_work(struct mempool_channel *channel, struct mp_local *local)
{
	(void)channel;
	(void)local;
}

static uint32_t kind_receive_work(struct mempool_channel *channel, void **blocks, uint32_t n,
				  int *error)
{
	return mp_work_receive(kind_pool(channel), channel->core, blocks, n, error);
}

/* ---- broadcasts ---- */

static int kind_subscribe(struct mempool_channel *channel)
{
	return mp_broadcast_join(kind_pool(channel), call_find_local(channel->pool),
				 channel_number(channel), channel->is_lossy, &channel->subscriber);
}

static void kind_unsubscribe(struct mempool_channel *channel, struct mp_local *local)
{
	mp_broadcast_leave(kind_pool(channel), local, &channel->subscriber);
}

static uint32_t kind_broadcast(struct mempool_channel *channel, void *const *blocks, uint32_t n,
			       int *error)
{
	return mp_broadcast_send(kind_pool(channel), call_find_local(channel->pool),
				 channel_number(channel), blocks, n, error);
}

/* Counts them while the handle is busy, so that a close finds that it is, or that it has them. */
static uint32_t kind_borrow(struct mempool_channel *channel, void **blocks, uint32_t n, int *error)
{
	uint32_t got = mp_broadcast_borrow(kind_pool(channel), call_find_local(channel->pool),
					   &channel->subscriber, (const void **)blocks, n, error);

	if (got > 0) {
		mp_add(&channel->held, got);
	}
	return got;
}

static bool kind_is_filled_for(const struct mempool_channel *channel)
{
	return mp_broadcast_is_filled(kind_pool(channel), &channel->subscriber);
}

static bool kind_is_over_for(const struct mempool_channel *channel)
{
	return mp_broadcast_is_over(kind_pool(channel), &channel->subscriber, channel->ends);
}

static bool kind_has_room_to_broadcast(const struct mempool_channel *channel)
{
	return mp_broadcast_has_room(kind_pool(channel), channel_number(channel));
}

static void kind_await_broadcast(const struct mempool_channel *channel, struct mp_wait *wait)
{
	mp_broadcast_await_token(kind_pool(channel), &channel->subscriber, channel->ends, wait);
}

static void kind_await_subscribers(const struct mempool_channel *channel, struct mp_wait *wait)
{
	mp_broadcast_await_room(kind_pool(channel), channel_number(channel), channel->ends, wait);
}

/* ---- all ---- */

static const struct kind kind_table[] = {
	{MP_CHANNEL_QUEUE, "queue", kind_claim, kind_leave_queue, kind_send, kind_receive,
	 kind_is_filled, kind_is_over, kind_has_room, kind_await_token, kind_await_room},
	{MP_CHANNEL_WORK, "work", kind_join_work, kind_leave_work, kind_send, kind_receive_work,
	 kind_is_filled, kind_is_over, kind_has_room, kind_await_token, kind_await_room},
	{MP_CHANNEL_BROADCAST, "broadcast", kind_subscribe, kind_unsubscribe, kind_broadcast,
	 kind_borrow, kind_is_filled_for, kind_is_over_for, kind_has_room_to_broadcast,
	 kind_await_broadcast, kind_await_subscribers},
};

const struct kind *kind_get(enum mp_channel_kind which)
{
	for (size_t i = 0; i < sizeof kind_table / sizeof *kind_table; i++) {
		if (kind_table[i].which == which) {
			return &kind_table[i];
		}
	}
	return NULL;
}
