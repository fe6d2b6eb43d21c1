/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/object.h"
#include "daemon/removal.h"
#include "daemon/server.h"
#include "daemon/pool.h"
#include "daemon/task.h"

/*
 * Up to this size an object is unlinked in one go. Observers have no slot: one that still looks at
 * a bigger pool sees it turn to zeros.
 */
#define SMALL_SIZE (32u << 20)
#define PUNCH_SIZE (8u << 20) /* a step */

struct removal {
	struct pool *pool;
	struct task task; /* of server.removals */
	int fds[2];       /* by object kind; -1: nothing to give back */
	uint64_t sizes[2];
	uint64_t at;
};

static void removal_destroy(struct removal *removal)
{
	for (int kind = 0; removal && kind < 2; kind++) {
		if (removal->fds[kind] >= 0) {
			close(removal->fds[kind]);
		}
	}
	if (removal) {
		task_remove(&removal->pool->server->removals, &removal->task);
	}
	free(removal);
}

void removal_finish(struct pool *pool)
{
	struct server *server = pool->server;
	uint32_t index = pool->index;

	removal_destroy(pool->removal);
	memory_forget(pool);
	log_debug("pool '%s' of uid %u: removed", pool->record->name, pool->record->uid);
	pool_destroy(pool);
	registry_remove(&server->registry, index);
}

/* Gives back one step's pages. Returns false when there are none left. */
static bool step(struct removal *removal)
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

/* Does a step of the task. */
static void run(void *owner)
{
	struct removal *removal = owner;

	if (step(removal)) {
		task_add(&removal->pool->server->removals, &removal->task);
	} else {
		removal_finish(removal->pool);
	}
}

static int open_big(const struct pool *pool, enum object_kind kind, uint64_t size)
{
	char name[OBJECT_NAME];

	if (size <= SMALL_SIZE) {
		return -1;
	}
	if (pool->record->terms.backing == WIRE_MEMFD) {
		return memory_open(pool, kind, O_RDWR);
	}
	object_pool_name(name, pool->server->place.instance, pool->record->name, pool->record->id,
			 kind);
	return shm_open(name, O_RDWR | O_CLOEXEC, 0);
}

void removal_start(struct pool *pool)
{
	struct removal *removal = calloc(1, sizeof *removal);

	if (!removal) {
		removal_finish(pool);
		return;
	}
	removal->pool = pool;
	pool->removal = removal;
	removal->sizes[OBJECT_CONTROL] = pool->record->control_size;
	removal->sizes[OBJECT_DATA] = pool->record->data_size;
	for (int kind = 0; kind < 2; kind++) {
		removal->fds[kind] = open_big(pool, (enum object_kind)kind, removal->sizes[kind]);
	}
	removal->task = (struct task){.step = run, .owner = removal};
	if (removal->fds[OBJECT_CONTROL] < 0 && removal->fds[OBJECT_DATA] < 0 &&
	    !slice_over(&pool->server->slice)) {
		removal_finish(pool);
	} else {
		task_add(&pool->server->removals, &removal->task);
	}
}
