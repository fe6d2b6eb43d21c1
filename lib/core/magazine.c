/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/core/magazine.h"

/*
 * What the bulk loops need of the pool, in locals: after each store to shared memory the compiler
 * would have to load it anew. They go in steps of STEP blocks at constant offsets, each checked and
 * marked before the next is looked at, so that a block listed or named twice is seen the second
 * time.
 */
struct batch {
	union mp_word *words;
	unsigned char *data;
	uint64_t stride, inverse;
	uint32_t shift, blocks;
	uint32_t from, to; /* what the words' low halves must be, and become */
};

#define STEP 4

static inline struct batch batch_of(const struct mp_pool *pool, uint32_t from, uint32_t to)
{
	return (struct batch){
		.words = pool->words,
		.data = pool->data,
		.stride = pool->stride,
		.inverse = pool->inverse,
		.shift = pool->shift & 63,
		.blocks = pool->blocks,
		.from = from,
		.to = to,
	};
}

static inline bool pop_one(const struct batch b, const mp_atomic32 *entry, void **block)
{
	uint64_t index = mp_load(entry);
	if (__builtin_expect(index >= b.blocks, 0)) {
		return false;
	}
	if (__builtin_expect(mp_load(&b.words[index].low) != b.from, 0)) {
		return false;
	}
	mp_store_release(&b.words[index].low, b.to);
	*block = b.data + index * b.stride;
	return true;
}

/* Pops the @n entries that end at @top. Returns how many were had before the first leftover. */
static inline uint32_t pop_run(const struct batch b, const mp_atomic32 *top, void **blocks,
			       uint32_t n)
{
	uint32_t i = 0;

	for (; i + STEP <= n; i += STEP, top -= STEP, blocks += STEP) {
#pragma GCC unroll 4
		for (int k = 0; k < STEP; k++) {
			if (!pop_one(b, top - k, blocks + k)) {
				return i + (uint32_t)k;
			}
		}
	}
	for (; i < n; i++, top--, blocks++) {
		if (!pop_one(b, top, blocks)) {
			return i;
		}
	}
	return n;
}

uint32_t mp_magazine_pop_bulk(const struct mp_pool *pool, struct mp_magazine *m, uint32_t free,
			      void **blocks, uint32_t n)
{
	const struct batch b = batch_of(pool, free, pool->used);
	uint32_t at = mp_load(&m->count), got = 0;

	if (at == 0) {
		return 0;
	}
	while (at > 0 && got < n) {
		uint32_t run = at < n - got ? at : n - got;
		uint32_t had = pop_run(b, &m->entry[at - 1], blocks + got, run);
		got += had;
		at -= had < run ? had + 1 : run; /* a leftover is passed over */
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
		mp_store_release(&pool->words[index].low, pool->used);
	}
	mp_store_release(&m->count, bottom);
}

static inline bool push_one(const struct batch b, mp_atomic32 *entry, const void *block)
{
	uint64_t index = ((uintptr_t)block - (uintptr_t)b.data) * b.inverse;
	index = index >> b.shift | index << (-b.shift & 63);
	if (__builtin_expect(index >= b.blocks, 0)) {
		return false;
	}
	if (__builtin_expect(mp_load(&b.words[index].low) != b.from, 0)) {
		return false;
	}
	mp_store(entry, (uint32_t)index);
	mp_store_release(&b.words[index].low, b.to);
	return true;
}

/* Pushes from @entry on. Returns how many were pushed before the first that was refused. */
static inline uint32_t push_run(const struct batch b, mp_atomic32 *entry, void *const *blocks,
				uint32_t n)
{
	uint32_t i = 0;

	for (; i + STEP <= n; i += STEP, entry += STEP, blocks += STEP) {
#pragma GCC unroll 4
		for (int k = 0; k < STEP; k++) {
			if (!push_one(b, entry + k, blocks[k])) {
				return i + (uint32_t)k;
			}
		}
	}
	for (; i < n; i++, entry++, blocks++) {
		if (!push_one(b, entry, *blocks)) {
			return i;
		}
	}
	return n;
}

int mp_magazine_push_bulk(const struct mp_pool *pool, struct mp_magazine *m, uint32_t free,
			  void *const *blocks, uint32_t n)
{
	uint32_t base = mp_load(&m->count);

	if (n == 0) {
		return 0;
	}
	mp_store_release(&m->count, base + n);
	uint32_t had = push_run(batch_of(pool, pool->used, free), &m->entry[base], blocks, n);
	if (had == n) {
		return 0;
	}
	/* No block, not ours, or the second time that it is named: all back. */
	uint64_t index = mp_pool_index(pool, blocks[had]);
	int error = index < pool->blocks ? mp_word_refusal(mp_load(&pool->words[index].whole))
					 : -EINVAL;
	mp_store_release(&m->count, base + had);
	mp_magazine_unpush(pool, m, had);
	return error;
}

void mp_magazine_trim(const struct mp_pool *pool, struct mp_magazine *m, uint32_t free)
{
	uint32_t n = mp_magazine_count(pool, m), index;

	while (n > 0 && !mp_magazine_peek(pool, m, free, n - 1, &index)) {
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

	while (n > 0 && k < pool->shape.capacity) {
		if (mp_magazine_peek(pool, from, here, n - 1, &index)) {
			mp_store(&to->entry[k], index);
			mp_store_release(&to->count, ++k);
			mp_store_release(&pool->words[index].low, there);
		} else {
			dropped++;
		}
		mp_store_release(&from->count, --n);
	}
	return dropped;
}
