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

struct pool;
struct pools;

/* Begins the removal of a pool that is GONE and has no slot in use. The loop does the rest. */
void removal_start(struct pool *pool);

/* Goes on with removals for the rest of the slice, for a caller who needs their memory. */
void removal_hurry(struct pools *pools);

/*
 * For the daemon's end: unlinks the objects of a pool that is GONE and has no slot in use before
 * their pages are given back. Should this process be killed from here on, the kernel does that.
 */
void removal_unlink(struct pool *pool);

/* Gives back all at once what removal_unlink() unlinked. Frees the pool. */
void removal_finish(struct pool *pool);

#endif
