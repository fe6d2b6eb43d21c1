/* SPDX-License-Identifier: MIT */
/*
 * Removal: the memory of a pool nobody has open any more goes back to the system. Freeing a
 * gigabyte takes the kernel tens of milliseconds, so the pages of big objects are given back in
 * slices before the names are unlinked. What a pool might have grown to has no pages and costs
 * nothing.
 *
 * A pool that has been entered in the registry is freed here alone, by a task of its own: it stays
 * while others work with it.
 */
#ifndef MP_DAEMON_REMOVAL_H
#define MP_DAEMON_REMOVAL_H

#include <stdint.h>

struct pool;
struct pools;

/* Begins the removal of a pool that is GONE and has no slot in use. The loop does the rest. */
void removal_start(struct pool *pool);

/* Goes on with removals for the rest of the slice, for a caller who needs their memory. */
void removal_hurry(struct pools *pools);

/*
 * For the daemon's end: removes the pool, or at @end_ns leaves what is left of it to the next
 * daemon. Frees the pool.
 */
void removal_finish(struct pool *pool, uint64_t end_ns);

#endif
