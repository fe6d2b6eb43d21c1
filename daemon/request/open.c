/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/pool/pool.h"
#include "daemon/pool/removal.h"
#include "daemon/request/attach.h"
#include "daemon/request/create.h"
#include "daemon/request/lookup.h"
#include "daemon/request/open.h"
#include "daemon/request/wait.h"
#include "daemon/session/access.h"
#include "daemon/session/session.h"

/* ---- what both look at ---- */

static bool open_has_schema(const struct pool *pool, uint64_t schema, uint32_t version)
{
	const struct wire_terms *terms = &pool->record->terms;

	return schema == 0 || (schema == terms->schema && version == terms->schema_version);
}

static int open_refuse_schema(struct session *session, uint32_t serial, const struct pool *pool,
			      uint64_t schema, uint32_t version)
{
	const struct wire_terms *terms = &pool->record->terms;

	return session_refuse(session, serial, EPROTO,
			      "pool '%s' has schema %#" PRIx64 " version %u, not %#" PRIx64
			      " version %u; its users must be of one version",
			      pool->record->name, terms->schema, terms->schema_version, schema,
			      version);
}

/* Refuses a session that may not open the pool so. Returns 0, or as session_refuse(). */
static int open_check_access(struct session *session, uint32_t serial, const struct pool *pool,
			     enum wire_access access)
{
	const struct registry_pool *record = pool->record;

	if (!access_may_open(session, record, access)) {
		return session_refuse(session, serial, EACCES,
				      "pool '%s' of uid %u, gid %u has mode %04o: uid %u may not "
				      "open it as %s%s",
				      record->name, record->uid, record->gid, record->mode,
				      session->peer.uid, attach_name(access),
				      access_hint(session, record->name, (enum rule_action)access));
	}
	if (access_needs_memfd(session, record, access)) {
		return session_refuse(session, serial, EACCES,
				      "pool '%s' is in /dev/shm and belongs to uid %u: make it "
				      "with backing=memfd for others to use it, or set "
				      "require_memfd = no in mempoold.conf",
				      record->name, record->uid);
	}
	return 0;
}

/* Opens the pool for a session that may, or has it wait for the pool. */
static int open_or_wait(struct session *session, const union wire_message *message,
			struct pool *pool, enum wire_access access)
{
	return pool->build ? wait_for_pool(session, message, pool)
			   : attach_session(session, message->head.serial, pool, access);
}

/* ---- OPEN ---- */

int handle_open(struct session *session, const union wire_message *message)
{
	const struct wire_open *open = &message->open;
	enum wire_access access = (enum wire_access)open->access;
	uint32_t serial = open->head.serial;
	struct pool *pool;
	int r = lookup_holder(session, serial, open->name, &pool);

	if (r) {
		return r;
	}
	if (open->access > WIRE_OBSERVER) {
		return session_refuse(session, serial, EINVAL,
				      "pool '%s' can be opened as writer, reader or observer",
				      pool->record->name);
	}
	r = open_check_access(session, serial, pool, access);
	if (r) {
		return r;
	}
	if (!open_has_schema(pool, open->schema, open->schema_version)) {
		return open_refuse_schema(session, serial, pool, open->schema,
					  open->schema_version);
	}
	return open_or_wait(session, message, pool, access);
}

/* ---- OPEN_OR_CREATE ---- */

/* The name of the effort that is required and that the pool does not make. NULL: there is none. */
static const char *open_find_missing(const struct wire_terms *has, const struct wire_terms *asked)
{
	if (asked->huge_pages == WIRE_REQUIRE && has->huge_pages != WIRE_REQUIRE) {
		return "huge pages";
	}
	return asked->prefault == WIRE_REQUIRE && has->prefault != WIRE_REQUIRE ? "prefault" : NULL;
}

/* Refuses when the pool is not what the request would have made. 0, or as session_refuse(). */
static int open_check_likeness(struct session *session, const struct wire_create *create,
			       const struct pool *pool)
{
	const struct registry_pool *record = pool->record;
	const struct wire_shape *has = &record->shape, *asked = &create->shape;
	const char *missing = open_find_missing(&record->terms, &create->terms);
	uint32_t serial = create->head.serial;

	if (has->block_size != asked->block_size) {
		return session_refuse(session, serial, EPROTO,
				      "pool '%s' exists with blocks of %" PRIu64
				      " bytes, not %" PRIu64
				      "; its users must agree, or destroy it first",
				      record->name, has->block_size, asked->block_size);
	}
	if (has->alignment < asked->alignment) {
		return session_refuse(session, serial, EPROTO,
				      "pool '%s' exists with blocks aligned to %u bytes, not %u; "
				      "its users must agree, or destroy it first",
				      record->name, has->alignment, asked->alignment);
	}
	if (!open_has_schema(pool, create->terms.schema, create->terms.schema_version)) {
		return open_refuse_schema(session, serial, pool, create->terms.schema,
					  create->terms.schema_version);
	}
	if (missing) {
		return session_refuse(session, serial, EPROTO,
				      "pool '%s' exists and does not require %s, as this program "
				      "does; ask for no more than try, or destroy it first",
				      record->name, missing);
	}
	return 0;
}

int handle_open_or_create(struct session *session, const union wire_message *message)
{
	const struct wire_create *create = &message->create;
	uint32_t serial = create->head.serial;
	struct pools *pools = session->sessions->pools;
	struct pool *pool;
	int r = lookup_check_name(session, serial, create->name);

	r = r ? r : create_check_shape(session, create);
	if (r) {
		return r;
	}
	pool = pool_find_holder(pools, create->name);
	if (!pool) {
		removal_hurry(pools); /* pools that were destroyed just now make room */
		return create_begin(session, create);
	}
	if (create_is_of(session, create, pool)) {
		return create_again(session, create, pool);
	}
	r = open_check_access(session, serial, pool, WIRE_WRITER);
	r = r ? r : open_check_likeness(session, create, pool);
	return r ? r : open_or_wait(session, message, pool, WIRE_WRITER);
}
