/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/config/rule.h"
#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/config/config.h"
#include "daemon/seat/process.h"
#include "daemon/seat/reclaim.h"
#include "daemon/session/session.h"

#define EXCESS 64 /* sessions that stay just to hear EUSERS; further ones are closed at once */
#define EXCESS_SECONDS 1

static const char *const state_names[] = {
	[SESSION_EXCESS] = "excess",     [SESSION_HELLO] = "hello",   [SESSION_READY] = "ready",
	[SESSION_BUILDING] = "building", [SESSION_ENDING] = "ending", [SESSION_CLOSED] = "closed",
};

void session_set_state(struct session *session, enum session_state state)
{
	static const unsigned allowed_from[] = {
		[SESSION_EXCESS] = 0,
		[SESSION_HELLO] = 0,
		[SESSION_READY] = 1u << SESSION_HELLO | 1u << SESSION_BUILDING,
		[SESSION_BUILDING] = 1u << SESSION_READY,
		[SESSION_ENDING] = 1u << SESSION_READY | 1u << SESSION_BUILDING,
		[SESSION_CLOSED] = 1u << SESSION_EXCESS | 1u << SESSION_HELLO |
				   1u << SESSION_READY | 1u << SESSION_BUILDING |
				   1u << SESSION_ENDING,
	};

	assert(allowed_from[state] >> session->state & 1);
	(void)allowed_from;
	log_debug("uid %u, pid %d: session %s, was %s", session->peer.uid, (int)session->peer.pid,
		  state_names[state], state_names[session->state]);
	session->state = state;
}

int session_send(struct session *session, const union wire_message *message, const int *fds,
		 int n_fds)
{
	return wire_send(session->fd, message, fds, n_fds, MSG_DONTWAIT);
}

int session_refuse(struct session *session, uint32_t serial, int error, const char *format, ...)
{
	union wire_message reply;
	va_list args;
	int r;

	wire_init(&reply, WIRE_ERROR, serial);
	reply.head.error = error;
	va_start(args, format);
	vsnprintf(reply.error.text, sizeof reply.error.text, format, args);
	va_end(args);
	log_debug("uid %u, pid %d: refused: %s", session->peer.uid, (int)session->peer.pid,
		  reply.error.text);
	r = session_send(session, &reply, NULL, 0);
	return r < 0 ? r : SESSION_REFUSED;
}

int session_misbehaved(const struct session *session, const char *what)
{
	log_warning("uid %u, pid %d: session closed: %s", session->peer.uid, (int)session->peer.pid,
		    what);
	return -EPROTO;
}

static int session_check_sender(const struct session *session, const struct wire_sender *sender)
{
	const struct ucred *peer = &session->peer;

	if (sender->pid == peer->pid && sender->uid == peer->uid && sender->gid == peer->gid) {
		return 0;
	}
	log_warning("uid %u, pid %d: session closed: a message came from uid %u, gid %u, pid %d",
		    peer->uid, (int)peer->pid, sender->uid, sender->gid, (int)sender->pid);
	return -EPROTO;
}

/* Takes a packet of @length bytes; or < 0: why none came. Returns < 0: the session must end. */
static int session_take(struct session *session, const union wire_message *message, ssize_t length,
			const struct wire_sender *sender)
{
	int r;

	if (length == -EMSGSIZE) {
		return session_misbehaved(session, "it sent a packet longer than any message");
	}
	if (length == -EBADMSG) {
		return session_misbehaved(session, "it sent descriptors");
	}
	if (length <= 0) {
		return length == 0 ? -ECONNRESET : (int)length;
	}
	r = session_check_sender(session, sender);
	if (r < 0) {
		return r;
	}
	r = wire_check(message, (size_t)length);
	if (r == -EPROTONOSUPPORT) {
		session_refuse(session, message->head.serial, EPROTONOSUPPORT,
			       "mempoold " MP_VERSION " speaks version %u of the protocol, this "
			       "client %u; use the libmempool that came with it",
			       WIRE_VERSION, message->head.version);
		return session_misbehaved(session, "it speaks another version of the protocol");
	}
	if (r < 0) {
		return session_misbehaved(session, "it sent a malformed message");
	}
	return session->sessions->handle(session, message);
}

