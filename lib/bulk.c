/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/bulk.h"
#include "lib/core/word.h"
#include "lib/marks.h"
#include "lib/why.h"

/* Where the blocks lie: their indices are from low to high. */
struct bulk_span {
	uint64_t low, high;
};

/* Checks that each is ours: 0 and their span, or a negative errno with its sentence. */
static int bulk_check_owned(const struct mempool *pool, void *const *blocks, size_t n,
			    struct bulk_span *span)
{
	const struct mp_pool *core = &pool->core;

	*span = (struct bulk_span){.low = UINT64_MAX};
	for (size_t i = 0; i < n; i++) {
		uint64_t index = mp_pool_index(core, blocks[i]);
		if (index >= core->max_blocks) {
			return why_refused(pool, blocks[i], -EINVAL);
		}
		uint64_t word = mp_load(&core->words[index].whole);
		if ((uint32_t)word != core->used) {
			return why_refused(pool, blocks[i], mp_word_refusal(word));
		}
		span->low = index < span->low ? index : span->low;
		span->high = index > span->high ? index : span->high;
	}
	return 0;
}

/* Refuses the block at place @at, which is somewhere before, too. */
static int bulk_refuse_twice(const struct mempool *pool, void *const *blocks, size_t at, int error)
{
	size_t first = 0;

	while (first < at && blocks[first] != blocks[at]) {
		first++;
	}
	return why(pool, error, WHY_TWICE, mp_pool_index(&pool->core, blocks[at]), first, at);
}

/* Checks that no block of the span is named twice; returns the place of one that is, or @n. */
static size_t bulk_find_twice(const struct mp_pool *core, void *const *blocks, size_t n,
			      const struct bulk_span *span)
{
	struct marks marks;
	size_t found = n;

	marks_begin(&marks, span->high - span->low + 1, n);
	for (uint64_t first = span->low; first <= span->high && found == n; first += marks.n) {
		for (size_t i = 0; i < n && found == n; i++) {
			uint64_t at = mp_pool_index(core, blocks[i]) - first;
			if (at < marks.n && marks_set(&marks, at)) {
				found = i;
			}
		}
		marks_clear(&marks);
	}
	marks_end(&marks);
	return found;
}

int bulk_check(const struct mempool *pool, void *const *blocks, size_t n, int twice)
{
	const struct mp_pool *core = &pool->core;
	struct bulk_span span;

	if (n > core->max_blocks) {
		return why(pool, -EINVAL, WHY_TOO_MANY, core->max_blocks, n, 0);
	}
	int error = bulk_check_owned(pool, blocks, n, &span);
	if (error || n < 2) {
		return error;
	}
	size_t at = bulk_find_twice(core, blocks, n, &span);
	return at < n ? bulk_refuse_twice(pool, blocks, at, twice) : 0;
}
