/* SPDX-License-Identifier: MIT */
/*
 * One thread's end of a pool: two magazines, and get and put on them without lock, system call or
 * atomic read-modify-write.
 *
 *	record (shared)  owner {seq | slot}  busy  steal  loaded  previous  counters
 *	local (private)  -> loaded magazine, -> previous magazine; what their FREE words are
 *
 * Invariants:
 *	holder[loaded] = holder[previous] = CACHE(record), or there is none
 *	record.owner names a LIVE or DEAD slot as long as any holder names the record
 * The holders are what recovery goes by; loaded and previous in the record are for onlookers.
 *
 * A record's life:
 *	free -> owned by slot p		CAS by a thread of p, which then clears the record, and only
 *					then takes its first magazine
 *	owned -> free			by that thread at its exit, after its magazines have gone,
 *					if it is not inside a call; else by the daemon after
 *					p's death
 *
 * busy is 1 from the entry of a call to its end. It keeps a signal handler from calling into the
 * middle of a call of its own thread, close from unmapping under a sibling, and thieves (steal.h)
 * from magazines in use. A call that finds itself announced to a thief settles first.
 *
 * Order of stores: those of magazine.h and depot.h between busy = 1 and busy = 0. A swap changes
 * private pointers only. Counters come last; a death before them loses a count, no block.
 *
 * A thread that finds all records taken works on the depot's partial magazine under the lock, one
 * block at a time (its private stand-in record is local.standin), and looks for a free record again
 * now and then.
 */
#ifndef MP_CORE_CACHE_H
#define MP_CORE_CACHE_H

#include <errno.h>

#include "lib/core/batch.h"
#include "lib/core/depot.h"
#include "lib/core/layout.h"
#include "lib/core/magazine.h"

/* A magazine in a thread's hands. */
struct mp_hand {
	struct mp_magazine *magazine; /* never NULL: an empty constant stands for none */
	uint32_t index;               /* MP_NONE: none */
	uint32_t free;                /* FREE(index) */
	uint32_t capacity;            /* 0: none */
};

struct mp_local {
	_Alignas(64) struct mp_hand loaded;
	struct mp_cache *cache; /* the record, or &standin */
	uint32_t record;        /* MP_NONE: none */
	uint32_t tries;         /* calls without a record */
	mp_atomic32 waiting;    /* in mempool_get_wait(), between its calls too */
	struct mp_hand previous;
	const void *handle; /* the library's: which pool this is for; NULL: none */
	struct mp_cache standin;
};

/* Begins without magazines and without a record, in private memory alone. */
void mp_local_init_bare(struct mp_local *local);

/* Begins without magazines, with a record if there is a free one. */
void mp_local_init(struct mp_pool *pool, struct mp_local *local);

/*
 * Gives the magazines back, then the record. Does nothing for a thread that was torn out of the
 * middle of a call: its record goes with the process.
 */
void mp_local_finish(struct mp_pool *pool, struct mp_local *local);

/* Begins a call. False: this thread is inside one already. */
static inline bool mp_enter(struct mp_cache *cache)
{
	if (mp_load(&cache->busy)) {
		return false;
	}
	mp_store(&cache->busy, 1);
	mp_compiler_fence();
	return true;
}

static inline void mp_leave(struct mp_cache *cache)
{
	mp_store_release(&cache->busy, 0);
}

/* All that follow: between mp_enter() and mp_leave(), by a process that has a slot. */

/* Gets the top block of the loaded magazine. MP_NONE: mp_get() knows what to do. */
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
	mp_store_release(&pool->words[index].low, pool->used);
	mp_store_release(&m->count, n - 1);
	mp_count(&cache->gets, 1);
	return index;
}

/* Puts a block of ours into the loaded magazine. False: mp_put() knows what to do or say. */
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

/* Gets the top @n blocks of the loaded magazine, all or none. False: mp_get_bulk() knows. */
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
	mp_store_release(&m->count, count - n);
	mp_count(&cache->gets, n);
	return true;
}

/* Puts @n blocks into the loaded magazine, all or none. False: mp_put_bulk() knows. */
static inline bool mp_try_put_bulk(const struct mp_pool *pool, const struct mp_local *local,
				   struct mp_cache *cache, void *const *blocks, uint32_t n)
{
	struct mp_magazine *m = local->loaded.magazine;
	uint32_t count = mp_load(&m->count);

	if (__builtin_expect(mp_load(&cache->steal) != 0, 0) || __builtin_expect(n == 0, 0) ||
	    __builtin_expect((uint64_t)count + n > local->loaded.capacity, 0)) {
		return false;
	}
	mp_store_release(&m->count, count + n);
	struct mp_batch b = mp_batch_of(pool, pool->used, local->loaded.free);
	uint32_t had = mp_batch_push(b, &m->entry[count], blocks, n);
	if (__builtin_expect(had < n, 0)) {
		mp_store_release(&m->count, count + had);
		mp_magazine_unpush(pool, m, had);
		return false;
	}
	mp_count(&cache->puts, n);
	return true;
}

/* Gets a block. Returns 0 and its index, or -ENOMEM, -EAGAIN, -EIO. */
int mp_get(struct mp_pool *pool, struct mp_local *local, uint32_t *index);

/* Puts a block. Returns 0, -EALREADY, -EPERM, -EINVAL. */
int mp_put(struct mp_pool *pool, struct mp_local *local, const void *block);

/* Gets @n blocks, all or none; as mp_get(). */
int mp_get_bulk(struct mp_pool *pool, struct mp_local *local, void **blocks, uint32_t n);

/*
 * Puts @n blocks, all or none. Returns as mp_put(), or MP_E_EMPTY: nothing was looked at, as this
 * thread's magazines have not the room for all. Then the caller makes sure that each is ours and
 * none is named twice, and puts them one by one with mp_put_each().
 */
int mp_put_bulk(struct mp_pool *pool, struct mp_local *local, void *const *blocks, uint32_t n);
int mp_put_each(struct mp_pool *pool, struct mp_local *local, void *const *blocks, uint32_t n);

/* Counts a get that found nothing. */
void mp_count_failure(struct mp_pool *pool, struct mp_local *local);

/* After mp_leave(), when mp_is_pressed(): what we cache goes to those who wait. */
void mp_relieve(struct mp_pool *pool, struct mp_local *local);

/* Gives the magazines back, keeps the record. */
void mp_flush(struct mp_pool *pool, struct mp_local *local);

/*
 * Makes the loaded magazine one with room for a block, without collecting. Returns 0, MP_E_EMPTY or
 * MP_E_BUSY. For threads with a record.
 */
int mp_local_make_room(struct mp_pool *pool, struct mp_local *local);

#endif
