/* SPDX-License-Identifier: MIT */
/*
 * An attachment: one process in one slot of a pool, from the claim of the slot until it is free.
 *
 *	LIVE ----> DYING ----> PASSING ----> (freed)
 *	                        |   ^
 *	                        v   |
 *	                        GRACE		its gifts may still be taken
 *
 * A LIVE attachment is on its process's list and in the queue seats.live. Afterwards it belongs to
 * no process, and is in a queue of pool.reclaim, where it waits for a pass, or in seats.graced.
 * This daemon alone has the attachment; the registry's slot has what the next daemon must know.
 */
#ifndef MP_DAEMON_ATTACHMENT_H
#define MP_DAEMON_ATTACHMENT_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/seat/seats.h"
#include "daemon/seat/share.h"
#include "lib/wire/protocol.h"

struct pool;
struct process;
struct registry_slot;

enum attachment_stage {
	ATTACHMENT_LIVE,
	ATTACHMENT_DYING,   /* waits to be buried */
	ATTACHMENT_PASSING, /* buried; a pass is under way or waits for its turn */
	ATTACHMENT_GRACE, /* the pass is done; when grace is over, a second pass takes the gifts */
};

struct attachment {
	struct seats *seats;
	struct pool *pool;
	struct process *process; /* NULL unless LIVE */
	uint32_t slot;
	enum attachment_stage stage;
	LIST_ENTRY(attachment) of_process;
	TAILQ_ENTRY(attachment) of_queue; /* seats.live, seats.graced, or one of pool.reclaim */
	bool grace_over;                  /* its next pass takes its gifts, too */
	struct event grace;               /* ends its grace; assigned when that begins */
};

/* Why the process gets no attachment; a reason of share.h, too. */
enum {
	ATTACHMENT_PROCESS_FULL =
		SHARE_KEPT + 1, /* the process has as many of the pool as it may */
	ATTACHMENT_USER_FULL,   /* its user has as many in all as it may */
};

/*
 * Attaches the process, a client of that user, to @pool in a free slot. @liveness_fd is the
 * descriptor of the liveness file, to be sent and closed. Returns 0, a reason above, or -errno.
 */
int attachment_create(struct seats *seats, struct pool *pool, struct process *process, uint32_t uid,
		      enum wire_access access, struct attachment **attachment, int *liveness_fd);

/*
 * Takes over a used slot that an earlier daemon left, in whatever state. Returns 0 with the
 * attachment, LIVE or, if its process has died, DYING; -EREMOTE when this daemon cannot tell; or
 * -errno.
 */
int attachment_adopt(struct seats *seats, struct pool *pool, uint32_t slot,
		     struct attachment **attachment);

/*
 * LIVE -> DYING: the process has gone, or let go. Queues the attachment for the reclaim. Does not
 * end the pool's lifetime; ending_let_go() does both.
 */
void attachment_die(struct attachment *attachment);

/* DYING -> PASSING: marks its slot DEAD, in the segment and in the registry. */
void attachment_bury(struct attachment *attachment);

/* Lets an attachment, DYING or PASSING, wait for the next pass over its pool. */
void attachment_enqueue(struct attachment *attachment);

/* After its last pass: frees the slot and the attachment, which must be in no queue. */
void attachment_finish(struct attachment *attachment);

/* Frees the heap object alone, at the daemon's end. It must be on no list. */
void attachment_destroy(struct attachment *attachment);

/* The attachment's slot in the registry. */
struct registry_slot *attachment_slot(const struct attachment *attachment);

#endif
