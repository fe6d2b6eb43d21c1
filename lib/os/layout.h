/* SPDX-License-Identifier: MIT */
/*
 * Where the blocks of a caller's buffer lie, and what is in them while they are free.
 *
 *	| block, rounded up to the alignment | with GUARD: the alignment once more | next block ...
 *	  link | with POISON: pattern          pattern
 *
 * All of it follows from the public struct. A link may lie at a multiple of 4 only, and so is
 * copied by memcpy().
 */
#ifndef MP_OS_LAYOUT_H
#define MP_OS_LAYOUT_H

#include <string.h>

#include <os/os_mempool.h>

#define OS_OPTIONS (OS_MEMPOOL_OPT_CHECK | OS_MEMPOOL_OPT_POISON | OS_MEMPOOL_OPT_GUARD)

static inline bool os_alignment_is_known(size_t alignment)
{
	return alignment == 4 || alignment == 8 || alignment == 16;
}

/* The usual one, when code that does not know the field has copied the struct without it. */
static inline size_t os_alignment(const struct os_mempool *mp)
{
	return os_alignment_is_known(mp->mp_alignment) ? mp->mp_alignment : OS_ALIGNMENT;
}

/* Bytes of a block up to its guard. */
static inline size_t os_body(size_t alignment, size_t block_size)
{
	return (block_size + alignment - 1) & ~(alignment - 1);
}

/* Bytes from block to block, in a pool with these flags. */
static inline size_t os_stride(size_t alignment, unsigned flags, size_t block_size)
{
	return os_body(alignment, block_size) + (flags & OS_MEMPOOL_OPT_GUARD ? alignment : 0);
}

/* Which block begins at that address, or UINT32_MAX. */
static inline uint32_t os_index(const struct os_mempool *mp, const void *address)
{
	size_t stride = os_stride(os_alignment(mp), mp->mp_flags, mp->mp_block_size);
	size_t offset = (uintptr_t)address - mp->mp_membuf_addr;

	if (!address || (uintptr_t)address < mp->mp_membuf_addr ||
	    offset >= stride * mp->mp_num_blocks || offset % stride != 0) {
		return UINT32_MAX;
	}
	return (uint32_t)(offset / stride);
}

static inline struct os_memblock *os_next(const struct os_memblock *block)
{
	struct os_memblock *next;
	memcpy(&next, (const void *)block, sizeof next);
	return next;
}

static inline void os_set_next(void *block, const struct os_memblock *next)
{
	memcpy(block, &next, sizeof next);
}

#endif
