/* SPDX-License-Identifier: MIT */
/*
 * Removal: gives the memory of a pool that nobody has open any more back to the system. Freeing a
 * gigabyte takes the kernel tens of milliseconds, so removal gives back the pages of big objects in
 * steps before it unlinks them. What a pool might have grown to has no pages and costs nothing.
 *
 * Only the task of its removal frees a pool that is in the registry, and never while another
 * function works with the pool.
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
