/* SPDX-License-Identifier: MIT */
/*
 * The seats: who has which pools open, with all attachments of the instance, and the queues
 * that they wait in.
 *
 *	live		every LIVE attachment; the sweep tests their locks, the one tested longest
 *			ago first
 *	reclaims	pools that have DYING or PASSING attachments, whose blocks the reclaim
 *			takes back
 *
 * attachment.c alone fills the queues, and arms the timers with the first entry.
 * What the timers call is sweep.c's and reclaim.c's.
 *
 * Who frees what, in the whole daemon. Each is freed by callbacks of its own, never under the feet
 * of somebody who works with it:
 *
 *	what		in a callback of			file
 *	build		its step, its reservation		pool/build.c
 *	growth		its step, its reservation; its pool	pool/growth.c
 *	pool		the task of its removal			pool/removal.c
 *	attachment	the turn of the reclaim			seat/reclaim.c
 *	process		its timer, its death			session/death.c
 *	session		its socket; its process's death		session/session.c
 *	reply		the build or growth it waits for	request/create.c, grow.c
 *
 * So a function may use what it was given after any call, but for those whose comment says that
 * they free it. The daemon's end frees the rest, from the sessions down.
 */
#ifndef MP_DAEMON_SEATS_H
#define MP_DAEMON_SEATS_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/pool/pool.h"
#include "daemon/pool/pools.h"

struct attachment;
struct process;

enum {
	SEATS_PROCESS_BUCKETS = 256,
	SEATS_USER_BUCKETS = 1024,
};

LIST_HEAD(process_list, process);

struct seats {
	struct loop *loop;
	struct pools *pools;
	struct manager *manager;
	struct process_list processes[SEATS_PROCESS_BUCKETS]; /* by pid */
	event_callback_fn on_process_death;                   /* of a process's pidfd */
	event_callback_fn on_process_test;                    /* of a process's timer */

	struct attachment_queue live;
	uint32_t n_live;
	uint32_t n_of_user[SEATS_USER_BUCKETS]; /* LIVE, by uid modulo their number */
	struct event sweep;
	uint32_t n_to_sweep; /* of this round of the sweep */

	TAILQ_HEAD(, pool) reclaims;
	uint64_t n_turns;                     /* that pools have had */
	uint64_t turn_of[SEATS_USER_BUCKETS]; /* the last one, by uid of the pool likewise */
	struct attachment_queue graced;       /* GRACE */
	struct event reclaim;
	uint64_t n_passes; /* attachments passed over since the daemon's start */
};

/* How long a LIVE attachment may wait for the test of its lock. A test is one flock(). */
#define SEATS_SWEEP_MS 250

#endif
