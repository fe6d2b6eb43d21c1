/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/core/futex.h"
#include "lib/core/ring.h"
#include "lib/core/word.h"
#include "lib/core/work.h"

/* Takes the block of the token at @p, if nobody else has, and empties the cell. */
static uint32_t work_take(struct mp_pool *pool, struct mp_channel *channel, uint64_t p,
			  uint64_t token, void **block)
{
	int64_t index = mp_word_take(pool, token, false);

	if (index >= 0) {
		*block = mp_pool_address(pool, (uint64_t)index);
	}
	mp_ring_clear(pool, channel, p, token);
	return index >= 0;
}

uint32_t mp_work_receive(struct mp_pool *pool, struct mp_channel *channel, void **blocks,
			 uint32_t n, int *error)
{
	uint64_t begin = mp_load_acquire(&channel->head), p = begin, cell;
	uint32_t got = 0;
	bool over = false;

	*error = 0;
	/* Others may be ahead of us by a ring or two; if by more, somebody has scribbled on it. */
	for (uint32_t tries = 4 * pool->shape.depth; got < n && !over && tries > 0; tries--) {
		mp_ring_fetch(pool, channel, p + MP_RING_AHEAD);
		switch (mp_ring_look(pool, channel, p, &cell)) {
		case MP_RING_TOKEN:
			got += work_take(pool, channel, p++, cell, &blocks[got]);
			break;
		case MP_RING_EMPTIED:
			p++;
			break;
		case MP_RING_PASSED:
			p = mp_load_acquire(&channel->head);
			break;
		case MP_RING_SCRIBBLED:
			*error = -EIO;
			over = true;
			break;
		case MP_RING_NOTHING:
		default:
			over = true;
			break;
		}
	}
	if (p != begin) {
		mp_ring_raise_head(channel, p);
		mp_futex_rouse(&channel->crowded);
	}
	return got;
}
