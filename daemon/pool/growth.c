/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/pool/growth.h"
#include "daemon/base/log.h"
#include "daemon/store/object.h"
#include "daemon/pool/pool.h"
#include "daemon/store/reserve.h"
#include "daemon/pool/pools.h"
#include "daemon/base/task.h"
#include "lib/core/grow.h"

#define LAY_BUDGET 16384u     /* words that one step lays */
#define PUNCH_SIZE (8u << 20) /* bytes that one step gives back */

struct growth {
	struct pool *pool;
	struct pool_asker asker;
	uint32_t blocks;   /* how many the pool shall have */
	int fd;            /* of the data object, while pages are reserved; else -1 */
	uint64_t from, to; /* the bytes of the data object to reserve */
	uint64_t reached;  /* all bytes below are reserved */
	struct reservation *reservation;
	int error;  /* why the growth gives back what it reserved */
	bool ended; /* the asker, if there was one, has heard the end */
	struct mp_growth words;
	bool laid;
	uint64_t seed;
	struct task task; /* of pools.builds; lays words or gives pages back */
};

uint64_t growth_needs(const struct growth *growth)
{
	return growth->reservation ? growth->reservation->end - growth->reservation->at : 0;
}

uint64_t growth_end(const struct growth *growth)
{
	return growth->to;
}

uint32_t growth_target(const struct growth *growth)
{
	return growth->blocks;
}

bool growth_has_ended(const struct growth *growth)
{
	return growth->ended;
}

const struct pool_asker *growth_asker(const struct growth *growth)
{
	return &growth->asker;
}

void growth_set_asker(struct growth *growth, const struct pool_asker *asker)
{
	growth->asker = *asker;
}

/* Tells the asker the end, once. */
static void growth_tell_end(struct growth *growth, int error)
{
	if (!growth->ended) {
		growth->ended = true;
		if (growth->asker.ended) {
			growth->asker.ended(growth->asker.arg, growth->pool, error);
		}
	}
}

void growth_halt(struct growth *growth)
{
	growth_tell_end(growth, -ESHUTDOWN);
	task_remove(&growth->pool->pools->builds, &growth->task);
	if (growth->reservation) {
		reserve_abandon(growth->reservation);
		growth->reservation = NULL;
	}
}

void growth_finish(struct growth *growth)
{
	if (growth->fd >= 0) {
		object_punch(growth->fd, growth->from, growth->to - growth->from);
	}
	growth_destroy(growth);
}

void growth_destroy(struct growth *growth)
{
	growth_halt(growth);
	if (growth->fd >= 0) {
		close(growth->fd);
	}
	growth->pool->growth = NULL;
	free(growth);
}

/* Logs and tells the end, once. What was reserved may have to be given back after that. */
static void growth_conclude(struct growth *growth, int error)
{
	const struct pool *pool = growth->pool;

	if (growth->ended) {
		return;
	}
	if (error == 0) {
		log_info("pool '%s' of uid %u: grew, has %u blocks now", pool->record->name,
			 pool->record->uid, growth->blocks);
	} else {
		log_warning("pool '%s' of uid %u: did not grow to %u blocks: %s",
			    pool->record->name, pool->record->uid, growth->blocks,
			    strerror(-error));
	}
	growth_tell_end(growth, error);
}

/* ---- giving back ---- */

/* The step of the task that gives pages back. A slice that failed has taken none. */
static void growth_give_back(void *owner)
{
	struct growth *growth = owner;
	uint64_t left = growth->reached - growth->from;
	uint64_t size = left < PUNCH_SIZE ? left : PUNCH_SIZE;

	if (left > 0) {
		object_punch(growth->fd, growth->from, size);
		growth->from += size;
		task_add(&growth->pool->pools->builds, &growth->task);
		return;
	}
	growth_conclude(growth, growth->error);
	growth_destroy(growth);
}

static void growth_begin_giving_back(struct growth *growth, int error)
{
	growth->error = error;
	growth->task = (struct task){.step = growth_give_back, .owner = growth};
	task_add(&growth->pool->pools->builds, &growth->task);
}

void growth_stop(struct growth *growth)
{
	struct reservation *reservation = growth->reservation;

	growth_conclude(growth, -ENOENT);
	if (reservation) {
		/* A slice under way may still take pages: they stay until the pool is removed. */
		growth->reservation = NULL;
		reserve_abandon(reservation);
		growth_begin_giving_back(growth, -ENOENT);
	} else if (growth->error == 0) {
		growth_destroy(growth);
	}
}

