/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/call.h"
#include "lib/export.h"
#include "lib/look.h"
#include "lib/poison.h"
#include "lib/why.h"

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
	int error = call_check_own(pool);
	if (error) {
		errno = -error;
		return 0;
	}
	return look_born(pool);
}

EXPORT int64_t mempool_block_index(const struct mempool *pool, const void *block)
{
	int error = call_check_own(pool);
	if (error) {
		return error;
	}
	uint64_t index = mp_pool_index(&pool->core, block);
	return index < look_born(pool) ? (int64_t)index : why_refused(pool, block, -EINVAL);
}

EXPORT void *mempool_block_at(const struct mempool *pool, uint32_t index)
{
	int error = call_check_own(pool);
	if (error) {
		return call_nothing(error);
	}
	uint32_t born = look_born(pool);
	if (index >= born) {
		return call_nothing(why(pool, -EINVAL, WHY_NO_BLOCK, index, born, 0));
	}
	if (pool->poisoned) {
		poison_show_any(pool, index);
	}
	return mp_pool_address(&pool->core, index);
}

EXPORT bool mempool_contains(const struct mempool *pool, const void *address)
{
	int error = call_check_own(pool);
	if (error) {
		errno = -error;
		return false;
	}
	return (uintptr_t)address - (uintptr_t)pool->core.data <
	       pool->core.stride * look_born(pool);
}
