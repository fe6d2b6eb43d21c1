/* SPDX-License-Identifier: MIT */
/*
 * Stealing: when the depot is empty, a getter takes a magazine out of an idle thread's cache. A
 * thief with a record takes it into its own cache; one without takes it into the depot.
 *
 *	owner of r (every call)             thief with cache t
 *	busy = 1                            h = holder[m], which is CACHE(r)
 *	steal != 0?  settle                 steal = me
 *	... works on its magazines ...      membarrier
 *	busy = 0                            busy = 0, and steal still me?
 *	                                    CAS holder[m]: h -> CACHE(t), or under the lock of
 *	                                    a shard s: h -> DEPOT(s)
 *	settle: CAS each of its magazines to the next sequence (a failure: it was stolen,
 *	        forget it); then steal = 0
 *
 * Why it is safe. The owner stores busy and then loads steal; the thief stores steal and then loads
 * busy; the thief's membarrier is the fence that both need. So either the thief sees busy and goes
 * away, or the owner's call sees steal and settles before it touches a magazine. If a thief is slow
 * (or stopped, or waits for a shard's lock) before its CAS, the owner has raised the holder's
 * sequence and the CAS fails. A second thief overwrites steal; then the first goes away, or both
 * try the CAS and one wins. No thief clears steal, so nobody waits for one that is dead or stopped;
 * the owner settles once. Names of thieves are unique among the living: else one could take
 * another's announcement, for which the membarrier is still to come, for its own.
 *
 * On any machine: a membarrier is a full barrier at some point of the owner's program, wherever
 * that is, also for its plain stores and loads. If the point comes before the load of steal, the
 * owner sees steal. Else it comes after the store of busy, so the thief sees busy = 1, or the busy
 * = 0 of the end of that call, or later; and a later call sees steal. busy = 0 is a release and the
 * thief acquires it, so it sees all that the owner did until then, in whatever order the owner's
 * CPU let its stores out; and what the owner still had to load is loaded. That release is all that
 * a get or a put pays for thieves. tests/model/weak/steal.pml is a model of it.
 *
 * Who pays for the fence:
 *	owner registered with membarrier	one load and a branch a call; the thief pays
 *	owner cannot, a sandbox refuses it	each of its calls fences between busy and steal, in
 *						mp_settle(); the thief pays its own fence
 *	thief without membarrier		has the daemon run one; if that cannot be had, it
 *						takes from owners that fence, and no others
 *
 * Order of stores, and what is true if the thief dies after each:
 *	1 steal = me			the owner settles at its next call: nothing has changed
 *	2 the thief's hands		say what it may hold in a moment, for a census
 *	3 holder CACHE(r) -> CACHE(t)	the dead thief's: the pass finds it by its holder
 *	  or CACHE(r) -> DEPOT(s)	the shard's: the rebuild finds it by its holder
 */
#ifndef MP_CORE_STEAL_H
#define MP_CORE_STEAL_H

#include "lib/core/local.h"

/*
 * Takes a magazine with blocks out of an idle cache: as the thread's previous one or, if it has no
 * record, into the depot. False: it found none, or none that is idle.
 */
bool mp_steal(struct mp_pool *pool, struct mp_local *local);

#endif
