/* SPDX-License-Identifier: MIT */
/*
 * A channel's handle: one process's end of it. Senders share nothing with each other; the receiver
 * is the channel's consumer (lib/core/channel.h) and, if the program asked for a descriptor, has a
 * bell (bell.h).
 */
#ifndef MP_CHANNEL_H
#define MP_CHANNEL_H

#include "lib/bell.h"
#include "lib/core/channel.h"
#include "lib/core/ends.h"
#include "lib/handle.h"

enum channel_kind {
	CHANNEL_SENDS,
	CHANNEL_SENDS_TOLD, /* and is told when it is deserted */
	CHANNEL_RECEIVES,
};

struct mempool_channel {
	struct mempool *pool;
	struct mp_channel *core;
	uint64_t claim; /* as the consumer; 0: this handle sends */
	enum channel_kind kind;
	const struct mp_ends *ends; /* noted below, if it is to be told of them; else NULL */
	struct mp_ends noted;
	mp_atomic32 busy;     /* a thread receives */
	mp_atomic32 sleepers; /* threads that wait for room */
	struct bell bell;
	struct mempool_channel *next; /* pool.channels; with process.mutex held */
};

/* Whether a thread is inside a call on it. */
bool channel_is_busy(const struct mempool_channel *channel);

/*
 * Takes this process's mark as a sender off, if no other handle of the pool sends by that channel.
 * With process.mutex held; the handle is on no list any more.
 */
void channel_stop_sending(const struct mempool_channel *channel);

/* Stops the bell and being the consumer, and frees the handle, which is on no list any more. */
void channel_free(struct mempool_channel *channel);

#endif
