/* SPDX-License-Identifier: MIT */
/*
 * Slots: a process's place in a pool. The owner in a block's word is a slot.
 *
 *	FREE --claim--> LIVE --bury--> DEAD --release--> FREE       all by the daemon
 *
 * A slot is DEAD from the moment the daemon knows that its process is gone (or has closed the
 * pool) until nothing in the pool names it any more: no USED and no MOVING word, no cache record.
 * Only then may the daemon claim it again. The daemon goes by its registry; the state here is a
 * copy for audits and onlookers.
 */
#ifndef MP_CORE_SLOT_H
#define MP_CORE_SLOT_H

#include "lib/core/layout.h"

enum mp_slot_state {
	MP_SLOT_FREE,
	MP_SLOT_LIVE,
	MP_SLOT_DEAD,
};

/* Gives the slot to a process: counters at zero, state LIVE. */
void mp_slot_claim(struct mp_pool *pool, uint32_t slot, uint32_t pid);

/* Marks the slot's process as gone. */
void mp_slot_bury(struct mp_pool *pool, uint32_t slot);

/* Moves a cache's counters to the slot's. A death meanwhile loses some of the counts. */
void mp_slot_fold(struct mp_pool *pool, uint32_t slot, struct mp_cache *cache);

/* Moves the slot's counters to the pool's and frees the slot. Its records have been freed. */
void mp_slot_release(struct mp_pool *pool, uint32_t slot);

#endif
