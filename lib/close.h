/* SPDX-License-Identifier: MIT */
/*
 * How a process lets go of a pool.
 */
#ifndef MP_CLOSE_H
#define MP_CLOSE_H

#include "lib/handle.h"

/*
 * Unmaps the pool, gives its slot back to the daemon, and frees the handle, which is on no list.
 * The handle's reference to its connection is the caller's to drop.
 */
void close_handle(struct mempool *pool);

#endif
