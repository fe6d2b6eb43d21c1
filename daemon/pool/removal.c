/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/pool/growth.h"
#include "daemon/base/log.h"
#include "daemon/store/object.h"
#include "daemon/pool/removal.h"
#include "daemon/pool/pools.h"
#include "daemon/pool/pool.h"
#include "daemon/base/task.h"

/*
 * Up to this size removal unlinks an object at once; of a bigger one it first gives back the pages.
 * An observer, which has no slot, then sees the pool turn to zeros, the header first: that is how
 * it knows (lib/look.c).
 */
#define SMALL_SIZE (32u << 20)
#define PUNCH_SIZE (8u << 20) /* bytes that one step gives back */

/* Pages and names of its objects are gone: frees pool and record. */
static void removal_conclude(struct pool *pool)
{
	struct pools *pools = pool->pools;
	uint32_t index = pool->index;

	log_debug("pool '%s' of uid %u: removed", pool->record->name, pool->record->uid);
	if (pool->growth) {
		growth_destroy(pool->growth);
	}
	task_remove(&pools->removals, &pool->removal.task);
	pool_destroy(pool);
	registry_remove(&pools->registry, index);
}

/* Gives back one step's pages. Returns false when there are none left. */
static bool removal_step(struct pool_removal *removal)
{
	for (int kind = 0; kind < 2; kind++) {
		if (removal->fds[kind] < 0) {
			continue;
		}
		if (removal->at < removal->sizes[kind]) {
			object_punch(removal->fds[kind], removal->at, PUNCH_SIZE);
			removal->at += PUNCH_SIZE;
			return true;
		}
		close(removal->fds[kind]);
		removal->fds[kind] = -1;
		removal->at = 0;
	}
	return false;
}

/* The step of the removal's task. */
static void removal_run(void *owner)
{
	struct pool *pool = owner;

	if (removal_step(&pool->removal)) {
		task_add(&pool->pools->removals, &pool->removal.task);
	} else {
		memory_forget(&pool->memory);
		removal_conclude(pool);
	}
}

static int removal_open_big(const struct pool *pool, enum object_kind kind, uint64_t size)
{
	return size <= SMALL_SIZE ? -1 : memory_open_to_free(&pool->memory, kind);
}

/* No pages of data have been reserved beyond so many bytes. */
static uint64_t removal_data_size(const struct pool *pool)
{
	uint64_t size = mp_shape_data(&pool->shape, pool->shape.blocks);
	uint64_t growing = pool->growth ? growth_end(pool->growth) : 0;

	return growing > size ? growing : size;
}

void removal_start(struct pool *pool)
{
	struct pool_removal *removal = &pool->removal;

	if (removal->begun) {
		return;
	}
	removal->begun = true;
	removal->sizes[OBJECT_CONTROL] = pool->record->control_size;
	removal->sizes[OBJECT_DATA] = removal_data_size(pool);
	for (int kind = 0; kind < 2; kind++) {
		removal->fds[kind] =
			removal_open_big(pool, (enum object_kind)kind, removal->sizes[kind]);
	}
	removal->task = (struct task){.step = removal_run, .owner = pool};
	task_add(&pool->pools->removals, &removal->task);
}

void removal_hurry(struct pools *pools)
{
	task_queue_run(&pools->removals);
}

void removal_unlink(struct pool *pool)
{
	removal_start(pool);
	memory_forget(&pool->memory);
}

void removal_finish(struct pool *pool)
{
	while (removal_step(&pool->removal)) {
	}
	removal_conclude(pool);
}
