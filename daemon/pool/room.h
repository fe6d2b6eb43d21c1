/* SPDX-License-Identifier: MIT */
/*
 * Room: how much memory is left for pools. It is looked at beforehand, as it is friendlier to say
 * that there is not enough than to fill it first, and as some limits kill who goes beyond.
 *
 *	/dev/shm	for pools there; what pools that are being made or grow have yet to take is
 *			not free any more
 *	memory		of the machine, for memfds; likewise
 *	cgroups		base/cgroup.h, for both
 *	resource limits	of the daemon: the size of a file, and of its address space
 */
#ifndef MP_DAEMON_ROOM_H
#define MP_DAEMON_ROOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pools;
struct registry_pool;

/*
 * Whether @need more bytes for that pool, which may be a new one, are there, as far as is known.
 * Returns 0, or ENOSPC or EDQUOT with what is wanting, and the remedy, in @text: "needs 9 MiB and
 * ...".
 */
int room_check(const struct pools *pools, const struct registry_pool *record, uint64_t need,
	       bool is_new, char *text, size_t size);

/* How much there is in all of what pools of that backing take. UINT64_MAX: nobody knows. */
uint64_t room_total(const struct pools *pools, uint8_t backing);

#endif
