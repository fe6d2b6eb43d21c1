/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/config/config.h"
#include "daemon/pool/build.h"
#include "daemon/pool/limit.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/removal.h"
#include "daemon/pool/room.h"
#include "daemon/request/attach.h"
#include "daemon/request/create.h"
#include "daemon/request/lookup.h"
#include "daemon/seat/ending.h"
#include "daemon/session/access.h"
#include "daemon/session/reply.h"
#include "daemon/store/hugepage.h"
#include "daemon/store/object.h"
#include "lib/wire/shape.h"

static uint32_t create_or_default(uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

/* Works out the shape that the request asks for. Returns NULL, or what is wrong with it. */
static const char *create_resolve(struct mp_shape *shape, const struct wire_shape *asked)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	*shape = wire_shape_to_core(asked); /* n_caches 0 means no caches, not the default */
	return mp_shape_resolve(shape, cpus > 0 ? (unsigned)cpus : 1);
}

/* Whether mode or access rules may let others than the owner open it as writer or reader. */
static bool create_has_others(const struct config *config, const struct registry_pool *record)
{
	const struct rule *write = rules_find(&config->rules, record->name, RULE_WRITE);
	const struct rule *read = rules_find(&config->rules, record->name, RULE_READ);

	return (record->mode & 0066) || (write && write->lists[RULE_WRITE].n > 0) ||
	       (read && read->lists[RULE_READ].n > 0);
}

/* Chooses what backs the pool. Returns NULL, or why it cannot be what the request asks for. */
static const char *create_choose_memory(const struct config *config, struct registry_pool *record)
{
	struct wire_terms *terms = &record->terms;
	bool others = create_has_others(config, record);

	if (terms->backing >= WIRE_BACKING_END || terms->huge_pages >= WIRE_EFFORT_END ||
	    terms->prefault >= WIRE_EFFORT_END) {
		return "its backing, huge_pages or prefault has a value that does not exist";
	}
	if (terms->backing == WIRE_SHM && others && config->require_memfd) {
		return "others than its owner may open it, and could truncate it in /dev/shm: ask "
		       "for backing memfd or auto, or set require_memfd = no in mempoold.conf";
	}
	if (terms->backing == WIRE_BACKING_AUTO) {
		terms->backing = others ? WIRE_MEMFD : WIRE_SHM;
	}
	return NULL;
}

const char *create_record(struct registry_pool *record, struct mp_shape *shape,
			  const struct config *config, const struct wire_create *create,
			  const struct create_owner *owner)
{
	const char *fault = create_resolve(shape, &create->shape);

	if (fault) {
		return fault;
	}
	*record = (struct registry_pool){
		.id = object_random(),
		.cookie = create->cookie,
		.control_size = shape->control_size,
		.data_size = shape->data_size,
		.created_at = (uint64_t)time(NULL),
		.shape = wire_shape_from_core(shape),
		.terms = create->terms,
		.uid = create->uid == UINT32_MAX ? owner->uid : create->uid,
		.gid = create->gid == UINT32_MAX ? owner->gid : create->gid,
		.mode = create_or_default(create->mode, config->mode),
		.gift_grace_ms = create_or_default(create->gift_grace_ms, config->gift_grace_ms),
		.creator = owner->uid,
		.laid = shape->blocks,
	};
	memcpy(record->name, create->name, strlen(create->name));
	return create_choose_memory(config, record);
}

static int create_check_room(struct session *session, uint32_t serial,
			     const struct registry_pool *record, const struct mp_shape *shape)
{
	uint64_t need = record->control_size + mp_shape_data(shape, shape->blocks) +
			record->shape.n_slots * sizeof(struct registry_slot);
	const struct ucred *peer = &session->peer;
	char text[WIRE_TEXT];
	int r = room_check(session->sessions->pools, record, need, true, text, sizeof text);

	if (r == 0) {
		return 0;
	}
	log_warning("pool '%s', uid %u, pid %d: not made: it %s", record->name, peer->uid,
		    (int)peer->pid, text);
	return session_refuse(session, serial, (uint32_t)r, "pool '%s' %s", record->name, text);
}

