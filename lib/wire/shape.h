/* SPDX-License-Identifier: MIT */
/*
 * The numbers a pool is made of, between the form they travel and are recorded in (struct
 * wire_shape) and the one the engine computes with (struct mp_shape).
 */
#ifndef MP_WIRE_SHAPE_H
#define MP_WIRE_SHAPE_H

#include "lib/core/layout.h"
#include "lib/wire/protocol.h"

/* The chosen numbers of a shape; mp_shape_resolve() computes what follows from them. */
struct mp_shape wire_shape_to_core(const struct wire_shape *wire);

/* The chosen numbers of a shape, to be sent or recorded. */
struct wire_shape wire_shape_from_core(const struct mp_shape *shape);

#endif
