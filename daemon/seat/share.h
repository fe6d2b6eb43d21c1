/* SPDX-License-Identifier: MIT */
/*
 * Share: how many of a pool's slots a user may have. Who owns the pool, root and the daemon's user
 * may have all that are free; the settings `pool_seats_kept` and `pool_seats_per_user` bind others.
 *
 *	kept		slots that all others together leave to the owner, root and the daemon's
 *			user: at least one, unless the pool has only one
 *	of a user	slots that one other user may have: at least one
 *
 * A slot counts for its user until it is FREE again, as it is of no use to anybody else before.
 */
#ifndef MP_DAEMON_SHARE_H
#define MP_DAEMON_SHARE_H

#include <stdint.h>

struct limits;
struct pool;

/* Why there is no slot. */
enum {
	SHARE_NO_SLOT = 1, /* is free in the pool */
	SHARE_FULL,        /* the user has as many of the pool's as it may */
	SHARE_KEPT,        /* what is free is kept for the pool's owner and root */
};

uint32_t share_kept(const struct limits *limits, uint32_t n_slots);
uint32_t share_of_user(const struct limits *limits, uint32_t n_slots);

/* Finds a free slot that the user may have. Returns 0, or one of the reasons above. */
int share_find_slot(const struct pool *pool, uint32_t uid, uint32_t *slot);

#endif