static int create_check_limits(struct session *session, uint32_t serial,
			       const struct registry_pool *record, const struct mp_shape *shape)
{
	const struct ucred *peer = &session->peer;
	const struct limit_claim claim = {
		.uid = record->uid,
		.is_free = rule_is_free(peer->uid),
		.backing = record->terms.backing,
		.pools = 1,
		.bytes = record->control_size + mp_shape_data(shape, shape->blocks),
		.blocks = shape->blocks,
	};
	char text[WIRE_TEXT];

	if (!limit_on_pool(session->sessions->pools, &claim, text, sizeof text)) {
		return 0;
	}
	log_warning("pool '%s', uid %u, pid %d: not made: %s", record->name, peer->uid,
		    (int)peer->pid, text);
	return session_refuse(session, serial, EDQUOT, "pool '%s': %s", record->name, text);
}

/* Refuses a record that no pool can have. Returns 0, or as session_refuse(). */
static int create_check_record(struct session *session, uint32_t serial,
			       const struct registry_pool *record)
{
	if (record->mode > 0777) {
		return session_refuse(session, serial, EINVAL,
				      "pool '%s': mode 0%o has other than permission bits",
				      record->name, record->mode);
	}
	if (record->terms.lifetime >= WIRE_LIFETIME_END) {
		return session_refuse(
			session, serial, EINVAL,
			"pool '%s': there is no lifetime %u: 0 is persistent, 1 until "
			"its last user and 2 until its creator ends",
			record->name, record->terms.lifetime);
	}
	if (record->terms.schema_version && !record->terms.schema) {
		return session_refuse(session, serial, EINVAL,
				      "pool '%s' has a schema_version, %u, and no schema: name the "
				      "schema, or no version of it",
				      record->name, record->terms.schema_version);
	}
	return 0;
}

/* Refuses what is wrong, or what the session may not do. Returns 0, or as session_refuse(). */
static int create_check(struct session *session, uint32_t serial,
			const struct registry_pool *record, const struct mp_shape *shape)
{
	int r;

	if (!access_may_create(session, record->name)) {
		return session_refuse(session, serial, EACCES,
				      "pool '%s': uid %u may not make it%s", record->name,
				      session->peer.uid,
				      access_hint(session, record->name, RULE_CREATE));
	}
	r = create_check_record(session, serial, record);
	if (r) {
		return r;
	}
	if (!access_may_assign(session, record->uid, record->gid)) {
		return session_refuse(session, serial, EPERM,
				      "pool '%s': uid %u may not make it for uid %u, gid %u",
				      record->name, session->peer.uid, record->uid, record->gid);
	}
	if (!hugepage_suffices(&record->terms)) {
		return session_refuse(session, serial, EOPNOTSUPP,
				      "pool '%s' requires huge pages, and there are none: %s",
				      record->name, memory_remedy(record, -EOPNOTSUPP));
	}
	r = create_check_limits(session, serial, record, shape);
	return r ? r : create_check_room(session, serial, record, shape);
}

/* ---- the asker of a build: a creation, on the heap until the build ends ---- */

struct creation {
	struct pool_asker asker;
	struct seats *seats;
	struct reply reply;
	pid_t pid; /* of the creator */
};

static bool create_on_progress(void *arg, uint64_t done, uint64_t total)
{
	struct creation *creation = arg;

	reply_progress(&creation->reply, done, total);
	return reply_is_owed(&creation->reply);
}

/*
 * The pool is whole: attaches its creator. When the creator cannot open it, or has gone, the pool
 * stays if others have waited for it and one of them opens it.
 */
static void create_publish(const struct creation *creation, struct session *session,
			   struct pool *pool)
{
	int r = SESSION_REFUSED;

	log_info("pool '%s' of uid %u made by uid %u, pid %d: %u blocks of %llu bytes, %llu MiB",
		 pool->record->name, pool->record->uid, pool->record->creator, (int)creation->pid,
		 pool->shape.blocks, (unsigned long long)pool->shape.block_size,
		 (unsigned long long)pool_reserved(pool) >> 20);
	pool->unclaimed = true;
	if (session) {
		r = attach_session(session, creation->reply.serial, pool, WIRE_WRITER);
	}
	if (r) {
		ending_expire(creation->seats, pool);
	}
	if (r < 0) {
		session_abort(session);
	}
}

static int create_refuse_unmade(struct session *session, uint32_t serial, const struct pool *pool,
				int error)
{
	const char *name = pool->record->name;

	if (error == -ENOENT) {
		return session_refuse(session, serial, ENOENT,
				      "pool '%s' was destroyed while it was made; make it anew",
				      name);
	}
	return session_refuse(session, serial, -error, "pool '%s' was not made: %s; %s", name,
			      strerror(-error), memory_remedy(pool->record, error));
}

