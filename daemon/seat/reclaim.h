/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: the queue of attachments whose process has gone. Each is buried and passed over, a few
 * thousand words at a time and in turn, until the slice is used up; the rest in the next callback.
 * No lock is taken.
 */
#ifndef MP_DAEMON_RECLAIM_H
#define MP_DAEMON_RECLAIM_H

#include <event2/event_struct.h>
#include <event2/util.h>
#include <stdint.h>
#include <sys/queue.h>

struct attachment;
struct pool;
struct server;

struct reclaim {
	struct server *server;
	TAILQ_HEAD(, attachment) queue;   /* DYING and PASSING */
	TAILQ_HEAD(, attachment) waiting; /* GRACE */
	struct event turn;
	uint64_t passes; /* done since the daemon's start */
};

void reclaim_init(struct reclaim *reclaim, struct server *server);

/* Frees what is queued; the registry remembers it for the next daemon. */
void reclaim_finish(struct reclaim *reclaim);

/* Puts one at the end of the queue; its turn comes at the latest with the next loop. */
void reclaim_add(struct reclaim *reclaim, struct attachment *attachment);

/*
 * Works on the queue until it is empty or this slice is over; does nothing when the turn of the
 * loop is, as the queue has a slice of its own in each. May free pools.
 */
void reclaim_run(struct reclaim *reclaim);

/* Ends the grace of a pool's gifts: nobody is left who could take them. */
void reclaim_hurry(struct reclaim *reclaim, const struct pool *pool);

/* Event callback: an attachment's gifts have had their grace. */
void reclaim_on_grace(evutil_socket_t fd, short what, void *arg);

#endif
