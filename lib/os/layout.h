/* SPDX-License-Identifier: MIT */
/*
 * Where the blocks of a caller's buffer lie, and what is in them while they are free.
 *
 *	| block, rounded up to the alignment | with GUARD: the alignment once more | next block ...
 *	  link | with POISON: pattern          pattern
 *
 * All of it follows from the public struct. Two bits of mp_flags say the alignment; they are zero
 * for the usual one, so that the flags of a plain pool are zero as in Mynewt. A link may lie at a
 * multiple of 4 only, and so is copied by memcpy().
 */
#ifndef MP_OS_LAYOUT_H
#define MP_OS_LAYOUT_H

#include <string.h>

#include <os/os_mempool.h>

#define OS_FLAGS_4 0x04u /* the alignment is 4 */
#define OS_FLAGS_16 0x08u

#define OS_OPTIONS (OS_MEMPOOL_OPT_CHECK | OS_MEMPOOL_OPT_POISON | OS_MEMPOOL_OPT_GUARD)

#define OS_POISON 0xde7ec7edu
#define OS_GUARD 0xbaff1ed1u

static inline size_t os_alignment(unsigned flags)
{
	return flags & OS_FLAGS_4 ? 4 : flags & OS_FLAGS_16 ? 16 : 8;
}

/* Bytes of a block up to its guard. */
static inline size_t os_body(unsigned flags, size_t block_size)
{
	size_t alignment = os_alignment(flags);
	return (block_size + alignment - 1) & ~(alignment - 1);
}

/* Bytes from block to block. */
static inline size_t os_stride(unsigned flags, size_t block_size)
{
	return os_body(flags, block_size) +
	       (flags & OS_MEMPOOL_OPT_GUARD ? os_alignment(flags) : 0);
}

/* Which block begins at that address, or UINT32_MAX. */
static inline uint32_t os_index(const struct os_mempool *mp, const void *address)
{
	size_t stride = os_stride(mp->mp_flags, mp->mp_block_size);
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
