/* SPDX-License-Identifier: MIT */
/*
 * A census: whether the pool has no free block at all. ENOMEM is said on its word alone.
 *
 * A get that finds nothing has looked at the depot, at what can be collected and at all caches, one
 * after the other. Meanwhile a block may have moved from where it was going to look to where it had
 * looked: a flush brings a magazine to the depot, a thief takes one to its own cache. And a cache
 * whose owner is inside a call cannot be stolen from. So that nothing was found does not mean that
 * there is nothing.
 *
 *	one look	nothing to collect; each shard has n_free = 0 and nobody changes it; and
 *			none of the magazines noted in any record has a valid entry
 *	a census	two looks without a block, between which nothing has changed: each shard's
 *			changes, each record's owner, gets, puts and hands, the holders of what
 *			it notes, and reclaim_seq
 *
 * Why there was no free block at the moment between the two looks. A block is free when its word is
 * FREE(m), or RECLAIMED with reclaim_seq raised since: a put that still has to raise it goes on.
 * The looks see the raise as something to collect until all is collected; what a collector brought
 * in last its own get gets. Else m is held by a shard or by a cache, and each was seen without a
 * block before that moment and after it, with the same counters:
 *	shard	changes is odd as long as somebody has its lock, and higher after; only then do its
 *		magazines and n_free change
 *	cache	a put raises puts and a get gets, after the word and before the call ends. So a
 *		look reads them before the entries, for a get that has not raised gets yet, and
 *		after, for a put that has not raised puts
 *	hands	read after gets and puts: a call that has changed them since has not ended. They may
 *		change and be again as they were; then the magazine has come back, and its holder's
 *		sequence is higher
 * What a cache holds is noted in its hands, in this order:
 *	depot -> cache	noted as taking before it is the cache's, so that it is seen if the taker
 *			dies, and in the hands before the shard's lock is free
 *	cache -> depot	noted until the shard's lock is free again, or the magazine announced
 *	cache -> cache	the thief notes the magazine before its CAS; the owner notes it until its
 *			next call, and nobody minds a magazine that is noted twice
 *	swap		both hands are noted by one store
 * Each of these notes is a release, and so are the steps before it or after it, as far as another
 * looks at them.
 *
 * A look asks only whether noted magazines have valid entries, whoever holds them. A dead process's
 * count until its record is free, and that is after they were announced. A record without an owner
 * holds nothing: of it a look notes the owner word alone, whose sequence a claim raises.
 * tests/model/census.pml verifies this, and what goes wrong when any of it is left out.
 *
 * Where stores may come out of order. Of a get or a put, words, count and counters are stored
 * with nothing between (cache.h), so that a look may see the counter of a put and not its entry, or
 * the word of the next get and not the counter of the put before. There a census is four looks, all
 * without a block and with nothing changed, and two barriers that reach all who run:
 *	look, barrier, look, look, barrier, look
 * What the first look saw of a thread, and all that this thread had stored before, the looks in
 * the middle see. What they saw of a thread, and all that it had stored before, the last look sees.
 * So if counters and hands, and the shards' changes, are the same in the first and in the last,
 * the looks in the middle have seen all of the calls that had ended by then, as far as those have
 * counters, and of later calls at most one a record, without its counter: and of that one any part.
 * But no exchange, no theft and no flush, as these change hands or changes. If it is a get, words
 * leave FREE and none becomes so: what the second look found bare stays bare. If it is a put, it is
 * the other way round: what the third look found bare was bare before; a put of which only a part
 * is seen has not happened yet. (A get that collects puts what it brings in, but for the block that
 * it gets itself: that was its own since it was claimed.) Hence at the moment between these two
 * every record is bare, and so is each shard, whose n_free did not change.
 * A barrier does not reach owners that have no membarrier (record.fenced). In each of their calls a
 * fence comes before the first store, and the counter is a release: so who sees a counter sees the
 * call, and who sees a part of a call sees the counters of those before it.
 * Who has no membarrier himself has the daemon run it, when there are owners that need it. If that
 * fails, he knows nothing, and his get ends in EAGAIN.
 *
 * A census reads, and stores nothing; nobody waits for it. It may see a block that the caller
 * cannot have now: its owner is inside a call, or stopped there, or dead and not yet buried.
 */
#ifndef MP_CORE_CENSUS_H
#define MP_CORE_CENSUS_H

#include "lib/core/layout.h"

/* True: no block was free at some moment since the call began. False: one may be. */
bool mp_census_finds_none(const struct mp_pool *pool);

/* What a get may hope for. */
enum mp_supply {
	MP_SUPPLY_NONE, /* as mp_census_finds_none() says */
	MP_SUPPLY_HELD, /* whoever has a free block is inside a call, or something changes */
	MP_SUPPLY_SOME, /* a block that a get finds, unless another is faster */
};
enum mp_supply mp_census_supply(const struct mp_pool *pool);

#endif
