/* SPDX-License-Identifier: MIT */
#include "lib/core/slot.h"

void mp_slot_claim(struct mp_pool *pool, uint32_t slot, uint32_t pid)
{
	struct mp_slot *s = &pool->slots[slot];

	mp_store(&s->gets, 0);
	mp_store(&s->puts, 0);
	mp_store(&s->failures, 0);
	mp_store(&s->pid, pid);
	mp_store_release(&s->state, MP_SLOT_LIVE);
}

void mp_slot_bury(struct mp_pool *pool, uint32_t slot)
{
	mp_store_release(&pool->slots[slot].state, MP_SLOT_DEAD);
}

void mp_slot_release(struct mp_pool *pool, uint32_t slot)
{
	struct mp_slot *s = &pool->slots[slot];

	mp_add(&pool->header->gets, mp_load(&s->gets));
	mp_add(&pool->header->puts, mp_load(&s->puts));
	mp_add(&pool->header->failures, mp_load(&s->failures));
	mp_store(&s->gets, 0);
	mp_store(&s->puts, 0);
	mp_store(&s->failures, 0);
	mp_store(&s->pid, 0);
	mp_store_release(&s->state, MP_SLOT_FREE);
}
