/* SPDX-License-Identifier: MIT */
/*
 * Fates: what the header of a pool tells those who have it open of its name. A pool that was
 * destroyed goes on for them, and nothing else tells them that nobody can open it any more, or that
 * others open another pool by that name.
 *
 *	LIVE		the pool has its name
 *	DESTROYED	it is GONE, and no pool has the name
 *	REPLACED	it is GONE, and another pool has the name
 *
 * Clients may write to the header, too: the daemon never reads a fate, and works it out anew
 * whenever a pool of that name comes or goes, and when it adopts a pool.
 */
#ifndef MP_DAEMON_FATE_H
#define MP_DAEMON_FATE_H

struct pool;
struct pools;

/* Writes the fates of all pools of that name. Call it when one of them became LIVE or GONE. */
void fate_tell(struct pools *pools, const char *name);

/* The same for all names of pools that are GONE; at adoption. */
void fate_tell_all(struct pools *pools);

#endif
