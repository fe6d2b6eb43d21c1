/* SPDX-License-Identifier: MIT */
/*
 * A growth: a pool being given more blocks while clients use it. lib/core/grow.h says the order of
 * stores, and what the next daemon does when this one dies between two of them.
 *
 *	RESERVING	takes pages, off the loop	gives them back, in steps, if it fails
 *	(commit)	writes the new number of blocks to the registry
 *	LAYING		lays words, in steps on the loop
 *
 * The asker hears how far it is, as for a build. When nobody wants to hear that, the pool grows all
 * the same, and who asks for the same growth then takes the asker's place.
 *
 * ending_retire(), which destroys a pool, ends its growth first.
 */
#ifndef MP_DAEMON_GROWTH_H
#define MP_DAEMON_GROWTH_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/pool/pool.h"

struct growth;

/*
 * Begins a growth of the pool to that many blocks. Returns 0: the asker hears the end later; or
 * -errno, and nothing was begun.
 */
int growth_start(struct pool *pool, uint32_t blocks, const struct pool_asker *asker);

/*
 * For a restart: gives back pages that an earlier daemon reserved and did not commit, and lays
 * words that it committed and did not lay. Returns 0 or -errno.
 */
int growth_resume(struct pool *pool);

/* The pool was destroyed: tells the asker, gives back what was reserved. May free the growth. */
void growth_stop(struct growth *growth);

/* Frees the growth, at the pool's end. */
void growth_destroy(struct growth *growth);

/*
 * For the daemon's end: tells the asker, and reserves no more. A slice may still be under way; once
 * it has ended, growth_finish() gives back what was reserved in vain, and frees the growth. Words
 * that were not laid are the next daemon's to lay.
 */
void growth_halt(struct growth *growth);
void growth_finish(struct growth *growth);

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
