/* SPDX-License-Identifier: MIT */
/*
 * Removal: the memory of a pool nobody has open any more goes back to the system. Freeing a
 * gigabyte takes the kernel tens of milliseconds, so the pages of big objects are given back in
 * slices before the names are unlinked.
 */
#ifndef MP_DAEMON_REMOVAL_H
#define MP_DAEMON_REMOVAL_H

struct pool;

/* Begins; the pool is GONE and has no slot in use. It may be freed before this returns. */
void removal_start(struct pool *pool);

/* Removes at once, as at start and end, when no loop waits. Frees the pool. */
void removal_finish(struct pool *pool);

#endif
