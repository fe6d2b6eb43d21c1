/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/pool/build.h"
#include "daemon/pool/fate.h"
#include "daemon/base/log.h"
#include "daemon/store/object.h"
#include "lib/core/format.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/removal.h"
#include "daemon/store/reserve.h"
#include "daemon/pool/pools.h"
#include "daemon/base/task.h"

#define FORMAT_BUDGET 16384u /* words that one step lays */

enum stage {
	RESERVE_CONTROL,
	RESERVE_DATA,
	FORMAT,
	KEEP,
	READY,
};

struct build {
	struct pool *pool;
	struct pool_askers askers; /* the first began the build */
	enum stage stage;
	int fd; /* of the object whose pages are being reserved; -1: none */
	struct reservation *reservation; /* NULL: none under way */
	struct mp_format format;
	bool formatted;
	uint64_t seed;
	struct task task; /* of pools.builds; waits between any two steps */
};

struct pool_asker *build_asker(const struct build *build)
{
	return TAILQ_FIRST(&build->askers);
}

void build_add_asker(struct build *build, struct pool_asker *asker)
{
	TAILQ_INSERT_TAIL(&build->askers, asker, of_build);
}

void build_remove_asker(struct build *build, struct pool_asker *asker)
{
	TAILQ_REMOVE(&build->askers, asker, of_build);
}

static void build_destroy(struct build *build)
{
	task_remove(&build->pool->pools->builds, &build->task);
	if (build->reservation) {
		reserve_abandon(build->reservation);
	}
	if (build->fd >= 0) {
		close(build->fd);
	}
	build->pool->build = NULL;
	free(build);
}

static void build_advance(struct build *build, int result);

/* A slice of the reservation has ended with that result, see reserve_told. */
static void build_on_reserved(void *owner, int result)
{
	struct build *build = owner;

	if (result <= 0) {
		reserve_log(build->reservation, build->pool->record->name,
			    build->pool->record->uid);
		build->reservation = NULL;
	}
	build_advance(build, result < 0 ? result : result == 0);
}

/*
 * Makes the object, of its whole size, and begins to reserve its first @reserved bytes. Returns 0:
 * build_on_reserved() goes on; or -errno.
 */
static int build_begin_object(struct build *build, enum object_kind kind, uint64_t size,
			      uint64_t reserved)
{
	struct pool *pool = build->pool;
	struct reserve_wish wish = reserve_wish(&pool->record->terms, kind == OBJECT_DATA);

	build->fd = memory_create(&pool->memory, kind, size);
	if (build->fd < 0) {
		return build->fd;
	}
	build->reservation = reserve_start(&pool->pools->reserver, build->fd, 0, reserved, wish,
					   build_on_reserved, build);
	return build->reservation ? 0 : -errno;
}

/* The object has its pages. */
static void build_end_object(struct build *build)
{
	close(build->fd);
	build->fd = -1;
}

/* Bytes of data to reserve: those of the blocks that the pool has at first. */
static uint64_t build_data_size(const struct pool *pool)
{
	return mp_shape_data(&pool->shape, pool->shape.blocks);
}

static void build_touch_format(struct pool *pool, void *arg)
{
	struct build *build = arg;

	build->formatted = mp_format_step(&pool->view, &build->format, FORMAT_BUDGET,
					  pool->record->id, pool->record->name, build->seed);
}

/* Begins the current stage, or does a step of it. Returns 1 when it is done, 0, or -errno. */
static int build_step(struct build *build)
{
	struct pool *pool = build->pool;
	int r;

	switch (build->stage) {
	case RESERVE_CONTROL:
		return build_begin_object(build, OBJECT_CONTROL, pool->record->control_size,
					  pool->record->control_size);
	case RESERVE_DATA:
		return build_begin_object(build, OBJECT_DATA, pool->record->data_size,
					  build_data_size(pool));
	case FORMAT:
		r = pool_touch(pool, build_touch_format, build);
		return r < 0 ? r : build->formatted;
	case KEEP:
		r = memory_keep(&pool->memory);
		return r < 0 ? r : 1;
	case READY:
	default:
		return 0;
	}
}

/* How many of the bytes of pool_reserved() are reserved already. */
static uint64_t build_done(const struct build *build)
{
	uint64_t left = build->reservation ? build->reservation->end - build->reservation->at : 0;

	switch (build->stage) {
	case RESERVE_CONTROL:
		return build->reservation ? build->reservation->at : 0;
	case RESERVE_DATA:
		return build->reservation ? pool_reserved(build->pool) - left
					  : build->pool->record->control_size;
	case FORMAT:
	case KEEP:
	case READY:
	default:
		return pool_reserved(build->pool);
	}
}

