/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "daemon/config/rule.h"
#include "daemon/pool/growth.h"
#include "daemon/pool/limit.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/pools.h"
#include "daemon/pool/room.h"

#define MIB(bytes) ((unsigned long long)(bytes) >> 20)

static void limit_count_pool(struct limit_usage *usage, const struct pool *pool)
{
	uint32_t blocks = pool->record->shape.blocks;
	uint64_t bytes;

	if (pool->growth && growth_target(pool->growth) > blocks) {
		blocks = growth_target(pool->growth);
	}
	usage->pools++;
	usage->blocks += blocks;
	bytes = pool->record->control_size + mp_shape_data(&pool->shape, blocks);
	usage->bytes += bytes;
	usage->shm += pool->record->terms.backing == WIRE_SHM ? bytes : 0;
}

void limit_count(const struct pools *pools, uint32_t uid, struct limit_usages *usages)
{
	*usages = (struct limit_usages){.all.pools = 0};
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		const struct pool *pool = pools->of[i];
		if (!pool || pool->removal.begun) {
			continue;
		}
		limit_count_pool(&usages->all, pool);
		if (pool->record->uid == uid) {
			limit_count_pool(&usages->own, pool);
		}
		if (!rule_is_free(pool->record->uid)) {
			limit_count_pool(&usages->bound, pool);
		}
	}
}

static bool limit_is_beyond(uint64_t used, uint64_t more, uint64_t limit)
{
	return limit && more && (used > limit || more > limit - used);
}

/* A part of what there is; nothing is known of what there is UINT64_MAX of. */
static uint64_t limit_part(uint64_t total, uint32_t percent)
{
	return total == UINT64_MAX ? 0 : total / 100 * percent;
}

/*
 * Whether the pools of @whose would have more than a part of what there is: in /dev/shm of that,
 * and all of them of the machine's memory, which /dev/shm is made of. Then @text says so.
 */
static bool limit_on_part(const struct pools *pools, const struct limit_claim *claim,
			  const struct limit_usage *used, uint32_t percent, const char *whose,
			  const char *setting, char *text, size_t size)
{
	uint64_t shm = limit_part(room_total(pools, WIRE_SHM), percent);
	uint64_t memory = limit_part(room_total(pools, WIRE_MEMFD), percent);
	bool in_shm = claim->backing == WIRE_SHM && limit_is_beyond(used->shm, claim->bytes, shm);

	if (!in_shm && !limit_is_beyond(used->bytes, claim->bytes, memory)) {
		return false;
	}
	snprintf(text, size,
		 "%s %llu MiB of %s, `%s`, %u%%, allows %llu, and this is %llu more; destroy some",
		 whose, MIB(in_shm ? used->shm : used->bytes), in_shm ? "/dev/shm" : "memory",
		 setting, percent, MIB(in_shm ? shm : memory), MIB(claim->bytes));
	return true;
}

/* Whether one user's part forbids it, or that of all. */
static bool limit_on_memory(const struct pools *pools, const struct limit_claim *claim,
			    const struct limit_usages *usages, char *text, size_t size)
{
	const struct limits *limits = &pools->config->limits;
	char whose[32];

	snprintf(whose, sizeof whose, "uid %u has", claim->uid);
	return limit_on_part(pools, claim, &usages->own, limits->memory_per_user, whose,
			     "memory_per_user", text, size) ||
	       limit_on_part(pools, claim, &usages->bound, limits->memory_of_users,
			     "all users have", "memory_of_users", text, size);
}

uint64_t limit_own_bytes(const struct pools *pools)
{
	const struct limits *limits = &pools->config->limits;
	uint64_t memory = limit_part(room_total(pools, WIRE_MEMFD), limits->memory_per_user);
	uint64_t bytes = limits->bytes_per_user;

	return bytes && (!memory || bytes < memory) ? bytes : memory;
}

bool limit_on_pool(const struct pools *pools, const struct limit_claim *claim, char *text,
		   size_t size)
{
	const struct limits *limits = &pools->config->limits;
	uint32_t kept = limits->pools * limits->pools_kept / 100;
	bool is_bound = !claim->is_free;
	struct limit_usages usages;

	limit_count(pools, claim->uid, &usages);
	if (claim->pools && usages.all.pools >= limits->pools) {
		snprintf(text, size, "there are as many pools as `pools` allows, %u; destroy some",
			 limits->pools);
	} else if (is_bound && claim->pools && usages.all.pools >= limits->pools - kept) {
		snprintf(text, size,
			 "there are %u pools of the %u that `pools` allows, and `pools_kept` keeps "
			 "%u "
			 "for root; destroy some",
			 usages.all.pools, limits->pools, kept);
	} else if (is_bound && claim->pools && usages.own.pools >= limits->pools_per_user) {
		snprintf(text, size,
			 "uid %u has as many pools as `pools_per_user` allows, %u; destroy some",
			 claim->uid, limits->pools_per_user);
	} else if (limit_is_beyond(usages.all.bytes, claim->bytes, limits->bytes)) {
		snprintf(text, size,
			 "pools have %llu MiB, `bytes` allows %llu, and this is %llu more; destroy "
			 "some",
			 MIB(usages.all.bytes), MIB(limits->bytes), MIB(claim->bytes));
	} else if (is_bound &&
		   limit_is_beyond(usages.own.bytes, claim->bytes, limits->bytes_per_user)) {
		snprintf(text, size,
			 "uid %u has %llu MiB, `bytes_per_user` allows %llu, and this is %llu "
			 "more; destroy some",
			 claim->uid, MIB(usages.own.bytes), MIB(limits->bytes_per_user),
			 MIB(claim->bytes));
	} else if (is_bound &&
		   limit_is_beyond(usages.own.blocks, claim->blocks, limits->blocks_per_user)) {
		snprintf(text, size,
			 "uid %u has %llu blocks, `blocks_per_user` allows %llu, and this is %llu "
			 "more; destroy some",
			 claim->uid, (unsigned long long)usages.own.blocks,
			 (unsigned long long)limits->blocks_per_user,
			 (unsigned long long)claim->blocks);
	} else {
		return is_bound && limit_on_memory(pools, claim, &usages, text, size);
	}
	return true;
}
