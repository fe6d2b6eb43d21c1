/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/base/log.h"
#include "daemon/config/rule.h"
#include "daemon/pool/growth.h"
#include "daemon/pool/limit.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/room.h"
#include "daemon/request/grow.h"
#include "daemon/request/lookup.h"
#include "daemon/session/access.h"
#include "daemon/session/reply.h"

/* Answers the session how the growth ended. */
static int grow_answer(struct session *session, uint32_t serial, const struct pool *pool, int error)
{
	const char *name = pool->record->name;
	union wire_message reply;

	switch (error) {
	case 0:
		wire_init(&reply, WIRE_DONE, serial);
		return session_send(session, &reply, NULL, 0);
	case -ENOSPC:
		return session_refuse(
			session, serial, ENOSPC,
			"pool '%s' did not grow: %s is full; ask for fewer blocks, or "
			"make room there",
			name, memory_name(pool->record));
	case -EOPNOTSUPP:
		return session_refuse(session, serial, EOPNOTSUPP,
				      "pool '%s' did not grow: it requires huge pages, and there "
				      "are no more",
				      name);
	case -ENOENT:
		return session_refuse(session, serial, ENOENT,
				      "pool '%s' was destroyed while it grew", name);
	case -EIO:
		return session_refuse(session, serial, EIO,
				      "pool '%s' did not grow: it is broken, see the log of "
				      "mempoold; destroy it and make it anew",
				      name);
	default:
		return session_refuse(session, serial, -error, "pool '%s' did not grow: %s; %s",
				      name, strerror(-error), memory_remedy(pool->record, error));
	}
}

/* ---- the asker of a growth: a struct reply, on the heap until the growth ends ---- */

static bool grow_on_progress(void *arg, uint64_t done, uint64_t total)
{
	struct reply *reply = arg;

	reply_progress(reply, done, total);
	return true;
}

static void grow_on_end(void *arg, struct pool *pool, int error)
{
	struct reply *reply = arg;
	struct session *session = reply_take(reply);

	if (session && grow_answer(session, reply->serial, pool, error) < 0) {
		session_abort(session);
	}
	free(reply);
}

/* The reply that waits for the growth's end. NULL: a restart resumed it, and nobody asked. */
static struct reply *grow_reply(const struct growth *growth)
{
	const struct pool_asker *asker = growth_asker(growth);

	return asker->ended == grow_on_end ? asker->arg : NULL;
}

/* Makes a reply, and sets @asker for it. NULL: there is no memory. */
static struct reply *grow_new_reply(struct pool_asker *asker)
{
	struct reply *reply = calloc(1, sizeof *reply);

	*asker = (struct pool_asker){
		.progress = grow_on_progress,
		.ended = grow_on_end,
		.arg = reply,
	};
	return reply;
}

/* ---- the request ---- */

static int grow_check(struct session *session, const struct wire_grow *grow,
		      const struct pool *pool)
{
	const struct registry_pool *record = pool->record;
	uint32_t serial = grow->head.serial;

	if (!access_may_destroy(session, record)) {
		return session_refuse(session, serial, EACCES,
				      "pool '%s' belongs to uid %u: uid %u may not let it grow%s",
				      record->name, record->uid, session->peer.uid,
				      access_hint(session, record->name, RULE_DESTROY));
	}
	if (grow->blocks > record->shape.max_blocks) {
		return session_refuse(session, serial, EINVAL,
				      "pool '%s' can have %u blocks at most, as it was made with "
				      "that max_blocks; make it anew with more",
				      record->name, record->shape.max_blocks);
	}
	return 0;
}

static int grow_check_limits(struct session *session, const struct wire_grow *grow,
			     const struct pool *pool, uint64_t need)
{
	const struct limit_claim claim = {
		.uid = pool->record->uid,
		.is_free = rule_is_free(session->peer.uid),
		.backing = pool->record->terms.backing,
		.bytes = need,
		.blocks = grow->blocks - pool->shape.blocks,
	};
	char text[WIRE_TEXT];

	if (!limit_on_pool(session->sessions->pools, &claim, text, sizeof text)) {
		return 0;
	}
	log_warning("pool '%s', uid %u, pid %d: did not grow: %s", pool->record->name,
		    session->peer.uid, (int)session->peer.pid, text);
	return session_refuse(session, grow->head.serial, EDQUOT, "pool '%s': %s",
			      pool->record->name, text);
}

/*
 * The pool grows already. If it grows to what this session asks for and no session waits for that,
 * this session waits from now on: it is likely to have asked before it lost connection or daemon.
 */
static int grow_join(struct session *session, const struct wire_grow *grow, struct growth *growth,
		     const struct pool *pool)
{
	struct reply *reply = grow_reply(growth);
	struct pool_asker asker;

	if (growth_has_ended(growth) || growth_target(growth) != grow->blocks ||
	    (reply && reply_is_owed(reply))) {
		return session_refuse(session, grow->head.serial, EBUSY,
				      "pool '%s' is growing already; try again later",
				      pool->record->name);
	}
	if (!reply) {
		reply = grow_new_reply(&asker);
		if (!reply) {
			return grow_answer(session, grow->head.serial, pool, -ENOMEM);
		}
		growth_set_asker(growth, &asker);
	}
	reply_assign(reply, session, grow->head.serial);
	return 0;
}

static int grow_begin(struct session *session, const struct wire_grow *grow, struct pool *pool)
{
	uint32_t serial = grow->head.serial;
	uint64_t need = mp_shape_data(&pool->shape, grow->blocks) -
			mp_shape_data(&pool->shape, pool->shape.blocks);
	char text[WIRE_TEXT];
	struct pool_asker asker;
	struct reply *reply;
	int r = grow_check_limits(session, grow, pool, need);

	if (r) {
		return r;
	}
	r = room_check(session->sessions->pools, pool->record, need, false, text, sizeof text);
	if (r) {
		log_warning("pool '%s', uid %u, pid %d: did not grow: it %s", pool->record->name,
			    session->peer.uid, (int)session->peer.pid, text);
		return session_refuse(session, serial, (uint32_t)r, "pool '%s' did not grow: it %s",
				      pool->record->name, text);
	}
	reply = grow_new_reply(&asker);
	r = reply ? growth_start(pool, grow->blocks, &asker) : -ENOMEM;
	if (r < 0) {
		free(reply);
		return grow_answer(session, serial, pool, r);
	}
	reply_assign(reply, session, serial);
	return 0;
}

int handle_grow(struct session *session, const union wire_message *message)
{
	const struct wire_grow *grow = &message->grow;
	uint32_t serial = grow->head.serial;
	struct pool *pool;
	int r = lookup_pool(session, serial, grow->name, &pool);

	if (r == 0) {
		r = grow_check(session, grow, pool);
	}
	if (r) {
		return r;
	}
	r = pool_verify(pool);
	if (r < 0 || grow->blocks <= pool->record->laid) {
		return grow_answer(session, serial, pool, r);
	}
	return pool->growth ? grow_join(session, grow, pool->growth, pool)
			    : grow_begin(session, grow, pool);
}
