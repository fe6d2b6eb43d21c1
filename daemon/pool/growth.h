/* SPDX-License-Identifier: MIT */
/*
 * Growing a pool while it is in use. The order of stores, and what the next daemon does when this
 * one dies between two of them, is told in lib/core/grow.h.
 *
 *	RESERVING	pages, off the loop		a failure gives them back, in steps
 *	(commit)	the registry says the new number of blocks
 *	LAYING		words, in steps on the loop	goes on also when nobody waits for it
 *
 * A pool that is destroyed meanwhile does not grow any more. The requester is told how far it is,
 * as for a pool being made; when it goes, the pool grows all the same, and whoever asks for the
 * same then waits in its place.
 */
#ifndef MP_DAEMON_GROW_H
#define MP_DAEMON_GROW_H

#include <stdint.h>

#include "lib/wire/message.h"

struct growth;
struct pool;
struct session;

/* Answers a GROW; as the other handlers of request.c. */
int handle_grow(struct session *session, const union wire_message *message);

/*
 * After a restart: gives back pages that were reserved and not committed, and lays what was
 * committed and not laid. Returns 0 or -errno.
 */
int growth_resume(struct pool *pool);

/* The requester has gone. */
void growth_forget(struct growth *growth);

/* The pool was destroyed: the requester is told, and what was reserved is given back. */
void growth_stop(struct growth *growth);

/* Frees it, at the end. */
void growth_destroy(struct growth *growth);

/* The blocks that there are to be. */
uint32_t growth_target(const struct growth *growth);

/* Bytes of data below which it may have reserved pages. */
uint64_t growth_end(const struct growth *growth);

/* Bytes of /dev/shm that it has yet to take. */
uint64_t growth_needs(const struct growth *growth);

#endif