static void create_abandon(const struct creation *creation, struct session *session,
			   const struct pool *pool, int error)
{
	log_warning("pool '%s' of uid %u: not made: %s", pool->record->name, pool->record->uid,
		    error == -ECANCELED ? "its creator has gone"
		    : error == -ENOENT  ? "it was destroyed meanwhile"
					: strerror(-error));
	if (session && create_refuse_unmade(session, creation->reply.serial, pool, error) < 0) {
		session_abort(session);
	}
}

static void create_on_end(void *arg, struct pool *pool, int error)
{
	struct creation *creation = arg;
	struct session *session = reply_take(&creation->reply);

	if (error == 0) {
		create_publish(creation, session, pool);
	} else {
		create_abandon(creation, session, pool, error);
	}
	free(creation);
}

/* Begins the build, and owes the session the reply. Returns 0 or -errno. */
static int create_start(struct session *session, uint32_t serial,
			const struct registry_pool *record)
{
	struct creation *creation = calloc(1, sizeof *creation);
	int r;

	if (!creation) {
		return -ENOMEM;
	}
	creation->asker = (struct pool_asker){
		.progress = create_on_progress,
		.ended = create_on_end,
		.arg = creation,
	};
	creation->seats = session->sessions->seats;
	creation->pid = session->peer.pid;
	r = build_start(session->sessions->pools, record, &creation->asker);
	if (r < 0) {
		free(creation);
		return r;
	}
	reply_assign(&creation->reply, session, serial);
	return 0;
}

/* ---- the request ---- */

/* The first answer was lost, and with it the attachment that may keep the pool. */
static int create_seat_again(struct session *session, uint32_t serial, struct pool *pool)
{
	int r;

	pool->record->owner_attachment = 0;
	r = attach_session(session, serial, pool, WIRE_WRITER);
	if (r) {
		pool->owner_live = false;
		ending_expire(session->sessions->seats, pool);
	}
	return r;
}

bool create_is_of(const struct session *session, const struct wire_create *create,
		  const struct pool *pool)
{
	return create->cookie && create->cookie == pool->record->cookie &&
	       session->peer.uid == pool->record->creator;
}

int create_again(struct session *session, const struct wire_create *create, struct pool *pool)
{
	struct creation *creation;

	if (!pool->build) {
		return create_seat_again(session, create->head.serial, pool);
	}
	creation = build_asker(pool->build)->arg;
	reply_assign(&creation->reply, session, create->head.serial);
	return 0;
}

int create_begin(struct session *session, const struct wire_create *create)
{
	const struct create_owner owner = {session->peer.uid, session->peer.gid};
	uint32_t serial = create->head.serial;
	struct registry_pool record;
	struct mp_shape shape;
	const char *fault =
		create_record(&record, &shape, session->sessions->config, create, &owner);
	int r;

	if (fault) {
		return session_refuse(session, serial, EINVAL, "pool '%s': %s", create->name,
				      fault);
	}
	r = create_check(session, serial, &record, &shape);
	if (r) {
		return r;
	}
	r = create_start(session, serial, &record);
	if (r < 0) {
		log_warning("pool '%s', uid %u, pid %d: cannot be made: %s", create->name,
			    session->peer.uid, (int)session->peer.pid, strerror(-r));
		return session_refuse(session, serial, -r, "pool '%s' cannot be made: %s",
				      create->name, strerror(-r));
	}
	return 0;
}

int create_check_shape(struct session *session, const struct wire_create *create)
{
	struct mp_shape shape;
	const char *fault = create_resolve(&shape, &create->shape);

	return fault ? session_refuse(session, create->head.serial, EINVAL, "pool '%s': %s",
				      create->name, fault)
		     : 0;
}

int handle_create(struct session *session, const union wire_message *message)
{
	const struct wire_create *create = &message->create;
	struct pools *pools = session->sessions->pools;
	int r = lookup_check_name(session, create->head.serial, create->name);
	struct pool *pool;

	if (r) {
		return r;
	}
	removal_hurry(pools); /* pools that were destroyed just now make room */
	pool = pool_find_holder(pools, create->name);
	if (!pool) {
		return create_begin(session, create);
	}
	if (create_is_of(session, create, pool)) {
		return create_again(session, create, pool);
	}
	return session_refuse(session, create->head.serial, EEXIST,
			      pool->build
				      ? "pool '%s' is being made by somebody else; open it, "
					"which waits until it is there"
				      : "pool '%s' exists already; open it, or destroy it first",
			      create->name);
}
