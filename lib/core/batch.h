/* SPDX-License-Identifier: MIT */
/*
 * Batches: the inner loops of bulk get and put, a run of blocks out of or into a magazine's
 * entries.
 *
 * A batch is a copy of what the loops need of the pool, as the compiler would have to load it anew
 * after each store to shared memory. The loops go in steps of MP_BATCH_STEP blocks at constant
 * offsets. They check and mark each block before they look at the next, so that a block that is
 * listed or named twice is refused the second time. The caller stores the counts: magazine.h has
 * the order of stores.
 */
#ifndef MP_CORE_BATCH_H
#define MP_CORE_BATCH_H

#include "lib/core/layout.h"

struct mp_batch {
	union mp_word *words;
	unsigned char *data;
	uint64_t stride, inverse;
	uint32_t shift, max_blocks;
	uint32_t from, to; /* what the words' low halves must be, and become */
};

#define MP_BATCH_STEP 4

static inline struct mp_batch mp_batch_of(const struct mp_pool *pool, uint32_t from, uint32_t to)
{
	return (struct mp_batch){
		.words = pool->words,
		.data = pool->data,
		.stride = pool->stride,
		.inverse = pool->inverse,
		.shift = pool->shift & 63,
		.max_blocks = pool->max_blocks,
		.from = from,
		.to = to,
	};
}

static inline bool mp_batch_pop_one(const struct mp_batch b, const mp_atomic32 *entry, void **block)
{
	uint64_t index = mp_load(entry);
	if (__builtin_expect(index >= b.max_blocks, 0)) {
		return false;
	}
	if (__builtin_expect(mp_load(&b.words[index].low) != b.from, 0)) {
		return false;
	}
	mp_store_ordered(&b.words[index].low, b.to);
	*block = b.data + index * b.stride;
	return true;
}

/* Pops the @n entries that end at @top. Returns how many it popped before the first leftover. */
static inline __attribute__((always_inline)) uint32_t
mp_batch_pop(const struct mp_batch b, const mp_atomic32 *top, void **blocks, uint32_t n)
{
	uint32_t i = 0;

	for (; i + MP_BATCH_STEP <= n;
	     i += MP_BATCH_STEP, top -= MP_BATCH_STEP, blocks += MP_BATCH_STEP) {
#pragma GCC unroll 4
		for (int k = 0; k < MP_BATCH_STEP; k++) {
			if (!mp_batch_pop_one(b, top - k, blocks + k)) {
				return i + (uint32_t)k;
			}
		}
	}
	for (; i < n; i++, top--, blocks++) {
		if (!mp_batch_pop_one(b, top, blocks)) {
			return i;
		}
	}
	return n;
}

static inline bool mp_batch_push_one(const struct mp_batch b, mp_atomic32 *entry, const void *block)
{
	uint64_t index = ((uintptr_t)block - (uintptr_t)b.data) * b.inverse;
	index = index >> b.shift | index << (-b.shift & 63);
	if (__builtin_expect(index >= b.max_blocks, 0)) {
		return false;
	}
	if (__builtin_expect(mp_load(&b.words[index].low) != b.from, 0)) {
		return false;
	}
	mp_store_ordered(entry, (uint32_t)index);
	mp_store_ordered(&b.words[index].low, b.to);
	return true;
}

/* Pushes from @entry on. Returns how many it pushed before the first that it refused. */
static inline __attribute__((always_inline)) uint32_t
mp_batch_push(const struct mp_batch b, mp_atomic32 *entry, void *const *blocks, uint32_t n)
{
	uint32_t i = 0;

	for (; i + MP_BATCH_STEP <= n;
	     i += MP_BATCH_STEP, entry += MP_BATCH_STEP, blocks += MP_BATCH_STEP) {
#pragma GCC unroll 4
		for (int k = 0; k < MP_BATCH_STEP; k++) {
			if (!mp_batch_push_one(b, entry + k, blocks[k])) {
				return i + (uint32_t)k;
			}
		}
	}
	for (; i < n; i++, entry++, blocks++) {
		if (!mp_batch_push_one(b, entry, *blocks)) {
			return i;
		}
	}
	return n;
}

#endif
