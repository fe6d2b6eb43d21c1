/* SPDX-License-Identifier: MIT */
/*
 * One thread's end of a pool: its record, and the two magazines in its hands.
 *
 *	record (shared)  owner {seq | slot}  busy  steal  loaded  previous  counters
 *	local (private)  -> the record, -> the loaded and the previous magazine
 *
 * Invariants:
 *	holder[loaded] = holder[previous] = CACHE(record), or there is none
 *	record.owner names a LIVE or DEAD slot as long as any holder names the record
 * Recovery goes by the holders; loaded and previous in the record are for onlookers and thieves.
 * Those of a free record are MP_NONE, so that whoever claims it holds what it says at once.
 *
 * A record's life:
 *	free -> owned by slot p		CAS by a thread of p, which then clears the record, and only
 *					then takes its first magazine
 *	owned -> free			by that thread at its exit, after its magazines have gone,
 *					if it is not inside a call; else by the daemon after
 *					p's death
 *
 * busy is 1 from the entry of a call to its end. It keeps a signal handler from entering while its
 * own thread is inside a call, close from unmapping while another thread is, and thieves (steal.h)
 * from magazines in use. A call that finds a thief's announcement settles first.
 *
 * A thread that finds all records taken gets and puts one block at a time, out of the depot's
 * partial magazine and under its lock. It marks itself busy in a stand-in record of its own
 * (local.standin), and looks for a free record again now and then.
 */
#ifndef MP_CORE_LOCAL_H
#define MP_CORE_LOCAL_H

#include "lib/core/depot.h"
#include "lib/core/layout.h"
#include "lib/core/magazine.h"

#define MP_RECORD_RETRY 256 /* calls without a record before a thread looks for one again */

/* A magazine that a thread works on, with what get and put need to know of it. */
struct mp_hand {
	struct mp_magazine *magazine; /* never NULL: an empty constant stands for none */
	uint32_t index;               /* MP_NONE: none */
	uint32_t free;                /* FREE(index) */
	uint32_t capacity;            /* 0: none */
};

/* What a thread in mempool_get_wait() does, also between its gets. */
enum mp_waiting {
	MP_NOT_WAITING,
	MP_WAITING_SOON, /* its gets do not search for long, as it will sleep by itself */
	MP_WAITING,      /* nor do they let those who wait go first */
};

struct mp_local {
	_Alignas(64) struct mp_hand loaded;
	struct mp_cache *cache; /* the record, or &standin */
	uint32_t record;        /* MP_NONE: none */
	uint32_t tries;         /* calls it made without a record */
	mp_atomic32 waiting;    /* enum mp_waiting */
	struct mp_hand previous;
	const void *handle; /* set by the library: which handle this is for; NULL: none */
	struct mp_cache standin;
};

/* Begins without magazines and without a record: touches private memory alone. */
void mp_local_init_bare(struct mp_local *local);

/* Begins without magazines, and with a record if there is a free one. */
void mp_local_init(struct mp_pool *pool, struct mp_local *local);

/*
 * Gives the magazines back, then the record. Does nothing for a thread that ends inside a call, as
 * by pthread_exit() in a signal handler: the daemon frees its record after the process's death.
 */
void mp_local_finish(struct mp_pool *pool, struct mp_local *local);

/* Whether the thread does without a record, in a pool that has some. */
static inline bool mp_local_lacks_record(const struct mp_pool *pool, const struct mp_local *local)
{
	return local->record == MP_NONE && pool->shape.n_caches > 0;
}

/* Whether the next call looks for a record; one in MP_RECORD_RETRY without a record does. */
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

/* Call what follows between mp_enter() and mp_leave(), in a process that has a slot. */

/* Makes sure which magazines are still ours, so that earlier thieves fail; clears steal. */
void mp_local_settle(struct mp_local *local);

/*
 * Begins every call but the fastest: settles if a thief has announced itself. A process that cannot
 * be reached by a thief's membarrier pays the fence here, and never takes the fastest path.
 */
static inline void mp_settle(const struct mp_pool *pool, struct mp_local *local)
{
	if (__builtin_expect(pool->fenced, 0)) {
		mp_fence();
	}
	if (__builtin_expect(mp_load(&local->cache->steal) != 0, 0)) {
		mp_local_settle(local);
	}
}

/* In every MP_RECORD_RETRYth call, looks for a free record. Returns whether the thread has one. */
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

/* The shard this thread tries first. */
static inline uint32_t mp_local_home(const struct mp_pool *pool, const struct mp_local *local)
{
	return local->record != MP_NONE ? local->record : pool->slot;
}

/* How to ask the depot for blocks. */
static inline enum mp_want mp_local_want(const struct mp_local *local)
{
	return mp_load(&local->waiting) == MP_NOT_WAITING ? MP_WANT_BLOCKS : MP_WANT_SOON;
}

/* Whether the thread has a record. One without looks for a free one now and then. */
static inline bool mp_local_has_record(struct mp_pool *pool, struct mp_local *local)
{
	return local->record != MP_NONE || mp_local_find_record(pool, local);
}

/* Adds to the record's counter; without a record, to the process's. */
static inline void mp_local_count(const struct mp_local *local, mp_atomic64 *of_record,
				  mp_atomic64 *of_slot, uint32_t n)
{
	if (local->record != MP_NONE) {
		mp_count_release(of_record, n); /* for a census, see cache.h */
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

/* Exchanges the loaded and the previous magazine. */
void mp_local_swap(struct mp_local *local);

/* Gives the previous magazine to the depot for another: 0, MP_E_EMPTY or MP_E_BUSY. */
int mp_local_exchange(struct mp_pool *pool, struct mp_local *local, enum mp_want want);

/*
 * Makes the loaded magazine one with room for a block, or one with blocks, without collecting.
 * Returns 0, MP_E_EMPTY or MP_E_BUSY. For threads with a record.
 */
int mp_local_make_room(struct mp_pool *pool, struct mp_local *local);
int mp_local_make_blocks(struct mp_pool *pool, struct mp_local *local);

/* Gives the previous magazine back; @magazine, which this record has stolen, takes its place. */
void mp_local_take_stolen(struct mp_pool *pool, struct mp_local *local, uint32_t magazine);

/* Counts a get that found nothing. */
void mp_count_failure(struct mp_pool *pool, struct mp_local *local);

/* To be called after mp_leave() when mp_is_pressed(): gives what we cache to those who wait. */
void mp_relieve(struct mp_pool *pool, struct mp_local *local);

/* Gives the magazines back, keeps the record. */
void mp_flush(struct mp_pool *pool, struct mp_local *local);

#endif
