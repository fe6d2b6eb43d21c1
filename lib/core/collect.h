/* SPDX-License-Identifier: MIT */
/*
 * Collecting: bringing back what the daemon's passes, and puts that found no room, have left.
 *
 *	left:       RECLAIMED words, ORPHAN magazines, then reclaim_seq + 1
 *	collector:  s = reclaim_seq; orphans -> depot; RECLAIMED -> own; collected_seq = s
 *
 * Invariants, between any two instructions:
 *	a word is RECLAIMED or a holder is ORPHAN
 *	    =>  reclaim_seq != collected_seq, or a raise of reclaim_seq is owed: by the daemon, by
 *	        a process that lives, or by a dead one's pass, which is still to come and raises it
 *	a RECLAIMED block is nobody's and may be claimed by anybody, by one CAS
 *
 * Who collects: a get that finds nothing in the depot, before it says that there is nothing; and a
 * put that finds no room (orphans only). Not every refill: the walk over all words would be paid by
 * a get that has no need of it.
 *
 * A collector reads reclaim_seq first and stores that value last, and only if it saw everything and
 * had room for everything: what was left before the value was read has been seen by the walk, what
 * is left later raises it past the value. Two may collect at once: each claims by CAS. One that
 * dies has stored nothing, and what it had claimed is reclaimed like any block of a dead process.
 * One that was overtaken may store an older value: one more collect, no harm.
 *
 * A collector stops after some thousand blocks, for the sake of the get that waits for it: it
 * stores collect_hint, where the next one may go on, and no collected_seq. The hint is only a hint:
 * a collect that is to be stored looks at everything.
 *
 * Order of stores, and what is true if the process dies after each:
 *	1 word: RECLAIMED -> USED(p)	p's, and reclaimed again by the pass over p
 *	2 as push in magazine.h		in p's magazine, which the pass makes an orphan
 *	3 collected_seq			done
 */
#ifndef MP_CORE_COLLECT_H
#define MP_CORE_COLLECT_H

#include "lib/core/local.h"

static inline bool mp_collect_pending(const struct mp_pool *pool)
{
	return mp_load_acquire(&pool->header->reclaim_seq) !=
	       mp_load_acquire(&pool->header->collected_seq);
}

/*
 * Brings in what is left, into the thread's magazines and the depot; see above. Returns whether all
 * was looked at and brought in.
 */
bool mp_collect(struct mp_pool *pool, struct mp_local *local, uint32_t home);

/* Brings orphans to the depot. False: some could not be, as no shard could be locked. */
bool mp_collect_orphans(struct mp_pool *pool, uint32_t home);

/* Claims one RECLAIMED block, without magazine or lock, if anything is pending. */
bool mp_collect_one(struct mp_pool *pool, uint32_t *index);

#endif
