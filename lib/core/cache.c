/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/core/cache.h"
#include "lib/core/census.h"
#include "lib/core/collect.h"
#include "lib/core/depot.h"
#include "lib/core/futex.h"
#include "lib/core/pressure.h"
#include "lib/core/steal.h"

/*
 * How long a get goes on searching while somebody has a free block that it cannot have: some turns
 * of the scheduler, for an owner that was preempted inside a call.
 */
#define GET_PATIENCE_MS 40

/* ---- get ---- */

/* Gets from the magazines or, without a record, from the depot. 0, MP_E_EMPTY or MP_E_BUSY. */
static int cache_refill_and_pop(struct mp_pool *pool, struct mp_local *local, uint32_t *index)
{
	if (!mp_local_has_record(pool, local)) {
		return mp_depot_get(pool, mp_local_home(pool, local), mp_local_want(local), index);
	}
	/* A magazine of nothing but leftovers is empty after the pop: then try the next. */
	for (uint32_t n = pool->shape.n_magazines; n > 0; n--) {
		int outcome = mp_local_make_blocks(pool, local);
		if (outcome != 0) {
			return outcome;
		}
		*index = mp_magazine_pop(pool, local->loaded.magazine, local->loaded.free);
		if (*index != MP_NONE) {
			return 0;
		}
	}
	return MP_E_EMPTY;
}

static bool cache_is_empty_handed(const struct mp_local *local)
{
	return mp_hand_count(&local->loaded) == 0 && mp_hand_count(&local->previous) == 0;
}

/*
 * One search: the magazines in hand, the depot, what can be collected, idle caches, a block left
 * loose. Whether it found a block.
 */
static bool cache_search(struct mp_pool *pool, struct mp_local *local, uint32_t *index)
{
	int outcome = cache_refill_and_pop(pool, local, index);

	if (outcome != 0 && mp_collect_pending(pool)) {
		mp_collect(pool, local, mp_local_home(pool, local));
		outcome = cache_refill_and_pop(pool, local, index);
	}
	while (outcome != 0 && mp_steal(pool, local)) {
		outcome = cache_refill_and_pop(pool, local, index);
	}
	return outcome == 0 || mp_collect_one(pool, index);
}

/*
 * Searches again, for some time, while somebody has a free block and is inside a call, or moves it.
 * The pressure makes those who put meanwhile bring what they cache to the depot. Returns 0, -ENOMEM
 * or -EAGAIN.
 */
static int cache_search_again(struct mp_pool *pool, struct mp_local *local, uint32_t *index)
{
	struct timespec deadline, nap;
	int error = -EAGAIN;

	mp_deadline(&deadline, GET_PATIENCE_MS);
	while (error == -EAGAIN && !mp_is_late(&deadline)) {
		uint32_t raised = mp_pressure_raise(pool);
		if (cache_search(pool, local, index)) {
			error = 0;
		} else if (mp_census_finds_none(pool)) {
			error = -ENOMEM;
		} else {
			mp_deadline(&nap, 1); /* an owner that leaves its call wakes nobody */
			mp_pressure_sleep(pool, raised, &nap);
		}
	}
	mp_pressure_calm(pool);
	return error;
}

/* A search found nothing. Returns 0, -ENOMEM or -EAGAIN. */
static __attribute__((noinline)) int cache_find_out(struct mp_pool *pool, struct mp_local *local,
						    uint32_t *index)
{
	if (mp_census_finds_none(pool)) {
		return -ENOMEM;
	}
	/* A thread in mempool_get_wait() sleeps there, outside the call. */
	return mp_load(&local->waiting) != MP_NOT_WAITING ? -EAGAIN
							  : cache_search_again(pool, local, index);
}

int mp_get(struct mp_pool *pool, struct mp_local *local, uint32_t *index)
{
	mp_settle(pool, local);
	if (mp_load(&pool->header->broken)) {
		return -EIO;
	}
	if (mp_load(&local->waiting) != MP_WAITING && cache_is_empty_handed(local)) {
		mp_pressure_yield(pool);
	}
	int error = cache_search(pool, local, index) ? 0 : cache_find_out(pool, local, index);
	if (error == 0) {
		mp_local_count_gets(pool, local, 1);
	}
	return error;
}

/* ---- put ---- */

/* Leaves the block RECLAIMED, for a collector: no magazine has room, or all shards are locked. */
static int cache_put_loose(struct mp_pool *pool, uint32_t index, uint64_t word)
{
	mp_announce_begin(pool);
	bool left = mp_word_move(&pool->words[index].whole, word, mp_word_low(MP_RECLAIMED, 0));
	/* If we die here, the daemon's pass over this process announces it. */
	mp_announce_end(pool, left);
	return left ? 0 : mp_word_refusal(mp_load(&pool->words[index].whole));
}

int mp_put_loose(struct mp_pool *pool, uint32_t index)
{
	uint64_t word = mp_load(&pool->words[index].whole);

	return (uint32_t)word == pool->used ? cache_put_loose(pool, index, word)
					    : mp_word_refusal(word);
}

