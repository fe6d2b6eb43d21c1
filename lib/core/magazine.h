/* SPDX-License-Identifier: MIT */
/*
 * Magazines: arrays of block indices, after Bonwick and Adams ("Magazines and Vmem", 2001), made to
 * survive the death of whoever works on them.
 *
 *	 holder {CACHE | 7 | seq}   count 3
 *	 entry  | 12 | 40 | 3 | 9 | ...         words[12] words[40] words[3] = FREE(m)
 *	                    ^ count             words[9] = anything
 *
 * Invariants, between any two instructions of anybody:
 *	word[b] = FREE(m)   =>  b stands in m.entry[0 .. m.count)
 *	                        (perhaps twice: the word is spent once)
 *	m has one holder; only it reads or writes count and entries, and moves FREE(m) words
 *
 * The converse does not hold: an entry whose word is not FREE(m) is a leftover of a crash. Whoever
 * meets one drops it.
 *
 * Holder {kind:3 | id:21 | sequence:40}. Every change is a CAS that raises the sequence, so that of
 * two who saw the same holder one fails. Changes allowed:
 *	DEPOT(s) <-> CACHE(r)   r's owner, under the lock of shard s
 *	ORPHAN -> DEPOT(s)      a collector, under the lock of shard s
 *	CACHE(r) -> CACHE(r)    r's owner, to settle: thieves that looked before fail
 *	CACHE(r) -> CACHE(t)    a thief that owns t, see steal.h
 *	CACHE(r) -> DEPOT(s)    a thief without a record, under the lock of shard s
 *	CACHE(r) -> ORPHAN      r's owner, or the daemon when r's process is dead
 *	UNBORN -> DEPOT         the daemon, before anybody else has the pool
 *
 * Order of stores, and what is true if the process dies after each:
 *	pop	1 word: FREE(m) -> USED(p)	the block is p's; m's top entry is a leftover
 *		2 count - 1			done
 *	push	1 entry[count] = b		above the count: nothing
 *		2 count + 1			m's top entry is a leftover; the block is still p's
 *		3 word: USED(p) -> FREE(m)	done
 *	bulk	1 count + n			n entries are what stood there before: leftovers, or
 *						blocks of m that are so listed twice
 *		2 entry, word of each		this one is m's; the next ones as before
 *	move	1 entry of B, 2 count of B	a leftover in B; the block is A's
 *		3 word: FREE(A) -> FREE(B)	a leftover in A; the block is B's
 *		4 count of A - 1		done
 * Bulk get does step 1 for all, from the top down, then step 2 once.
 *
 * These are mp_store_ordered(): for who comes after a death. While their holder lives, another CPU
 * may see them in any order, and nobody goes by that order:
 *	- The next holder comes by a hand-over, which orders all stores of the last one, also those
 *	  into blocks, before all its own loads and stores. Through a shard: the CAS of the holder
 *	  and the unlock release, lock and CAS acquire. A thief acquires busy = 0, see steal.h.
 *	  After a death, the kernel and the daemon's CAS are between, or the kernel and the robust
 *	  mutex. tests/model/weak/hand.pml is a model of it.
 *	- A census has barriers of its own, see census.h. An audit asks again for longer than any
 *	  CPU keeps a store to itself. Counts for people are a mix of moments anyhow.
 */
#ifndef MP_CORE_MAGAZINE_H
#define MP_CORE_MAGAZINE_H

#include "lib/core/layout.h"
#include "lib/core/word.h"

static inline enum mp_holder_kind mp_holder_kind(uint64_t holder)
{
	return (enum mp_holder_kind)(holder >> (MP_SEQUENCE_BITS + MP_HOLDER_ID_BITS));
}

static inline uint32_t mp_holder_id(uint64_t holder)
{
	return (uint32_t)(holder >> MP_SEQUENCE_BITS) & ((1u << MP_HOLDER_ID_BITS) - 1);
}

static inline bool mp_holder_is(uint64_t holder, enum mp_holder_kind kind, uint32_t id)
{
	return mp_holder_kind(holder) == kind && mp_holder_id(holder) == id;
}

/* The holder that follows @old. */
static inline uint64_t mp_holder_after(uint64_t old, enum mp_holder_kind kind, uint32_t id)
{
	uint64_t sequence = (old + 1) & ((1ull << MP_SEQUENCE_BITS) - 1);
	return (uint64_t)kind << (MP_SEQUENCE_BITS + MP_HOLDER_ID_BITS) |
	       (uint64_t)id << MP_SEQUENCE_BITS | sequence;
}

