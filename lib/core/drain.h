/* SPDX-License-Identifier: MIT */
/*
 * Drains: waiting until all that a channel had when the wait began is received. What is sent
 * meanwhile does not count.
 *
 * Received is a position before head; one that was emptied; and one whose block nobody is to get
 * any more: the token is stale, as who took the block has yet to empty the cell, or has died; or of
 * a broadcast, the block is pending for nobody, though somebody may still have it borrowed.
 * Once received, a position stays so: no later drain looks at it.
 *
 * Who takes blocks out of a channel looks at crowded, where producers sleep for room; so does who
 * waits here, in the same manner.
 */
#ifndef MP_CORE_DRAIN_H
#define MP_CORE_DRAIN_H

#include "lib/core/local.h"

struct mp_wait;

struct mp_drain {
	uint32_t channel;
	uint64_t next; /* all positions before it are received */
	uint64_t end;  /* those from here on do not count */
};

struct mp_drain mp_drain_begin(const struct mp_pool *pool, uint32_t channel);

/*
 * Whether all is received: 1 or 0, or -EIO when somebody has scribbled on the channel. Decides, as
 * in broadcast.h, with @local as said there.
 */
int mp_drain_look(struct mp_pool *pool, struct mp_local *local, struct mp_drain *drain);

/* Sleeps until more is received; may return earlier. */
void mp_drain_await(struct mp_pool *pool, struct mp_local *local, struct mp_drain *drain,
		    struct mp_wait *wait);

#endif
