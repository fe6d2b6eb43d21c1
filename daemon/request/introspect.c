/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/loop.h"
#include "daemon/base/procfs.h"
#include "daemon/config/config.h"
#include "daemon/pool/limit.h"
#include "daemon/pool/pool.h"
#include "daemon/request/introspect.h"
#include "daemon/request/lookup.h"
#include "daemon/seat/attachment.h"
#include "daemon/seat/seats.h"
#include "daemon/session/listener.h"
#include "daemon/session/session.h"

/* Whether answers show the pool: not while it is made, nor once its last client has gone. */
static bool introspect_is_visible(const struct pool *pool, const char *name)
{
	return pool && (pool_state(pool) == REGISTRY_POOL_LIVE || pool->n_used > 0) &&
	       !pool->build && (*name == 0 || !strcmp(pool->record->name, name));
}

/* Checks the control object's size first, so that the answer says if a pool is broken. */
static int introspect_describe(struct session *session, uint32_t serial, struct pool *pool,
			       uint32_t cursor)
{
	const struct registry_pool *record = pool->record;
	union wire_message reply;

	pool_verify(pool);
	wire_init(&reply, WIRE_POOL, serial);
	memcpy(reply.pool.name, record->name, sizeof reply.pool.name);
	reply.pool.id = record->id;
	reply.pool.memory = pool_reserved(pool);
	reply.pool.shape = record->shape;
	reply.pool.terms = record->terms;
	reply.pool.stride = pool->shape.stride;
	reply.pool.uid = record->uid;
	reply.pool.gid = record->gid;
	reply.pool.mode = record->mode;
	reply.pool.clients = pool->n_live;
	reply.pool.gift_grace_ms = record->gift_grace_ms;
	reply.pool.flags = (pool_state(pool) == REGISTRY_POOL_GONE ? WIRE_POOL_DESTROYED : 0) |
			   (pool_is_broken(pool) ? WIRE_POOL_BROKEN : 0) |
			   (pool->memory.nameless ? WIRE_POOL_NAMELESS : 0);
	if (reply.pool.flags & WIRE_POOL_DESTROYED && pool_find(pool->pools, record->name)) {
		reply.pool.flags |= WIRE_POOL_REPLACED;
	}
	reply.pool.cursor = cursor;
	return session_send(session, &reply, NULL, 0);
}

int handle_find_pool(struct session *session, const union wire_message *message)
{
	uint32_t serial = message->head.serial;
	struct pool *pool;
	int r = lookup_pool(session, serial, message->name.name, &pool);

	return r ? r : introspect_describe(session, serial, pool, 0);
}

int handle_next_pool(struct session *session, const union wire_message *message)
{
	const char *name = message->next.name;
	union wire_message none;
	int r = *name ? lookup_check_name(session, message->head.serial, name) : 0;

	if (r) {
		return r;
	}
	for (uint32_t i = message->next.cursor; i < REGISTRY_POOLS; i++) {
		struct pool *pool = session->sessions->pools->of[i];
		if (introspect_is_visible(pool, name)) {
			return introspect_describe(session, message->head.serial, pool, i + 1);
		}
	}
	wire_init(&none, WIRE_POOL, message->head.serial);
	return session_send(session, &none, NULL, 0);
}

static int introspect_describe_client(struct session *session, uint32_t serial,
				      const struct pool *pool, uint32_t slot)
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
static uint32_t introspect_next_used(const struct pool *pool, uint32_t slot)
{
	for (; slot < pool->slots_end; slot++) {
		uint32_t state = mp_load(&pool->slots[slot].state);
		if (state == REGISTRY_SLOT_LIVE || state == REGISTRY_SLOT_DEAD) {
			return slot;
		}
	}
	return MP_NONE;
}

static bool introspect_is_known(const struct pools *pools, const char *name)
{
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		if (introspect_is_visible(pools->of[i], name)) {
			return true;
		}
	}
	return false;
}

int handle_next_client(struct session *session, const union wire_message *message)
{
	const struct pools *pools = session->sessions->pools;
	const char *name = message->next.name;
	uint32_t slot = message->next.cursor % REGISTRY_SLOTS;
	union wire_message none;
	int r = *name ? lookup_check_name(session, message->head.serial, name) : 0;

	if (r == 0 && *name && !introspect_is_known(pools, name)) {
		r = lookup_refuse_unknown(session, message->head.serial, name);
	}
	if (r) {
		return r;
	}
	for (uint32_t i = message->next.cursor / REGISTRY_SLOTS; i < REGISTRY_POOLS; i++) {
		const struct pool *pool = pools->of[i];
		uint32_t found = introspect_is_visible(pool, name)
					 ? introspect_next_used(pool, slot)
					 : MP_NONE;
		if (found != MP_NONE) {
			return introspect_describe_client(session, message->head.serial, pool,
							  found);
		}
		slot = 0;
	}
	wire_init(&none, WIRE_CLIENT, message->head.serial);
	return session_send(session, &none, NULL, 0);
}

