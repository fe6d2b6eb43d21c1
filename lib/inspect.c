/* SPDX-License-Identifier: MIT */
/*
 * What a program can ask an open pool: numbers, what each process has, single blocks, soundness.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <mempool/admin.h>

#include "lib/call.h"
#include "lib/core/audit.h"
#include "lib/core/stats.h"
#include "lib/core/word.h"
#include "lib/error.h"
#include "lib/export.h"
#include "lib/look.h"
#include "lib/thread.h"
#include "lib/why.h"

/* The header of an observer's pool is zeros when its memory was given back. */
static enum mempool_state inspect_state(const struct mp_header *h)
{
	uint32_t fate = mp_load(&h->fate);

	if (h->magic == 0) {
		return MEMPOOL_DESTROYED;
	}
	if (fate == MP_FATE_REPLACED) {
		return MEMPOOL_REPLACED;
	}
	if (mp_load(&h->broken) || h->magic != MP_MAGIC) {
		return MEMPOOL_BROKEN;
	}
	return fate == MP_FATE_DESTROYED ? MEMPOOL_DESTROYED : MEMPOOL_LIVE;
}

EXPORT int mempool_state(const struct mempool *pool)
{
	struct mp_header copy;
	const struct mp_header *header;

	int error = call_check_own(pool);
	if (error) {
		return error;
	}
	error = look_header(pool, &copy, &header);
	return error == -EIO ? MEMPOOL_BROKEN : error ? error : (int)inspect_state(header);
}

static void inspect_fill_stats(const struct mempool *pool, const struct mp_tally *t,
			       struct mempool_stats *stats)
{
	const struct mp_header *h = pool->core.header;

	*stats = (struct mempool_stats){
		.blocks = mp_pool_born(&pool->core),
		.max_blocks = pool->core.max_blocks,
		.used = t->used,
		.cached = t->cached,
		.free = t->free,
		.moving = t->moving,
		.shared = t->shared,
		.reclaimed = t->reclaimed,
		.min_free = mp_load(&h->min_free),
		.gets = t->gets,
		.puts = t->puts,
		.failures = t->failures,
		.waits = t->waits,
		.recoveries = mp_load(&h->recoveries),
		.recovered = mp_load(&h->recovered),
		.repairs = mp_load(&h->repairs),
		.state = inspect_state(h),
	};
}

static void inspect_fill_usage(const struct mp_tally *t, struct mempool_usage *usage)
{
	*usage = (struct mempool_usage){
		.used = t->used,
		.cached = t->cached,
		.moving = t->moving,
		.shared = t->shared,
		.gets = t->gets,
		.puts = t->puts,
	};
}

/* Reads who has the seats that words of shared blocks name. 0 or a negative errno. */
static int inspect_read_seats(struct look *look)
{
	uint32_t n = look->pool->core.shape.n_channels;
	int error = 0;

	for (uint32_t i = 0; error == 0 && i < n && i < MP_BROADCASTS_MAX; i++) {
		error = look_read_seats(look, i);
	}
	return error;
}

/* One walk, of which the numbers of the pool and of each slot come. */
static int inspect_tally(struct mempool *pool, struct mempool_stats *stats, struct mp_tally *total,
			 struct mp_tally *by_slot, uint32_t slots)
{
	struct look look;

	int error = look_begin(&look, pool);
	if (error) {
		return error;
	}
	thread_finish_vanished(); /* nobody counts what they cached */
	error = look_read_all(&look);
	error = error == 0 && by_slot ? inspect_read_seats(&look) : error;
	if (error == 0) {
		mp_tally(&pool->core, total, by_slot, slots);
		if (stats) {
			inspect_fill_stats(pool, total, stats);
		}
	}
	look_end(&look);
	return error;
}

EXPORT int mempool_census(struct mempool *pool, struct mempool_stats *stats,
			  struct mempool_usage *usage, size_t n)
{
	struct mp_tally total, *by_slot = NULL;
	uint32_t slots = n < pool->core.shape.n_slots ? (uint32_t)n : pool->core.shape.n_slots;

	if (usage && !(by_slot = calloc(slots + 1, sizeof *by_slot))) {
		return fail(ENOMEM, "no memory to count the blocks of %s of %u processes",
			    pool->name, slots);
	}
	int error = inspect_tally(pool, stats, &total, by_slot, slots);
	if (error) {
		free(by_slot);
		return error;
	}
	for (size_t i = 0; usage && i < n; i++) {
		inspect_fill_usage(i < slots ? &by_slot[i] : &(struct mp_tally){0}, &usage[i]);
	}
	free(by_slot);
	return 0;
}

