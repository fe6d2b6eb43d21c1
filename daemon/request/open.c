/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/pool/pool.h"
#include "daemon/request/attach.h"
#include "daemon/request/lookup.h"
#include "daemon/request/open.h"
#include "daemon/request/wait.h"
#include "daemon/session/access.h"
#include "daemon/session/session.h"

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
