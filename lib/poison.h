/* SPDX-License-Identifier: MIT */
/*
 * What AddressSanitizer and Memcheck are told about blocks, so that a program's use of a block that
 * it has put or given is reported by its own tools.
 *
 *	this process has the block	accessible, block_size bytes
 *	anything else			not: free, somebody else's, the rest of the stride
 *
 * It is a matter of this process alone; what is hidden here is somebody else's to use elsewhere.
 * A block is hidden before it is let go, as another thread may get it, and be shown it, at once.
 *
 * In a program that runs under neither nothing is done, and the fast paths know nothing of it: the
 * pool's tag keeps them away, as for a quota (call.h). Readers and observers may look at all.
 */
#ifndef MP_POISON_H
#define MP_POISON_H

#include "lib/handle.h"

/* Whether there is a tool that wants to know. */
bool poison_is_wanted(void);

/* Hides all blocks of a pool that was mapped for writing; shows all, before it is unmapped. */
void poison_open(struct mempool *pool);
void poison_close(struct mempool *pool);

/* Of pools with pool->poisoned; blocks that are not ours are left as they are. */
void poison_hide(const struct mempool *pool, const void *block);
void poison_show(const struct mempool *pool, const void *block, bool is_filled);

/* For who asks where a block is to look at it: if it is anybody's. */
void poison_show_any(const struct mempool *pool, uint32_t index);

/* Of any pool: before blocks are let go; and when they have come, or are ours still. */
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
