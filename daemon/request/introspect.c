/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/request/introspect.h"
#include "daemon/pool/pool.h"
#include "daemon/base/procfs.h"
#include "daemon/server.h"

/* Whether a question may see the pool: not while it is made, nor when only memory is left of it. */
static bool is_visible(const struct pool *pool, const char *name)
{
	return pool && (pool_state(pool) == REGISTRY_POOL_LIVE || pool->n_used > 0) &&
	       !pool->build && (*name == 0 || !strcmp(pool->record->name, name));
}

/* Looks at the control object's size first, so that a pool cut off is told as broken. */
static int describe(struct session *session, uint32_t serial, struct pool *pool, uint32_t cursor)
{
	const struct registry_pool *record = pool->record;
	union wire_message reply;

	pool_verify(pool);
	wire_init(&reply, WIRE_POOL, serial);
	memcpy(reply.pool.name, record->name, sizeof reply.pool.name);
	reply.pool.id = record->id;
	reply.pool.memory =
		record->control_size + mp_shape_data(&pool->shape, record->shape.blocks);
	reply.pool.shape = record->shape;
	reply.pool.terms = record->terms;
	reply.pool.stride = pool->shape.stride;
	reply.pool.uid = record->uid;
	reply.pool.gid = record->gid;
	reply.pool.mode = record->mode;
	reply.pool.clients = pool->n_live;
	reply.pool.gift_grace_ms = record->gift_grace_ms;
	reply.pool.flags = (pool_state(pool) == REGISTRY_POOL_GONE ? WIRE_POOL_DESTROYED : 0) |
			   (pool_is_broken(pool) ? WIRE_POOL_BROKEN : 0);
	reply.pool.cursor = cursor;
	return session_send(session, &reply, NULL, 0);
}

static int refuse_name(struct session *session, const union wire_message *message)
{
	return session_refuse(session, message->head.serial, EINVAL,
			      "a pool's name is [a-z0-9._-]{1,64}; this one is not");
}

static int refuse_unknown(struct session *session, const union wire_message *message,
			  const char *name)
{
	return session_refuse(session, message->head.serial, ENOENT,
			      "pool '%s' does not exist; `mempoolctl list` shows those that do",
			      name);
}

int handle_find_pool(struct session *session, const union wire_message *message)
{
	const char *name = message->name.name;
	struct pool *pool;

	if (!wire_name_valid(name)) {
		return refuse_name(session, message);
	}
	pool = pool_find(session->server, name);
	if (!pool) {
		return refuse_unknown(session, message, name);
	}
	return describe(session, message->head.serial, pool, 0);
}

int handle_next_pool(struct session *session, const union wire_message *message)
{
	const char *name = message->next.name;
	union wire_message none;

	if (*name && !wire_name_valid(name)) {
		return refuse_name(session, message);
	}
	for (uint32_t i = message->next.cursor; i < REGISTRY_POOLS; i++) {
		struct pool *pool = session->server->pools[i];
		if (is_visible(pool, name)) {
			return describe(session, message->head.serial, pool, i + 1);
		}
	}
	wire_init(&none, WIRE_POOL, message->head.serial);
	return session_send(session, &none, NULL, 0);
}

static int describe_client(struct session *session, uint32_t serial, const struct pool *pool,
			   uint32_t slot)
{
	const struct registry_slot *entry = &pool->slots[slot];
	union wire_message reply;

	wire_init(&reply, WIRE_CLIENT, serial);
	memcpy(reply.client.pool, pool->record->name, sizeof reply.client.pool);
	reply.client.pool_id = pool->record->id;
	reply.client.attached_at = entry->attached_at;
	reply.client.pid = entry->pid;
	reply.client.uid = entry->uid;
	reply.client.slot = slot;
	reply.client.access = entry->access;
	reply.client.dead = mp_load(&entry->state) == REGISTRY_SLOT_DEAD;
	reply.client.cursor = pool->index * REGISTRY_SLOTS + slot + 1;
	if (!reply.client.dead) {
		procfs_comm(entry->pid, reply.client.comm, sizeof reply.client.comm);
	}
	return session_send(session, &reply, NULL, 0);
}

/* The first slot in use at or after @slot, or MP_NONE. */
static uint32_t next_used(const struct pool *pool, uint32_t slot)
{
	for (; slot < pool->slots_end; slot++) {
		uint32_t state = mp_load(&pool->slots[slot].state);
		if (state == REGISTRY_SLOT_LIVE || state == REGISTRY_SLOT_DEAD) {
			return slot;
		}
	}
	return MP_NONE;
}

static bool is_known(const struct server *server, const char *name)
{
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		if (is_visible(server->pools[i], name)) {
			return true;
		}
	}
	return false;
}

int handle_next_client(struct session *session, const union wire_message *message)
{
	const struct server *server = session->server;
	const char *name = message->next.name;
	uint32_t slot = message->next.cursor % REGISTRY_SLOTS;
	union wire_message none;

	if (*name && !wire_name_valid(name)) {
		return refuse_name(session, message);
	}
	if (*name && !is_known(server, name)) {
		return refuse_unknown(session, message, name);
	}
	for (uint32_t i = message->next.cursor / REGISTRY_SLOTS; i < REGISTRY_POOLS; i++) {
		const struct pool *pool = server->pools[i];
		uint32_t found = is_visible(pool, name) ? next_used(pool, slot) : MP_NONE;
		if (found != MP_NONE) {
			return describe_client(session, message->head.serial, pool, found);
		}
		slot = 0;
	}
	wire_init(&none, WIRE_CLIENT, message->head.serial);
	return session_send(session, &none, NULL, 0);
}

int handle_daemon(struct session *session, const union wire_message *message)
{
	const struct server *server = session->server;
	struct wire_daemon_info *info;
	union wire_message reply;

	wire_init(&reply, WIRE_DAEMON_INFO, message->head.serial);
	info = &reply.daemon_info;
	snprintf(info->instance, sizeof info->instance, "%s", server->place.instance);
	snprintf(info->version, sizeof info->version, "%s", MP_VERSION);
	info->pid = getpid();
	info->sessions = server->sessions.n;
	info->started_at = server->loop.started_at;
	info->passes = server->reclaim.passes;
	info->longest_slice_ns = server->loop.slice.longest_ns;
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		info->pools += is_visible(server->pools[i], "");
		info->clients += server->pools[i] ? server->pools[i]->n_live : 0;
	}
	return session_send(session, &reply, NULL, 0);
}