/* ---- laying ---- */

static void growth_touch_lay(struct pool *pool, void *arg)
{
	struct growth *growth = arg;

	growth->laid = mp_grow_step(&pool->view, &growth->words, LAY_BUDGET, growth->seed);
}

/* The step of the task that lays words. */
static void growth_lay(void *owner)
{
	struct growth *growth = owner;
	struct pool *pool = growth->pool;
	int r = pool_touch(pool, growth_touch_lay, growth);

	if (r == 0 && growth->laid) {
		pool->record->laid = growth->blocks;
	}
	if (r < 0 || growth->laid) {
		growth_conclude(growth, r);
		growth_destroy(growth);
	} else {
		task_add(&pool->pools->builds, &growth->task);
	}
}

static void growth_begin_laying(struct growth *growth)
{
	mp_grow_init(&growth->words, growth->pool->record->laid, growth->blocks);
	growth->seed = object_random();
	growth->task = (struct task){.step = growth_lay, .owner = growth};
	task_add(&growth->pool->pools->builds, &growth->task);
}

/* Writes the new number of blocks to the registry: from here on the pool has them. */
static void growth_commit(struct growth *growth)
{
	struct pool *pool = growth->pool;

	mp_compiler_fence();
	pool->record->shape.blocks = growth->blocks;
	mp_compiler_fence();
	pool->shape.blocks = growth->blocks;
	pool->view.shape.blocks = growth->blocks;
}

/* ---- reserving ---- */

/* Tells the asker how far it is. The pool grows even if the asker does not want it any more. */
static void growth_tell(const struct growth *growth)
{
	uint64_t total = growth->to - growth->from;

	if (growth->asker.progress) {
		growth->asker.progress(growth->asker.arg, total - growth_needs(growth), total);
	}
}

static void growth_on_reserved(void *owner, int result)
{
	struct growth *growth = owner;

	if (result > 0) {
		growth->reached = growth->reservation->at;
		growth_tell(growth);
		return;
	}
	growth->reservation = NULL;
	if (result == 0) {
		growth->reached = growth->to;
		result = pool_verify(growth->pool);
	}
	if (result < 0) {
		growth_begin_giving_back(growth, result);
		return;
	}
	close(growth->fd);
	growth->fd = -1;
	growth_commit(growth);
	growth_begin_laying(growth);
}

static struct growth *growth_create(struct pool *pool, uint32_t blocks)
{
	struct growth *growth = calloc(1, sizeof *growth);

	if (growth) {
		growth->pool = pool;
		growth->blocks = blocks;
		growth->fd = -1;
		growth->from = mp_shape_data(&pool->shape, pool->shape.blocks);
		growth->to = mp_shape_data(&pool->shape, blocks);
		growth->reached = growth->from;
		pool->growth = growth;
	}
	return growth;
}

int growth_start(struct pool *pool, uint32_t blocks, const struct pool_asker *asker)
{
	struct growth *growth = growth_create(pool, blocks);

	if (!growth) {
		return -ENOMEM;
	}
	growth->fd = pool_open_data(pool, O_RDWR);
	if (growth->fd < 0) {
		int r = growth->fd;
		growth_destroy(growth);
		return r;
	}
	growth->reservation =
		reserve_start(&pool->pools->reserver, growth->fd, growth->from, growth->to,
			      reserve_wish(&pool->record->terms, true), growth_on_reserved, growth);
	if (!growth->reservation) {
		int r = -errno;
		growth_destroy(growth);
		return r;
	}
	growth->asker = *asker;
	return 0;
}

int growth_resume(struct pool *pool)
{
	const struct registry_pool *record = pool->record;
	uint64_t end = mp_shape_data(&pool->shape, record->shape.blocks);
	struct growth *growth;

	if (record->data_size > end) {
		int fd = pool_open_data(pool, O_RDWR);
		if (fd < 0) {
			return fd;
		}
		object_punch(fd, end, record->data_size - end);
		close(fd);
	}
	if (record->laid >= record->shape.blocks) {
		return 0;
	}
	growth = growth_create(pool, record->shape.blocks);
	if (!growth) {
		return -ENOMEM;
	}
	growth_begin_laying(growth);
	return 0;
}
