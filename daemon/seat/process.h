/* SPDX-License-Identifier: MIT */
/*
 * A process that has a session or an attachment, watched until it has neither.
 *
 * Attachments belong to the process, not to the session: a client may disconnect and go on. What
 * ends them is the process's death, which its pidfd tells, or that the address space is gone while
 * the process lives on (exec, unmapping), which the liveness locks tell. While a process without a
 * session has attachments, the locks are tested again and again, after 1, 2, 4 ... ms up to 1 s.
 *
 * Only a process's own callbacks and the daemon's end free it: it stays while others work with it.
 */
#ifndef MP_DAEMON_PROCESS_H
#define MP_DAEMON_PROCESS_H

#include <event2/event_struct.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "daemon/seat/seats.h"

struct attachment;
struct session;

struct process {
	struct seats *seats;
	pid_t pid;
	uint64_t start_time;
	int pidfd;   /* -1: none was to be had; the liveness locks decide alone */
	bool dying;  /* session/death.c is about to free it */
	bool stored; /* its pidfd, with the service manager */
	LIST_HEAD(, session) sessions;
	LIST_HEAD(, attachment) attachments; /* that are LIVE */
	LIST_ENTRY(process) of_bucket;
	struct event death; /* of pidfd */
	struct event test;  /* of the locks */
	uint32_t backoff_ms;
};

/*
 * Finds or makes the watch of the process at the other end of a socket, @pid by its credentials.
 * Returns 0, -ESRCH when that process has gone, or -errno. Those that cannot be seen, @pid 0, have
 * one watch together, which sees nothing.
 */
int process_of_peer(struct seats *seats, int socket, pid_t pid, struct process **process);

/*
 * Finds or makes the watch of a process that an earlier daemon knew. Returns 0, -ESRCH when it has
 * gone, or -errno.
 */
int process_of_record(struct seats *seats, pid_t pid, uint64_t start_time,
		      struct process **process);

/* It has an attachment now: the next daemon shall know it for sure. */
void process_store(struct process *process);

/*
 * To be called when a session or attachment of it has come or gone: arms or stops its timer, which
 * tests its locks, or frees it when it has neither.
 */
void process_settle(struct process *process);

/* Frees it; it has neither sessions nor attachments. For its own callbacks alone. */
void process_destroy(struct process *process);

/* Frees all, at the end. */
void process_finish(struct seats *seats);

#endif
