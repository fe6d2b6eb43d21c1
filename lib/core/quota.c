/* SPDX-License-Identifier: MIT */
#include "lib/core/quota.h"

uint32_t mp_quota_charge_some(struct mp_pool *pool, uint32_t n)
{
	if (pool->quota == 0) {
		return n;
	}
	mp_atomic32 *owned = &pool->slots[pool->slot].owned;
	for (;;) {
		uint32_t now = mp_load(owned), room = now < pool->quota ? pool->quota - now : 0;
		uint32_t some = n < room ? n : room;
		if (some == 0 || mp_cas32(owned, now, now + some)) {
			return some;
		}
	}
}

bool mp_quota_charge(struct mp_pool *pool, uint32_t n)
{
	uint32_t some = mp_quota_charge_some(pool, n);

	if (some < n) {
		mp_quota_return(pool, some);
	}
	return some == n;
}

void mp_quota_charge_anyway(struct mp_pool *pool)
{
	if (pool->quota > 0) {
		mp_add(&pool->slots[pool->slot].owned, 1);
	}
}

void mp_quota_return(struct mp_pool *pool, uint32_t n)
{
	if (pool->quota > 0) {
		mp_add(&pool->slots[pool->slot].owned, -n);
	}
}
