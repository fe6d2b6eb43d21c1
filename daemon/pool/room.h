/* SPDX-License-Identifier: MIT */
/*
 * Room: how much of /dev/shm is left, or of the machine's memory for memfds. It is looked at
 * beforehand, as it is friendlier to say that there is not enough than to fill it first. What pools
 * that are being made or grow have yet to take is not free any more.
 */
#ifndef MP_DAEMON_ROOM_H
#define MP_DAEMON_ROOM_H

#include <stdbool.h>
#include <stdint.h>

struct registry_pool;
struct pools;

/* Whether @need bytes for that pool are there, as far as is known; *@left says how many are. */
bool room_for(const struct pools *pools, const struct registry_pool *record, uint64_t need,
	      uint64_t *left);

#endif
