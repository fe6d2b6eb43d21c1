/* SPDX-License-Identifier: MIT */
/*
 * The sweep: four times a second, while there are attachments, all their liveness locks are tested,
 * a few at a time. It catches what nothing else tells: a process that has unmapped a pool and keeps
 * its session, or one whose socket was left open by a child.
 */
#ifndef MP_DAEMON_SWEEP_H
#define MP_DAEMON_SWEEP_H

#include <event2/event_struct.h>
#include <stdint.h>
#include <sys/queue.h>

struct attachment;
struct server;

struct sweep {
	struct server *server;
	TAILQ_HEAD(sweep_queue, attachment)
	queue;         /* all that are LIVE; the one tested longest ago first */
	uint32_t n;    /* in the queue */
	uint32_t left; /* of this round */
	struct event turn;
};

void sweep_init(struct sweep *sweep, struct server *server);
/* Frees the attachments; who they were is in the registry. */
void sweep_finish(struct sweep *sweep);

void sweep_add(struct sweep *sweep, struct attachment *attachment);
void sweep_remove(struct sweep *sweep, struct attachment *attachment);

#endif
