/* SPDX-License-Identifier: MIT */
/*
 * The pools of an instance, and what the daemon makes and removes them with.
 */
#ifndef MP_DAEMON_POOLS_H
#define MP_DAEMON_POOLS_H

#include "daemon/base/task.h"
#include "daemon/store/memory.h"
#include "daemon/store/registry.h"
#include "daemon/store/reserve.h"

struct config;
struct pool;

struct pools {
	struct loop *loop;
	const struct config *config;
	struct memory_host host;
	struct registry registry;
	struct reserver reserver;
	struct task_queue builds; /* tasks of builds and growths */
	struct task_queue removals;
	uint32_t n_adopted;              /* at the start */
	uint32_t look_at;                /* the record whose names are looked at next */
	struct pool *of[REGISTRY_POOLS]; /* by record; NULL where that is FREE */
};

#endif