static inline struct mp_magazine *mp_magazine(const struct mp_pool *pool, uint32_t index)
{
	return (void *)(pool->magazines + (uint64_t)index * pool->shape.magazine_size);
}

static inline uint32_t mp_magazine_index(const struct mp_pool *pool, const struct mp_magazine *m)
{
	return (uint32_t)((uint64_t)((const unsigned char *)m - pool->magazines) /
			  pool->shape.magazine_size);
}

/* Hands the magazine from one holder to another. False: the first does not hold it any more. */
static inline bool mp_magazine_hand(struct mp_magazine *m, enum mp_holder_kind from,
				    uint32_t from_id, enum mp_holder_kind to, uint32_t to_id)
{
	uint64_t old = mp_load_acquire(&m->holder);
	return mp_holder_is(old, from, from_id) &&
	       mp_cas(&m->holder, old, mp_holder_after(old, to, to_id));
}

/* The count; at most the capacity, also when somebody has scribbled on it. */
static inline uint32_t mp_magazine_count(const struct mp_pool *pool, const struct mp_magazine *m)
{
	uint32_t n = mp_load(&m->count);
	return n <= pool->shape.capacity ? n : pool->shape.capacity;
}

/* Whether entry @at is a block of this magazine, no leftover; @free is FREE(m). Gives its index. */
static inline bool mp_magazine_peek(const struct mp_pool *pool, const struct mp_magazine *m,
				    uint32_t free, uint32_t at, uint32_t *index)
{
	*index = mp_load(&m->entry[at]);
	return *index < pool->max_blocks && mp_load(&pool->words[*index].low) == free;
}

/* Takes the top block for this process, and drops leftovers above it. MP_NONE: it has no block. */
static inline uint32_t mp_magazine_pop(const struct mp_pool *pool, struct mp_magazine *m,
				       uint32_t free)
{
	uint32_t n = mp_magazine_count(pool, m), index;

	while (n > 0) {
		bool valid = mp_magazine_peek(pool, m, free, n - 1, &index);
		if (valid) {
			mp_store_ordered(&pool->words[index].low, pool->used);
		}
		mp_store_ordered(&m->count, --n);
		if (valid) {
			return index;
		}
	}
	return MP_NONE;
}

/* Puts a block of ours on top of the @n there are. The caller knows that there is room. */
static inline void mp_magazine_push_at(const struct mp_pool *pool, struct mp_magazine *m,
				       uint32_t free, uint32_t n, uint32_t index)
{
	mp_store_ordered(&m->entry[n], index); /* not before a pop that made the room */
	mp_store_ordered(&m->count, n + 1);
	mp_store_ordered(&pool->words[index].low, free);
}

static inline void mp_magazine_push(const struct mp_pool *pool, struct mp_magazine *m,
				    uint32_t free, uint32_t index)
{
	uint32_t n = mp_load(&m->count), last = pool->shape.capacity - 1;

	mp_magazine_push_at(pool, m, free, n < last ? n : last, index);
}

/* Takes up to @n blocks for this process, as addresses. Returns how many. */
uint32_t mp_magazine_pop_bulk(const struct mp_pool *pool, struct mp_magazine *m, uint32_t free,
			      void **blocks, uint32_t n);

/*
 * Puts @n blocks of ours, all or none; the caller knows that there is room. Returns 0, or the
 * errno of the first that is not ours to put, or is named twice.
 */
int mp_magazine_push_bulk(const struct mp_pool *pool, struct mp_magazine *m, uint32_t free,
			  void *const *blocks, uint32_t n);

/* Undoes a push: the top @n blocks, just pushed, are this process's again. */
void mp_magazine_unpush(const struct mp_pool *pool, struct mp_magazine *m, uint32_t n);

/* Undoes a pop before the count was lowered: the top @n blocks are the magazine's again. */
void mp_magazine_unpop(const struct mp_pool *pool, struct mp_magazine *m, uint32_t free,
		       uint32_t n);

/* Drops leftovers from the top. */
void mp_magazine_trim(const struct mp_pool *pool, struct mp_magazine *m, uint32_t free);

/*
 * Moves blocks from @from to @to, both of which the caller holds, until one is empty or the other
 * full. Returns how many leftovers it dropped.
 */
uint32_t mp_magazine_merge(const struct mp_pool *pool, struct mp_magazine *to,
			   struct mp_magazine *from);

#endif
