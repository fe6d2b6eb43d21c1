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
 * Why it is safe. The owner stores busy and then loads steal; the thief stores steal and then loads
 * busy; the thief's membarrier is the fence that both need. So either the thief sees busy and goes
 * away, or the owner's call sees steal and settles before it touches a magazine. If a thief is slow
 * (or stopped) before its CAS, the owner has raised the holder's sequence and the CAS fails. A
 * second thief overwrites steal; then the first goes away, or both try the CAS and one wins. No
 * thief clears steal, so nobody waits for one that is dead or stopped; the owner settles once.
 *
 * The owner pays one load and a branch a call. Thieves leave threads alone whose process could not
 * register with membarrier (record.stealable is 0). A thread without a record cannot steal.
 *
 * Order of stores, and what is true if the thief dies after each:
 *	1 steal = me			the owner settles at its next call: nothing has changed
 *	2 holder CACHE(r) -> CACHE(t)	the dead thief's: the pass finds it by its holder
 */
#ifndef MP_CORE_STEAL_H
#define MP_CORE_STEAL_H

#include "lib/core/layout.h"

/* Takes a magazine with blocks out of an idle cache, for the cache @record. MP_NONE: found none. */
uint32_t mp_steal(struct mp_pool *pool, uint32_t record);

#endif
