/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/pool/limit.h"
#include "daemon/session/access.h"
#include "daemon/pool/build.h"
#include "daemon/request/create.h"
#include "daemon/store/hugepage.h"
#include "daemon/base/log.h"
#include "daemon/store/object.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/removal.h"
#include "daemon/request/request.h"
#include "daemon/pool/room.h"
#include "daemon/server.h"

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

/* Works out the shape asked for. NULL, or what is wrong with it. */
static const char *resolve(struct mp_shape *shape, const struct wire_shape *asked)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	*shape = (struct mp_shape){
		.block_size = asked->block_size,
		.blocks = asked->blocks,
		.max_blocks = asked->max_blocks,
		.alignment = asked->alignment,
		.capacity = asked->capacity,
		.n_caches = asked->n_caches, /* 0 is meant: none */
		.n_slots = asked->n_slots,
		.n_shards = asked->n_shards,
		.n_channels = asked->n_channels,
		.depth = asked->depth,
	};
	return mp_shape_resolve(shape, cpus > 0 ? (unsigned)cpus : 1);
}

/* Whether others than the owner may come to open the pool as writer or reader. */
static bool has_others(const struct config *config, const struct registry_pool *record)
{
	const struct rule *write = rules_find(&config->rules, record->name, RULE_WRITE);
	const struct rule *read = rules_find(&config->rules, record->name, RULE_READ);

	return (record->mode & 0066) || (write && write->lists[RULE_WRITE].n > 0) ||
	       (read && read->lists[RULE_READ].n > 0);
}