uint64_t build_needs(const struct build *build)
{
	return pool_reserved(build->pool) - build_done(build);
}

/* Tells all askers how far it is. Returns whether any of them wants the pool. */
static bool build_tell(const struct build *build)
{
	uint64_t done = build_done(build), total = pool_reserved(build->pool);
	struct pool_asker *next;
	bool is_wanted = false;

	for (struct pool_asker *asker = TAILQ_FIRST(&build->askers); asker; asker = next) {
		next = TAILQ_NEXT(asker, of_build); /* the asker may leave in this call */
		is_wanted |= asker->progress(asker->arg, done, total);
	}
	return is_wanted;
}

/* Tells the end: those who came later first, in their order, then the one that began it. */
static void build_tell_end(struct pool_askers *askers, struct pool *pool, int error)
{
	struct pool_asker *first = TAILQ_FIRST(askers), *asker;

	TAILQ_REMOVE(askers, first, of_build);
	while ((asker = TAILQ_FIRST(askers))) {
		TAILQ_REMOVE(askers, asker, of_build);
		asker->ended(asker->arg, pool, error);
	}
	first->ended(first->arg, pool, error);
}

/* Frees the build and tells its askers. The pool is LIVE from here on, or with an error GONE. */
static void build_end(struct build *build, int error)
{
	struct pool_askers askers = TAILQ_HEAD_INITIALIZER(askers);
	struct pool *pool = build->pool;

	registry_move_pool(pool->record, error == 0 ? REGISTRY_POOL_LIVE : REGISTRY_POOL_GONE);
	if (error == 0) {
		fate_tell(pool->pools, pool->record->name);
	}
	TAILQ_CONCAT(&askers, &build->askers, of_build);
	build_destroy(build);
	build_tell_end(&askers, pool, error);
}

/* Ends the build; with an error removal takes back what was made of it. */
static void build_conclude(struct build *build, int error)
{
	struct pool *pool = build->pool;

	build_end(build, error);
	if (error < 0) {
		removal_start(pool);
	}
}

void build_cancel(struct build *build, int error)
{
	build_conclude(build, error);
}

/* Goes on after build_step() returned @result. The last step frees the build. */
static void build_advance(struct build *build, int result)
{
	if (result > 0 && build->fd >= 0) {
		build_end_object(build);
	}
	if (result > 0 && build->stage == RESERVE_CONTROL) {
		int r = pool_map(build->pool);
		result = r < 0 ? r : 1;
	}
	build->stage += result > 0;
	if (result >= 0 && !build_tell(build)) {
		result = -ECANCELED;
	}
	if (result < 0 || build->stage == READY) {
		build_conclude(build, result < 0 ? result : 0);
	} else if (!build->reservation) {
		task_add(&build->pool->pools->builds, &build->task);
	}
}

/* The step of the build's task. */
static void build_run(void *owner)
{
	build_advance(owner, build_step(owner));
}

void build_stop(struct build *build)
{
	build_end(build, -ESHUTDOWN);
}

static struct build *build_create(struct pool *pool, struct pool_asker *asker)
{
	struct build *build = calloc(1, sizeof *build);

	if (!build) {
		return NULL;
	}
	build->pool = pool;
	build->fd = -1;
	build->seed = object_random();
	TAILQ_INIT(&build->askers);
	build_add_asker(build, asker);
	pool->build = build;
	build->task = (struct task){.step = build_run, .owner = build};
	task_add(&pool->pools->builds, &build->task);
	return build;
}

int build_start(struct pools *pools, const struct registry_pool *record, struct pool_asker *asker)
{
	int index = registry_find_free(&pools->registry);
	struct pool *pool;
	struct build *build;
	int r;

	if (index < 0) {
		return -EDQUOT;
	}
	registry_restore(&pools->registry, pools->host.instance); /* a pool outlives the daemon */
	r = registry_enter(&pools->registry, (uint32_t)index, record);
	if (r < 0) {
		return r;
	}
	pool = pool_create(pools, (uint32_t)index);
	build = pool ? build_create(pool, asker) : NULL;
	if (!build) {
		registry_move_pool(&pools->registry.pools[index], REGISTRY_POOL_GONE);
		if (pool) {
			pool_destroy(pool);
		}
		registry_remove(&pools->registry, (uint32_t)index);
		return -ENOMEM;
	}
	return 0;
}