static uint32_t introspect_faults(const struct sessions *sessions)
{
	const struct listener *listener = sessions->listener;
	const struct pools *pools = sessions->pools;

	return (pools->registry.lost ? WIRE_FAULT_REGISTRY : 0) |
	       (listener->lost ? WIRE_FAULT_SOCKET : 0) |
	       (listener->starved ? WIRE_FAULT_DESCRIPTORS : 0) |
	       (memory_has_proc() ? 0 : WIRE_FAULT_NO_PROC) |
	       (pools->reserver.uring ? 0 : WIRE_FAULT_NO_URING) |
	       (listener->takes_descriptors ? WIRE_FAULT_NO_PASSRIGHTS : 0);
}

static void introspect_count_pools(struct wire_status_info *info, const struct pools *pools)
{
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		struct pool *pool = pools->of[i];
		if (!introspect_is_visible(pool, "")) {
			continue;
		}
		pool_verify(pool);
		info->broken += pool_is_broken(pool);
		info->nameless += pool->memory.nameless;
		info->unkept += pool->memory.unkept != 0;
		*(pool->record->terms.backing == WIRE_MEMFD ? &info->memfd_bytes
							    : &info->shm_bytes) +=
			pool_reserved(pool);
	}
}

static uint32_t introspect_count_clients(const struct seats *seats, uint32_t uid)
{
	const struct attachment *a;
	uint32_t n = 0;

	TAILQ_FOREACH(a, &seats->live, of_queue)
	{
		n += attachment_slot(a)->uid == uid;
	}
	return n;
}

/* What is used of the limits, and those that bind the user. */
static void introspect_count_limits(struct wire_status_info *info, const struct session *session)
{
	const struct sessions *sessions = session->sessions;
	const struct limits *limits = &sessions->config->limits;
	uint32_t uid = session->peer.uid;
	struct limit_usages usages;

	limit_count(sessions->pools, uid, &usages);
	info->pools = usages.all.pools;
	info->max_pools = limits->pools;
	info->own_pools = usages.own.pools;
	info->bytes = usages.all.bytes;
	info->max_bytes = limits->bytes;
	info->own_bytes = usages.own.bytes;
	info->own_blocks = usages.own.blocks;
	info->clients = sessions->seats->n_live;
	info->own_clients = introspect_count_clients(sessions->seats, uid);
	info->sessions = sessions->n;
	info->max_sessions = limits->sessions;
	info->own_sessions = session_count_of(sessions, uid);
	if (!rule_is_free(uid)) {
		info->max_own_pools = limits->pools_per_user;
		info->max_own_bytes = limit_own_bytes(sessions->pools);
		info->max_own_blocks = limits->blocks_per_user;
		info->max_own_sessions = limits->sessions_per_user;
		info->max_own_clients = limits->seats_per_user;
	}
}

int handle_status(struct session *session, const union wire_message *message)
{
	const struct pools *pools = session->sessions->pools;
	struct wire_status_info *info;
	union wire_message reply;

	wire_init(&reply, WIRE_STATUS_INFO, message->head.serial);
	info = &reply.status_info;
	snprintf(info->instance, sizeof info->instance, "%s", pools->host.instance);
	snprintf(info->version, sizeof info->version, "%s", MP_VERSION);
	info->pid = getpid();
	info->uid = geteuid();
	info->started_at = pools->loop->started_at;
	info->adopted = pools->n_adopted;
	info->passes = session->sessions->seats->n_passes;
	info->longest_slice_ns = pools->loop->slice.longest_ns;
	info->faults = introspect_faults(session->sessions);
	introspect_count_pools(info, pools);
	introspect_count_limits(info, session);
	return session_send(session, &reply, NULL, 0);
}

int handle_daemon(struct session *session, const union wire_message *message)
{
	const struct pools *pools = session->sessions->pools;
	struct wire_daemon_info *info;
	union wire_message reply;

	wire_init(&reply, WIRE_DAEMON_INFO, message->head.serial);
	info = &reply.daemon_info;
	snprintf(info->instance, sizeof info->instance, "%s", pools->host.instance);
	snprintf(info->version, sizeof info->version, "%s", MP_VERSION);
	info->pid = getpid();
	info->sessions = session->sessions->n;
	info->started_at = pools->loop->started_at;
	info->passes = session->sessions->seats->n_passes;
	info->longest_slice_ns = pools->loop->slice.longest_ns;
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		info->pools += introspect_is_visible(pools->of[i], "");
		info->clients += pools->of[i] ? pools->of[i]->n_live : 0;
	}
	return session_send(session, &reply, NULL, 0);
}
