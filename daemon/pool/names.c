/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "daemon/base/watch.h"
#include "daemon/pool/names.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/pools.h"
#include "daemon/store/object.h"

#define LOOKS 128 /* pools at a time */
#define ROUNDS 3  /* at the end, while somebody goes on removing names */

static void names_watch_registry(struct pools *pools)
{
	char name[OBJECT_NAME], path[sizeof "/dev/shm" + OBJECT_NAME];

	object_registry_name(name, pools->host.instance);
	snprintf(path, sizeof path, "/dev/shm%s", name);
	watch_add(pools->host.watch, path); /* once more is no more */
}

bool names_look(struct pools *pools)
{
	uint32_t end = pools->look_at + LOOKS;
	bool kept = false; /* one is enough at a time: to keep it takes a process */

	if (pools->look_at == 0) {
		registry_restore(&pools->registry, pools->host.instance);
		names_watch_registry(pools);
	}
	for (; pools->look_at < end && pools->look_at < REGISTRY_POOLS && !kept; pools->look_at++) {
		struct pool *pool = pools->of[pools->look_at];
		if (pool && !pool->build && !pool->removal.begun) {
			kept = memory_look(&pool->memory);
		}
	}
	if (pools->look_at < REGISTRY_POOLS) {
		return true;
	}
	pools->look_at = 0;
	return false;
}

/* Once more when the registry was made again: keepers that were started before that end. */
void names_settle(struct pools *pools)
{
	ino_t before = 0;

	for (int i = 0; i < ROUNDS && before != registry_inode(&pools->registry); i++) {
		before = registry_inode(&pools->registry);
		pools->look_at = 0;
		while (names_look(pools)) {
		}
		registry_restore(&pools->registry, pools->host.instance);
	}
}
