/* SPDX-License-Identifier: MIT */
/*
 * A session: one connection of one process.
 *
 *	state		the client may send		then
 *	EXCESS		HELLO, within a second		it is refused; the end
 *	HELLO		HELLO				READY
 *	READY		any request but HELLO		a CREATE, OPEN or GROW: BUILDING
 *	BUILDING	nothing				with the reply: READY
 *	ENDING		nothing				its next callback closes it
 *	CLOSED		nothing				-
 *
 * It ends when the client closes or misbehaves, or its process dies. Misbehaviour: a malformed
 * message, a descriptor, credentials other than the session's (a process that shared its socket or
 * changed its user), replies it does not read. Replies are never queued here.
 *
 * Only a session's own callback, the death of its process and the daemon's end free it. Any other
 * code that finds that a session must end, such as a build whose creator does not read, calls
 * session_abort(): then the session's next callback closes it. So a function may work with a
 * session, and with its process, in peace.
 *
 * The daemon handles messages as they come, a burst of one session at a time. When sessions send so
 * much that the turn of the loop is over first, the rest wait in a queue, which takes one message
 * of each in turn.
 */
#ifndef MP_DAEMON_SESSION_H
#define MP_DAEMON_SESSION_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "daemon/base/task.h"
#include "lib/wire/message.h"

struct config;
struct listener;
struct process;
struct seats;

enum {
	SESSION_BURST = 16,  /* messages or connections taken in one callback */
	SESSION_REFUSED = 1, /* what session_refuse() returns */
};

enum session_state {
	SESSION_EXCESS,
	SESSION_HELLO,
	SESSION_READY,
	SESSION_BUILDING,
	SESSION_ENDING,
	SESSION_CLOSED,
};

/* A reply that a session is owed; see reply.h. */
struct reply {
	struct session *session; /* NULL: it is owed to nobody */
	uint32_t serial;         /* of the request */
	uint64_t told_ns;        /* when the session last heard how far it is */
	/* Hears that the session has ended; it may free the reply. NULL: nobody hears. */
	void (*forgotten)(struct reply *reply);
};

struct session {
	struct sessions *sessions;
	int fd;
	enum session_state state; /* written by session_set_state() alone */
	struct ucred peer;        /* credentials when it connected, from the kernel */
	struct process *process;
	bool is_hidden;        /* EXCESS: /proc and this kernel hide who it is */
	bool is_elsewhere;     /* in another PID namespace: it may look, and not take part */
	const char *limit;     /* EXCESS: the setting that it is beyond, if any */
	struct reply *owed;    /* BUILDING: what it waits for */
	struct event readable; /* watched unless the task waits */
	struct task task;      /* of sessions.requests */
	LIST_ENTRY(session) of_all;
	LIST_ENTRY(session) of_process;
};

/* All sessions of the instance. */
struct sessions {
	struct loop *loop;
	struct pools *pools;
	struct seats *seats;
	const struct config *config;
	const char *instance;
	const struct listener *listener; /* what it takes them from */
	/* Handles one message. Returns 0, SESSION_REFUSED, or -errno: it must be closed. */
	int (*handle)(struct session *session, const union wire_message *message);
	LIST_HEAD(, session) all;
	uint32_t n;
	uint32_t n_excess;          /* of them, those that are EXCESS */
	struct task_queue requests; /* tasks of sessions that wait */
};

/* How many that user has. */
uint32_t session_count_of(const struct sessions *sessions, uid_t uid);

/*
 * Begins a session on a fresh connection; closes @fd if it cannot. Logs errors. Returns 0 or
 * -errno.
 */
int session_create(struct sessions *sessions, int fd);

/*
 * Closes a connection that cannot become a session, and tells its client why, for which it need not
 * have asked: @error, a negative errno, and what an administrator can do.
 */
void session_turn_away(int fd, int error);

/* Closes and frees the session, and settles its process. See above who may call it. */
void session_close(struct session *session);

/* ENDING: its next callback closes the session. The reply that it is owed is owed to nobody. */
void session_abort(struct session *session);

/* Changes the state, and logs it. A change that its table does not allow is a bug. */
void session_set_state(struct session *session, enum session_state state);

/*
 * Sends a reply. Returns 0 or -errno: then the session must be closed. -EAGAIN: the client does not
 * read its replies.
 */
int session_send(struct session *session, const union wire_message *message, const int *fds,
		 int n_fds);

/*
 * Answers the request with @serial with an errno (positive) and a sentence. Returns
 * SESSION_REFUSED, or -errno as session_send().
 */
__attribute__((format(printf, 4, 5))) int session_refuse(struct session *session, uint32_t serial,
							 int error, const char *format, ...);

/* Logs how the client misbehaved. Returns -EPROTO: the session must be closed. */
int session_misbehaved(const struct session *session, const char *what);

#endif
