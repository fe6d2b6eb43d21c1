/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/export.h"
#include "lib/look.h"
#include "lib/poison.h"

EXPORT size_t mempool_block_size(const struct mempool *pool)
{
	return pool->core.shape.block_size;
}

EXPORT size_t mempool_stride(const struct mempool *pool)
{
	return pool->core.stride;
}

EXPORT uint32_t mempool_blocks(const struct mempool *pool)
{
	return look_born(pool);
}

EXPORT int64_t mempool_block_index(const struct mempool *pool, const void *block)
{
	uint64_t index = mp_pool_index(&pool->core, block);
	return index < look_born(pool) ? (int64_t)index : -EINVAL;
}

EXPORT void *mempool_block_at(const struct mempool *pool, uint32_t index)
{
	if (index >= look_born(pool)) {
		errno = EINVAL;
		return NULL;
	}
	if (pool->poisoned) {
		poison_show_any(pool, index);
	}
	return mp_pool_address(&pool->core, index);
}

EXPORT bool mempool_contains(const struct mempool *pool, const void *address)
{
	return (uintptr_t)address - (uintptr_t)pool->core.data <
	       pool->core.stride * look_born(pool);
}
