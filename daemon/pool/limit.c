/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "daemon/config/rule.h"
#include "daemon/pool/growth.h"
#include "daemon/pool/limit.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/pools.h"

#define MIB(bytes) ((unsigned long long)(bytes) >> 20)

/* What pools take, and what they are about to grow to. */
struct usage {
	uint32_t pools;
	uint64_t bytes;
	uint64_t blocks;
};

static void limit_count_pool(struct usage *usage, const struct pool *pool)
{
	uint32_t blocks = pool->record->shape.blocks;

	if (pool->growth && growth_target(pool->growth) > blocks) {
		blocks = growth_target(pool->growth);
	}
	usage->pools++;
	usage->blocks += blocks;
	usage->bytes += pool->record->control_size + mp_shape_data(&pool->shape, blocks);
}

/* All pools, and those of the user. What is being given back does not count any more. */
static void limit_count(const struct pools *pools, uint32_t uid, struct usage *all,
			struct usage *own)
{
	*all = *own = (struct usage){.pools = 0};
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		const struct pool *pool = pools->of[i];
		if (!pool || pool->removal.begun) {
			continue;
		}
		limit_count_pool(all, pool);
		if (pool->record->uid == uid) {
			limit_count_pool(own, pool);
		}
	}
}

static bool limit_is_beyond(uint64_t used, uint64_t more, uint64_t limit)
{
	return limit && more && (used > limit || more > limit - used);
}

bool limit_on_pool(const struct pools *pools, const struct limit_claim *claim, char *text,
		   size_t size)
{
	const struct limits *limits = &pools->config->limits;
	bool is_bound = !claim->is_free;
	struct usage all, own;

	limit_count(pools, claim->uid, &all, &own);
	if (claim->pools && all.pools >= limits->pools) {
		snprintf(text, size, "there are as many pools as `pools` allows, %u; destroy some",
			 limits->pools);
	} else if (is_bound && claim->pools && own.pools >= limits->pools_per_user) {
		snprintf(text, size,
			 "uid %u has as many pools as `pools_per_user` allows, %u; destroy some",
			 claim->uid, limits->pools_per_user);
	} else if (limit_is_beyond(all.bytes, claim->bytes, limits->bytes)) {
		snprintf(text, size,
			 "pools have %llu MiB, `bytes` allows %llu, and this is %llu more; destroy "
			 "some",
			 MIB(all.bytes), MIB(limits->bytes), MIB(claim->bytes));
	} else if (is_bound && limit_is_beyond(own.bytes, claim->bytes, limits->bytes_per_user)) {
		snprintf(text, size,
			 "uid %u has %llu MiB, `bytes_per_user` allows %llu, and this is %llu "
			 "more; destroy some",
			 claim->uid, MIB(own.bytes), MIB(limits->bytes_per_user),
			 MIB(claim->bytes));
	} else if (is_bound &&
		   limit_is_beyond(own.blocks, claim->blocks, limits->blocks_per_user)) {
		snprintf(text, size,
			 "uid %u has %llu blocks, `blocks_per_user` allows %llu, and this is %llu "
			 "more; destroy some",
			 claim->uid, (unsigned long long)own.blocks,
			 (unsigned long long)limits->blocks_per_user,
			 (unsigned long long)claim->blocks);
	} else {
		return false;
	}
	return true;
}
