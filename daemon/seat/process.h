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
#include "daemon/store/liveness.h"

struct attachment;
struct session;

struct process {
	struct seats *seats;
	pid_t pid;
	uint64_t identity; /* 0: not known; then the pidfd alone tells who it is */
	int pidfd;         /* -1: none was to be had; the liveness locks decide alone */
	bool dying;        /* session/death.c is about to free it */
	bool stored;       /* its pidfd, with the service manager */
	LIST_HEAD(, session) sessions;
	LIST_HEAD(, attachment) attachments; /* that are LIVE */
	LIST_ENTRY(process) of_bucket;
	struct event death; /* of pidfd */
	struct event test;  /* of the locks */
	uint32_t backoff_ms;
};

/*
 * Finds or makes the watch of the process at the other end of a socket, @pid by its credentials.
 * Returns 0, -ESRCH when that process has gone, -EACCES when this kernel and /proc hide who it is,
 * or -errno. One that is in another PID namespace, @pid 0, has a watch that sees nothing.
 */
int process_of_peer(struct seats *seats, int socket, pid_t pid, struct process **process);

/*
 * Finds or makes the watch of a process that an earlier daemon noted in a LIVE slot. Only the
 * kernel says that it has died: by a pidfd, or by a liveness lock that is free. Where both are
 * silent, as in another PID namespace once the lock's file is gone, that it cannot be found is no
 * evidence.
 * Returns 0, -ESRCH when it has died, -EREMOTE when that cannot be told, or -errno.
 */
int process_of_slot(struct seats *seats, const struct registry_slot *slot, enum liveness lock,
		    struct process **process);

/* Call it at an attachment: has the manager keep the pidfd for the next daemon. */
void process_store(struct process *process);

/*
 * To be called when a session or attachment of it has come or gone: arms or stops its timer, which
 * tests its locks, or frees it when it has neither.
 */
void process_settle(struct process *process);

/* Frees it; it has neither sessions nor attachments. For its own callbacks alone. */
void process_destroy(struct process *process);

/* Frees all processes, at the daemon's end. */
void process_finish(struct seats *seats);

#endif
