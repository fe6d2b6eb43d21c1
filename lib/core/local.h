/* SPDX-License-Identifier: MIT */
/*
 * One thread's end of a pool: its record, and the two magazines in its hands.
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
 * A thread that finds all records taken works on the depot's partial magazine under the lock, one
 * block at a time (its private stand-in record is local.standin), and looks for a free record again
 * now and then.
 */
#ifndef MP_CORE_LOCAL_H
#define MP_CORE_LOCAL_H

#include "lib/core/depot.h"
#include "lib/core/layout.h"
#include "lib/core/magazine.h"

#define MP_RECORD_RETRY 256 /* calls */

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

/* Whether the thread does without a record, in a pool that has some. */
static inline bool mp_local_lacks_record(const struct mp_pool *pool, const struct mp_local *local)
{
	return local->record == MP_NONE && pool->shape.n_caches > 0;
}

/* A thread without a record looks for one in each MP_RECORD_RETRYth call; whether in its next. */
static inline bool mp_local_looks_next(const struct mp_local *local)
{
	return local->record == MP_NONE && local->tries % MP_RECORD_RETRY == MP_RECORD_RETRY - 1;
}

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

/* The slow half of mp_settle(). */
void mp_local_settle(struct mp_local *local);

/* The beginning of every call but the fastest: a thief that has announced itself is answered. */
static inline void mp_settle(struct mp_local *local)
{
	if (__builtin_expect(mp_load(&local->cache->steal) != 0, 0)) {
		mp_local_settle(local);
	}
}

/* Looks for a free record, at one call in some hundred. Returns whether the thread has one now. */
bool mp_local_find_record(struct mp_pool *pool, struct mp_local *local);

/* How many blocks a hand's magazine has; 0 when somebody has scribbled on the count. */
static inline uint32_t mp_hand_count(const struct mp_hand *hand)
{
	uint32_t n = mp_load(&hand->magazine->count);
	return n <= hand->capacity ? n : 0;
}

/* How many more it can take. */
static inline uint32_t mp_hand_room(const struct mp_hand *hand)
{
	uint32_t n = mp_load(&hand->magazine->count);
	return n < hand->capacity ? hand->capacity - n : 0;
}

/* Which shard this thread tries first. */
static inline uint32_t mp_local_home(const struct mp_pool *pool, const struct mp_local *local)
{
	return local->record != MP_NONE ? local->record : pool->slot;
}

/* Whether the thread has a record. One without looks for a free one now and then. */
static inline bool mp_local_has_record(struct mp_pool *pool, struct mp_local *local)
{
	return local->record != MP_NONE || mp_local_find_record(pool, local);
}

/* Counts for this thread, or without a record for the process. */
static inline void mp_local_count(const struct mp_local *local, mp_atomic64 *of_record,
				  mp_atomic64 *of_slot, uint32_t n)
{
	if (local->record != MP_NONE) {
		mp_count(of_record, n);
	} else {
		mp_add(of_slot, n);
	}
}

static inline void mp_local_count_gets(struct mp_pool *pool, struct mp_local *local, uint32_t n)
{
	mp_local_count(local, &local->cache->gets, &pool->slots[pool->slot].gets, n);
}

static inline void mp_local_count_puts(struct mp_pool *pool, struct mp_local *local, uint32_t n)
{
	mp_local_count(local, &local->cache->puts, &pool->slots[pool->slot].puts, n);
}

/* The loaded magazine becomes the previous one, and the other way round. */
void mp_local_swap(struct mp_local *local);

/* Gives the previous magazine to the depot for another: 0, MP_E_EMPTY or MP_E_BUSY. */
int mp_local_exchange(struct mp_pool *pool, struct mp_local *local, enum mp_want want);

/*
 * Makes the loaded magazine one with room for a block, or one with blocks, without collecting.
 * Returns 0, MP_E_EMPTY or MP_E_BUSY. For threads with a record.
 */
int mp_local_make_room(struct mp_pool *pool, struct mp_local *local);
int mp_local_make_blocks(struct mp_pool *pool, struct mp_local *local);

/* Gives the previous magazine back for @magazine, which was stolen for this thread's record. */
void mp_local_take_stolen(struct mp_pool *pool, struct mp_local *local, uint32_t magazine);

/* Counts a get that found nothing. */
void mp_count_failure(struct mp_pool *pool, struct mp_local *local);

/* After mp_leave(), when mp_is_pressed(): what we cache goes to those who wait. */
void mp_relieve(struct mp_pool *pool, struct mp_local *local);

/* Gives the magazines back, keeps the record. */
void mp_flush(struct mp_pool *pool, struct mp_local *local);

#endif
