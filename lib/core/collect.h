/* SPDX-License-Identifier: MIT */
/*
 * Collecting: bringing back what the daemon's passes, and puts that found no room, left for it.
 *
 *	left:       RECLAIMED words, ORPHAN magazines, then reclaim_seq + 1
 *	collector:  s = reclaim_seq; orphans -> depot; RECLAIMED -> own; collected_seq = s
 *
 * Invariants, between any two instructions:
 *	a word is RECLAIMED or a holder is ORPHAN
 *	    =>  reclaim_seq != collected_seq, or a raise of reclaim_seq is owed: by the daemon that
 *	        lays newborn blocks, by a process that lives, or by a dead one's pass, which is
 *	        still to come and raises it. Who owes says so in the segment, see audit.c
 *	a RECLAIMED block is nobody's and may be claimed by anybody, by one CAS
 *
 * Who collects: a get that finds nothing in the depot, before it says that there is nothing; and a
 * put that finds no room (orphans only). Not every refill: the walk over all words would be paid by
 * a get that has no need of it.
 *
 * A collector reads reclaim_seq first and stores that value last, and only if it saw everything and
 * had room for everything: its walk sees what was left before it read the value, and what is left
 * later raises reclaim_seq past it. Two may collect at once: each claims by CAS. One that dies has
 * stored nothing, and the pass over it reclaims what it had claimed. One that was overtaken may
 * store an older value; that costs one more collect.
 *
 * A collector stops after some thousand blocks, as a get waits for it: it stores collect_hint,
 * where the next one may go on, and no collected_seq. A collector that is to store collected_seq
 * looks at everything, whatever the hint says.
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
 * Brings what was left into the thread's magazines and the depot. Returns whether it looked at all
 * and had room for all.
 */
bool mp_collect(struct mp_pool *pool, struct mp_local *local, uint32_t home);

/* Brings orphans to the depot. False: it left some, as it could lock no shard. */
bool mp_collect_orphans(struct mp_pool *pool, uint32_t home);

/* Claims one RECLAIMED block, without magazine or lock, if anything is pending. */
bool mp_collect_one(struct mp_pool *pool, uint32_t *index);

#endif
