/* SPDX-License-Identifier: MIT */
/*
 * Growing: blocks that are born after the pool was made.
 *
 * The pool is laid for max_blocks, magazines included, so that what a birth takes is a word. A
 * block is born RECLAIMED: nobody's, for the next collector to bring in (collect.h), like a dead
 * process's. There is nothing for a client to learn or to do, and no state that only growing has.
 *
 *	word  | FREE USED ... | RECLAIMED RECLAIMED RECLAIMED | UNBORN UNBORN ... |
 *	                      ^ laid                          ^ born              ^ max_blocks
 *
 * Order of stores, all by the daemon, and what is true if it dies after each:
 *	1 pages of data reserved	the next daemon gives them back
 *	2 registry: blocks = the new	the next daemon goes on from here: with 3
 *	3 born = the new		clients walk words that are UNBORN; these are nobody's
 *	4 each word UNBORN -> RECLAIMED	collectors that walk by have it already; the rest are UNBORN
 *	5 reclaim_seq + 1, wake		all can be got
 *	6 registry: laid = blocks	done
 * Nobody else moves a word out of UNBORN, and a word that has left it is passed over, so 3 to 5 can
 * be repeated from the start.
 */
#ifndef MP_CORE_GROW_H
#define MP_CORE_GROW_H

#include "lib/core/layout.h"

struct mp_growth {
	uint32_t at; /* words below it are laid */
	uint32_t to; /* blocks there are to be */
};

/* Begins: words from @from to @to are born. Data pages for all of them have been reserved. */
void mp_grow_init(struct mp_growth *growth, uint32_t from, uint32_t to);

/* Lays about @budget words; generations are made of @seed. Returns true when done. */
bool mp_grow_step(struct mp_pool *pool, struct mp_growth *growth, uint32_t budget, uint64_t seed);

#endif
