/* SPDX-License-Identifier: MIT */
/*
 * Gifts: blocks on their way to another process, as tokens. See lib/core/word.h.
 */
#include <stdlib.h>

#include "lib/call.h"
#include "lib/core/quota.h"
#include "lib/core/word.h"
#include "lib/export.h"
#include "lib/poison.h"

/* ---- one ---- */

static int gift_give(struct mempool *pool, void *block, struct mempool_token *token)
{
	poison_hide_all(pool, &block, 1);
	int error = mp_word_give(&pool->core, mp_pool_index(&pool->core, block), &token->v);
	if (error == 0) {
		mp_quota_return(&pool->core, 1);
	} else {
		poison_show_all(pool, &block, 1, true);
	}
	return error;
}

EXPORT struct mempool_token mempool_give(struct mempool *pool, void *block)
{
	struct mempool_token token = {0};

	int error = call_check(pool);
	error = error ? error : gift_give(pool, block, &token);
	if (error) {
		errno = -error;
	}
	return token;
}

/* Takes the block of the token: 0 and the block, or a negative errno and NULL. */
static int gift_take(struct mempool *pool, struct mempool_token token, void **block)
{
	*block = NULL;
	if (!mp_quota_charge(&pool->core, 1)) {
		return -EDQUOT;
	}
	int64_t index = mp_word_take(&pool->core, token.v, false);
	if (index < 0) {
		mp_quota_return(&pool->core, 1);
		return (int)index;
	}
	*block = mp_pool_address(&pool->core, (uint64_t)index);
	poison_show_all(pool, block, 1, true);
	return 0;
}

/* The same for a gift of our own, which the quota does not stop. */
static int gift_withdraw(struct mempool *pool, struct mempool_token token, void **block)
{
	int64_t index = mp_word_take(&pool->core, token.v, true);

	*block = NULL;
	if (index < 0) {
		return (int)index;
	}
	mp_quota_charge_anyway(&pool->core);
	*block = mp_pool_address(&pool->core, (uint64_t)index);
	poison_show_all(pool, block, 1, true);
	return 0;
}

EXPORT void *mempool_take(struct mempool *pool, struct mempool_token token)
{
	void *block;

	int error = call_check(pool);
	error = error ? error : gift_take(pool, token, &block);
	return error ? call_nothing(error) : block;
}

EXPORT void *mempool_withdraw(struct mempool *pool, struct mempool_token token)
{
	void *block;

	int error = call_check(pool);
	error = error ? error : gift_withdraw(pool, token, &block);
	return error ? call_nothing(error) : block;
}

/* ---- many ---- */

EXPORT int mempool_give_bulk(struct mempool *pool, void *const *blocks,
			     struct mempool_token *tokens, size_t n)
{
	void *block;
	size_t given = 0;

	int error = call_check(pool);
	while (error == 0 && given < n) {
		error = gift_give(pool, blocks[given], &tokens[given]);
		given += error == 0;
	}
	if (error) {
		while (given > 0) {
			gift_withdraw(pool, tokens[--given], &block);
		}
	}
	return error;
}

static ssize_t gift_for_each(struct mempool *pool, const struct mempool_token *tokens,
			     void **blocks, size_t n,
			     int (*have)(struct mempool *, struct mempool_token, void **))
{
	size_t had = 0, i = 0;

	int error = call_check(pool);
	if (error) {
		return error;
	}
	for (; i < n && error != -EDQUOT; i++) {
		error = have(pool, tokens[i], &blocks[i]);
		had += error == 0;
	}
	for (; i < n; i++) {
		blocks[i] = NULL;
	}
	return error == -EDQUOT && had == 0 ? error : (ssize_t)had;
}

EXPORT ssize_t mempool_take_bulk(struct mempool *pool, const struct mempool_token *tokens,
				 void **blocks, size_t n)
{
	return gift_for_each(pool, tokens, blocks, n, gift_take);
}

EXPORT ssize_t mempool_withdraw_bulk(struct mempool *pool, const struct mempool_token *tokens,
				     void **blocks, size_t n)
{
	return gift_for_each(pool, tokens, blocks, n, gift_withdraw);
}

/* ---- those nobody has taken ---- */

static int gift_compare_tokens(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Lists the tokens that lie in channels, sorted. Returns how many. */
static size_t gift_list_cells(const struct mp_pool *core, uint64_t *cells)
{
	size_t n = 0;

	for (uint32_t i = 0; i < core->shape.n_channels; i++) {
		const struct mp_channel *channel = mp_pool_channel(core, i);
		for (uint32_t k = 0; k < core->shape.depth; k++) {
			uint64_t cell = mp_load_acquire(&channel->cell[k]);
			if (cell >> 32) {
				cells[n++] = cell;
			}
		}
	}
	qsort(cells, n, sizeof *cells, gift_compare_tokens);
	return n;
}

static ssize_t gift_list(const struct mp_pool *core, struct mempool_token *tokens, size_t n,
			 const uint64_t *cells, size_t n_cells)
{
	uint32_t born = mp_pool_born(core), mine = mp_word_low(MP_MOVING, core->slot);
	ssize_t found = 0;

	for (uint32_t i = 0; i < born; i++) {
		uint64_t word = mp_load(&core->words[i].whole);
		uint64_t token = word >> 32 << 32 | i;
		if ((uint32_t)word != mine ||
		    bsearch(&token, cells, n_cells, sizeof token, gift_compare_tokens)) {
			continue;
		}
		if ((size_t)found < n) {
			tokens[found].v = token;
		}
		found++;
	}
	return found;
}

EXPORT ssize_t mempool_gifts(struct mempool *pool, struct mempool_token *tokens, size_t n)
{
	const struct mp_pool *core = &pool->core;

	int error = call_check(pool);
	if (error) {
		return error;
	}
	uint64_t *cells = calloc((size_t)core->shape.n_channels * core->shape.depth, sizeof *cells);
	if (!cells) {
		return -ENOMEM;
	}
	ssize_t found = gift_list(core, tokens, n, cells, gift_list_cells(core, cells));
	free(cells);
	return found;
}
