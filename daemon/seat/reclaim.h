/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: takes back what the dead processes of a pool held. One pass over the pool is for all
 * that died before it began; a process that dies meanwhile waits for the next pass.
 *
 *	GATHERING ----> PASSING ----> CONCLUDING ----+
 *	    ^						 |
 *	    +--------------------------------------------+
 *
 * A turn is one step, of some tens of microseconds, for one pool. Owners of pools take turns, and
 * so do the pools of one owner, until the slice is over; the next callback goes on. Reclaim takes
 * no lock.
 */
#ifndef MP_DAEMON_RECLAIM_H
#define MP_DAEMON_RECLAIM_H

#include "daemon/seat/seats.h"

struct pool;

/* Sets up the queues and the timer of the seats that this file serves. */
void reclaim_init(struct seats *seats);

/* Frees the dead attachments, at the daemon's end; the registry has their slots. */
void reclaim_finish(struct seats *seats);

/*
 * Takes turns until nothing is left or the slice is over. Does nothing when the turn of the loop is
 * over: its timer gives it a slice of its own in each turn of the loop.
 */
void reclaim_run(struct seats *seats);

/* Removes a GONE pool without slots in use. Call it when a pool has lost its name or a client. */
void reclaim_settle(struct seats *seats, struct pool *pool);

#endif
