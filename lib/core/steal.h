/* SPDX-License-Identifier: MIT */
/*
 * Stealing: when the depot is empty, a getter takes a magazine out of an idle thread's cache.
 *
 *	owner of r (every call)             thief with cache t
 *	busy = 1                            h = holder[m], which is CACHE(r)
 *	steal != 0?  settle                 steal = me
 *	... works on its magazines ...      membarrier
 *	busy = 0                            busy = 0, and steal still me?
 *	                                    CAS holder[m]: h -> CACHE(t)
 *	settle: CAS each of its magazines to the next sequence (a failure: it was stolen,
 *	        forget it); then steal = 0
 *
 * Why it holds. The owner stores busy and then loads steal, the thief stores steal and then loads
 * busy, and the membarrier stands for the fence in both: so either the thief sees busy and goes
 * away, or the owner's call sees steal and settles before it touches anything. A thief that has
 * looked and is slow (or stopped) with its CAS meets a holder whose sequence has moved on. A second
 * thief overwrites steal; then the first goes away, or both CAS and one wins. The thief never
 * clears steal, so nobody waits for a dead or stopped one; the owner pays for the announcement
 * once.
 *
 * The thief alone pays: the owner's price is one load and a branch a call. Threads of processes
 * that could not register with membarrier (record.stealable is 0) are not stolen from; nor can a
 * thread without a record steal.
 *
 * Order of stores, and what is true if the thief dies after each:
 *	1 steal = me			the owner settles at its next call: nothing has changed
 *	2 holder CACHE(r) -> CACHE(t)	the dead thief's: the pass finds it by its holder
 */
#ifndef MP_CORE_STEAL_H
#define MP_CORE_STEAL_H

#include "lib/core/layout.h"

/* Takes a magazine with blocks out of an idle cache. MP_NONE: there is none that can be had. */
uint32_t mp_steal(struct mp_pool *pool, uint32_t record);

#endif
