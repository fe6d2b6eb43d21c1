/* SPDX-License-Identifier: MIT */
#include "lib/wire/shape.h"

struct mp_shape wire_shape_to_core(const struct wire_shape *wire)
{
	return (struct mp_shape){
		.block_size = wire->block_size,
		.blocks = wire->blocks,
		.max_blocks = wire->max_blocks,
		.alignment = wire->alignment,
		.capacity = wire->capacity,
		.n_caches = wire->n_caches,
		.n_slots = wire->n_slots,
		.n_shards = wire->n_shards,
		.n_channels = wire->n_channels,
		.depth = wire->depth,
	};
}

struct wire_shape wire_shape_from_core(const struct mp_shape *shape)
{
	return (struct wire_shape){
		.block_size = shape->block_size,
		.blocks = shape->blocks,
		.max_blocks = shape->max_blocks,
		.alignment = shape->alignment,
		.capacity = shape->capacity,
		.n_caches = shape->n_caches,
		.n_slots = shape->n_slots,
		.n_shards = shape->n_shards,
		.n_channels = shape->n_channels,
		.depth = shape->depth,
	};
}
