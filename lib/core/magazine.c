/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/core/batch.h"
#include "lib/core/magazine.h"

uint32_t mp_magazine_pop_bulk(const struct mp_pool *pool, struct mp_magazine *m, uint32_t free,
			      void **blocks, uint32_t n)
{
	const struct mp_batch b = mp_batch_of(pool, free, pool->used);
	uint32_t at = mp_magazine_count(pool, m), got = 0;

	if (at == 0) {
		return 0;
	}
	while (at > 0 && got < n) {
		uint32_t run = at < n - got ? at : n - got;
		uint32_t had = mp_batch_pop(b, &m->entry[at - 1], blocks + got, run);
		got += had;
		at -= had < run ? had + 1 : run; /* drops the leftover that ended the run */
	}
	mp_store_ordered(&m->count, at);
	return got;
}

/* Stores a word, unless another process has scribbled on the index since we stored that. */
static void magazine_set_word(const struct mp_pool *pool, uint32_t index, uint32_t low)
{
	if (index < pool->max_blocks) {
		mp_store_ordered(&pool->words[index].low, low);
	}
}

void mp_magazine_unpush(const struct mp_pool *pool, struct mp_magazine *m, uint32_t n)
{
	uint32_t at = mp_magazine_count(pool, m), bottom = at > n ? at - n : 0;

	if (n == 0) {
		return; /* the magazine may be the constant that stands for none, read-only */
	}
	while (at > bottom) {
		magazine_set_word(pool, mp_load(&m->entry[--at]), pool->used);
	}
	mp_store_ordered(&m->count, bottom);
}

int mp_magazine_push_bulk(const struct mp_pool *pool, struct mp_magazine *m, uint32_t free,
			  void *const *blocks, uint32_t n)
{
	uint32_t base = mp_magazine_count(pool, m);

	if (n == 0) {
		return 0;
	}
	if (n > pool->shape.capacity - base) {
		base = pool->shape.capacity -
		       n; /* somebody scribbled on the count: there was room */
	}
	mp_store_ordered(&m->count, base + n);
	uint32_t had =
		mp_batch_push(mp_batch_of(pool, pool->used, free), &m->entry[base], blocks, n);
	if (had == n) {
		return 0;
	}
	/* This one is no block, not ours, or named twice: undo those before it. */
	uint64_t index = mp_pool_index(pool, blocks[had]);
	int error = index < pool->max_blocks ? mp_word_refusal(mp_load(&pool->words[index].whole))
					     : -EINVAL;
	mp_store_ordered(&m->count, base + had);
	mp_magazine_unpush(pool, m, had);
	return error;
}

void mp_magazine_unpop(const struct mp_pool *pool, struct mp_magazine *m, uint32_t free, uint32_t n)
{
	for (uint32_t at = mp_magazine_count(pool, m); at > 0 && n > 0; n--) {
		magazine_set_word(pool, mp_load(&m->entry[--at]), free);
	}
}

void mp_magazine_trim(const struct mp_pool *pool, struct mp_magazine *m, uint32_t free)
{
	uint32_t n = mp_magazine_count(pool, m), index;

	while (n > 0 && !mp_magazine_peek(pool, m, free, n - 1, &index)) {
		n--;
	}
	mp_store_ordered(&m->count, n);
}

uint32_t mp_magazine_merge(const struct mp_pool *pool, struct mp_magazine *to,
			   struct mp_magazine *from)
{
	uint32_t here = mp_word_low(MP_FREE, mp_magazine_index(pool, from));
	uint32_t there = mp_word_low(MP_FREE, mp_magazine_index(pool, to));
	uint32_t n = mp_magazine_count(pool, from), k = mp_magazine_count(pool, to), index;
	uint32_t dropped = 0;

	while (n > 0 && k < pool->shape.capacity) {
		if (mp_magazine_peek(pool, from, here, n - 1, &index)) {
			mp_store_ordered(&to->entry[k], index);
			mp_store_ordered(&to->count, ++k);
			mp_store_ordered(&pool->words[index].low, there);
		} else {
			dropped++;
		}
		mp_store_ordered(&from->count, --n);
	}
	return dropped;
}
