/* SPDX-License-Identifier: MIT */
/*
 * What a program can ask the daemon: about pools, clients and the daemon.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <mempool/admin.h>

#include "lib/conn.h"
#include "lib/core/layout.h"
#include "lib/error.h"
#include "lib/export.h"

static void admin_fill_info(const struct wire_pool *w, struct mempool_info *info)
{
	*info = (struct mempool_info){
		.destroyed = w->flags & WIRE_POOL_DESTROYED,
		.replaced = w->flags & WIRE_POOL_REPLACED,
		.broken = w->flags & WIRE_POOL_BROKEN,
		.nameless = w->flags & WIRE_POOL_NAMELESS,
		.uid = w->uid,
		.gid = w->gid,
		.mode = w->mode,
		.block_size = w->shape.block_size,
		.stride = w->stride,
		.blocks = w->shape.blocks,
		.max_blocks = w->shape.max_blocks,
		.clients = w->clients,
		.processes = w->shape.n_slots,
		.threads = w->shape.n_caches,
		.magazine = w->shape.capacity,
		.shards = w->shape.n_shards,
		.channels = w->shape.n_channels,
		.channel_depth = w->shape.depth,
		.gift_grace_ms = w->gift_grace_ms,
		.lifetime = w->terms.lifetime,
		.quota = w->terms.quota,
		.backing = w->terms.backing,
		.huge_pages = w->terms.huge_pages,
		.prefault = w->terms.prefault,
		.schema_version = w->terms.schema_version,
		.schema = w->terms.schema,
		.id = w->id,
		.memory = w->memory,
	};
	snprintf(info->name, sizeof info->name, "%.64s", w->name);
}

static int admin_put_name(char *field, const char *name)
{
	int error = conn_check_name(name);
	if (error == 0) {
		strcpy(field, name);
	}
	return error;
}

EXPORT void mempool_set_progress(struct mempool_conn *conn,
				 void (*tell)(void *arg, uint64_t done, uint64_t total), void *arg)
{
	if (conn_is_foreign(conn)) {
		return; /* a thread that the child does not have may hold the mutex */
	}
	pthread_mutex_lock(&conn->mutex);
	conn->tell = tell;
	conn->tell_arg = arg;
	pthread_mutex_unlock(&conn->mutex);
}

EXPORT int mempool_find_pool(struct mempool_conn *conn, const char *name, struct mempool_info *info)
{
	union wire_message m;

	wire_init(&m, WIRE_FIND_POOL, 0);
	int error = admin_put_name(m.name.name, name);
	error = error ? error : conn_request(conn, &m, NULL, NULL);
	if (error == 0) {
		admin_fill_info(&m.pool, info);
	}
	return error;
}

EXPORT int mempool_next_pool(struct mempool_conn *conn, uint32_t *cursor, struct mempool_info *info)
{
	union wire_message m;

	wire_init(&m, WIRE_NEXT_POOL, 0);
	m.next.cursor = *cursor;
	int error = conn_request(conn, &m, NULL, NULL);
	if (error || m.pool.cursor == 0) {
		return error;
	}
	*cursor = m.pool.cursor;
	admin_fill_info(&m.pool, info);
	return 1;
}

static void admin_fill_client(const struct wire_client *w, struct mempool_client *client)
{
	*client = (struct mempool_client){
		.pid = w->pid,
		.uid = w->uid,
		.slot = w->slot,
		.dead = w->dead,
		.reader = w->access == WIRE_READER,
		.pool_id = w->pool_id,
		.attached_at = w->attached_at,
	};
	snprintf(client->pool, sizeof client->pool, "%.64s", w->pool);
	snprintf(client->comm, sizeof client->comm, "%s", w->comm);
}

EXPORT int mempool_next_client(struct mempool_conn *conn, const char *name, uint32_t *cursor,
			       struct mempool_client *client)
{
	union wire_message m;

