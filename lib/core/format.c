/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lib/core/depot.h"
#include "lib/core/format.h"
#include "lib/core/magazine.h"

static void format_header(struct mp_pool *pool, uint64_t pool_id, const char *name)
{
	struct mp_header *h = pool->header;

	h->magic = MP_MAGIC;
	h->version = MP_LAYOUT_VERSION;
	h->header_size = sizeof *h;
	h->signature = mp_signature();
	h->pool_id = pool_id;
	h->block_size = pool->shape.block_size;
	h->stride = pool->stride;
	h->max_blocks = pool->max_blocks;
	h->capacity = pool->shape.capacity;
	h->n_magazines = pool->shape.n_magazines;
	h->n_caches = pool->shape.n_caches;
	h->n_slots = pool->shape.n_slots;
	h->n_shards = pool->shape.n_shards;
	h->n_channels = pool->shape.n_channels;
	h->depth = pool->shape.depth;
	mp_store(&h->born, pool->shape.blocks);
	strncat(h->name, name, sizeof h->name - 1);
	mp_store(&h->min_free, pool->shape.blocks);
	for (uint32_t s = 0; s < pool->shape.n_shards; s++) {
		mp_depot_init(pool, s);
	}
	for (uint32_t r = 0; r < pool->shape.n_caches; r++) {
		mp_store(&pool->caches[r].hands, mp_hands(MP_NONE, MP_NONE));
	}
}

uint64_t mp_first_generation(uint64_t seed, uint64_t index)
{
	uint64_t z = seed + index * 0x9e3779b97f4a7c15ull;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	uint32_t generation = (uint32_t)(z >> 32);
	return generation ? generation : 1;
}

/* Lays magazine @m, and the words of the blocks that begin in it. */
static void format_magazine(struct mp_pool *pool, uint32_t m, uint64_t seed)
{
	struct mp_magazine *magazine = mp_magazine(pool, m);
	uint32_t capacity = pool->shape.capacity;
	uint64_t first = (uint64_t)m * capacity;
	uint32_t blocks = pool->shape.blocks;
	uint32_t n = first >= blocks              ? 0
		     : blocks - first >= capacity ? capacity
						  : (uint32_t)(blocks - first);

	for (uint32_t i = 0; i < n; i++) {
		uint64_t index = first + n - 1 - i; /* the lowest address is got first */
		mp_store(&magazine->entry[i], (uint32_t)index);
		mp_store(&pool->words[index].whole,
			 mp_first_generation(seed, index) << 32 | mp_word_low(MP_FREE, m));
	}
	mp_store(&magazine->count, n);
	mp_depot_lay(pool, m % pool->shape.n_shards, m);
}

bool mp_format_step(struct mp_pool *pool, struct mp_format *at, uint32_t budget, uint64_t pool_id,
		    const char *name, uint64_t seed)
{
	if (at->phase == 0) {
		format_header(pool, pool_id, name);
		at->phase = 1;
	}
	uint32_t n = pool->shape.n_magazines;
	for (uint32_t done = 0; at->cursor < n && done < budget; done += pool->shape.capacity) {
		/* From the last to the first: lists are pushed at the head. */
		format_magazine(pool, n - 1 - at->cursor++, seed);
	}
	return at->cursor == n;
}
