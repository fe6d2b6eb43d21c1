/* SPDX-License-Identifier: MIT */
/*
 * Gifts: blocks on their way to another process, as tokens. See lib/core/word.h.
 */
#include "lib/bulk.h"
#include "lib/call.h"
#include "lib/core/quota.h"
#include "lib/core/word.h"
#include "lib/export.h"
#include "lib/marks.h"
#include "lib/poison.h"
#include "lib/why.h"

/* ---- one ---- */

static __attribute__((noinline, cold)) int gift_refuse(const struct mempool *pool, void *block,
						       int error)
{
	poison_show_all(pool, &block, 1, true);
	return why_refused(pool, block, error);
}

/* Gives the block: 0 and the token, or a negative errno with its sentence. */
static int gift_give(struct mempool *pool, void *block, struct mempool_token *token)
{
	poison_hide_all(pool, &block, 1);
	int error = mp_word_give(&pool->core, mp_pool_index(&pool->core, block), &token->v);
	if (unlikely(error)) {
		return gift_refuse(pool, block, error);
	}
	mp_quota_return(&pool->core, 1);
	return 0;
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

/* Takes the block of the token: 0, or a negative errno with its sentence and NULL. */
static int gift_take(struct mempool *pool, struct mempool_token token, void **block)
{
	*block = NULL;
	if (!mp_quota_charge(&pool->core, 1)) {
		return why_not_got(pool, 1, -EDQUOT);
	}
	int64_t index = mp_word_take(&pool->core, token.v, false);
	if (index < 0) {
		mp_quota_return(&pool->core, 1);
		return why_stale(pool, token.v, (int)index);
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
		return why_stale(pool, token.v, (int)index);
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

/*
 * Withdraws what a bulk has given before one of its blocks was refused, which was ours when it was
 * checked: another thread of this process uses the same blocks. That thread may have withdrawn or
 * given on what we gave, too; then our caller must be told that the block is not its own any more.
 */
static int gift_undo(struct mempool *pool, struct mempool_token *tokens, size_t given, size_t n,
		     int error)
{
	size_t kept = 0;
	void *block;

	for (size_t i = 0; i < n; i++) {
		if (i < given && gift_withdraw(pool, tokens[i], &block) != 0) {
			kept++;
		} else {
			tokens[i].v = 0;
		}
	}
	return kept > 0 ? why(pool, -ESTALE, WHY_NOT_UNDONE, n, kept, 0) : error;
}

EXPORT int mempool_give_bulk(struct mempool *pool, void *const *blocks,
			     struct mempool_token *tokens, size_t n)
{
	size_t given = 0;

	int error = call_check(pool);
	error = error ? error : bulk_check(pool, blocks, n, -EPERM);
	if (error) {
		return error;
	}
	while (error == 0 && given < n) {
		error = gift_give(pool, blocks[given], &tokens[given]);
		given += error == 0;
	}
	return error ? gift_undo(pool, tokens, given, n, error) : 0;
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

/* Marks the blocks from @first on whose gifts lie in a channel. */
static void gift_mark_cells(const struct mp_pool *core, struct marks *marks, uint64_t first)
{
	for (uint32_t i = 0; i < core->shape.n_channels; i++) {
		const struct mp_channel *channel = mp_pool_channel(core, i);
		for (uint32_t k = 0; k < core->shape.depth; k++) {
			uint64_t cell = mp_load_acquire(&channel->cell[k]);
			uint64_t at = (uint32_t)cell - first;
			if (cell >> 32 && (uint32_t)cell < core->max_blocks && at < marks->n &&
			    mp_load(&core->words[(uint32_t)cell].whole) >> 32 == cell >> 32) {
				marks_set(marks, at);
			}
		}
	}
}

EXPORT ssize_t mempool_gifts(struct mempool *pool, struct mempool_token *tokens, size_t n)
{
	const struct mp_pool *core = &pool->core;
	struct marks marks;
	size_t found = 0;

	int error = call_check(pool);
	if (error) {
		return error;
	}
	uint32_t born = mp_pool_born(core), mine = mp_word_low(MP_MOVING, core->slot);
	marks_begin(&marks, born, (uint64_t)core->shape.n_channels * core->shape.depth);
	for (uint64_t first = 0; first < born; first += marks.n) {
		gift_mark_cells(core, &marks, first);
		for (uint64_t i = first; i < born && i - first < marks.n; i++) {
			uint64_t word = mp_load(&core->words[i].whole);
			if ((uint32_t)word == mine && !marks_has(&marks, i - first)) {
				if (found < n) {
					tokens[found].v = word >> 32 << 32 | i;
				}
				found++;
			}
		}
		marks_clear(&marks);
	}
	marks_end(&marks);
	return (ssize_t)found;
}
