/* SPDX-License-Identifier: MIT */
/*
 * Whether many blocks can be put or given in one go: each is ours, and none is named twice.
 */
#ifndef MP_BULK_H
#define MP_BULK_H

#include "lib/handle.h"

/*
 * Checks @n blocks: 0, or a negative errno with its sentence; @twice is that of a block that is
 * named twice. Needs no memory, and takes a time that grows with @n alone while there is some.
 */
int bulk_check(const struct mempool *pool, void *const *blocks, size_t n, int twice);

#endif
