/* SPDX-License-Identifier: MIT */
/*
 * Scribbling: a peer that writes what it likes over a control segment.
 */
#ifndef TESTS_FUZZ_SCRIBBLE_H
#define TESTS_FUZZ_SCRIBBLE_H

#include <stdbool.h>

#include "lib/core/layout.h"
#include "tests/fuzz/bytes.h"

/*
 * The shape both segments have that are fuzzed: small, a bit of everything, room to grow, and the
 * last magazine ends where the mapping does.
 */
extern const struct mp_shape scribble_shape;

/*
 * Takes from the input where, how much and what; writes it over @control, which has @shape. With
 * @spare the locks of the shards are left as they are.
 */
void scribble(struct bytes *in, const struct mp_shape *shape, void *control, bool spare);

#endif
