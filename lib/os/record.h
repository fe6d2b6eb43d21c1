/* SPDX-License-Identifier: MIT */
/*
 * What the library knows of the pools of os/: a record each, found by the address of the caller's
 * struct, and the list of them.
 *
 * The library writes the caller's structs, for programs that look at them, but does not learn from
 * them which pools there are, nor where blocks lie: their memory may be overwritten, copied, zeroed
 * or gone. An index in the struct would have to be proved against the record, too, and would be
 * lost in a copy field by field; an address cannot be lost.
 *
 * Finding a record. os_record_find() reads a table of buckets, chains of records, and takes no
 * lock. The table doubles before it has more records than half its buckets, so a chain is one
 * record or two, however many pools there are. What is found is only a candidate:
 *
 *	(1) Records are never freed. A record that a pool has given up is used for a later one, and
 *	    its lock stays a lock. So who has found a record may take its lock, whatever happens.
 *	(2) record->mp changes only with the record's lock and the table's lock held. Who has the
 *	    record's lock and sees his pool in it has the right record until he lets go.
 *	(3) Who finds nothing, or a record that has become another pool's by the time he has its
 *	    lock (a chain he walked was changed under him), looks again with the table's lock held
 *	    (os_record_hold()). No chain changes then, so that answer is right.
 *	(4) Tables are never freed either: a reader may be in an old one. It finds less there, and
 *	    then (3) applies. All old tables together are smaller than the newest.
 *	(5) While the process has one thread, nothing changes between finding and using; and
 *	    os_recent_find() may look in a smaller table first.
 *
 * A record must also fit the struct: if the buffer is not that of the pool's init, somebody has
 * written the struct; what it describes now is a pool that the library has no record of (stray.h).
 * If the buffer is the same, where blocks lie is what the record says, so nothing outside of the
 * buffer is ever given or written.
 *
 * Blocks. A record has a mark for each: OS_MARK_OUT, somebody has it; OS_MARK_KEPT, a callback has
 * it; else the block is free, and the mark is what its link must be, the address of the next free
 * block or NULL, which are multiples of 4. So a get sees each write to the link of a free block,
 * and a put sees that a block is free already, whatever is in it.
 *
 * Locks: the list's, the table's, a record's, in that order; all are held over the fork of a
 * process with threads. No callback runs with any of them held.
 */
#ifndef MP_OS_RECORD_H
#define MP_OS_RECORD_H

#include <mempool/mempool.h>
#include <os/os_mempool.h>

#include "lib/os/lock.h"

#define OS_MARK_OUT ((uintptr_t)1)
#define OS_MARK_KEPT ((uintptr_t)3)

struct os_record {
	struct os_mempool *mp;       /* NULL: the record is not used */
	struct os_record *in_bucket; /* the next of its chain */
	uint32_t lock;
	size_t fast_blocks; /* blocks; 0 if the pool has flags, so that fast paths find none */
	uint8_t twos;       /* how often two divides the stride */
	bool has_lost;      /* free blocks: a link was overwritten */
	uintptr_t base;     /* address of the first block; of a shared pool 0 */
	uintptr_t inverse;  /* of the stride's odd part; see os_record_index() */
	uintptr_t *marks;   /* of a pool in a caller's buffer */
	struct os_row *row; /* the list, or those that left it, or NULL; with the list locked */

	/* Not of the fast path. */
	struct os_record *next, *previous; /* in the row; next also of unused records */
	uint64_t *kept;                    /* of a shared pool: a bit a block, as OS_MARK_KEPT */
	size_t room;                       /* known bytes of the buffer, or SIZE_MAX */
	struct mempool *shared;            /* NULL: a pool in the caller's memory */
	uint32_t n_inside;                 /* threads that are inside a call on a shared pool */
	uint32_t n_bytes;                  /* of marks and kept */
	uint16_t blocks;                   /* 0 of a shared pool */
	uint16_t most;                     /* so far puts may raise mp_num_free without a look */
	uint8_t looks, blind, n_blind;     /* see os_shared_count_if_old() */
	int64_t looked_ms;                 /* when that looked at the clock last */
	int64_t counted_ms;                /* when os_shared_count() counted its blocks last */
} __attribute__((aligned(64)));

struct os_table {
	struct os_table *older;
	unsigned shift; /* bits of a hash that are not of the bucket's number */
	struct os_record *buckets[];
};

/* Hidden also from compilers, which else load its address first. */
extern struct os_table *os_record_table __attribute__((visibility("hidden")));

/* 32 bits, of which the upper are like dice. */
static inline uint32_t os_record_hash(const struct os_mempool *mp)
{
	return (uint32_t)(uintptr_t)mp * 0x9e3779b1u;
}

