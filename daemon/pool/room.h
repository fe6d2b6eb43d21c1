/* SPDX-License-Identifier: MIT */
/*
 * Room: how much of /dev/shm is left, or of the machine's memory for memfds. We look
 * before we reserve, as it is friendlier to refuse than to fill it first. What builds and growths
 * have yet to reserve does not count as free.
 */
#ifndef MP_DAEMON_ROOM_H
#define MP_DAEMON_ROOM_H

#include <stdbool.h>
#include <stdint.h>

struct registry_pool;
struct pools;

/* Whether there seem to be @need bytes left for that pool; sets *@left to how many there are. */
bool room_for(const struct pools *pools, const struct registry_pool *record, uint64_t need,
	      uint64_t *left);

#endif
