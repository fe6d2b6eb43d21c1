/* SPDX-License-Identifier: MIT */
/*
 * Growing a pool while it is in use. The order of stores, and what the next daemon does when this
 * one dies between two of them, is told in lib/core/grow.h.
 *
 *	RESERVING	pages, off the loop		a failure gives them back, in steps
 *	(commit)	the registry says the new number of blocks
 *	LAYING		words, in steps on the loop	goes on also when nobody waits for it
 *
 * A pool that is destroyed meanwhile does not grow any more. The asker hears how far it is, as of a
 * pool being made; when nobody wants to hear it, the pool grows all the same, and whoever asks for
 * the same then waits in its place.
 *
 * Who destroys a pool ends its growth first.
 */
#ifndef MP_DAEMON_GROWTH_H
#define MP_DAEMON_GROWTH_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/pool/pool.h"

struct growth;

/*
 * Begins to let the pool grow to that many blocks. Returns 0: the asker hears the end later; or
 * -errno and nothing was begun.
 */
int growth_start(struct pool *pool, uint32_t blocks, const struct pool_asker *asker);

/*
 * After a restart: gives back pages that were reserved and not committed, and lays what was
 * committed and not laid. Returns 0 or -errno.
 */
int growth_resume(struct pool *pool);

/* The pool was destroyed: the asker hears so, and what was reserved is given back. May free it. */
void growth_stop(struct growth *growth);

/* Frees the growth, at the pool's end. */
void growth_destroy(struct growth *growth);

/* Whether the asker was told of the end; the growth may still give back what it reserved. */
bool growth_has_ended(const struct growth *growth);

/* The asker, whom the growth tells of its end; the caller may put another there. */
const struct pool_asker *growth_asker(const struct growth *growth);
void growth_set_asker(struct growth *growth, const struct pool_asker *asker);

/* How many blocks the pool is to have. */
uint32_t growth_target(const struct growth *growth);

/* The offset in the data object below which the growth may have reserved pages. */
uint64_t growth_end(const struct growth *growth);

/* Bytes of memory that the growth has yet to reserve. */
uint64_t growth_needs(const struct growth *growth);

#endif
