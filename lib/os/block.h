/* SPDX-License-Identifier: MIT */
/*
 * The patterns in and behind blocks of pools with OS_MEMPOOL_OPT_POISON or _GUARD.
 */
#ifndef MP_OS_BLOCK_H
#define MP_OS_BLOCK_H

#include <os/os_mempool.h>

/* Writes the patterns the pool's options ask for; the link is not touched. */
void os_block_mark(const struct os_mempool *mp, void *block);

#endif
