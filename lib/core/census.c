/* SPDX-License-Identifier: MIT */
#include "lib/core/census.h"
#include "lib/core/collect.h"
#include "lib/core/futex.h"
#include "lib/core/magazine.h"

#define LOOKS (MP_KEEPS_ORDER ? 2 : 4)

/* Adds a number to what a look has seen; by FNV-1a, a number at a time. */
static void census_note(uint64_t *seen, uint64_t number)
{
	*seen = (*seen ^ number) * 0x100000001b3ull;
	*seen ^= *seen >> 32;
}

/* Notes who holds it, before and after: it may go away meanwhile. */
static bool census_has_block(const struct mp_pool *pool, uint32_t magazine, uint64_t *seen)
{
	uint32_t index;

	if (magazine >= pool->shape.n_magazines) {
		return false;
	}
	const struct mp_magazine *m = mp_magazine(pool, magazine);
	census_note(seen, mp_load_acquire(&m->holder));
	for (uint32_t n = mp_magazine_count(pool, m); n > 0; n--) {
		if (mp_magazine_peek(pool, m, mp_word_low(MP_FREE, magazine), n - 1, &index)) {
			return true;
		}
	}
	mp_read_fence();
	census_note(seen, mp_load_acquire(&m->holder));
	return false;
}

/* Whether the shard has no block and nobody changes it. */
static bool census_shard_is_bare(const struct mp_shard *s, uint64_t *seen)
{
	uint32_t changes = mp_load_acquire(&s->changes);

	census_note(seen, changes);
	return !(changes & 1) && mp_load(&s->n_free) == 0;
}

/*
 * Returns the hands, which it reads after what a call raises at its end. Each record has a sum of
 * its own first: the next need not wait for it.
 */
static uint64_t census_note_cache(const struct mp_cache *c, uint64_t *seen)
{
	uint64_t sum = 0;

	census_note(&sum, mp_load_acquire(&c->owner));
	census_note(&sum, mp_load_acquire(&c->gets));
	census_note(&sum, mp_load_acquire(&c->puts));
	uint64_t hands = mp_load_acquire(&c->hands);
	census_note(&sum, hands);
	census_note(seen, sum);
	return hands;
}

/* Whether no thread caches a block in this record. */
static bool census_cache_is_bare(const struct mp_pool *pool, const struct mp_cache *c,
				 uint64_t *seen)
{
	uint64_t owner = mp_load_acquire(&c->owner);

	if ((uint32_t)owner == 0) {
		census_note(seen, owner);
		return true;
	}
	uint64_t hands = census_note_cache(c, seen);
	bool bare = !census_has_block(pool, mp_hands_loaded(hands), seen) &&
		    !census_has_block(pool, mp_hands_previous(hands), seen) &&
		    !census_has_block(pool, mp_load(&c->taking), seen);

	mp_read_fence();
	census_note_cache(c, seen);
	return bare;
}

/* One look. Whether it saw no block; @seen tells looks apart. */
static bool census_look(const struct mp_pool *pool, uint64_t *seen)
{
	mp_read_fence(); /* after the look before, also in a pool without records */
	*seen = 0;
	census_note(seen, mp_load_acquire(&pool->header->reclaim_seq));
	if (mp_collect_pending(pool)) {
		return false;
	}
	for (uint32_t s = 0; s < pool->shape.n_shards; s++) {
		if (!census_shard_is_bare(&pool->shards[s], seen)) {
			return false;
		}
	}
	for (uint32_t r = 0; r < pool->shape.n_caches; r++) {
		if (!census_cache_is_bare(pool, &pool->caches[r], seen)) {
			return false;
		}
	}
	return true;
}

/* Whether a get would find a block now, as nobody keeps it away from where one is. */
static bool census_finds_some(const struct mp_pool *pool)
{
	uint64_t unused = 0;

	if (mp_collect_pending(pool)) {
		return true;
	}
	for (uint32_t s = 0; s < pool->shape.n_shards; s++) {
		const struct mp_shard *shard = &pool->shards[s];
		if (mp_load(&shard->n_free) > 0 && !(mp_load_acquire(&shard->changes) & 1)) {
			return true;
		}
	}
	for (uint32_t r = 0; r < pool->shape.n_caches; r++) {
		const struct mp_cache *c = &pool->caches[r];
		if (!census_cache_is_bare(pool, c, &unused) && !mp_load_acquire(&c->busy)) {
			return true;
		}
	}
	return false;
}

enum mp_supply mp_census_supply(const struct mp_pool *pool)
{
	if (census_finds_some(pool)) {
		return MP_SUPPLY_SOME;
	}
	return mp_census_finds_none(pool) ? MP_SUPPLY_NONE : MP_SUPPLY_HELD;
}

/*
 * Whether there is a record whose owner does not fence, and so needs a barrier to reach it. An
 * owner stores fenced before it notes its first magazine.
 */
static bool census_has_unfenced(const struct mp_pool *pool)
{
	for (uint32_t r = 0; r < pool->shape.n_caches; r++) {
		const struct mp_cache *c = &pool->caches[r];
		if (mp_load_acquire(&c->hands) != mp_hands(MP_NONE, MP_NONE) &&
		    !mp_load(&c->fenced)) {
			return true;
		}
	}
	return false;
}

/* Has all owners' stores come out up to some point of their program. False: it cannot be done. */
static bool census_barrier(const struct mp_pool *pool)
{
	if (!pool->fenced) {
		return mp_barrier();
	}
	mp_fence();
	return !census_has_unfenced(pool) || (pool->ask_barrier && pool->ask_barrier(pool));
}

bool mp_census_finds_none(const struct mp_pool *pool)
{
	uint64_t first = 0, seen;

	for (int i = 0; i < LOOKS; i++) {
		if (!census_look(pool, &seen) || (i > 0 && seen != first)) {
			return false;
		}
		first = seen;
		if (!MP_KEEPS_ORDER && (i == 0 || i == LOOKS - 2) && !census_barrier(pool)) {
			return false;
		}
	}
	return true;
}
