/* SPDX-License-Identifier: MIT */
#include <stdbool.h>

#include "daemon/config/config.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/pools.h"
#include "daemon/seat/share.h"

/* A part of the slots, of which a begun one counts. */
static uint32_t share_part(uint32_t n_slots, uint32_t percent)
{
	return (uint32_t)(((uint64_t)n_slots * percent + 99) / 100);
}

uint32_t share_kept(const struct limits *limits, uint32_t n_slots)
{
	uint32_t kept = share_part(n_slots, limits->pool_seats_kept);

	return kept < n_slots ? kept : n_slots - 1;
}

uint32_t share_of_user(const struct limits *limits, uint32_t n_slots)
{
	uint32_t n = share_part(n_slots, limits->pool_seats_per_user);

	return n ? n : n_slots; /* only tests have none */
}

static bool share_is_free(const struct pool *pool, uint32_t uid)
{
	return uid == pool->record->uid || rule_is_free(uid);
}

int share_find_slot(const struct pool *pool, uint32_t uid, uint32_t *slot)
{
	const struct limits *limits = &pool->pools->config->limits;
	uint32_t n_slots = pool->shape.n_slots, n_others = 0, n_own = 0;

	*slot = pool->slots_end < n_slots ? pool->slots_end : MP_NONE;
	for (uint32_t i = pool->slots_end; i-- > 0;) {
		if (mp_load(&pool->slots[i].state) == REGISTRY_SLOT_FREE) {
			*slot = i;
		} else if (!share_is_free(pool, pool->slots[i].uid)) {
			n_others++;
			n_own += pool->slots[i].uid == uid;
		}
	}
	if (*slot == MP_NONE) {
		return SHARE_NO_SLOT;
	}
	if (share_is_free(pool, uid)) {
		return 0;
	}
	if (n_own >= share_of_user(limits, n_slots)) {
		return SHARE_FULL;
	}
	return n_others >= n_slots - share_kept(limits, n_slots) ? SHARE_KEPT : 0;
}
