/* SPDX-License-Identifier: MIT */
/*
 * Pools of os/ whose blocks are those of a pool of mempoold.
 *
 * The record has the handle; the caller's struct only says that there is one. A call on blocks
 * locks the shelf while it looks for the handle, and again while it counts, but not in between.
 */
#ifndef MP_OS_SHARED_H
#define MP_OS_SHARED_H

#include "lib/os/record.h"

void *os_shared_get(struct os_mempool *mp);
os_error_t os_shared_put(struct os_mempool *mp, void *block);

/* What a put of the block would return, so that the callback never sees a block it may not put. */
os_error_t os_shared_check(const struct os_mempool *mp, const void *block);

bool os_shared_has(const struct os_mempool *mp, const void *block);
bool os_shared_is_sane(const struct os_mempool *mp);

/* Counts the blocks of a shared pool into the caller's struct; does nothing for other pools. */
void os_shared_count(struct os_record *record);

/*
 * Closes the handle that a record has; nothing for NULL, or for a record without one. With the
 * shelf locked. Returns OS_OK, or OS_EBUSY while this process has blocks of the pool or a thread is
 * inside a call on it.
 */
os_error_t os_shared_close(struct os_record *record);

#endif
