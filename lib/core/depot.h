/* SPDX-License-Identifier: MIT */
/*
 * The depot: magazines that no thread has, in shards, each under a robust process-shared mutex.
 *
 *	shard s | lock | full -> m4 -> m9 | partial -> m2 | empty -> m7 -> m1 |
 *	                                                  (links: magazine.next)
 *
 * Invariants:
 *	holder[m] = DEPOT(s)  <=>  m is on exactly one list of s      when the lock is free and its
 *	                                                              last owner did not die with it
 *	n_free = sum of the counts of its magazines                   likewise
 * The lists are only an index of the holders. After EOWNERDEAD they are rebuilt from the holders,
 * and pthread_mutex_consistent() comes last, so that whoever dies in the repair leaves it to the
 * next. The daemon takes no shard's lock and touches no magazine a shard holds.
 *
 * Order of stores, and what is true if the process dies after each (the lock then says EOWNERDEAD):
 *	take	1 holder DEPOT(s) -> CACHE(r)	the cache's; the daemon finds it by its holder
 *		2 unlinked, n_free		done
 *	give	1 holder CACHE(r) -> DEPOT(s)	the shard's; the rebuild finds it by its holder
 *		2 linked, n_free		done
 *	merge	see magazine.h; both are the shard's
 *
 * A partial magazine that comes in is merged into the one that is there, so that a shard has at
 * most one (two for a moment, or after a rebuild cut short). That keeps ceil(N/M) magazines enough
 * for all blocks, and put from finding none with room. All list work is at the heads: no walks.
 *
 * A holder of a lock who does not go on (SIGSTOP, debugger) costs others one trylock a visit; when
 * nothing else helps, one wait: a millisecond for a put, a scheduler's turn or two for a get.
 */
#ifndef MP_CORE_DEPOT_H
#define MP_CORE_DEPOT_H

#include "lib/core/layout.h"

/* Outcomes, beside 0 and negative errnos. */
enum {
	MP_E_EMPTY = 1, /* no shard has what was asked for */
	MP_E_BUSY,      /* nor those that could be locked; others could not */
};

enum mp_want {
	MP_WANT_BLOCKS, /* a magazine to get from: full, else partial */
	MP_WANT_ROOM,   /* a magazine to put into: empty, else partial */
};

/* Lays an empty shard; then the magazines it begins with. Before anybody else has the pool. */
void mp_depot_init(struct mp_pool *pool, uint32_t shard);
void mp_depot_lay(struct mp_pool *pool, uint32_t shard, uint32_t magazine);

/*
 * Takes a magazine for cache @record and gives @back (MP_NONE: nothing) to the same shard under one
 * lock. Shards are tried in turn from @home. Returns 0 and the magazine, MP_E_EMPTY or MP_E_BUSY.
 */
int mp_depot_exchange(struct mp_pool *pool, uint32_t home, uint32_t record, enum mp_want want,
		      uint32_t back, uint32_t *taken);

/* Gives a magazine of cache @record. Returns 0, or MP_E_BUSY: it is an ORPHAN then, announced. */
int mp_depot_give(struct mp_pool *pool, uint32_t home, uint32_t record, uint32_t magazine);

/* Brings in an orphan, without its leftovers. Returns 0 (somebody did) or MP_E_BUSY. */
int mp_depot_adopt(struct mp_pool *pool, uint32_t home, uint32_t magazine);

/*
 * One block, for threads that have no cache: under the lock, from and to the partial magazine.
 * Return 0, MP_E_EMPTY or MP_E_BUSY. @index is a block of ours for put.
 */
int mp_depot_get(struct mp_pool *pool, uint32_t home, uint32_t *index);
int mp_depot_put(struct mp_pool *pool, uint32_t home, uint32_t index);

/* Free blocks in all shards, about. */
uint64_t mp_depot_free(const struct mp_pool *pool);

#endif
