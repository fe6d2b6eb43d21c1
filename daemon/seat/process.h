/* SPDX-License-Identifier: MIT */
/*
 * A process that has a session or an attachment; the daemon watches it until it has neither.
 *
 * Attachments belong to the process, not to the session: a client may disconnect and go on. They
 * end when the process dies, which its pidfd tells, or when its address space goes while the
 * process lives on (exec, unmapping), which the liveness locks tell. While a process without a
 * session has attachments, a timer tests their locks after 1, 2, 4 ... ms, and then every second.
 *
 * Only a process's own callbacks and the daemon's end free it, so a function may work with it in
 * peace.
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
	uint64_t identity; /* 0: not known; then only the pidfd tells which process it is */
	int pidfd;         /* -1: there is none; only the liveness locks tell of its death */
	bool dying;        /* session/death.c is about to free it */
	bool stored;       /* the service manager keeps its pidfd */
	LIST_HEAD(, session) sessions;
	LIST_HEAD(, attachment) attachments; /* that are LIVE */
	LIST_ENTRY(process) of_bucket;
	struct event death; /* pidfd says that it has died */
	struct event test;  /* the timer that tests its locks, or frees it */
	uint32_t backoff_ms;
};

/*
 * Finds or makes the object of the process at the other end of a socket, which has @pid by its
 * credentials. Returns 0, -ESRCH when that process has died, -EACCES when this kernel and /proc
 * hide which it is, or -errno. A process in another PID namespace has @pid 0, and is not watched.
 */
int process_of_peer(struct seats *seats, int socket, pid_t pid, struct process **process);

/*
 * Finds or makes the object of a process that an earlier daemon noted in a LIVE slot. Only a pidfd,
 * or a liveness lock that is lost, shows that it has died. Where there is neither, as in another
 * PID namespace once the liveness file is gone, it does not count as dead merely because it is not
 * found. Returns 0, -ESRCH when it has died, -EREMOTE when this daemon cannot tell, or -errno.
 */
int process_of_slot(struct seats *seats, const struct registry_slot *slot, enum liveness lock,
		    struct process **process);

/* Whether it is known to be in a PID namespace below ours, and so has a pid there, too. */
bool process_is_below(const struct process *process);

/* Call it at an attachment: has the manager keep the pidfd for the next daemon. */
void process_store(struct process *process);

/*
 * Arms or stops the process's timer, which tests its locks, or frees it when it has neither session
 * nor attachment. Call it when one of those has come or gone.
 */
void process_settle(struct process *process);

/* Frees it. It must have neither sessions nor attachments. For its own callbacks alone. */
void process_destroy(struct process *process);

/* Frees all processes, at the daemon's end. */
void process_finish(struct seats *seats);

#endif
