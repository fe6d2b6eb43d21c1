/* SPDX-License-Identifier: MIT */
/*
 * Kinds of channels: what a queue, work and a broadcast do in their own ways. The fast paths of
 * queues, in channel.c, do not come here.
 */
#ifndef MP_KIND_H
#define MP_KIND_H

#include "lib/core/channel.h"
#include "lib/core/local.h"

struct mempool_channel;

struct kind {
	enum mp_channel_kind which;
	const char *name; /* for people */

	/* Becomes a receiver. Returns 0, -EBUSY or -EUSERS. */
	int (*join)(struct mempool_channel *channel);
	/* Stops being one, with @local as broadcast.h of lib/core says. */
	void (*leave)(struct mempool_channel *channel, struct mp_local *local);

	/* As mp_channel_send() and mp_channel_receive(). */
	uint32_t (*send)(struct mempool_channel *channel, void *const *blocks, uint32_t n,
			 int *error);
	uint32_t (*receive)(struct mempool_channel *channel, void **blocks, uint32_t n, int *error);

	/* Of a receiver: whether there may be something, and whether it is the end. */
	bool (*is_filled)(const struct mempool_channel *channel);
	bool (*is_over)(const struct mempool_channel *channel);

	/* Of a sender: whether there may be room. */
	bool (*has_room)(const struct mempool_channel *channel);

	/* Sleep as mp_channel_await_token() and mp_channel_await_room() do. */
	void (*await_token)(const struct mempool_channel *channel, struct mp_wait *wait);
	void (*await_room)(const struct mempool_channel *channel, struct mp_wait *wait);
};

/* NULL: there is no such kind. */
const struct kind *kind_get(enum mp_channel_kind which);

#endif
