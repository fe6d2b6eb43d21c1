/* SPDX-License-Identifier: MIT */
#include "lib/core/ring.h"

enum mp_ring_look mp_ring_look(const struct mp_pool *pool, struct mp_channel *channel, uint64_t p,
			       uint64_t *cell)
{
	uint64_t before = mp_load_acquire(&channel->head);

	*cell = mp_load_acquire(mp_ring_cell(pool, channel, p));
	if (p < mp_load_acquire(&channel->head)) {
		return MP_RING_PASSED;
	}
	if (p - before >= pool->shape.depth || *cell == mp_ring_empty(pool, p)) {
		return MP_RING_NOTHING;
	}
	if (mp_ring_is_token(*cell)) {
		return MP_RING_TOKEN;
	}
	return *cell == mp_ring_emptied(pool, p) ? MP_RING_EMPTIED : MP_RING_SCRIBBLED;
}

void mp_ring_clear(const struct mp_pool *pool, struct mp_channel *channel, uint64_t p,
		   uint64_t token)
{
	/* A token is posted once, so this hits no later lap. If it fails, another was first. */
	mp_cas(mp_ring_cell(pool, channel, p), token, mp_ring_emptied(pool, p));
}

void mp_ring_raise_head(struct mp_channel *channel, uint64_t to)
{
	uint64_t head = mp_load(&channel->head);

	while (head < to && !mp_cas(&channel->head, head, to)) {
		head = mp_load(&channel->head);
	}
}

uint64_t mp_ring_end(const struct mp_pool *pool, struct mp_channel *channel)
{
	uint64_t tail = mp_load_acquire(&channel->tail), cell;
	uint64_t p = mp_load_acquire(&channel->head);

	/* What comes before tail was filled when tail was stored; beyond that it is scribbled. */
	p = tail > p && tail - p <= pool->shape.depth ? tail : p;
	/* Whoever posts meanwhile moves the end; more than some rings of it is scribbled. */
	for (uint32_t tries = 4 * pool->shape.depth; tries > 0; tries--) {
		switch (mp_ring_look(pool, channel, p, &cell)) {
		case MP_RING_TOKEN:
		case MP_RING_EMPTIED:
			p++;
			break;
		case MP_RING_PASSED:
			p = mp_load_acquire(&channel->head);
			break;
		case MP_RING_NOTHING:
		case MP_RING_SCRIBBLED:
		default:
			return p;
		}
	}
	return p;
}

mp_atomic64 *mp_ring_word(const struct mp_pool *pool, uint64_t token, uint64_t *word)
{
	uint32_t index = (uint32_t)token;

	if (!mp_ring_is_token(token) || index >= pool->max_blocks) {
		return NULL;
	}
	*word = mp_load_acquire(&pool->words[index].whole);
	return *word >> 32 == token >> 32 ? &pool->words[index].whole : NULL;
}
