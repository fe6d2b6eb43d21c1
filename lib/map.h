/* SPDX-License-Identifier: MIT */
/*
 * A pool's objects in this process's address space: data, and for writers and readers control and a
 * page of the liveness file, never touched, by which the daemon sees that we live. Observers have a
 * copy in the place of control, see look.h.
 */
#ifndef MP_MAP_H
#define MP_MAP_H

#include "lib/handle.h"

/*
 * Maps the objects behind @fds, which were sent with ATTACHED, as the handle's shape and access
 * say. A descriptor that the handle keeps is -1 in @fds then. Returns 0 or a negative errno; what
 * was mapped until then is for map_close().
 */
int map_open(struct mempool *pool, int *fds);

/* Applies huge_pages and prefault to the mapped pool. 0 or a negative errno. */
int map_prepare(const struct mempool *pool, const struct wire_terms *terms);

/* Unmaps what is mapped. */
void map_close(struct mempool *pool);

#endif
