/* SPDX-License-Identifier: MIT */
/*
 * What we tell AddressSanitizer and Memcheck about blocks, so that these tools report it when a
 * program uses a block that it has put or given.
 *
 *	this process has the block	accessible, block_size bytes; borrowed, too
 *	anything else			not: free, somebody else's, the rest of the stride
 *
 * This concerns our process alone; others use the blocks that are hidden here. We hide a block
 * before we let go of it, as another thread may get it, and have it shown, at once.
 *
 * In a program that runs under neither tool we do nothing. The fast paths never do: the pool's tag
 * keeps poisoned pools off them, as it does with a quota (call.h). To readers and observers nothing
 * is hidden.
 */
#ifndef MP_POISON_H
#define MP_POISON_H

#include "lib/handle.h"

/* Whether the program runs under one of the tools. */
bool poison_is_wanted(void);

/* Hides all blocks of a pool that was mapped for writing; shows all, before it is unmapped. */
void poison_open(struct mempool *pool);
void poison_close(struct mempool *pool);

/* Of pools with pool->poisoned; blocks that are not ours are left as they are. */
void poison_hide(const struct mempool *pool, const void *block);
void poison_show(const struct mempool *pool, const void *block, bool is_filled);

/*
 * Likewise of blocks of a broadcast that were borrowed, which are several processes'. Nothing says
 * that they may not be written to.
 */
void poison_hide_shared(const struct mempool *pool, const void *block);
void poison_show_shared(const struct mempool *pool, const void *block);

/* For mempool_block_at(): shows the block, if somebody uses it, to a program that looks at it. */
void poison_show_any(const struct mempool *pool, uint32_t index);

/* For any pool. Hide before letting go of blocks; show those that came, or that we still have. */
static inline void poison_hide_all(const struct mempool *pool, void *const *blocks, size_t n)
{
	for (size_t i = 0; __builtin_expect(pool->poisoned, 0) && i < n; i++) {
		poison_hide(pool, blocks[i]);
	}
}

static inline void poison_show_all(const struct mempool *pool, void *const *blocks, size_t n,
				   bool is_filled)
{
	for (size_t i = 0; __builtin_expect(pool->poisoned, 0) && i < n; i++) {
		poison_show(pool, blocks[i], is_filled);
	}
}

#endif
