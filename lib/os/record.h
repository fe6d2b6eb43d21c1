/* SPDX-License-Identifier: MIT */
/*
 * What the library knows of the pools of os/: a record each, found by the address of the caller's
 * struct, and the list of them.
 *
 * The library writes the caller's structs, for programs that look at them, but does not learn from
 * them which pools there are: their memory may be overwritten, or gone.
 *
 * A pool is on a shelf, by its address, and the shelf's lock is the pool's. The list has a lock of
 * its own, which is taken before a shelf's. Both are held over a fork. No callback runs with either
 * held.
 */
#ifndef MP_OS_RECORD_H
#define MP_OS_RECORD_H

#include <pthread.h>

#include <mempool/mempool.h>
#include <os/os_mempool.h>

struct os_record {
	struct os_mempool *mp;
	struct os_record *in_shelf;        /* the next of its shelf */
	struct os_record *next, *previous; /* of the list */
	struct mempool *shared;            /* NULL: a pool in the caller's memory */
	uint32_t n_inside;                 /* threads that are inside a call on a shared pool */
	int64_t counted_ms;                /* when os_shared_count() counted its blocks last */
	size_t room;                       /* known bytes of the buffer, or SIZE_MAX */
	uint32_t blocks;
	uint64_t out[]; /* a bit for each block: somebody has it. A shared pool has no bits */
};

struct os_shelf {
	pthread_mutex_t mutex;
	struct os_record *records;
};

/* The shelf of a pool, locked. */
struct os_shelf *os_shelf_lock(const struct os_mempool *mp);
void os_shelf_unlock(struct os_shelf *shelf);

/* The record of a pool, or NULL; with its shelf locked. */
struct os_record *os_shelf_find(const struct os_shelf *shelf, const struct os_mempool *mp);

/* Makes a record of @blocks blocks, which nobody has; it is on no list. NULL: no memory. */
struct os_record *os_record_make(struct os_mempool *mp, uint32_t blocks);
void os_record_free(struct os_record *record);

/* The list's lock. */
void os_list_lock(void);
void os_list_unlock(void);

/* The first record of the list, which is locked, or NULL. */
struct os_record *os_list_first(void);

/*
 * Puts the record at the end of the list, and takes out and frees one of the same pool that may be
 * there: it has no handle any more (os_shared_close()). With list and shelf locked.
 */
void os_record_replace(struct os_shelf *shelf, struct os_record *record);

/* Takes the record out of list and shelf, both locked, and frees it. */
void os_record_remove(struct os_shelf *shelf, struct os_record *record);

#endif
