/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "daemon/adopt.h"
#include "daemon/attachment.h"
#include "daemon/log.h"
#include "daemon/object.h"
#include "daemon/pool.h"
#include "daemon/removal.h"
#include "daemon/server.h"

static void touch_compare(struct pool *pool, void *arg)
{
	bool *matches = arg;
	*matches = mp_layout_matches(pool->view.header, &pool->shape, pool->record->id);
}

/* Opens the objects and looks whether they are those the daemon made. A fault breaks the pool. */
static int check_objects(struct pool *pool)
{
	bool matches = false;
	int fd, r = pool_map(pool);

	if (r == 0) {
		fd = pool_open_data(pool, O_RDONLY);
		r = fd < 0 ? fd : 0;
		if (fd >= 0) {
			close(fd);
		}
	}
	if (r == -EUCLEAN || r == -ENOENT || r == -EACCES) {
		pool_break(pool, "its objects in /dev/shm are not those the daemon made");
		return 0;
	}
	if (r == 0 && pool_touch(pool, touch_compare, &matches) == 0 && !matches) {
		pool_break(pool, "its header is not what the daemon wrote");
	}
	return r;
}

static int adopt_slots(struct pool *pool)
{
	uint32_t n = pool->record->shape.n_slots;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < n && i < REGISTRY_SLOTS; i++) {
		if (mp_load(&pool->slots[i].state) != REGISTRY_SLOT_FREE) {
			r = attachment_adopt(pool, i);
		}
	}
	return r;
}

/* Takes over one record that is in use. The pool may be gone afterwards. */
static int adopt(struct server *server, uint32_t index)
{
	struct pool *pool = pool_create(server, index);
	int r = 0;

	if (!pool) {
		return -ENOMEM;
	}
	if (pool_state(pool) == REGISTRY_POOL_BUILDING) {
		log_info("pool '%s' of uid %u: was being made; taken down", pool->record->name,
			 pool->record->uid);
		registry_move_pool(pool->record, REGISTRY_POOL_GONE);
		removal_finish(pool);
		return 0;
	}
	r = adopt_slots(pool);
	if (r == 0 && pool_state(pool) == REGISTRY_POOL_GONE && pool->n_used == 0) {
		removal_finish(pool);
		return 0;
	}
	if (r == 0 && !pool_is_broken(pool)) {
		r = check_objects(pool);
	}
	if (r < 0) {
		log_error("pool '%s' of uid %u cannot be adopted: %s", pool->record->name,
			  pool->record->uid, strerror(-r));
	}
	return r;
}

/* Whether an object in /dev/shm is one the registry knows. */
static int is_known(void *arg, const char *file)
{
	const struct server *server = arg;
	const char *instance = server->place.instance;
	char name[OBJECT_NAME];

	object_registry_name(name, instance);
	if (!strcmp(name + 1, file)) {
		return true;
	}
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		const struct pool *pool = server->pools[i];
		for (int kind = 0; pool && kind < 2; kind++) {
			object_pool_name(name, instance, pool->record->name, pool->record->id,
					 (enum object_kind)kind);
			if (!strcmp(name + 1, file)) {
				return true;
			}
		}
		for (uint32_t slot = 0; pool && slot < pool->slots_end; slot++) {
			object_liveness_name(name, instance, pool->record->id,
					     pool->slots[slot].attachment);
			if (mp_load(&pool->slots[slot].state) != REGISTRY_SLOT_FREE &&
			    !strcmp(name + 1, file)) {
				return true;
			}
		}
	}
	return false;
}

int adopt_all(struct server *server, uint32_t *n_pools)
{
	*n_pools = 0;
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		int r;
		if (mp_load(&server->registry.pools[i].state) == REGISTRY_POOL_FREE) {
			continue;
		}
		r = adopt(server, i);
		if (r < 0) {
			return r;
		}
		*n_pools += server->pools[i] && pool_state(server->pools[i]) == REGISTRY_POOL_LIVE;
	}
	object_report_unknown(server->place.instance, is_known, server);
	return 0;
}
