/* SPDX-License-Identifier: MIT */
#include "lib/core/futex.h"
#include "lib/core/magazine.h"
#include "lib/core/steal.h"

#define BATCH 8 /* caches that one membarrier serves */

/* A magazine to steal, and its holder as it was when we announced ourselves. */
struct loot {
	uint32_t victim; /* record */
	uint32_t magazine;
	uint64_t holder;
};

/* What we store in steal: no other living thread's owner field and record give the same. */
static uint64_t steal_thief_name(const struct mp_pool *pool, uint32_t record)
{
	return (mp_load(&pool->caches[record].owner) >> 32) << 32 | (record + 1);
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

	if ((uint32_t)mp_load(&c->owner) == 0) {
		return false;
	}
	loot->victim = victim;
	loot->magazine = mp_load(&c->previous);
	if (!steal_is_worth_it(pool, victim, loot->magazine, &loot->holder)) {
		loot->magazine = mp_load(&c->loaded);
		if (!steal_is_worth_it(pool, victim, loot->magazine, &loot->holder)) {
			return false;
		}
	}
	/*
	 * Loaded after the holder, whose load is an acquire: an owner stores stealable before it
	 * takes its first magazine, so this is the stealable of the owner that has this one.
	 */
	if (!mp_load(&c->stealable)) {
		return false;
	}
	mp_store_release(&c->steal, me);
	return true;
}

/* After the membarrier: takes it, if the owner is in no call and no other thief came after us. */
static bool steal_grab(struct mp_pool *pool, uint32_t record, uint64_t me, const struct loot *loot)
{
	struct mp_cache *c = &pool->caches[loot->victim];

	return !mp_load_acquire(&c->busy) && mp_load_acquire(&c->steal) == me &&
	       mp_cas(&mp_magazine(pool, loot->magazine)->holder, loot->holder,
		      mp_holder_after(loot->holder, MP_HOLDER_CACHE, record));
}

static uint32_t steal_grab_one(struct mp_pool *pool, uint32_t record, uint64_t me,
			       const struct loot *loot, unsigned n)
{
	if (n == 0 || !mp_barrier()) {
		return MP_NONE;
	}
	for (unsigned i = 0; i < n; i++) {
		if (steal_grab(pool, record, me, &loot[i])) {
			return loot[i].magazine;
		}
	}
	return MP_NONE;
}

uint32_t mp_steal(struct mp_pool *pool, uint32_t record)
{
	uint64_t me = steal_thief_name(pool, record);
	struct loot loot[BATCH];
	unsigned n = 0;

	/* Beginning behind our own record, so that thieves do not all rob the first. */
	for (uint32_t i = 1; i < pool->shape.n_caches; i++) {
		uint32_t victim = (record + i) % pool->shape.n_caches;
		n += steal_announce(pool, victim, me, &loot[n]);
		if (n == BATCH || i + 1 == pool->shape.n_caches) {
			uint32_t m = steal_grab_one(pool, record, me, loot, n);
			if (m != MP_NONE) {
				return m;
			}
			n = 0;
		}
	}
	return MP_NONE;
}
