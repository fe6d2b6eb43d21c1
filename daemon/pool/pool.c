/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "daemon/base/guard.h"
#include "daemon/base/log.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/pools.h"
#include "lib/wire/shape.h"

/* Computes the shape, which is stored nowhere, from the record. False: no pool has such a one. */
static bool pool_resolve(struct pool *pool)
{
	pool->shape = wire_shape_to_core(&pool->record->shape);
	return mp_shape_resolve(&pool->shape, 1) == NULL &&
	       pool->shape.control_size == pool->record->control_size &&
	       pool->shape.data_size == pool->record->data_size;
}

struct pool *pool_create(struct pools *pools, uint32_t index)
{
	struct pool *pool = calloc(1, sizeof *pool);

	if (!pool) {
		return NULL;
	}
	pool->pools = pools;
	pool->index = index;
	pool->record = &pools->registry.pools[index];
	pool->reclaim.dead = calloc(pool->record->shape.n_slots, sizeof *pool->reclaim.dead);
	if (!pool->reclaim.dead) {
		free(pool);
		return NULL;
	}
	TAILQ_INIT(&pool->reclaim.waiting);
	TAILQ_INIT(&pool->reclaim.passed);
	pool->slots = registry_slots(&pools->registry, index);
	memory_init(&pool->memory, &pools->host, pool->record);
	if (!pool_resolve(pool)) {
		pool_break(pool, "this version of mempoold lays such a pool out differently");
	}
	pools->of[index] = pool;
	return pool;
}

void pool_destroy(struct pool *pool)
{
	if (pool->control) {
		munmap(pool->control, pool->shape.control_size);
	}
	memory_finish(&pool->memory);
	pool->pools->of[pool->index] = NULL;
	free(pool->reclaim.dead);
	free(pool);
}

struct pool *pool_find(struct pools *pools, const char *name)
{
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		struct pool *pool = pools->of[i];
		if (pool && pool_state(pool) == REGISTRY_POOL_LIVE &&
		    !strcmp(pool->record->name, name)) {
			return pool;
		}
	}
	return NULL;
}

struct pool *pool_find_holder(struct pools *pools, const char *name)
{
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		struct pool *pool = pools->of[i];
		if (pool && pool->build && !strcmp(pool->record->name, name)) {
			return pool;
		}
	}
	return pool_find(pools, name);
}

uint64_t pool_reserved(const struct pool *pool)
{
	return pool->record->control_size + mp_shape_data(&pool->shape, pool->shape.blocks);
}

uint32_t pool_count(const struct pools *pools)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		n += pools->of[i] != NULL;
	}
	return n;
}

int pool_map(struct pool *pool)
{
	void *control = mmap(NULL, pool->shape.control_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			     pool_control(pool), 0);

	if (control == MAP_FAILED) {
		return -errno;
	}
	pool->control = control;
	mp_pool_bind(&pool->view, &pool->shape, control, NULL, MP_NONE);
	return 0;
}

int pool_open_control(const struct pool *pool)
{
	return memory_open(&pool->memory, OBJECT_CONTROL, O_RDONLY);
}

int pool_open_data(const struct pool *pool, int flags)
{
	return memory_open(&pool->memory, OBJECT_DATA, flags);
}

struct pool_work {
	struct pool *pool;
	void (*work)(struct pool *pool, void *arg);
	void *arg;
};

static void pool_run_work(void *arg)
{
	const struct pool_work *work = arg;
	work->work(work->pool, work->arg);
}

static void pool_mark_header(void *arg)
{
	struct pool *pool = arg;
	/* Needs no release: clients read it from time to time, and nothing else with it. */
	mp_store(&pool->view.header->broken, 1);
}

int pool_touch(struct pool *pool, void (*work)(struct pool *pool, void *arg), void *arg)
{
	struct pool_work piece = {.pool = pool, .work = work, .arg = arg};
	int r = -EIO;

	if (pool->control) {
		r = guard_run(pool->control, pool->shape.control_size, pool_run_work, &piece);
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
		guard_run(pool->control, pool->shape.control_size, pool_mark_header, pool);
	}
}

int pool_verify(struct pool *pool)
{
	struct stat st;

	if (!pool_is_broken(pool) && (fstat(pool_control(pool), &st) < 0 ||
				      (uint64_t)st.st_size != pool->record->control_size)) {
		pool_break(pool, "its control object has another size");
	}
	return pool_is_broken(pool) ? -EIO : 0;
}
