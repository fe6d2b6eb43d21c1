/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: takes back what the dead of a pool held. One walk over the pool serves all that have
 * died by its beginning; who dies meanwhile waits for the next.
 *
 *	GATHERING ----> PASSING ----> CONCLUDING ----+
 *	    ^						 |
 *	    +--------------------------------------------+
 *
 * A step of it, some tens of microseconds, is a turn; turns go by owners of pools, and then by
 * pools, until the slice is used up; the rest in the next callback. It takes no lock.
 */
#ifndef MP_DAEMON_RECLAIM_H
#define MP_DAEMON_RECLAIM_H

#include "daemon/seat/seats.h"

struct pool;

void reclaim_init(struct seats *seats);

/* Frees the dead attachments, at the daemon's end; the registry has their slots. */
void reclaim_finish(struct seats *seats);

/*
 * Works until nothing is left or this slice is over; does nothing when the turn of the
 * loop is, as it has a slice of its own in each.
 */
void reclaim_run(struct seats *seats);

/* Call it when a pool has lost its name or a client: the last one out of a GONE pool removes it. */
void reclaim_settle(struct seats *seats, struct pool *pool);

#endif