/* Takes the messages that have come, up to @burst, so that other sessions get their turn. */
static int session_receive(struct session *session, uint32_t burst)
{
	int r = 0;

	if (session->state == SESSION_ENDING) {
		return -ECONNRESET;
	}
	for (uint32_t i = 0; r == 0 && i < burst && !slice_over(&session->sessions->loop->slice);
	     i++) {
		union wire_message message;
		struct wire_sender sender;
		ssize_t n = wire_receive(session->fd, &message, NULL, NULL, &sender, MSG_DONTWAIT);
		if (n == -EAGAIN) {
			break;
		}
		r = session_take(session, &message, n, &sender);
		r = r == SESSION_REFUSED ? 0 : r;
	}
	if (r == -EAGAIN) {
		session_misbehaved(session, "it does not read its replies");
	}
	return r;
}

/* The step of the session's task: it had to wait, and takes one message now. */
static void session_receive_late(void *owner)
{
	struct session *session = owner;

	event_add(&session->readable, NULL);
	if (session_receive(session, 1) < 0) {
		session_close(session);
	}
}

/* Whether the session must wait: others wait already, or this turn of the loop is over. */
static bool session_must_wait(const struct session *session)
{
	const struct sessions *sessions = session->sessions;

	return session->state != SESSION_EXCESS &&
	       (!TAILQ_EMPTY(&sessions->requests.tasks) || slice_turn_over(&sessions->loop->slice));
}

static void session_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;
	struct sessions *sessions = session->sessions;

	(void)fd;
	slice_begin(&sessions->loop->slice);
	if (session_must_wait(session)) {
		event_del(&session->readable);
		task_add(&sessions->requests, &session->task);
	} else if (what & EV_TIMEOUT || session_receive(session, SESSION_BURST) < 0) {
		session_close(session);
	}
	reclaim_run(sessions->seats);
	slice_end(&sessions->loop->slice);
}

/* How many sessions that user has. */
uint32_t session_count_of(const struct sessions *sessions, uid_t uid)
{
	const struct session *s;
	uint32_t n = 0;

	LIST_FOREACH(s, &sessions->all, of_all)
	{
		n += s->peer.uid == uid;
	}
	return n;
}

/* The setting that denies the user one more session, or NULL. */
static const char *session_limit(const struct sessions *sessions, uid_t uid)
{
	const struct limits *limits = &sessions->config->limits;
	uint32_t n = sessions->n - sessions->n_excess;
	bool is_free = rule_is_free(uid);

	if (n + (is_free ? 0 : limits->sessions_kept) >= limits->sessions) {
		return "sessions";
	}
	if (!is_free && session_count_of(sessions, uid) >= limits->sessions_per_user) {
		return "sessions_per_user";
	}
	return NULL;
}

/*
 * Returns 0 when the limits allow the session and we can tell who it is; -EUSERS when it shall
 * become EXCESS, to be told why not; -EMFILE when too many are EXCESS already.
 */
static int session_check_limits(struct session *session)
{
	const struct ucred *peer = &session->peer;

	session->limit = session_limit(session->sessions, peer->uid);
	if (!session->is_hidden && !session->limit) {
		return 0;
	}
	return session->sessions->n_excess < EXCESS ? -EUSERS : -EMFILE;
}