	wire_init(&m, WIRE_NEXT_CLIENT, 0);
	m.next.cursor = *cursor;
	int error = name ? admin_put_name(m.next.name, name) : 0;
	error = error ? error : conn_request(conn, &m, NULL, NULL);
	if (error || m.client.cursor == 0) {
		return error;
	}
	*cursor = m.client.cursor;
	admin_fill_client(&m.client, client);
	return 1;
}

EXPORT int mempool_daemon(struct mempool_conn *conn, struct mempool_daemon *info)
{
	union wire_message m;

	wire_init(&m, WIRE_DAEMON, 0);
	int error = conn_request(conn, &m, NULL, NULL);
	if (error) {
		return error;
	}
	*info = (struct mempool_daemon){
		.pid = m.daemon_info.pid,
		.pools = m.daemon_info.pools,
		.clients = m.daemon_info.clients,
		.sessions = m.daemon_info.sessions,
		.started_at = m.daemon_info.started_at,
		.passes = m.daemon_info.passes,
		.longest_slice_ns = m.daemon_info.longest_slice_ns,
	};
	snprintf(info->version, sizeof info->version, "%s", m.daemon_info.version);
	snprintf(info->instance, sizeof info->instance, "%.32s", m.daemon_info.instance);
	return 0;
}

_Static_assert(MEMPOOL_FAULT_REGISTRY == WIRE_FAULT_REGISTRY &&
		       MEMPOOL_FAULT_SOCKET == WIRE_FAULT_SOCKET &&
		       MEMPOOL_FAULT_DESCRIPTORS == WIRE_FAULT_DESCRIPTORS &&
		       MEMPOOL_FAULT_NO_PROC == WIRE_FAULT_NO_PROC &&
		       MEMPOOL_FAULT_NO_URING == WIRE_FAULT_NO_URING &&
		       MEMPOOL_FAULT_NO_PASSRIGHTS == WIRE_FAULT_NO_PASSRIGHTS,
	       "passed on as they are");

static void admin_fill_status(const struct wire_status_info *w, struct mempool_status *status)
{
	*status = (struct mempool_status){
		.pid = w->pid,
		.uid = w->uid,
		.started_at = w->started_at,
		.adopted = w->adopted,
		.pools = w->pools,
		.max_pools = w->max_pools,
		.own_pools = w->own_pools,
		.max_own_pools = w->max_own_pools,
		.clients = w->clients,
		.own_clients = w->own_clients,
		.max_own_clients = w->max_own_clients,
		.sessions = w->sessions,
		.max_sessions = w->max_sessions,
		.own_sessions = w->own_sessions,
		.max_own_sessions = w->max_own_sessions,
		.broken = w->broken,
		.nameless = w->nameless,
		.unkept = w->unkept,
		.faults = w->faults,
		.bytes = w->bytes,
		.max_bytes = w->max_bytes,
		.own_bytes = w->own_bytes,
		.max_own_bytes = w->max_own_bytes,
		.own_blocks = w->own_blocks,
		.max_own_blocks = w->max_own_blocks,
		.shm_bytes = w->shm_bytes,
		.memfd_bytes = w->memfd_bytes,
		.passes = w->passes,
		.longest_slice_ns = w->longest_slice_ns,
	};
	snprintf(status->version, sizeof status->version, "%s", w->version);
	snprintf(status->instance, sizeof status->instance, "%s", w->instance);
}

EXPORT int mempool_status(struct mempool_conn *conn, struct mempool_status *status, size_t size)
{
	struct mempool_status known;
	union wire_message m;

	wire_init(&m, WIRE_STATUS, 0);
	int error = conn_request(conn, &m, NULL, NULL);
	if (error == 0) {
		admin_fill_status(&m.status_info, &known);
		memset(status, 0, size);
		memcpy(status, &known, size < sizeof known ? size : sizeof known);
	}
	return error;
}
