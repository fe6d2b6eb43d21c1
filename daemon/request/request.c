/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/pool/build.h"
#include "daemon/pool/pool.h"
#include "daemon/request/create.h"
#include "daemon/request/grow.h"
#include "daemon/request/introspect.h"
#include "daemon/request/lookup.h"
#include "daemon/request/open.h"
#include "daemon/request/request.h"
#include "daemon/seat/attachment.h"
#include "daemon/seat/ending.h"
#include "daemon/seat/process.h"
#include "daemon/session/access.h"
#include "daemon/session/session.h"
#include "lib/core/futex.h"

/* Whether the request makes its sender a client of the pool: *@name, then. */
static bool request_takes_part(const union wire_message *message, const char **name)
{
	switch (message->head.type) {
	case WIRE_CREATE:
	case WIRE_OPEN_OR_CREATE:
		*name = message->create.name;
		return true;
	case WIRE_OPEN:
		*name = message->open.name;
		return message->open.access != WIRE_OBSERVER;
	default:
		return false;
	}
}

/*
 * In another PID namespace a thread may have the number of one here, by which the kernel would take
 * the locks of one for those of the other. Who only looks takes no lock.
 */
static int request_refuse_elsewhere(struct session *session, uint32_t serial, const char *name)
{
	int r = lookup_check_name(session, serial, name);

	if (r) {
		return r;
	}
	log_warning("uid %u, pid %d: is in another PID namespace, and may only observe pool '%s'",
		    session->peer.uid, (int)session->peer.pid, name);
	return session_refuse(
		session, serial, EACCES,
		"pool '%s': from another PID namespace than mempoold's it can only be "
		"observed; share one (--pid=, hostPID, shareProcessNamespace): "
		"mempool-containers(7)",
		name);
}

/* The kernel and /proc hide which process it is. */
static int request_refuse_hidden(struct session *session, uint32_t serial)
{
	const struct ucred *peer = &session->peer;

	log_warning("uid %u, pid %d: /proc hides it (hidepid= or ProtectProc=), and this "
		    "kernel has no SO_PEERPIDFD: mount /proc with gid= of a group that "
		    "mempoold is in, or use Linux 6.5",
		    peer->uid, (int)peer->pid);
	session_refuse(session, serial, EACCES,
		       "mempoold cannot see pid %d, as its /proc hides it (hidepid= or "
		       "ProtectProc=): let mempoold see all processes there, or use Linux "
		       "6.5 or later",
		       (int)peer->pid);
	return -EACCES;
}

static int request_refuse_excess(struct session *session, uint32_t serial)
{
	const struct ucred *peer = &session->peer;

	log_warning("uid %u, pid %d: too many sessions: `%s` allows no more", peer->uid,
		    (int)peer->pid, session->limit);
	session_refuse(session, serial, EUSERS,
		       "uid %u has as many sessions as `sessions_per_user` allows, or the "
		       "daemon has as `sessions` does; close some connections",
		       peer->uid);
	return -EUSERS;
}

static int handle_hello(struct session *session, const union wire_message *message)
{
	const struct ucred *peer = &session->peer;
	uint32_t serial = message->head.serial;
	union wire_message reply;

	if (session->is_hidden) {
		return request_refuse_hidden(session, serial);
	}
	if (session->state == SESSION_EXCESS) {
		return request_refuse_excess(session, serial);
	}
	if (message->hello.signature != mp_signature()) {
		log_warning("uid %u, pid %d: its library lays pools out differently", peer->uid,
			    (int)peer->pid);
		session_refuse(session, serial, EPROTONOSUPPORT,
			       "libmempool and mempoold " MP_VERSION " lay pools out differently; "
			       "use the libmempool that came with this mempoold, for the same "
			       "architecture and libc");
		return -EPROTONOSUPPORT;
	}
	/* Where /proc does not tell, the numbers do, unless they happen to be the same. */
	session->is_elsewhere = session->is_elsewhere || message->hello.pid != peer->pid;
	session_set_state(session, SESSION_READY);
	wire_init(&reply, WIRE_WELCOME, serial);
	snprintf(reply.welcome.instance, sizeof reply.welcome.instance, "%s",
		 session->sessions->instance);
	snprintf(reply.welcome.version, sizeof reply.welcome.version, "%s", MP_VERSION);
	return session_send(session, &reply, NULL, 0);
}

