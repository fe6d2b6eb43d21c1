/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/pool/growth.h"
#include "daemon/base/guard.h"
#include "daemon/base/log.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/removal.h"
#include "daemon/server.h"

/* The record's numbers, as core wants them. What follows from them is computed, never stored. */
static bool resolve(struct pool *pool)
{
	const struct wire_shape *w = &pool->record->shape;

	pool->shape = (struct mp_shape){
		.block_size = w->block_size,
		.blocks = w->blocks,
		.max_blocks = w->max_blocks,
		.alignment = w->alignment,
		.capacity = w->capacity,
		.n_caches = w->n_caches,
		.n_slots = w->n_slots,
		.n_shards = w->n_shards,
		.n_channels = w->n_channels,
		.depth = w->depth,
	};
	return mp_shape_resolve(&pool->shape, 1) == NULL &&
	       pool->shape.control_size == pool->record->control_size &&
	       pool->shape.data_size == pool->record->data_size;
}

struct pool *pool_create(struct server *server, uint32_t index)
{
	struct pool *pool = calloc(1, sizeof *pool);

	if (!pool) {
		return NULL;
	}
	pool->server = server;
	pool->index = index;
	pool->record = &server->registry.pools[index];
	pool->slots = registry_slots(&server->registry, index);
	pool->control_fd = -1;
	memory_init(&pool->memory, &server->memory_host, pool->record);
	if (!resolve(pool)) {
		pool_break(pool, "this version lays such a pool out differently");
	}
	server->pools[index] = pool;
	return pool;
}

void pool_destroy(struct pool *pool)
{
	if (pool->growth) {
		growth_destroy(pool->growth);
	}
	if (pool->control) {
		munmap(pool->control, pool->shape.control_size);
	}
	if (pool->control_fd >= 0) {
		close(pool->control_fd);
	}
	memory_finish(&pool->memory);
	pool->server->pools[pool->index] = NULL;
	free(pool);
}

struct pool *pool_find(struct server *server, const char *name)
{
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		struct pool *pool = server->pools[i];
		if (pool && pool_state(pool) == REGISTRY_POOL_LIVE &&
		    !strcmp(pool->record->name, name)) {
			return pool;
		}
	}
	return NULL;
}

struct pool *pool_find_holder(struct server *server, const char *name)
{
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		struct pool *pool = server->pools[i];
		if (pool && pool->build && !strcmp(pool->record->name, name)) {
			return pool;
		}
	}
	return pool_find(server, name);
}

struct pool *pool_find_id(struct server *server, uint64_t id)
{
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		struct pool *pool = server->pools[i];
		if (pool && pool->record->id == id && !pool->build) {
			return pool;
		}
	}
	return NULL;
}

uint32_t pool_count(const struct server *server)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		n += server->pools[i] != NULL;
	}
	return n;
}

int pool_map_fd(struct pool *pool, int fd)
{
	void *control =
		mmap(NULL, pool->shape.control_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (control == MAP_FAILED) {
		return -errno;
	}
	pool->control = control;
	pool->control_fd = fd;
	mp_pool_bind(&pool->view, &pool->shape, control, NULL, MP_NONE);
	return 0;
}

int pool_map(struct pool *pool)
{
	int fd = memory_open(&pool->memory, OBJECT_CONTROL, O_RDWR);
	int r = fd < 0 ? fd : pool_map_fd(pool, fd);

	if (fd >= 0 && r < 0) {
		close(fd);
	}
	return r;
}

int pool_open_control(const struct pool *pool)
{
	return memory_open(&pool->memory, OBJECT_CONTROL, O_RDONLY);
}

int pool_open_data(const struct pool *pool, int flags)
{
	return memory_open(&pool->memory, OBJECT_DATA, flags);
}

struct touch {
	struct pool *pool;
	void (*work)(struct pool *pool, void *arg);
	void *arg;
};

static void run_touch(void *arg)
{
	const struct touch *touch = arg;
	touch->work(touch->pool, touch->arg);
}

static void mark_header(void *arg)
{
	struct pool *pool = arg;
	/* No acquire goes with it: clients look at it from time to time. */
	mp_store(&pool->view.header->broken, 1);
}

int pool_touch(struct pool *pool, void (*work)(struct pool *pool, void *arg), void *arg)
{
	struct touch touch = {.pool = pool, .work = work, .arg = arg};
	int r = -EIO;

	if (pool->control) {
		r = guard_run(pool->control, pool->shape.control_size, run_touch, &touch);
		if (r < 0) {
			pool_break(pool, "its control object was truncated, or has a hole that "
					 "cannot be filled");
		}
	}
	return r;
}

void pool_break(struct pool *pool, const char *why)
{
	if (!pool_is_broken(pool)) {
		log_error("pool '%s' of uid %u is broken: %s; nobody can open it any more, destroy "
			  "it and make it anew",
			  pool->record->name, pool->record->uid, why);
	}
	mp_store_release(&pool->record->broken, 1); /* read by the next daemon */
	if (pool->control) {
		guard_run(pool->control, pool->shape.control_size, mark_header, pool);
	}
}

int pool_verify(struct pool *pool)
{
	struct stat st;

	if (!pool_is_broken(pool) && (fstat(pool->control_fd, &st) < 0 ||
				      (uint64_t)st.st_size != pool->record->control_size)) {
		pool_break(pool, "its control object has another size");
	}
	return pool_is_broken(pool) ? -EIO : 0;
}

void pool_retire(struct pool *pool)
{
	if (pool_state(pool) != REGISTRY_POOL_GONE) {
		registry_move_pool(pool->record, REGISTRY_POOL_GONE);
	}
	if (pool->growth) {
		growth_stop(pool->growth);
	}
	pool_settle(pool);
}

const char *pool_expired(const struct pool *pool)
{
	switch (pool->record->terms.lifetime) {
	case WIRE_LAST_USER:
		return pool->n_live == 0 ? "its last user has left" : NULL;
	case WIRE_CREATOR:
		return pool->owner_live ? NULL : "its creator has left";
	default:
		return NULL;
	}
}

void pool_expire(struct pool *pool)
{
	const char *why = pool_expired(pool);

	if (why && !pool->adopting && pool_state(pool) == REGISTRY_POOL_LIVE) {
		log_info("pool '%s' of uid %u destroyed: %s", pool->record->name, pool->record->uid,
			 why);
		pool_retire(pool);
	}
}

void pool_settle(struct pool *pool)
{
	while (pool->slots_end > 0 &&
	       mp_load(&pool->slots[pool->slots_end - 1].state) == REGISTRY_SLOT_FREE) {
		pool->slots_end--;
	}
	if (pool_state(pool) != REGISTRY_POOL_GONE) {
		return;
	}
	if (pool->n_used == 0) {
		removal_start(pool);
	} else if (pool->n_live == 0) {
		reclaim_hurry(&pool->server->reclaim, pool);
	}
}
