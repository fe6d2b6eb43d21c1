/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/session/access.h"
#include "daemon/seat/attachment.h"
#include "daemon/request/create.h"
#include "daemon/pool/growth.h"
#include "daemon/request/introspect.h"
#include "daemon/base/log.h"
#include "daemon/pool/pool.h"
#include "daemon/request/request.h"
#include "daemon/server.h"

static const char *const access_names[] = {
	[WIRE_WRITER] = "writer",
	[WIRE_READER] = "reader",
	[WIRE_OBSERVER] = "observer",
};

static int refuse_namespace(struct session *session, const struct wire_hello *hello)
{
	const struct ucred *peer = &session->peer;

	log_warning("uid %u, pid %d: is in another PID namespace", peer->uid, (int)peer->pid);
	session_refuse(session, hello->head.serial, EACCES,
		       "the client is in another PID namespace (its pid is %d there and %d here); "
		       "run it and mempoold in the same one",
		       hello->pid, (int)peer->pid);
	return -EACCES;
}

static int handle_hello(struct session *session, const union wire_message *message)
{
	const struct ucred *peer = &session->peer;
	uint32_t serial = message->head.serial;
	union wire_message reply;

	if (peer->pid == 0) {
		return refuse_namespace(session, &message->hello);
	}
	if (session->state == SESSION_EXCESS) {
		log_warning("uid %u, pid %d: too many sessions: `%s` allows no more", peer->uid,
			    (int)peer->pid, session->limit);
		session_refuse(session, serial, EUSERS,
			       "uid %u has as many sessions as `sessions_per_user` allows, or the "
			       "daemon has as `sessions` does; close some connections",
			       peer->uid);
		return -EUSERS;
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
	if (message->hello.pid != peer->pid) {
		return refuse_namespace(session, &message->hello);
	}
	session_set_state(session, SESSION_READY);
	wire_init(&reply, WIRE_WELCOME, serial);
	snprintf(reply.welcome.instance, sizeof reply.welcome.instance, "%s",
		 session->server->place.instance);
	snprintf(reply.welcome.version, sizeof reply.welcome.version, "%s", MP_VERSION);
	return session_send(session, &reply, NULL, 0);
}

/* What goes out with ATTACHED; closed after sending, but for the pool's own. */
struct handout {
	int fds[WIRE_FDS]; /* control, data, liveness */
	int n;
	struct attachment *attachment; /* NULL: an observer */
};

static void handout_finish(const struct pool *pool, struct handout *handout)
{
	for (int i = 0; i < WIRE_FDS; i++) {
		if (handout->fds[i] >= 0 && handout->fds[i] != pool->control_fd) {
			close(handout->fds[i]);
		}
	}
}

/* Opens what the session gets, and seats it. Returns 0 or -errno. */
static int handout_init(struct handout *handout, const struct session *session, struct pool *pool,
			enum wire_access access)
{
	int *fds = handout->fds, r = pool_verify(pool);

	*handout = (struct handout){.fds = {-1, -1, -1}, .n = 2};
	if (r < 0) {
		return r;
	}
	fds[0] = access == WIRE_OBSERVER ? pool_open_control(pool) : pool->control_fd;
	fds[1] = pool_open_data(pool, access == WIRE_WRITER ? O_RDWR : O_RDONLY);
	r = fds[0] < 0 ? fds[0] : fds[1] < 0 ? fds[1] : 0;
	if (r == -EUCLEAN || r == -ENOENT) {
		pool_break(pool, "its objects in /dev/shm are not those the daemon made");
		return -EIO;
	}
	if (r < 0 || access == WIRE_OBSERVER) {
		return r;
	}
	handout->n = 3;
	return attachment_create(pool, session, access, &handout->attachment, &fds[2]);
}

static int refuse_attach(struct session *session, uint32_t serial, const struct pool *pool,
			 int error)
{
	const char *name = pool->record->name;

	switch (error) {
	case -EUSERS:
		return session_refuse(session, serial, EUSERS,
				      "pool '%s' is open in %u processes, as many as it was made "
				      "for; close it somewhere, or make it for more processes",
				      name, pool->shape.n_slots);
	case -EMLINK:
		log_warning("pool '%s', uid %u, pid %d: `seats_per_process` allows no more", name,
			    session->peer.uid, (int)session->peer.pid);
		return session_refuse(session, serial, EUSERS,
				      "pid %d has %u seats of pool '%s' already, as many as a "
				      "process may; close it there",
				      (int)session->peer.pid,
				      session->server->config.limits.seats_per_process, name);
	case -ETOOMANYREFS:
		log_warning("pool '%s', uid %u, pid %d: `seats_per_user` allows no more", name,
			    session->peer.uid, (int)session->peer.pid);
		return session_refuse(session, serial, EUSERS,
				      "uid %u has pools open %u times, as many as "
				      "`seats_per_user` allows; close some",
				      session->peer.uid,
				      session->server->config.limits.seats_per_user);
	case -ENOENT:
		return session_refuse(session, serial, ENOENT,
				      "pool '%s' has just ended with its last user or its creator; "
				      "make it anew",
				      name);
	case -EIO:
		return session_refuse(session, serial, EIO,
				      "pool '%s' is broken, see the log of mempoold; destroy it "
				      "and make it anew",
				      name);
	default:
		log_error("pool '%s', uid %u, pid %d: cannot be opened: %s", name,
			  session->peer.uid, (int)session->peer.pid, strerror(-error));
		return session_refuse(session, serial, -error,
				      "pool '%s' cannot be opened: mempoold says %s", name,
				      strerror(-error));
	}
}

static void fill_attached(union wire_message *reply, const struct pool *pool,
			  const struct attachment *attachment, enum wire_access access)
{
	reply->attached.pool_id = pool->record->id;
	reply->attached.shape = pool->record->shape;
	reply->attached.terms = pool->record->terms;
	reply->attached.access = access;
	reply->attached.slot = MP_NONE;
	if (attachment) {
		reply->attached.slot = attachment->slot;
		reply->attached.attachment = attachment_slot(attachment)->attachment;
	}
}

int request_attach(struct session *session, uint32_t serial, struct pool *pool,
		   enum wire_access access, bool *attached)
{
	struct handout handout;
	union wire_message reply;
	int r = handout_init(&handout, session, pool, access);

	if (r < 0) {
		handout_finish(pool, &handout);
		return refuse_attach(session, serial, pool, r);
	}
	wire_init(&reply, WIRE_ATTACHED, serial);
	fill_attached(&reply, pool, handout.attachment, access);
	r = session_send(session, &reply, handout.fds, handout.n);
	handout_finish(pool, &handout);
	if (r < 0 && handout.attachment) {
		attachment_die(handout.attachment);
	}
	if (r == 0) {
		log_debug("pool '%s', uid %u, pid %d: opened as %s", pool->record->name,
			  session->peer.uid, (int)session->peer.pid, access_names[access]);
	}
	if (attached) {
		*attached = r == 0;
	}
	return r;
}

struct pool *request_find_pool(struct session *session, uint32_t serial, const char *name,
			       int *result)
{
	struct pool *pool;

	if (!wire_name_valid(name)) {
		*result = session_refuse(session, serial, EINVAL,
					 "a pool's name is [a-z0-9._-]{1,64}; this one is not");
		return NULL;
	}
	pool = pool_find(session->server, name);
	if (!pool) {
		*result = session_refuse(session, serial, ENOENT,
					 "pool '%s' does not exist; `mempoolctl list` shows those "
					 "that do",
					 name);
	}
	return pool;
}

static bool has_schema(const struct pool *pool, const struct wire_open *open)
{
	const struct wire_terms *terms = &pool->record->terms;

	return open->schema == 0 ||
	       (open->schema == terms->schema && open->schema_version == terms->schema_version);
}

static int refuse_schema(struct session *session, uint32_t serial, const struct pool *pool,
			 const struct wire_open *open)
{
	const struct wire_terms *terms = &pool->record->terms;

	return session_refuse(session, serial, EPROTO,
			      "pool '%s' has schema %#" PRIx64 " version %u, not %#" PRIx64
			      " version %u; its users must be of one version",
			      pool->record->name, terms->schema, terms->schema_version,
			      open->schema, open->schema_version);
}

static int handle_open(struct session *session, const union wire_message *message)
{
	uint32_t serial = message->head.serial;
	enum wire_access access = (enum wire_access)message->open.access;
	int result;
	struct pool *pool = request_find_pool(session, serial, message->open.name, &result);

	if (!pool) {
		return result;
	}
	if (message->open.access > WIRE_OBSERVER) {
		return session_refuse(session, serial, EINVAL,
				      "pool '%s' can be opened as writer, reader or observer",
				      pool->record->name);
	}
	if (!access_may_open(session, pool->record, access)) {
		return session_refuse(
			session, serial, EACCES,
			"pool '%s' of uid %u, gid %u has mode %04o: uid %u may not "
			"open it as %s%s",
			pool->record->name, pool->record->uid, pool->record->gid,
			pool->record->mode, session->peer.uid, access_names[access],
			access_hint(session, pool->record->name, (enum rule_action)access));
	}
	if (access_needs_memfd(session, pool->record, access)) {
		return session_refuse(session, serial, EACCES,
				      "pool '%s' is in /dev/shm and belongs to uid %u: make it "
				      "with backing=memfd for others to use it, or set "
				      "require_memfd = no in mempoold.conf",
				      pool->record->name, pool->record->uid);
	}
	if (!has_schema(pool, &message->open)) {
		return refuse_schema(session, serial, pool, &message->open);
	}
	return request_attach(session, serial, pool, access, NULL);
}

static struct attachment *find_attachment(const struct session *session,
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
	struct attachment *attachment = find_attachment(session, &message->detach);
	union wire_message reply;

	if (!attachment) {
		return session_refuse(
			session, message->head.serial, ENOENT,
			"pid %d has no slot %u of pool %016" PRIx64 "; it was given back before",
			(int)session->peer.pid, message->detach.slot, message->detach.pool_id);
	}
	attachment_die(attachment);
	attachment_bury(attachment);
	wire_init(&reply, WIRE_DONE, message->head.serial);
	return session_send(session, &reply, NULL, 0);
}

static int handle_destroy(struct session *session, const union wire_message *message)
{
	uint32_t serial = message->head.serial;
	int result;
	struct pool *pool = request_find_pool(session, serial, message->name.name, &result);
	union wire_message reply;

	if (!pool) {
		return result;
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
	pool_retire(pool);
	wire_init(&reply, WIRE_DONE, serial);
	return session_send(session, &reply, NULL, 0);
}

static int (*const handlers[WIRE_REQUEST_END])(struct session *, const union wire_message *) = {
	[WIRE_HELLO] = handle_hello,         [WIRE_CREATE] = handle_create,
	[WIRE_OPEN] = handle_open,           [WIRE_DETACH] = handle_detach,
	[WIRE_DESTROY] = handle_destroy,     [WIRE_FIND_POOL] = handle_find_pool,
	[WIRE_NEXT_POOL] = handle_next_pool, [WIRE_NEXT_CLIENT] = handle_next_client,
	[WIRE_DAEMON] = handle_daemon,       [WIRE_GROW] = handle_grow,
};

int request_handle(struct session *session, const union wire_message *message)
{
	bool is_hello = message->head.type == WIRE_HELLO;
	bool is_new = session->state == SESSION_HELLO || session->state == SESSION_EXCESS;

	if (message->head.type >= WIRE_REQUEST_END) {
		return session_misbehaved(session, "a reply instead of a request");
	}
	if (is_hello != is_new) {
		return session_misbehaved(session, is_hello ? "a second hello" : "no hello first");
	}
	if (session->state == SESSION_BUILDING) {
		return session_refuse(session, message->head.serial, EBUSY,
				      "a pool is being made for this connection; wait for the "
				      "reply, or use another connection");
	}
	return handlers[message->head.type](session, message);
}
