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
 *	changes is even                                               likewise
 * The lists are only an index of the holders. Whoever finds that the lock's last owner died
 * (EOWNERDEAD) rebuilds them from the holders, and calls pthread_mutex_consistent() last, so that
 * if it dies in the repair, the next one repairs again. The daemon takes no shard's lock and
 * touches no magazine that a shard holds.
 *
 * Order of stores, and what is true if the process dies after each (the lock then says EOWNERDEAD):
 *	take	1 the record's taking		nothing; a census looks at the magazine here too
 *		2 holder DEPOT(s) -> CACHE(r)	the cache's; the daemon finds it by its holder
 *		3 unlinked, n_free		done
 *	give	1 holder CACHE(r) -> DEPOT(s)	the shard's; the rebuild finds it by its holder
 *		2 linked, n_free		done
 *	rob	1 holder CACHE(r) -> DEPOT(s)	the shard's; the rebuild finds it by its holder
 *		2 linked, n_free		done
 *	merge	see magazine.h; both are the shard's
 *
 * The depot merges a partial magazine that comes in into the one that is there, so that a shard has
 * at most one (two for a moment, or after a rebuild cut short). So ceil(N/M) magazines are enough
 * for all blocks, and a put always finds one with room. Lists change at their heads only: no walks.
 *
 * A lock's owner that is stopped (SIGSTOP, a debugger) costs others one trylock a visit. When no
 * other shard helps they wait once: a put a millisecond, a get a scheduler's turn or two. A get of
 * mempool_get_wait(), which has an end to keep, waits no longer than a put. After a put has waited
 * in vain, its process's puts wait for no lock for some time: else a bulk would, block by block.
 */
#ifndef MP_CORE_DEPOT_H
#define MP_CORE_DEPOT_H

#include "lib/core/layout.h"

/* Outcomes, beside 0 and negative errnos. */
enum {
	MP_E_EMPTY = 1, /* no shard has what was asked for */
	MP_E_BUSY,      /* none of the shards we could lock has it; some stayed locked */
};

enum mp_want {
	MP_WANT_BLOCKS, /* a magazine to get from: full, else partial */
	MP_WANT_SOON,   /* the same, but hardly waits for locks */
	MP_WANT_ROOM,   /* a magazine to put into: empty, else partial */
};

/* Lays an empty shard, then the magazines it begins with. For format.c. */
void mp_depot_init(struct mp_pool *pool, uint32_t shard);
void mp_depot_lay(struct mp_pool *pool, uint32_t shard, uint32_t magazine);

/*
 * Takes a magazine for cache @record and gives @back (MP_NONE: nothing) to the same shard under one
 * lock. Shards are tried in turn from @home. Returns 0 and the magazine, MP_E_EMPTY or MP_E_BUSY.
 */
int mp_depot_exchange(struct mp_pool *pool, uint32_t home, uint32_t record, enum mp_want want,
		      uint32_t back, uint32_t *taken);

/* Gives a magazine of cache @record. Returns 0, or MP_E_BUSY: then it is an announced ORPHAN. */
int mp_depot_give(struct mp_pool *pool, uint32_t home, uint32_t record, uint32_t magazine);

/*
 * Brings in a cache's magazine for a thief without a record, if its holder is still @holder. False:
 * it is not, or no shard could be locked. See steal.h for what the thief has to do before.
 */
bool mp_depot_rob(struct mp_pool *pool, uint32_t home, uint32_t magazine, uint64_t holder);

/* Brings in an orphan, without its leftovers. 0: we did, or somebody else has. Or MP_E_BUSY. */
int mp_depot_adopt(struct mp_pool *pool, uint32_t home, uint32_t magazine);

/*
 * Get or put one block in a shard's partial magazine, under its lock: for threads that have no
 * cache. Return 0, MP_E_EMPTY or MP_E_BUSY. @want: MP_WANT_BLOCKS or MP_WANT_SOON.
 */
int mp_depot_get(struct mp_pool *pool, uint32_t home, enum mp_want want, uint32_t *index);
int mp_depot_put(struct mp_pool *pool, uint32_t home, uint32_t index);

/* About how many blocks all shards have. */
uint64_t mp_depot_free(const struct mp_pool *pool);

#endif
