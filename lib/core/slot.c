/* SPDX-License-Identifier: MIT */
#include "lib/core/slot.h"

void mp_slot_claim(struct mp_pool *pool, uint32_t slot, uint32_t pid)
{
	struct mp_slot *s = &pool->slots[slot];

	mp_store(&s->gets, 0);
	mp_store(&s->puts, 0);
	mp_store(&s->failures, 0);
	mp_store(&s->waits, 0);
	mp_store(&s->owned, 0);
	mp_store(&s->owing, 0);
	mp_store(&s->pid, pid);
	mp_store_release(&s->state, MP_SLOT_LIVE);
}

void mp_slot_bury(struct mp_pool *pool, uint32_t slot)
{
	mp_store_release(&pool->slots[slot].state, MP_SLOT_DEAD);
}

static void slot_move_counter(mp_atomic64 *to, mp_atomic64 *from)
{
	uint64_t n = mp_load(from);

	mp_store(from, 0);
	mp_add(to, n);
}

void mp_slot_fold(struct mp_pool *pool, uint32_t slot, struct mp_cache *cache)
{
	struct mp_slot *s = &pool->slots[slot];

	slot_move_counter(&s->gets, &cache->gets);
	slot_move_counter(&s->puts, &cache->puts);
	slot_move_counter(&s->failures, &cache->failures);
}

void mp_slot_release(struct mp_pool *pool, uint32_t slot)
{
	struct mp_slot *s = &pool->slots[slot];

	slot_move_counter(&pool->header->gets, &s->gets);
	slot_move_counter(&pool->header->puts, &s->puts);
	slot_move_counter(&pool->header->failures, &s->failures);
	slot_move_counter(&pool->header->waits, &s->waits);
	mp_store(&s->pid, 0);
	mp_store_release(&s->state, MP_SLOT_FREE);
}