/* Settles where the pool's memory is to be. NULL, or why not there. */
static const char *choose_memory(const struct config *config, struct registry_pool *record)
{
	struct wire_terms *terms = &record->terms;
	bool others = has_others(config, record);

	if (terms->backing >= WIRE_BACKING_END || terms->huge_pages >= WIRE_EFFORT_END ||
	    terms->prefault >= WIRE_EFFORT_END) {
		return "its backing, huge_pages or prefault is not known";
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
	const char *fault = resolve(shape, &create->shape);

	if (fault) {
		return fault;
	}
	*record = (struct registry_pool){
		.id = object_random(),
		.cookie = create->cookie,
		.control_size = shape->control_size,
		.data_size = shape->data_size,
		.created_at = (uint64_t)time(NULL),
		.shape = {.block_size = shape->block_size,
			  .blocks = shape->blocks,
			  .max_blocks = shape->max_blocks,
			  .alignment = shape->alignment,
			  .capacity = shape->capacity,
			  .n_caches = shape->n_caches,
			  .n_slots = shape->n_slots,
			  .n_shards = shape->n_shards,
			  .n_channels = shape->n_channels,
			  .depth = shape->depth},
		.terms = create->terms,
		.uid = create->uid == UINT32_MAX ? owner->uid : create->uid,
		.gid = create->gid == UINT32_MAX ? owner->gid : create->gid,
		.mode = or_default(create->mode, config->mode),
		.gift_grace_ms = or_default(create->gift_grace_ms, config->gift_grace_ms),
		.creator = owner->uid,
		.laid = shape->blocks,
	};
	memcpy(record->name, create->name, strlen(create->name));
	return choose_memory(config, record);
}

static int check_room(struct session *session, uint32_t serial, const struct registry_pool *record,
		      const struct mp_shape *shape, bool *refused)
{
	uint64_t need = record->control_size + mp_shape_data(shape, shape->blocks) +
			record->shape.n_slots * sizeof(struct registry_slot);
	uint64_t left;

	if (room_for(session->server, record, need, &left)) {
		return 0;
	}
	*refused = true;
	return session_refuse(
		session, serial, ENOSPC,
		"pool '%s' needs %llu MiB and %s has %llu MiB free; make it smaller, "
		"destroy other pools%s",
		record->name, (unsigned long long)(need + (1u << 20) - 1) >> 20,
		memory_name(record), (unsigned long long)left >> 20,
		record->terms.backing == WIRE_SHM ? ", or mount /dev/shm with a bigger size" : "");
}

static int check_limits(struct session *session, uint32_t serial,
			const struct registry_pool *record, const struct mp_shape *shape,
			bool *refused)
{
	const struct ucred *peer = &session->peer;
	const struct limit_claim claim = {
		.uid = record->uid,
		.is_free = rule_is_free(peer->uid),
		.pools = 1,
		.bytes = record->control_size + mp_shape_data(shape, shape->blocks),
		.blocks = shape->blocks,
	};
	char text[WIRE_TEXT];

	if (!limit_on_pool(session->server, &claim, text, sizeof text)) {
		return 0;
	}
	log_warning("pool '%s', uid %u, pid %d: not made: %s", record->name, peer->uid,
		    (int)peer->pid, text);
	*refused = true;
	return session_refuse(session, serial, EDQUOT, "pool '%s': %s", record->name, text);
}

/* Checks what was asked, and that the session may. A refusal is told to the client. */
static int check(struct session *session, uint32_t serial, const struct registry_pool *record,
		 const struct mp_shape *shape, bool *refused)
{
	int r;

	if (!access_may_create(session, record->name)) {
		*refused = true;
		return session_refuse(session, serial, EACCES,
				      "pool '%s': uid %u may not make it%s", record->name,
				      session->peer.uid,
				      access_hint(session, record->name, RULE_CREATE));
	}
	if (record->mode > 0777) {
		*refused = true;
		return session_refuse(session, serial, EINVAL,
				      "pool '%s': mode 0%o has more than permission bits",
				      record->name, record->mode);
	}
	if (record->terms.lifetime >= WIRE_LIFETIME_END ||
	    (record->terms.schema_version && !record->terms.schema)) {
		*refused = true;
		return session_refuse(session, serial, EINVAL,
				      "pool '%s': lifetime %u is not known, or there is a schema's "
				      "version and no schema",
				      record->name, record->terms.lifetime);
	}
	if (!access_may_assign(session, record->uid, record->gid)) {
		*refused = true;
		return session_refuse(session, serial, EPERM,
				      "pool '%s': uid %u may not make it for uid %u, gid %u",
				      record->name, session->peer.uid, record->uid, record->gid);
	}
	if (!hugepage_suffices(&record->terms)) {
		*refused = true;
		return session_refuse(session, serial, EOPNOTSUPP,
				      "pool '%s' requires huge pages, and there are none: %s",
				      record->name, memory_remedy(record, -EOPNOTSUPP));
	}
	r = check_limits(session, serial, record, shape, refused);
	return *refused ? r : check_room(session, serial, record, shape, refused);
}

/* The first answer was lost, and with it the seat that the pool's life may have hung on. */
static int seat_again(struct session *session, uint32_t serial, struct pool *pool)
{
	bool attached = false;
	int r;

	pool->record->owner_attachment = 0;
	r = request_attach(session, serial, pool, WIRE_WRITER, &attached);
	if (!attached) {
		pool->owner_live = false; /* it was told that it failed, or has gone */
		pool_expire(pool);
	}
	return r;
}

/* There is a pool of that name, or one is being made. */
static int handle_existing(struct session *session, const struct wire_create *create,
			   struct pool *pool)
{
	uint32_t serial = create->head.serial, uid = session->peer.uid;

	if (pool->build && build_is_of(pool->build, create->cookie, uid)) {
		build_redirect(pool->build, session, serial);
		return 0;
	}
	if (!pool->build && create->cookie && create->cookie == pool->record->cookie &&
	    uid == pool->record->creator) {
		return seat_again(session, serial, pool);
	}
	return session_refuse(session, serial, EEXIST,
			      pool->build
				      ? "pool '%s' is being made by somebody else; open it later"
				      : "pool '%s' exists already; open it, or destroy it first",
			      create->name);
}

static int begin(struct session *session, const struct wire_create *create)
{
	const struct create_owner owner = {session->peer.uid, session->peer.gid};
	uint32_t serial = create->head.serial;
	struct registry_pool record;
	struct mp_shape shape;
	bool refused = false;
	const char *fault =
		create_record(&record, &shape, &session->server->config, create, &owner);
	int r;

	if (fault) {
		return session_refuse(session, serial, EINVAL, "pool '%s': %s", create->name,
				      fault);
	}
	r = check(session, serial, &record, &shape, &refused);
	if (refused) {
		return r;
	}
	r = build_start(session, serial, &record);
	if (r < 0) {
		log_warning("pool '%s', uid %u, pid %d: cannot be made: %s", create->name,
			    session->peer.uid, (int)session->peer.pid, strerror(-r));
		return session_refuse(session, serial, -r, "pool '%s' cannot be made: %s",
				      create->name, strerror(-r));
	}
	return 0;
}

int handle_create(struct session *session, const union wire_message *message)
{
	const struct wire_create *create = &message->create;
	uint32_t serial = create->head.serial;
	struct pool *pool;

	removal_hurry(session->server); /* what was destroyed just now makes room */
	if (!wire_name_valid(create->name)) {
		return session_refuse(session, serial, EINVAL,
				      "a pool's name is [a-z0-9._-]{1,64}; this one is not");
	}
	pool = pool_find_holder(session->server, create->name);
	return pool ? handle_existing(session, create, pool) : begin(session, create);
}