EXPORT int mempool_stat(struct mempool *pool, struct mempool_stats *stats)
{
	return mempool_census(pool, stats, NULL, 0);
}

static enum mempool_block_state inspect_state_of(enum mp_place place)
{
	switch (place) {
	case MP_PLACE_DEPOT:
		return MEMPOOL_BLOCK_FREE;
	case MP_PLACE_CACHE:
		return MEMPOOL_BLOCK_CACHED;
	case MP_PLACE_USED:
		return MEMPOOL_BLOCK_USED;
	case MP_PLACE_MOVING:
		return MEMPOOL_BLOCK_MOVING;
	case MP_PLACE_SHARED:
		return MEMPOOL_BLOCK_SHARED;
	case MP_PLACE_RECLAIMED:
		return MEMPOOL_BLOCK_RECLAIMED;
	case MP_PLACE_NONE:
	default:
		return MEMPOOL_BLOCK_NONE;
	}
}

static void inspect_fill_block(const struct mempool *pool, uint32_t index,
			       struct mempool_block *block)
{
	uint64_t word = mp_load(&pool->core.words[index].whole);

	block->state = inspect_state_of(mp_place_of(&pool->core, word, &block->slot));
	bool is_shared = block->state == MEMPOOL_BLOCK_SHARED;
	block->channel = is_shared ? mp_share_channel(word) : mp_word_channel(word);
	block->generation = mp_word_generation(word);
	block->held = is_shared ? (uint16_t)mp_share_held(word) : 0;
	block->pending = is_shared ? (uint16_t)mp_share_pending(word) : 0;
}

EXPORT int mempool_block(struct mempool *pool, uint32_t index, struct mempool_block *block)
{
	struct look look;

	int error = look_begin(&look, pool);
	if (error) {
		return error;
	}
	uint32_t born = look_born(pool);
	error = index < born ? look_read_block(&look, index)
			     : why(pool, -EINVAL, WHY_NO_BLOCK, index, born, 0);
	if (error == 0) {
		inspect_fill_block(pool, index, block);
	}
	look_end(&look);
	return error;
}

EXPORT ssize_t mempool_block_bulk(struct mempool *pool, uint32_t first,
				  struct mempool_block *blocks, size_t n)
{
	struct look look;

	int error = look_begin(&look, pool);
	if (error) {
		return error;
	}
	uint32_t born = look_born(pool), left = first < born ? born - first : 0;
	n = n < left ? n : left;
	error = n > 0 ? look_read_blocks(&look, first, (uint32_t)n) : 0;
	for (size_t i = 0; error == 0 && i < n; i++) {
		inspect_fill_block(pool, first + (uint32_t)i, &blocks[i]);
	}
	look_end(&look);
	return error ? error : (ssize_t)n;
}

EXPORT int mempool_slot(const struct mempool *pool)
{
	int error = call_check(pool);

	return error ? error : (int)pool->core.slot;
}

static int inspect_audit(struct mempool *pool, struct mp_audit *audit)
{
	struct mp_refresh refresh;
	struct look look;

	unsigned char *seen = calloc(1, pool->core.max_blocks);
	if (!seen) {
		return fail(ENOMEM, "no memory to check the %u blocks of %s", pool->core.max_blocks,
			    pool->name);
	}
	int error = look_begin(&look, pool);
	if (error == 0) {
		error = look_read_channels(&look);
		error = error ? error : look_read_all(&look);
		if (error == 0) {
			mp_audit_live(&pool->core, look_refresh(&look, &refresh), seen, audit);
			error = look_verify(&look);
		}
		look_end(&look);
	}
	free(seen);
	return error;
}

EXPORT int mempool_check(struct mempool *pool, struct mempool_report *report)
{
	struct mp_audit audit;

	int error = inspect_audit(pool, &audit);
	if (error) {
		return error;
	}
	*report = (struct mempool_report){
		.blocks = look_born(pool),
		.lost = audit.lost,
		.duplicated = audit.duplicated,
		.broken = audit.broken,
	};
	snprintf(report->first, sizeof report->first, "%s", audit.first);
	return audit.lost || audit.duplicated || audit.broken
		       ? fail(EUCLEAN, "%s: %s", pool->name, audit.first)
		       : 0;
}
