/* SPDX-License-Identifier: MIT */
/*
 * Get and put on a pool that the library has no record of, by what its struct says: a struct that
 * was copied or written by the program, or that was unregistered long ago.
 *
 * Nothing says which of its blocks are out, so puts walk the free list, but no further than the
 * pool has blocks. The caller has what os_record_hold() locked.
 */
#ifndef MP_OS_STRAY_H
#define MP_OS_STRAY_H

#include <stdbool.h>

#include <os/os_mempool.h>

void *os_stray_pop(struct os_mempool *mp);

/* What a put of the block is to return; OS_OK: it may be pushed. */
os_error_t os_stray_check(const struct os_mempool *mp, const void *block);
void os_stray_push(struct os_mempool *mp, void *block);

bool os_stray_is_sane(const struct os_mempool *mp);

#endif
