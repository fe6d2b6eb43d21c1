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
 * session_abort(): what waits for the session forgets it at once, and its next callback closes it.
 * So a session, and the process it belongs to, stay while others work with them.
 *
 * What a session has sent is dealt with as it comes, a burst at a time. When many send so much that
 * a turn of the loop is over before all had theirs, the others wait in a queue, in which each has
 * one message taken at a time.
 */
#ifndef MP_DAEMON_SESSION_H
#define MP_DAEMON_SESSION_H

#include <event2/event_struct.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "daemon/base/task.h"
#include "lib/wire/message.h"

struct build;
struct growth;
struct process;
struct server;

enum session_state {
	SESSION_EXCESS,
	SESSION_HELLO,
	SESSION_READY,
	SESSION_BUILDING,
	SESSION_ENDING,
	SESSION_CLOSED,
};

struct session {
	struct server *server;
	int fd;
	enum session_state state; /* written by session_set_state() alone */
	struct ucred peer;        /* when it connected, as the kernel says */
	struct process *process;
	const char *limit;     /* EXCESS: the setting that it is beyond, if any */
	struct build *build;   /* BUILDING: what it waits for, */
	struct growth *growth; /* or this */
	struct event readable; /* watched unless the task waits */
	struct task task;      /* of server.requests */
	LIST_ENTRY(session) of_server;
	LIST_ENTRY(session) of_process;
};

struct session_list {
	LIST_HEAD(, session) list;
	uint32_t n;
	uint32_t n_excess; /* of them */
};

/*
 * Begins a session on a fresh connection, which becomes the session's or is closed. Logs why not.
 * Returns 0 or -errno.
 */
int session_create(struct server *server, int fd);

/* Ends and frees the session, and settles its process. Not for callbacks of others: see above. */
void session_close(struct session *session);

/* Has the session closed by its next callback; build and growth forget it now. */
void session_abort(struct session *session);

/* The one place that changes the state; an edge that is not in its table is a bug. */
void session_set_state(struct session *session, enum session_state state);

/*
 * Sends a reply. Returns 0 or -errno: then the session must be closed. -EAGAIN: the client does not
 * read its replies.
 */
int session_send(struct session *session, const union wire_message *message, const int *fds,
		 int n_fds);

/* Answers the request with @serial with an errno (positive) and a sentence. As session_send(). */
__attribute__((format(printf, 4, 5))) int session_refuse(struct session *session, uint32_t serial,
							 int error, const char *format, ...);

/* Logs what the client must not do. Returns -EPROTO: the session must be closed. */
int session_misbehaved(const struct session *session, const char *what);

/* How many sessions that user has. */
uint32_t session_count_of(const struct session_list *sessions, uid_t uid);

#endif
