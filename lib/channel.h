/* SPDX-License-Identifier: MIT */
/*
 * A channel's handle: one process's end of it. Senders share nothing with each other; the receiver
 * has the consumer's seat (lib/core/channel.h) and, when asked for a descriptor, a bell.
 *
 *	bell: a thread that sleeps on the channel and an eventfd that is readable or not
 *	ARMED   the thread watches; when there is a token it writes the eventfd -> RUNG
 *	RUNG    the thread sleeps; the receiver, having found nothing, reads the eventfd -> ARMED
 *	STOPPED the thread ends
 * The eventfd is written before the bell is RUNG, so that a bell that is not RUNG may be readable
 * once for nothing, and one that is RUNG is readable.
 */
#ifndef MP_CHANNEL_H
#define MP_CHANNEL_H

#include <pthread.h>

#include "lib/core/channel.h"
#include "lib/handle.h"

enum bell_state {
	BELL_NONE,
	BELL_ARMED,
	BELL_RUNG,
	BELL_STOPPED,
};

struct mempool_channel {
	struct mempool *pool;
	struct mp_channel *core;
	uint64_t claim;       /* of the consumer's seat; 0: for sending */
	mp_atomic32 busy;     /* a thread receives */
	mp_atomic32 sleepers; /* threads that wait for room */
	mp_atomic32 bell;     /* enum bell_state; a futex of this process */
	int bell_fd;
	pthread_t ringer;
	struct mempool_channel *next; /* pool.channels; with process.mutex held */
};

/* Whether a thread is inside a call on it. */
bool channel_is_busy(const struct mempool_channel *channel);

/* Leaves the seat, stops the bell, frees the handle. It is on no list and nobody uses it. */
void channel_free(struct mempool_channel *channel);

#endif
