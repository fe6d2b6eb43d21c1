/* SPDX-License-Identifier: MIT */
/*
 * The seats: who has which pools open, with all attachments of the instance, and the queues
 * that they wait in.
 *
 *	live		every LIVE attachment; the sweep tests their locks, and begins with the one
 *			that was tested longest ago
 *	reclaims	pools that have DYING or PASSING attachments, whose blocks the reclaim
 *			takes back
 *	graced		attachments in GRACE, each with a timer of its own
 *
 * attachment.c fills the first two, and arms the queue's timer, which calls sweep.c or reclaim.c;
 * reclaim.c fills the third.
 *
 * Who frees what, in the whole daemon. Callbacks of its own free each, never while another function
 * works with it:
 *
 *	freed		in a callback of			file
 *	build		its step, its reservation		pool/build.c
 *	growth		its step, its reservation; its pool	pool/growth.c
 *	pool		the task of its removal			pool/removal.c
 *	attachment	the turn of the reclaim			seat/reclaim.c
 *	process		its timer, its death			session/death.c
 *	session		its socket; its process's death		session/session.c
 *	reply		the build or growth it waits for	request/create.c, grow.c
 *	waiter		its task; its session's end		request/wait.c
 *
 * So a function may use what it was given after any call, except a call whose comment says that it
 * frees that. The daemon's end frees the rest, sessions first, pools last.
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
	event_callback_fn on_process_death; /* calls when a process's pidfd says that it has died */
	event_callback_fn on_process_test;  /* calls when a process's timer is due */

	struct attachment_queue live;
	uint32_t n_live;
	uint32_t n_of_user[SEATS_USER_BUCKETS]; /* LIVE, by uid modulo their number */
	struct event sweep;
	uint32_t n_to_sweep; /* how many this round of the sweep has yet to test */

	TAILQ_HEAD(, pool) reclaims;
	uint64_t n_turns;                     /* how many turns the reclaim has taken */
	uint64_t turn_of[SEATS_USER_BUCKETS]; /* number of the last, by the pool's uid likewise */
	struct attachment_queue graced;       /* GRACE */
	struct event reclaim;
	uint64_t n_passes; /* how many attachments had a pass, since the daemon's start */
};

/* How often the sweep tests the lock of each LIVE attachment. A test is one flock(). */
#define SEATS_SWEEP_MS 250

#endif