/* For a client whose sandbox refuses it membarrier, and which steals; see lib/core/steal.h. */
static int handle_barrier(struct session *session, const union wire_message *message)
{
	union wire_message reply;

	if (!mp_barrier()) {
		return session_refuse(session, message->head.serial, EOPNOTSUPP,
				      "mempoold cannot use membarrier either: its sandbox or this "
				      "kernel refuses it");
	}
	wire_init(&reply, WIRE_DONE, message->head.serial);
	return session_send(session, &reply, NULL, 0);
}

static struct attachment *request_find_attachment(const struct session *session,
						  const struct wire_detach *detach)
{
	struct attachment *a;

	LIST_FOREACH(a, &session->process->attachments, of_process)
	{
		if (a->pool->record->id == detach->pool_id && a->slot == detach->slot &&
		    attachment_slot(a)->attachment == detach->attachment) {
			return a;
		}
	}
	return NULL;
}

static int handle_detach(struct session *session, const union wire_message *message)
{
	struct attachment *attachment = request_find_attachment(session, &message->detach);
	union wire_message reply;

	if (!attachment) {
		return session_refuse(session, message->head.serial, ENOENT,
				      "pid %d has no slot %u of pool %016" PRIx64 " any more",
				      (int)session->peer.pid, message->detach.slot,
				      message->detach.pool_id);
	}
	ending_let_go(attachment);
	attachment_bury(attachment);
	wire_init(&reply, WIRE_DONE, message->head.serial);
	return session_send(session, &reply, NULL, 0);
}

static int handle_destroy(struct session *session, const union wire_message *message)
{
	uint32_t serial = message->head.serial;
	union wire_message reply;
	struct pool *pool;
	int r = lookup_holder(session, serial, message->name.name, &pool);

	if (r) {
		return r;
	}
	if (!access_may_destroy(session, pool->record)) {
		return session_refuse(session, serial, EACCES,
				      "pool '%s' belongs to uid %u: uid %u may not destroy it%s",
				      pool->record->name, pool->record->uid, session->peer.uid,
				      access_hint(session, pool->record->name, RULE_DESTROY));
	}
	log_info("pool '%s' of uid %u destroyed by uid %u, pid %d; %u slots in use",
		 pool->record->name, pool->record->uid, session->peer.uid, (int)session->peer.pid,
		 pool->n_used);
	if (pool->build) {
		build_cancel(pool->build, -ENOENT);
	} else {
		ending_retire(session->sessions->seats, pool);
	}
	wire_init(&reply, WIRE_DONE, serial);
	return session_send(session, &reply, NULL, 0);
}

static int (*const handlers[WIRE_REQUEST_END])(struct session *, const union wire_message *) = {
	[WIRE_HELLO] = handle_hello,
	[WIRE_CREATE] = handle_create,
	[WIRE_OPEN] = handle_open,
	[WIRE_DETACH] = handle_detach,
	[WIRE_DESTROY] = handle_destroy,
	[WIRE_FIND_POOL] = handle_find_pool,
	[WIRE_NEXT_POOL] = handle_next_pool,
	[WIRE_NEXT_CLIENT] = handle_next_client,
	[WIRE_DAEMON] = handle_daemon,
	[WIRE_GROW] = handle_grow,
	[WIRE_STATUS] = handle_status,
	[WIRE_BARRIER] = handle_barrier,
	[WIRE_OPEN_OR_CREATE] = handle_open_or_create,
};

int request_handle(struct session *session, const union wire_message *message)
{
	bool is_hello = message->head.type == WIRE_HELLO;
	bool is_new = session->state == SESSION_HELLO || session->state == SESSION_EXCESS;
	const char *name;

	if (message->head.type >= WIRE_REQUEST_END) {
		return session_misbehaved(session, "it sent a reply instead of a request");
	}
	if (is_hello != is_new) {
		return session_misbehaved(session, is_hello ? "it sent a second HELLO"
							    : "its first message is no HELLO");
	}
	if (session->state == SESSION_BUILDING) {
		return session_refuse(session, message->head.serial, EBUSY,
				      "a pool is being made for this connection; wait for the "
				      "reply, or use another connection");
	}
	if (session->is_elsewhere && request_takes_part(message, &name)) {
		return request_refuse_elsewhere(session, message->head.serial, name);
	}
	return handlers[message->head.type](session, message);
}
