/* SPDX-License-Identifier: MIT */
/*
 * Laying a fresh segment: the header, the shards' locks and lists, the words and magazines of the
 * blocks a pool begins with. The daemon does it before anybody else has the pool, in steps, so
 * nothing here must survive a death: a segment half laid is thrown away. What is laid later, for
 * blocks born later, see grow.h.
 */
#ifndef MP_CORE_FORMAT_H
#define MP_CORE_FORMAT_H

#include "lib/core/layout.h"

/* The generation a block begins with: not to be guessed from another block's; never 0. */
uint64_t mp_first_generation(uint64_t seed, uint64_t index);

/* Where an interrupted format stands; zero to begin. */
struct mp_format {
	uint32_t phase;
	uint32_t cursor;
};

/*
 * Lays a fresh, zero-filled control segment that nobody else has mapped, about @budget words or
 * magazines at a time. Generations start at random, from @seed. Returns true when done.
 */
bool mp_format_step(struct mp_pool *pool, struct mp_format *at, uint32_t budget, uint64_t pool_id,
		    const char *name, uint64_t seed);

#endif
