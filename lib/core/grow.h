/* SPDX-License-Identifier: MIT */
/*
 * Growing: blocks that are born after the pool was made.
 *
 * The pool is laid for max_blocks, magazines included, so that a birth changes one word. A block is
 * born RECLAIMED: nobody's, for the next collector to bring in (collect.h), like a block of a dead
 * process. Clients need not know that a pool grows, and no block state is for growing alone.
 *
 *	word  | FREE USED ... | RECLAIMED RECLAIMED RECLAIMED | UNBORN UNBORN ... |
 *	                      ^ laid                          ^ born              ^ max_blocks
 *
 * Order of stores, all by the daemon, and what is true if it dies after each:
 *	1 pages of data reserved	the next daemon gives them back
 *	2 registry: blocks = the new	the next daemon goes on from here: with 3
 *	3 growing = 1			audits see that 5 to 7 are still to come
 *	4 born = the new		clients walk words that are UNBORN; these are nobody's
 *	5 each word UNBORN -> RECLAIMED	collectors that walk by have it already; the rest are UNBORN
 *	6 reclaim_seq + 1, wake		all can be got
 *	7 growing = 0			as before
 *	8 registry: laid = blocks	done
 * Nobody else moves a word out of UNBORN, and the daemon passes over words that have left it, so it
 * can repeat 3 to 7 from the start. A pool that is destroyed between 3 and 7 stays as it is: it is
 * growing for ever, and its clients go on with the blocks they have.
 */
#ifndef MP_CORE_GROW_H
#define MP_CORE_GROW_H

#include "lib/core/layout.h"

struct mp_growth {
	uint32_t at; /* words below it are laid */
	uint32_t to; /* blocks there are to be */
};

/* Begins: blocks @from to @to are to be born; the data pages for all of them are reserved. */
void mp_grow_init(struct mp_growth *growth, uint32_t from, uint32_t to);

/* Lays about @budget words, with generations made of @seed. Returns true when done. */
bool mp_grow_step(struct mp_pool *pool, struct mp_growth *growth, uint32_t budget, uint64_t seed);

#endif
