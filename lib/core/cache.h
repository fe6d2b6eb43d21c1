/* SPDX-License-Identifier: MIT */
/*
 * Get and put: on a thread's loaded magazine without lock, system call or atomic read-modify-write,
 * and what they turn to when that is empty, full or stolen. Whose the magazine is, and what keeps
 * others away from it, see local.h.
 *
 *	get: loaded magazine, previous, depot, then what can be collected, then an idle cache; all
 *	     that again while a census (census.h) does not find that there is no block; with the
 *	     patience over, EAGAIN
 *	put: loaded magazine, previous, depot, then room in orphans, else the block is RECLAIMED
 *
 * Order of stores: those of magazine.h and depot.h between busy = 1 and busy = 0. A swap changes
 * private pointers only. Counters come last; a death before them loses a count, no block.
 *
 * Of all these stores, one is a release for live readers: busy = 0, which a thief acquires. It is
 * the one stlr of a get or a put on aarch64. A census needs more and pays for that itself, but in
 * the calls of processes that its barrier does not reach: those have a fence at their entry
 * (mp_settle()), and there the counters are releases too, as they are on all slow paths.
 */
#ifndef MP_CORE_CACHE_H
#define MP_CORE_CACHE_H

#include <errno.h>

#include "lib/core/batch.h"
#include "lib/core/layout.h"
#include "lib/core/local.h"
#include "lib/core/magazine.h"

/* Call what follows between mp_enter() and mp_leave(), in a process that has a slot. */

/* Gets the top block of the loaded magazine. MP_NONE: call mp_get(). */
static inline uint32_t mp_try_get(const struct mp_pool *pool, const struct mp_local *local,
				  struct mp_cache *cache)
{
	struct mp_magazine *m = local->loaded.magazine;
	uint32_t n = mp_load(&m->count), free = local->loaded.free, index;

	if (__builtin_expect(mp_load(&cache->steal) != 0, 0) ||
	    __builtin_expect(n - 1 >= local->loaded.capacity, 0) ||
	    __builtin_expect(!mp_magazine_peek(pool, m, free, n - 1, &index), 0)) {
		return MP_NONE;
	}
	mp_store_ordered(&pool->words[index].low, pool->used);
	mp_store_ordered(&m->count, n - 1);
	mp_count(&cache->gets, 1);
	return index;
}

/* Puts a block of ours into the loaded magazine. False: call mp_put(). */
static inline bool mp_try_put(const struct mp_pool *pool, const struct mp_local *local,
			      struct mp_cache *cache, const void *block)
{
	uint64_t index = mp_pool_index(pool, block);
	if (__builtin_expect(index >= pool->max_blocks, 0)) {
		return false;
	}
	struct mp_magazine *m = local->loaded.magazine;
	uint32_t n = mp_load(&m->count);
	if (__builtin_expect(mp_load(&cache->steal) != 0, 0) ||
	    __builtin_expect(mp_load(&pool->words[index].low) != pool->used, 0) ||
	    __builtin_expect(n >= local->loaded.capacity, 0)) {
		return false;
	}
	mp_magazine_push_at(pool, m, local->loaded.free, n, (uint32_t)index);
	mp_count(&cache->puts, 1);
	return true;
}

/* Gets the top @n blocks of the loaded magazine, all or none. False: call mp_get_bulk(). */
static inline bool mp_try_get_bulk(const struct mp_pool *pool, const struct mp_local *local,
				   struct mp_cache *cache, void **blocks, uint32_t n)
{
	struct mp_magazine *m = local->loaded.magazine;
	uint32_t count = mp_load(&m->count);

	if (__builtin_expect(mp_load(&cache->steal) != 0, 0) ||
	    __builtin_expect(n - 1 >= count, 0) ||
	    __builtin_expect(count > local->loaded.capacity, 0)) {
		return false;
	}
	struct mp_batch b = mp_batch_of(pool, local->loaded.free, pool->used);
	uint32_t had = mp_batch_pop(b, &m->entry[count - 1], blocks, n);
	if (__builtin_expect(had < n, 0)) {
		mp_magazine_unpop(pool, m, local->loaded.free, had); /* a leftover is in the way */
		return false;
	}
	mp_store_ordered(&m->count, count - n);
	mp_count(&cache->gets, n);
	return true;
}

/* Puts @n blocks into the loaded magazine, all or none. False: call mp_put_bulk(). */
static inline bool mp_try_put_bulk(const struct mp_pool *pool, const struct mp_local *local,
				   struct mp_cache *cache, void *const *blocks, uint32_t n)
{
	struct mp_magazine *m = local->loaded.magazine;
	uint32_t count = mp_load(&m->count);

	if (__builtin_expect(mp_load(&cache->steal) != 0, 0) || __builtin_expect(n == 0, 0) ||
	    __builtin_expect((uint64_t)count + n > local->loaded.capacity, 0)) {
		return false;
	}
	mp_store_ordered(&m->count, count + n);
	struct mp_batch b = mp_batch_of(pool, pool->used, local->loaded.free);
	uint32_t had = mp_batch_push(b, &m->entry[count], blocks, n);
	if (__builtin_expect(had < n, 0)) {
		mp_store_ordered(&m->count, count + had);
		mp_magazine_unpush(pool, m, had);
		return false;
	}
	mp_count(&cache->puts, n);
	return true;
}

/*
 * Gets a block. Returns 0 and its index, or -ENOMEM: none is free; -EAGAIN: one may be, and whoever
 * has it is inside a call, perhaps stopped there, or dead and not yet buried; -EIO.
 */
int mp_get(struct mp_pool *pool, struct mp_local *local, uint32_t *index);

/* Puts a block. Returns 0, -EALREADY, -EPERM, -EINVAL. */
int mp_put(struct mp_pool *pool, struct mp_local *local, const void *block);

/* Puts a block of ours by leaving it RECLAIMED; works inside any call, and without a local. */
int mp_put_loose(struct mp_pool *pool, uint32_t index);

/* Gets @n blocks, all or none; as mp_get(). */
int mp_get_bulk(struct mp_pool *pool, struct mp_local *local, void **blocks, uint32_t n);

/*
 * Puts @n blocks, all or none. Returns as mp_put(), or MP_E_EMPTY when this thread's magazines have
 * no room for all: then the caller must check that each is ours and none is named twice, and put
 * them one by one with mp_put_each().
 */
int mp_put_bulk(struct mp_pool *pool, struct mp_local *local, void *const *blocks, uint32_t n);
int mp_put_each(struct mp_pool *pool, struct mp_local *local, void *const *blocks, uint32_t n);

#endif
