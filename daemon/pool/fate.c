/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "daemon/base/guard.h"
#include "daemon/pool/fate.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/pools.h"

struct fate {
	struct pool *pool;
	enum mp_fate value;
};

static void fate_touch_header(void *arg)
{
	const struct fate *fate = arg;
	/* Needs no release: clients read it when they like, and nothing else with it. */
	mp_store(&fate->pool->view.header->fate, fate->value);
}

/* Also during its removal, for observers; what it may have given back of the header is zero. */
static void fate_write(struct pool *pool, enum mp_fate value)
{
	struct fate fate = {.pool = pool, .value = value};

	if (pool->control) {
		guard_run(pool->control, pool->shape.control_size, fate_touch_header, &fate);
	}
}

void fate_tell(struct pools *pools, const char *name)
{
	bool is_taken = pool_find(pools, name);

	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		struct pool *pool = pools->of[i];
		if (pool && pool_state(pool) == REGISTRY_POOL_GONE &&
		    !strcmp(pool->record->name, name)) {
			fate_write(pool, is_taken ? MP_FATE_REPLACED : MP_FATE_DESTROYED);
		}
	}
}

void fate_tell_all(struct pools *pools)
{
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		const struct pool *pool = pools->of[i];
		if (pool && pool_state(pool) == REGISTRY_POOL_GONE) {
			fate_tell(pools, pool->record->name);
		}
	}
}
