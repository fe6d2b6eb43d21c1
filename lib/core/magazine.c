/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/core/magazine.h"

uint32_t mp_magazine_pop_bulk(const struct mp_pool *pool, struct mp_magazine *m, uint32_t free,
			      void **blocks, uint32_t n)
{
	uint32_t at = mp_load(&m->count), got = 0, index;
	uint32_t swap = free ^ pool->used;
	uint64_t word;

	if (at == 0) {
		return 0;
	}
	while (at > 0 && got < n) {
		if (mp_magazine_peek(pool, m, free, --at, &index, &word)) {
			mp_store_release(&pool->words[index], word ^ swap);
			blocks[got++] = mp_pool_address(pool, index);
		}
	}
	mp_store_release(&m->count, at);
	return got;
}

void mp_magazine_unpush(const struct mp_pool *pool, struct mp_magazine *m, uint32_t n)
{
	uint32_t at = mp_load(&m->count), bottom = at - n;

	if (n == 0) {
		return; /* the magazine may be the constant that stands for none */
	}
	while (at > bottom) {
		uint32_t index = mp_load(&m->entry[--at]);
		uint64_t word = mp_load(&pool->words[index]);
		mp_store_release(&pool->words[index], mp_word_with(word, pool->used));
	}
	mp_store_release(&m->count, bottom);
}

int mp_magazine_push_bulk(const struct mp_pool *pool, struct mp_magazine *m, uint32_t free,
			  void *const *blocks, uint32_t n)
{
	uint32_t base = mp_load(&m->count);
	uint32_t swap = free ^ pool->used;

	if (n == 0) {
		return 0;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint64_t index = mp_pool_index(pool, blocks[i]);
		if (index >= pool->blocks) {
			return -EINVAL;
		}
		mp_store(&m->entry[base + i], (uint32_t)index);
	}
	mp_store_release(&m->count, base + n);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t index = mp_load(&m->entry[base + i]);
		uint64_t word = mp_load(&pool->words[index]);
		if ((uint32_t)word != pool->used) {
			/* Not ours, or the second time that it is named: all back. */
			mp_store_release(&m->count, base + i);
			mp_magazine_unpush(pool, m, i);
			return mp_word_refusal(word);
		}
		mp_store_release(&pool->words[index], word ^ swap);
	}
	return 0;
}

void mp_magazine_trim(const struct mp_pool *pool, struct mp_magazine *m, uint32_t free)
{
	uint32_t n = mp_magazine_count(pool, m), index;
	uint64_t word;

	while (n > 0 && !mp_magazine_peek(pool, m, free, n - 1, &index, &word)) {
		n--;
	}
	mp_store_release(&m->count, n);
}

uint32_t mp_magazine_merge(const struct mp_pool *pool, struct mp_magazine *to,
			   struct mp_magazine *from)
{
	uint32_t here = mp_word_low(MP_FREE, mp_magazine_index(pool, from));
	uint32_t there = mp_word_low(MP_FREE, mp_magazine_index(pool, to));
	uint32_t n = mp_magazine_count(pool, from), k = mp_magazine_count(pool, to), index;
	uint32_t dropped = 0;
	uint64_t word;

	while (n > 0 && k < pool->shape.capacity) {
		if (mp_magazine_peek(pool, from, here, n - 1, &index, &word)) {
			mp_store(&to->entry[k], index);
			mp_store_release(&to->count, ++k);
			mp_store_release(&pool->words[index], mp_word_with(word, there));
		} else {
			dropped++;
		}
		mp_store_release(&from->count, --n);
	}
	return dropped;
}