/* Puts into the magazines or, without a record, into the depot. 0, MP_E_EMPTY or MP_E_BUSY. */
static int cache_make_room_and_push(struct mp_pool *pool, struct mp_local *local, uint32_t index)
{
	if (!mp_local_has_record(pool, local)) {
		return mp_depot_put(pool, mp_local_home(pool, local), index);
	}
	int outcome = mp_local_make_room(pool, local);
	if (outcome == 0) {
		mp_magazine_push(pool, local->loaded.magazine, local->loaded.free, index);
	}
	return outcome;
}

/* Puts a block of ours whose word is @word. */
static int cache_put_owned(struct mp_pool *pool, struct mp_local *local, uint32_t index,
			   uint64_t word)
{
	int outcome = cache_make_room_and_push(pool, local, index);

	if (outcome == MP_E_EMPTY && mp_collect_pending(pool)) {
		/* Orphaned magazines have the room that is missing. */
		mp_collect_orphans(pool, mp_local_home(pool, local));
		outcome = cache_make_room_and_push(pool, local, index);
	}
	int result = outcome == 0 ? 0 : cache_put_loose(pool, index, word);
	if (result == 0) {
		mp_local_count_puts(pool, local, 1);
	}
	return result;
}

int mp_put(struct mp_pool *pool, struct mp_local *local, const void *block)
{
	mp_settle(pool, local);
	uint64_t index = mp_pool_index(pool, block);
	if (index >= pool->max_blocks) {
		return -EINVAL;
	}
	uint64_t word = mp_load(&pool->words[index].whole);
	return (uint32_t)word == pool->used ? cache_put_owned(pool, local, (uint32_t)index, word)
					    : mp_word_refusal(word);
}

/* ---- bulk ---- */

/* Gets the rest of @n blocks, of which there are @got, by refilling the loaded magazine. */
static __attribute__((noinline)) int cache_get_rest(struct mp_pool *pool, struct mp_local *local,
						    void **blocks, uint32_t got, uint32_t n)
{
	uint32_t index;

	while (got < n) {
		int error = mp_get(pool, local, &index);
		if (error != 0) {
			mp_put_each(pool, local, blocks, got);
			return error;
		}
		blocks[got++] = mp_pool_address(pool, index);
		uint32_t more = mp_magazine_pop_bulk(pool, local->loaded.magazine,
						     local->loaded.free, blocks + got, n - got);
		mp_local_count_gets(pool, local, more);
		got += more;
	}
	return 0;
}

int mp_get_bulk(struct mp_pool *pool, struct mp_local *local, void **blocks, uint32_t n)
{
	mp_settle(pool, local);
	if (mp_hand_count(&local->loaded) < n && mp_hand_count(&local->previous) >= n) {
		mp_local_swap(local);
	}
	uint32_t got =
		mp_magazine_pop_bulk(pool, local->loaded.magazine, local->loaded.free, blocks, n);
	mp_count_release(&local->cache->gets, got);
	return got == n ? 0 : cache_get_rest(pool, local, blocks, got, n);
}

/* Puts at most a magazine's worth into loaded and previous, which together have room for it. */
static __attribute__((noinline)) int cache_push_both(struct mp_pool *pool, struct mp_local *local,
						     void *const *blocks, uint32_t n)
{
	uint32_t room = mp_hand_room(&local->loaded);
	uint32_t first = n < room ? n : room;

	int error = mp_magazine_push_bulk(pool, local->loaded.magazine, local->loaded.free, blocks,
					  first);
	if (error == 0 && first < n) {
		mp_local_swap(local);
		error = mp_magazine_push_bulk(pool, local->loaded.magazine, local->loaded.free,
					      blocks + first, n - first);
		if (error != 0) {
			mp_magazine_unpush(pool, local->previous.magazine, first);
		}
	}
	if (error == 0) {
		mp_local_count_puts(pool, local, n);
	}
	return error;
}

static __attribute__((noinline)) bool cache_has_room(struct mp_pool *pool, struct mp_local *local,
						     uint32_t n)
{
	if (mp_hand_room(&local->loaded) + mp_hand_room(&local->previous) >= n) {
		return true;
	}
	return local->record != MP_NONE && n <= pool->shape.capacity &&
	       mp_local_exchange(pool, local, MP_WANT_ROOM) == 0 &&
	       mp_hand_room(&local->loaded) + mp_hand_room(&local->previous) >= n;
}

int mp_put_bulk(struct mp_pool *pool, struct mp_local *local, void *const *blocks, uint32_t n)
{
	mp_settle(pool, local);
	if (n > mp_hand_room(&local->loaded) && n <= mp_hand_room(&local->previous)) {
		mp_local_swap(local);
	}
	if (n > mp_hand_room(&local->loaded)) {
		return cache_has_room(pool, local, n) ? cache_push_both(pool, local, blocks, n)
						      : MP_E_EMPTY;
	}
	int error =
		mp_magazine_push_bulk(pool, local->loaded.magazine, local->loaded.free, blocks, n);
	if (error == 0) {
		mp_count_release(&local->cache->puts, n);
	}
	return error;
}

int mp_put_each(struct mp_pool *pool, struct mp_local *local, void *const *blocks, uint32_t n)
{
	int error = 0;

	for (uint32_t i = 0; i < n && error == 0; i++) {
		error = mp_put(pool, local, blocks[i]);
	}
	return error;
}