/* A candidate for the record of the pool, or NULL; see above. */
static inline struct os_record *os_record_find(const struct os_mempool *mp)
{
	const struct os_table *table = __atomic_load_n(&os_record_table, __ATOMIC_ACQUIRE);
	uint32_t bucket = os_record_hash(mp) >> table->shift;
	struct os_record *record = __atomic_load_n(&table->buckets[bucket], __ATOMIC_ACQUIRE);

	while (likely(record) && unlikely(__atomic_load_n(&record->mp, __ATOMIC_RELAXED) != mp)) {
		record = __atomic_load_n(&record->in_bucket, __ATOMIC_ACQUIRE);
	}
	return record;
}

/*
 * What was found lately, for a process with one thread: a table of constant size at a constant
 * place, as each load counts. What it says is a candidate, too; it is never cleared.
 */
#define OS_RECENT_BITS 12

extern struct os_record *os_recent[1 << OS_RECENT_BITS] __attribute__((visibility("hidden")));

/* The record of the pool, or NULL: it is not known whether there is one. While alone. */
static inline struct os_record *os_recent_find(const struct os_mempool *mp)
{
	struct os_record *record = os_recent[os_record_hash(mp) >> (32 - OS_RECENT_BITS)];
	return likely(record && record->mp == mp) ? record : NULL;
}

/* Makes os_recent_find() find the record of the pool, if there is one. While alone. */
void os_recent_note(const struct os_mempool *mp);

/*
 * Which block begins at that address; a number that is not below record->blocks: none does. No
 * division: with stride = odd * 2^twos and odd * inverse = 1, the offset i * stride times inverse
 * is i * 2^twos, which rotated to the right by twos is i. Both steps can be undone, so no other
 * offset comes to i, and what comes to a number of a block is the beginning of that block.
 */
static inline uintptr_t os_record_index(const struct os_record *record, const void *address)
{
	const unsigned bits = sizeof(uintptr_t) * 8;
	uintptr_t n = ((uintptr_t)address - record->base) * record->inverse;

	return n >> record->twos | n << (-(unsigned)record->twos & (bits - 1));
}

static inline bool os_mark_is_free(uintptr_t mark)
{
	return (mark & 3) == 0;
}

/*
 * Whether the struct is of the pool in a caller's buffer that the record is of; with its lock held.
 */
static inline bool os_record_fits(const struct os_record *record, const struct os_mempool *mp)
{
	return record->mp == mp && !record->shared && mp->mp_membuf_addr == record->base;
}

/* A pool that nobody else uses until os_record_release(). */
struct os_hold {
	struct os_record *record; /* NULL: there is none; then the table is locked instead */
	uint32_t *lock;           /* NULL: none was needed */
};

/* Looks with the table locked. */
struct os_hold os_record_hold_slowly(const struct os_mempool *mp);

static inline struct os_hold os_record_hold(const struct os_mempool *mp)
{
	struct os_record *record = os_record_find(mp);

	if (unlikely(!record)) {
		return os_record_hold_slowly(mp);
	}
	bool taken = os_lock_enter(&record->lock);
	if (unlikely(record->mp != mp)) {
		os_lock_leave(&record->lock, taken);
		return os_record_hold_slowly(mp);
	}
	return (struct os_hold){record, taken ? &record->lock : NULL};
}

static inline void os_record_release(struct os_hold hold)
{
	if (hold.lock) {
		os_lock_drop(hold.lock);
	}
}

/*
 * The record of the pool, made if need be, locked; os_lock_drop() it. With the list locked. NULL:
 * no memory.
 */
struct os_record *os_record_claim(struct os_mempool *mp);

/* The record of the pool, or NULL; with the list locked, so that it stays. */
struct os_record *os_record_of(const struct os_mempool *mp);

/* Marks, and bits of what is kept, for so many blocks; all 0. */
struct os_notes {
	uintptr_t *marks;
	uint64_t *kept; /* NULL for none */
	uint32_t n_bytes;
};

/* False: no memory. */
bool os_notes_make(struct os_notes *notes, uint32_t n_marks, uint32_t n_kept);
void os_notes_free(struct os_notes *notes);

/* Gives the record these notes, and takes those that it has; with its lock held. */
void os_record_swap(struct os_record *record, struct os_notes *notes);

/* The list's lock. */
void os_list_lock(void);
void os_list_unlock(void);

/* The record after this one on the list, which is locked; of NULL the first. NULL: none. */
struct os_record *os_list_next(const struct os_record *record);

bool os_list_has(const struct os_record *record);

/* Puts the record at the end of the list; it may be on it. With the list locked. */
void os_list_add(struct os_record *record);

/* Takes the record off the list. With the list locked. */
void os_list_remove(struct os_record *record);

/* Takes all records off the list, which is locked, and writes no struct. */
void os_list_empty(void);

/*
 * Gives up a record, which is not on the list: at once, or later, so that a pool that somebody goes
 * on using keeps its notes as long as there is room. With the list locked, and no record.
 */
void os_record_forget(struct os_record *record);
void os_record_forget_later(struct os_record *record);

#endif