/* Asks the kernel who connected, and finds the process. Returns 0 or -errno. */
static int session_identify(struct session *session)
{
	struct ucred *peer = &session->peer;
	socklen_t size = sizeof *peer;
	int r, on = 1;

	if (setsockopt(session->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ||
	    getsockopt(session->fd, SOL_SOCKET, SO_PEERCRED, peer, &size) < 0) {
		return -errno;
	}
	r = process_of_peer(session->sessions->seats, session->fd, peer->pid, &session->process);
	session->is_elsewhere = r == 0 && (peer->pid == 0 || process_is_below(session->process));
	if (r == -EACCES) { /* it is told so when it says HELLO */
		session->is_hidden = true;
		r = process_of_peer(session->sessions->seats, session->fd, 0, &session->process);
	}
	return r;
}

static void session_begin(struct session *session, enum session_state state)
{
	const struct timeval patience = {.tv_sec = EXCESS_SECONDS};
	struct sessions *sessions = session->sessions;

	session->state = state;
	LIST_INSERT_HEAD(&sessions->all, session, of_all);
	LIST_INSERT_HEAD(&session->process->sessions, session, of_process);
	sessions->n++;
	sessions->n_excess += state == SESSION_EXCESS;
	process_settle(session->process);
	event_assign(&session->readable, sessions->loop->base, session->fd, EV_READ | EV_PERSIST,
		     session_on_readable, session);
	session->task = (struct task){.step = session_receive_late, .owner = session};
	event_add(&session->readable, state == SESSION_EXCESS ? &patience : NULL);
}

/* Logs why a connection became no session; nothing if the peer has died already. */
static void session_log_closed(const struct session *session, int error)
{
	uid_t uid = session ? session->peer.uid : (uid_t)-1;
	int pid = session ? (int)session->peer.pid : 0;

	if (session && session->limit) {
		log_warning("uid %u, pid %d: connection closed: `%s` allows no more", uid, pid,
			    session->limit);
	} else if (error != -ESRCH) {
		log_warning("uid %u, pid %d: connection closed: %s", uid, pid, strerror(-error));
	}
}

/* What can be done about it. */
static const char *session_remedy(int error)
{
	switch (-error) {
	case EMFILE:
	case ENFILE:
		return "it has no file descriptor left; raise LimitNOFILE= of its unit";
	case EPERM:
	case ENOSYS:
		return "it may not call pidfd_open; allow it (SystemCallFilter=, seccomp)";
	case ENOMEM:
		return "it has no memory left";
	case EUSERS:
		return "it has as many sessions as `sessions` or `sessions_per_user` allows, and "
		       "as many as may wait to hear of it; close some connections";
	default:
		return "it cannot watch this process; its log says more";
	}
}

void session_turn_away(int fd, int error)
{
	union wire_message message;

	wire_init(&message, WIRE_ERROR, 0);
	message.head.error = error == -EMFILE ? ENFILE : -error; /* not the client's own */
	snprintf(message.error.text, sizeof message.error.text,
		 "mempoold turned this process away: %s", session_remedy(error));
	wire_send(fd, &message, NULL, 0, MSG_DONTWAIT);
	close(fd);
}

int session_create(struct sessions *sessions, int fd)
{
	struct session *session = calloc(1, sizeof *session);
	int r = session ? 0 : -ENOMEM, limit = 0;

	if (r == 0) {
		session->sessions = sessions;
		session->fd = fd;
		r = session_identify(session);
	}
	if (r == 0) {
		limit = session_check_limits(session);
		r = limit == -EMFILE ? limit : 0;
		if (r < 0) {
			process_settle(session->process);
		}
	}
	if (r < 0) {
		session_log_closed(session, r);
		session_turn_away(fd, limit < 0 ? -EUSERS : r);
		free(session);
		return r;
	}
	session_begin(session, limit < 0 ? SESSION_EXCESS : SESSION_HELLO);
	return 0;
}

/* The session ends: the reply that it is owed is owed to nobody. */
static void session_forget(struct session *session)
{
	struct reply *reply = session->owed;

	if (reply) {
		reply->session = NULL;
		session->owed = NULL;
		if (reply->forgotten) {
			reply->forgotten(reply);
		}
	}
}

void session_abort(struct session *session)
{
	session_forget(session);
	session_set_state(session, SESSION_ENDING);
	event_active(&session->readable, EV_READ, 0);
}

void session_close(struct session *session)
{
	struct sessions *sessions = session->sessions;
	struct process *process = session->process;

	session_forget(session);
	sessions->n--;
	sessions->n_excess -= session->state == SESSION_EXCESS;
	session_set_state(session, SESSION_CLOSED);
	LIST_REMOVE(session, of_all);
	LIST_REMOVE(session, of_process);
	event_del(&session->readable);
	task_remove(&sessions->requests, &session->task);
	close(session->fd);
	free(session);
	process_settle(process);
}
