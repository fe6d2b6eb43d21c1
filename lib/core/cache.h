/* SPDX-License-Identifier: MIT */
/*
 * One thread's end of a pool: two magazines, and get and put on them without lock, system call or
 * atomic read-modify-write.
 *
 *	record (shared)  owner {seq | slot}  busy  steal  loaded  previous  counters
 *	local (private)  -> loaded magazine, -> previous magazine, and what their FREE words look
 *like
 *
 * Invariants:
 *	holder[loaded] = holder[previous] = CACHE(record), or there is none
 *	record.owner names a LIVE or DEAD slot as long as any holder names the record
 * The holders are what recovery goes by; loaded and previous in the record are for onlookers.
 *
 * A record's life:
 *	free -> owned by slot p		CAS by a thread of p, which then clears the record, and only
 *					then takes its first magazine
 *	owned -> free			by that thread at its exit, after its magazines have gone, if
 *it is not inside a call; else by the daemon after p's death
 *
 * busy is 1 from the entry of a call to its end. It keeps a signal handler from calling into the
 * middle of a call of its own thread, and close from unmapping under a sibling.
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

#include "lib/core/depot.h"
#include "lib/core/layout.h"
#include "lib/core/magazine.h"

/* A magazine in a thread's hands. */
struct mp_hand {
	struct mp_magazine *magazine; /* never NULL: an empty constant stands for none */
	uint32_t index;		      /* MP_NONE: none */
	uint32_t free;		      /* FREE(index) */
	uint32_t capacity;	      /* 0: none */
	uint32_t unused;
};

struct mp_local {
	_Alignas(64) struct mp_hand loaded;
	struct mp_cache *cache; /* the record, or &standin */
	uint32_t record;	/* MP_NONE: none */
	uint32_t tries;		/* calls without a record */
	struct mp_hand previous;
	struct mp_cache standin;
};

/* Begins without magazines, with a record if there is a free one. */
void mp_local_init(struct mp_pool *pool, struct mp_local *local);

/*
 * Gives the magazines back, then the record. Does nothing for a thread that was torn out of the
 * middle of a call: its record goes with the process.
 */
void mp_local_finish(struct mp_pool *pool, struct mp_local *local);

/* Begins a call. False: this thread is inside one already. */
static inline bool mp_enter(struct mp_local *local)
{
	if (mp_load(&local->cache->busy)) {
		return false;
	}
	mp_store(&local->cache->busy, 1);
	mp_compiler_fence();
	return true;
}

static inline void mp_leave(struct mp_local *local)
{
	mp_store_release(&local->cache->busy, 0);
}

/* The slow ways, when the loaded magazine does not do. As mp_get() and mp_put(). */
int mp_get_slow(struct mp_pool *pool, struct mp_local *local, uint32_t *index);
int mp_put_slow(struct mp_pool *pool, struct mp_local *local, uint32_t index, uint64_t word);

/* All four: between mp_enter() and mp_leave(), by a process that has a slot. */

/* Gets a block. Returns 0 and its index, or -ENOMEM, -EAGAIN, -EIO. */
static inline int mp_get(struct mp_pool *pool, struct mp_local *local, uint32_t *index)
{
	*index = mp_magazine_pop(pool, local->loaded.magazine, local->loaded.free);
	if (__builtin_expect(*index == MP_NONE, 0)) {
		return mp_get_slow(pool, local, index);
	}
	mp_count(&local->cache->gets, 1);
	return 0;
}

/* Puts a block. Returns 0, -EALREADY, -EPERM, -EINVAL. */
static inline int mp_put(struct mp_pool *pool, struct mp_local *local, const void *block)
{
	uint64_t index = mp_pool_index(pool, block);
	if (__builtin_expect(index >= pool->blocks, 0)) {
		return -EINVAL;
	}
	uint64_t word = mp_load(&pool->words[index]);
	if (__builtin_expect((uint32_t)word != pool->used, 0)) {
		return mp_word_refusal(word);
	}
	struct mp_magazine *m = local->loaded.magazine;
	if (__builtin_expect(mp_load(&m->count) >= local->loaded.capacity, 0)) {
		return mp_put_slow(pool, local, (uint32_t)index, word);
	}
	mp_magazine_push(pool, m, local->loaded.free, (uint32_t)index, word);
	mp_count(&local->cache->puts, 1);
	return 0;
}

/* Gets @n blocks, all or none; as mp_get(). */
int mp_get_bulk(struct mp_pool *pool, struct mp_local *local, void **blocks, uint32_t n);

/*
 * Puts @n blocks, all or none. Returns as mp_put(), or MP_E_EMPTY: nothing was looked at, as this
 * thread's magazines have not the room for all. Then the caller makes sure that each is ours and
 * none is named twice, and puts them one by one with mp_put_each().
 */
int mp_put_bulk(struct mp_pool *pool, struct mp_local *local, void *const *blocks, uint32_t n);
int mp_put_each(struct mp_pool *pool, struct mp_local *local, void *const *blocks, uint32_t n);

/* Gives the magazines back, keeps the record. */
void mp_flush(struct mp_pool *pool, struct mp_local *local);

/*
 * Makes the loaded magazine one with room for a block, without collecting. Returns 0, MP_E_EMPTY or
 * MP_E_BUSY. For threads with a record.
 */
int mp_local_make_room(struct mp_pool *pool, struct mp_local *local);

#endif
