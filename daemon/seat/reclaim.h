/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: takes back what the attachments in seats.dead held. Each is buried and passed over, a
 * few thousand words at a time and in turn, until the slice is used up; the rest in the next
 * callback. It takes no lock.
 */
#ifndef MP_DAEMON_RECLAIM_H
#define MP_DAEMON_RECLAIM_H

#include "daemon/seat/seats.h"

struct pool;

void reclaim_init(struct seats *seats);

/* Frees the attachments it has; the registry remembers them for the next daemon. */
void reclaim_finish(struct seats *seats);

/*
 * Works on seats.dead until it is empty or this slice is over; does nothing when the turn of the
 * loop is, as the queue has a slice of its own in each.
 */
void reclaim_run(struct seats *seats);

/* Call it when a pool has lost its name or a client: the last one out of a GONE pool removes it. */
void reclaim_settle(struct seats *seats, struct pool *pool);

#endif
