/* SPDX-License-Identifier: MIT */
/*
 * An end of a channel, as the calls see it: what this process has it open for. Senders share
 * nothing with each other. A receiver is a queue's consumer, one of work's receivers, or a
 * broadcast's subscriber (lib/core). Either has a bell (bell.h), if the program asked for a
 * descriptor.
 */
#ifndef MP_END_H
#define MP_END_H

#include "lib/bell.h"
#include "lib/core/broadcast.h"
#include "lib/core/channel.h"
#include "lib/core/ends.h"
#include "lib/handle.h"

struct kind;

/* Which way the calls go: by the fast path of queues, or by the functions of the kind. */
enum channel_way {
	CHANNEL_SENDS,
	CHANNEL_SENDS_OTHERWISE, /* or by a queue, and is told when it is deserted, or has a bell */
	CHANNEL_RECEIVES,
	CHANNEL_RECEIVES_OTHERWISE,
};

struct mempool_channel {
	struct mempool *pool;
	struct mp_channel *core;
	mp_atomic32 way; /* enum channel_way */
	bool receives, is_lossy;
	const struct kind *kind;
	const struct mp_ends *ends; /* noted below, if it is to be told of them; else NULL */
	struct mp_ends noted;
	mp_atomic32 busy;      /* a thread receives, where one may at a time */
	mp_atomic32 sleepers;  /* threads that wait for room, or receive from work */
	mp_atomic32 held;      /* blocks that were borrowed by it */
	mp_atomic32 cancelled; /* see cancel.h */
	bool heeds_signals;    /* waits end with EINTR after a signal handler */
	uint64_t claim;        /* as the consumer of a queue */
	struct mp_subscriber subscriber;
	struct bell bell;
	struct mempool_channel *next; /* pool.channels; with process.mutex held */
};

static inline uint32_t channel_number(const struct mempool_channel *channel)
{
	const struct mp_pool *core = &channel->pool->core;

	return (uint32_t)((size_t)((unsigned char *)channel->core - core->channels) /
			  core->shape.channel_size);
}

#endif
