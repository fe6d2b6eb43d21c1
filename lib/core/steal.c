/* SPDX-License-Identifier: MIT */
#include "lib/core/depot.h"
#include "lib/core/futex.h"
#include "lib/core/magazine.h"
#include "lib/core/steal.h"

#define BATCH 8 /* caches that one membarrier serves */

/* A magazine to steal, and its holder as it was when we announced ourselves. */
struct loot {
	uint32_t victim; /* record */
	uint32_t magazine;
	uint64_t holder;
	bool fenced; /* its owner fences; no membarrier is needed */
};

/*
 * What we store in steal: no other living thread gives the same. Of a thread with a record: the
 * record and its owner word's sequence; else its number, its process's slot (in containers, threads
 * of two processes may have one number), and a bit that is in no record's.
 */
static uint64_t steal_thief_name(const struct mp_pool *pool, const struct mp_local *local)
{
	return local->record == MP_NONE
		       ? (uint64_t)mp_thread_number() << 32 | 1u << 31 | pool->slot
		       : mp_load(&local->cache->owner) >> 32 << 32 | (local->record + 1);
}

/* Whether the magazine is held by the cache and has entries. */
static bool steal_is_worth_it(const struct mp_pool *pool, uint32_t victim, uint32_t magazine,
			      uint64_t *holder)
{
	if (magazine >= pool->shape.n_magazines) {
		return false;
	}
	const struct mp_magazine *m = mp_magazine(pool, magazine);
	*holder = mp_load_acquire(&m->holder);
	return mp_holder_is(*holder, MP_HOLDER_CACHE, victim) && mp_load(&m->count) > 0;
}

/* If the cache @victim has a magazine with blocks, announces us there and notes which. */
static bool steal_announce(struct mp_pool *pool, uint32_t victim, uint64_t me, struct loot *loot)
{
	struct mp_cache *c = &pool->caches[victim];
	uint64_t hands = mp_load(&c->hands);

	if ((uint32_t)mp_load(&c->owner) == 0) {
		return false;
	}
	loot->victim = victim;
	loot->magazine = mp_hands_previous(hands);
	if (!steal_is_worth_it(pool, victim, loot->magazine, &loot->holder)) {
		loot->magazine = mp_hands_loaded(hands);
		if (!steal_is_worth_it(pool, victim, loot->magazine, &loot->holder)) {
			return false;
		}
	}
	/*
	 * Loaded after the holder, whose load is an acquire: an owner stores fenced before it takes
	 * its first magazine, so this is what the owner that has this one does.
	 */
	loot->fenced = mp_load(&c->fenced);
	mp_store_release(&c->steal, me);
	return true;
}

/* After the fence: whether the owner is in no call and no other thief came after us. */
static bool steal_is_safe(struct mp_pool *pool, uint64_t me, const struct loot *loot)
{
	struct mp_cache *c = &pool->caches[loot->victim];

	return !mp_load_acquire(&c->busy) && mp_load_acquire(&c->steal) == me;
}

/* Takes it as the thread's previous magazine, which the thread notes before it has it. */
static bool steal_into_hand(struct mp_pool *pool, struct mp_local *local, const struct loot *loot)
{
	mp_cache_note_previous(local->cache, loot->magazine);
	if (!mp_cas(&mp_magazine(pool, loot->magazine)->holder, loot->holder,
		    mp_holder_after(loot->holder, MP_HOLDER_CACHE, local->record))) {
		mp_cache_note_previous(local->cache, local->previous.index);
		return false;
	}
	mp_local_take_stolen(pool, local, loot->magazine);
	return true;
}

static bool steal_grab(struct mp_pool *pool, struct mp_local *local, uint64_t me,
		       const struct loot *loot)
{
	if (!steal_is_safe(pool, me, loot)) {
		return false;
	}
	return local->record != MP_NONE ? steal_into_hand(pool, local, loot)
					: mp_depot_rob(pool, mp_local_home(pool, local),
						       loot->magazine, loot->holder);
}

/*
 * Pays the fence, and returns whether it reaches owners that pay none themselves. The daemon is
 * asked for one that does, if that is @needed, until it has failed once.
 */
static bool steal_fence(const struct mp_pool *pool, bool needed, bool *may_ask)
{
	if (!pool->fenced) {
		return mp_barrier();
	}
	mp_fence();
	if (needed && *may_ask) {
		*may_ask = pool->ask_barrier && pool->ask_barrier(pool);
		return *may_ask;
	}
	return false;
}

static bool steal_grab_one(struct mp_pool *pool, struct mp_local *local, uint64_t me,
			   const struct loot *loot, unsigned n, bool *may_ask)
{
	bool needed = false;

	if (n == 0) {
		return false;
	}
	for (unsigned i = 0; i < n; i++) {
		needed = needed || !loot[i].fenced;
	}
	bool reaches_all = steal_fence(pool, needed, may_ask);
	for (unsigned i = 0; i < n; i++) {
		if ((reaches_all || loot[i].fenced) && steal_grab(pool, local, me, &loot[i])) {
			return true;
		}
	}
	return false;
}

bool mp_steal(struct mp_pool *pool, struct mp_local *local)
{
	uint32_t first = local->record == MP_NONE ? pool->slot : local->record + 1;
	uint64_t me = steal_thief_name(pool, local);
	struct loot loot[BATCH];
	bool may_ask = true;
	unsigned n = 0;

	/* Beginning behind our own record, so that thieves do not all rob the first. */
	for (uint32_t i = 0; i < pool->shape.n_caches; i++) {
		uint32_t victim = (first + i) % pool->shape.n_caches;
		n += victim != local->record && steal_announce(pool, victim, me, &loot[n]);
		if (n == BATCH || i + 1 == pool->shape.n_caches) {
			if (steal_grab_one(pool, local, me, loot, n, &may_ask)) {
				return true;
			}
			n = 0;
		}
	}
	return false;
}
