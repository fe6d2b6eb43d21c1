/* SPDX-License-Identifier: MIT */
/*
 * A bell: a descriptor for event loops that is readable when a channel has a token, and the thread
 * that makes it so, the ringer.
 *
 *	ARMED   the ringer watches the channel; when there is a token it writes the eventfd -> RUNG
 *	RUNG    the ringer sleeps; the receiver, having found nothing, reads the eventfd -> ARMED
 *	STOPPED the ringer ends
 * The ringer writes the eventfd before the bell is RUNG, so that a bell that is not RUNG may be
 * readable once for nothing, and one that is RUNG is readable.
 */
#ifndef MP_BELL_H
#define MP_BELL_H

#include <pthread.h>

#include "lib/core/layout.h"

enum bell_state {
	BELL_NONE, /* zeros: it was never started */
	BELL_ARMED,
	BELL_RUNG,
	BELL_STOPPED,
};

struct bell {
	mp_atomic32 state; /* enum bell_state; a futex of this process */
	int fd;
	pthread_t ringer;
	const struct mp_pool *pool;
	struct mp_channel *channel;
};

/* Starts the bell, if it has not been. Returns its descriptor or a negative errno. */
int bell_start(struct bell *bell, const struct mp_pool *pool, struct mp_channel *channel);

/* For the receiver, when it has found nothing: the bell is to ring for what comes from now on. */
void bell_rearm(struct bell *bell);

/* Ends the ringer and closes the descriptor, if there are any. */
void bell_stop(struct bell *bell);

#endif
