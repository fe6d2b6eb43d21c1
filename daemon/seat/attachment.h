/* SPDX-License-Identifier: MIT */
/*
 * An attachment: a process's seat in a pool, from the claim of the slot until the slot is free.
 *
 *	LIVE ----> DYING ----> PASSING ----> (freed)
 *	                        |   ^
 *	                        v   |
 *	                        GRACE		its gifts may still be taken
 *
 * LIVE, it is on its process's list and on the sweep's. Afterwards it belongs to no process, and
 * the reclaim queue or its own timer has it. What is said here is memory of this daemon; what must
 * outlive it is the registry's slot.
 */
#ifndef MP_DAEMON_ATTACHMENT_H
#define MP_DAEMON_ATTACHMENT_H

#include <event2/event_struct.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/core/pass.h"
#include "lib/wire/protocol.h"

struct pool;
struct process;
struct registry_slot;
struct session;

enum attachment_stage {
	ATTACHMENT_LIVE,
	ATTACHMENT_DYING,   /* to be buried */
	ATTACHMENT_PASSING, /* buried; a pass is under way or waits for its turn */
	ATTACHMENT_GRACE,   /* a pass is done; the one that takes the gifts waits for its time */
};

struct attachment {
	struct pool *pool;
	struct process *process; /* NULL unless LIVE */
	uint32_t slot;
	enum attachment_stage stage;
	LIST_ENTRY(attachment) of_process;
	TAILQ_ENTRY(attachment) of_queue; /* LIVE: the sweep's; DYING, PASSING: the reclaim's */
	struct mp_pass pass;
	struct event grace;
};

/*
 * Seats the session's process in a free slot of @pool. @liveness_fd is the descriptor of the
 * liveness file, to be sent and closed. Returns 0, -EUSERS when no slot is free, -EMLINK when the
 * process has as many seats of the pool as it may, -ETOOMANYREFS when its user has as many in all,
 * or -errno. Seats that the process has let go of without a word do not stand in its way, if they
 * can be taken back at once.
 */
int attachment_create(struct pool *pool, const struct session *session, enum wire_access access,
		      struct attachment **attachment, int *liveness_fd);

/* Takes over a used slot that an earlier daemon left, in whatever state. Returns 0 or -ENOMEM. */
int attachment_adopt(struct pool *pool, uint32_t slot);

/* LIVE -> DYING: the process has gone, or let go. The reclaim queue has it now. */
void attachment_die(struct attachment *attachment);

/* DYING -> PASSING: from now on it counts as dead for everybody. */
void attachment_bury(struct attachment *attachment);

/* Looks at the liveness lock of a LIVE one; lost, it dies. */
void attachment_test(struct attachment *attachment);

/* Frees slot and attachment after the last pass; may free the pool. */
void attachment_finish(struct attachment *attachment);

/* Frees the heap object alone. It is on no list. */
void attachment_destroy(struct attachment *attachment);

/* The registry's side of it. */
struct registry_slot *attachment_slot(const struct attachment *attachment);

#endif
