/* SPDX-License-Identifier: MIT */
#include "lib/core/collect.h"
#include "lib/core/pressure.h"

#define COLLECT_LIMIT 4096 /* blocks one collect brings in at most */

bool mp_collect_orphans(struct mp_pool *pool, uint32_t home)
{
	for (uint32_t m = 0; m < pool->shape.n_magazines; m++) {
		uint64_t holder = mp_load(&mp_magazine(pool, m)->holder);
		if (mp_holder_kind(holder) == MP_HOLDER_ORPHAN &&
		    mp_depot_adopt(pool, home, m) != 0) {
			return false;
		}
	}
	return true;
}

/* Makes a RECLAIMED block this process's own. */
static bool collect_claim(struct mp_pool *pool, uint32_t index)
{
	uint64_t word = mp_load(&pool->words[index].whole);

	return mp_word_state(word) == MP_RECLAIMED &&
	       mp_word_move(&pool->words[index].whole, word, pool->used);
}

/* Puts a block just claimed where gets find it. False: no room; then it is RECLAIMED again. */
static bool collect_bring_in(struct mp_pool *pool, struct mp_local *local, uint32_t home,
			     uint32_t index)
{
	if (local->record != MP_NONE) {
		mp_magazine_push(pool, local->loaded.magazine, local->loaded.free, index);
		return true;
	}
	if (mp_depot_put(pool, home, index) == 0) {
		return true;
	}
	mp_announce_begin(pool);
	bool left = mp_word_move(&pool->words[index].whole, mp_load(&pool->words[index].whole),
				 mp_word_low(MP_RECLAIMED, 0));
	mp_announce_end(pool, left);
	return false;
}

/*
 * Makes room, then claims the block, so that it has somewhere to go. Returns 1 when it brought the
 * block in, 0 when somebody else was faster, -1 when there is no room.
 */
static int collect_block(struct mp_pool *pool, struct mp_local *local, uint32_t home,
			 uint32_t index)
{
	if (local->record != MP_NONE && mp_local_make_room(pool, local) != 0) {
		return -1;
	}
	if (!collect_claim(pool, index)) {
		return 0;
	}
	return collect_bring_in(pool, local, home, index) ? 1 : -1;
}

/* The next RECLAIMED word from there on, or MP_NONE. */
static uint32_t collect_find_reclaimed(const struct mp_pool *pool, uint32_t from)
{
	uint32_t born = mp_pool_born(pool);

	while (from < born && mp_load(&pool->words[from].low) != mp_word_low(MP_RECLAIMED, 0)) {
		from++;
	}
	return from < born ? from : MP_NONE;
}

/*
 * Collects from block @from to the end, at most @left blocks. False: it stopped before, for want of
 * room or at the limit, and the hint says where.
 */
static bool collect_from(struct mp_pool *pool, struct mp_local *local, uint32_t home, uint32_t from,
			 uint32_t *left)
{
	while ((from = collect_find_reclaimed(pool, from)) != MP_NONE) {
		int brought = *left > 0 ? collect_block(pool, local, home, from) : -1;
		if (brought < 0) {
			mp_store(&pool->header->collect_hint, from);
			return false;
		}
		*left -= (uint32_t)brought;
		from++;
	}
	mp_store(&pool->header->collect_hint, 0);
	return true;
}

bool mp_collect(struct mp_pool *pool, struct mp_local *local, uint32_t home)
{
	uint32_t start = mp_load(&pool->header->collect_hint), left = COLLECT_LIMIT;

	if (start > 0) {
		collect_from(pool, local, home, start, &left);
		if (left < COLLECT_LIMIT) {
			return false; /* enough for this get */
		}
	}
	uint64_t seen = mp_load_acquire(&pool->header->reclaim_seq);
	if (!mp_collect_orphans(pool, home) || !collect_from(pool, local, home, 0, &left)) {
		return false;
	}
	/* Whoever reads this value with acquire sees our words and holders. */
	mp_store_release(&pool->header->collected_seq, seen);
	return true;
}

bool mp_collect_one(struct mp_pool *pool, uint32_t *index)
{
	if (!mp_collect_pending(pool)) {
		return false;
	}
	uint32_t i = 0;
	while ((i = collect_find_reclaimed(pool, i)) != MP_NONE) {
		if (collect_claim(pool, i)) {
			*index = i;
			return true;
		}
		i++;
	}
	return false;
}
