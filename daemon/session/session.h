/* SPDX-License-Identifier: MIT */
/*
 * A session: one connection of one process.
 *
 *	state		the client may send		then
 *	EXCESS		HELLO, within a second		it is told why not; the end
 *	HELLO		HELLO				READY
 *	READY		any request but HELLO		a CREATE or GROW: BUILDING
 *	BUILDING	nothing until its reply		READY
 *	ENDING		nothing				its next callback closes it
 *	CLOSED		nothing				-
 *
 * It ends when the client closes or misbehaves, or its process dies. Misbehaviour: a malformed
 * message, a descriptor, credentials other than the session's (a process that shared its socket or
 * changed its user), replies it does not read. Replies are never queued here.
 *
 * Only a session's own callback, the death of its process and the daemon's end free it. Whoever
 * else finds that it must end, such as a build whose requester does not read, calls
 * session_abort(): what is owed to the session is owed to nobody at once, and its next callback
 * closes it.
 * So a session, and the process it belongs to, stay while others work with them.
 *
 * What a session has sent is dealt with as it comes, a burst at a time. When many send so much that
 * a turn of the loop is over before all had theirs, the others wait in a queue, in which each has
 * one message taken at a time.
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
};

struct session {
	struct sessions *sessions;
	int fd;
	enum session_state state; /* written by session_set_state() alone */
	struct ucred peer;        /* when it connected, as the kernel says */
	struct process *process;
	bool is_hidden;        /* EXCESS: /proc and this kernel hide who it is */
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
	uint32_t n_excess;          /* of them */
	struct task_queue requests; /* of sessions that have to wait */
};

/* How many that user has. */
uint32_t session_count_of(const struct sessions *sessions, uid_t uid);

/*
 * Begins a session on a fresh connection, which becomes the session's or is closed. Logs why not.
 * Returns 0 or -errno.
 */
int session_create(struct sessions *sessions, int fd);

/* Ends and frees the session, and settles its process. Not for callbacks of others: see above. */
void session_close(struct session *session);

/* Has the session closed by its next callback; what it is owed is owed to nobody now. */
void session_abort(struct session *session);

/* The one place that changes the state; an edge that is not in its table is a bug. */
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

/* Logs what the client must not do. Returns -EPROTO: the session must be closed. */
int session_misbehaved(const struct session *session, const char *what);

#endif
