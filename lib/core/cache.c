/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/core/cache.h"
#include "lib/core/collect.h"
#include "lib/core/pressure.h"
#include "lib/core/slot.h"
#include "lib/core/steal.h"

#define RECORD_RETRY 256 /* calls a thread does without a record before it looks for one again */

/* Stands for "no magazine": nothing to get, no room. Only ever read. */
static const struct mp_magazine no_magazine;
static const struct mp_hand no_hand = {
	.magazine = (struct mp_magazine *)(uintptr_t)&no_magazine,
	.index = MP_NONE,
};

static struct mp_hand hand_of(const struct mp_pool *pool, uint32_t index)
{
	return (struct mp_hand){
		.magazine = mp_magazine(pool, index),
		.index = index,
		.free = mp_word_low(MP_FREE, index),
		.capacity = pool->shape.capacity,
	};
}

/* ---- the record ---- */

/* The claimer clears the record before anything is held in its name. */
static void record_begin(struct mp_cache *c, bool stealable, uint32_t busy)
{
	mp_store(&c->loaded, MP_NONE);
	mp_store(&c->previous, MP_NONE);
	mp_store(&c->stealable, stealable);
	mp_store(&c->steal, 0);
	mp_store(&c->gets, 0);
	mp_store(&c->puts, 0);
	mp_store(&c->failures, 0);
	mp_store_release(&c->busy, busy);
}

/* A free record that is now ours, or MP_NONE. Each process begins to look elsewhere. */
static uint32_t record_claim(struct mp_pool *pool)
{
	uint32_t n = pool->shape.n_caches;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t r = (pool->slot + i) % n;
		uint64_t owner = mp_load(&pool->caches[r].owner);
		uint64_t mine = ((owner >> 32) + 1) << 32 | (pool->slot + 1);
		if ((uint32_t)owner == 0 && mp_cas(&pool->caches[r].owner, owner, mine)) {
			return r;
		}
	}
	return MP_NONE;
}

static void local_claim(struct mp_pool *pool, struct mp_local *local)
{
	uint32_t record = record_claim(pool);

	if (record != MP_NONE) {
		record_begin(&pool->caches[record], pool->stealable, mp_load(&local->cache->busy));
		local->cache = &pool->caches[record];
		mp_compiler_fence();
		local->record = record;
		mp_store_release(&local->standin.busy, 0);
	}
}

void mp_local_init_bare(struct mp_local *local)
{
	*local = (struct mp_local){
		.loaded = no_hand,
		.previous = no_hand,
		.record = MP_NONE,
	};
	local->cache = &local->standin;
}

void mp_local_init(struct mp_pool *pool, struct mp_local *local)
{
	mp_local_init_bare(local);
	local_claim(pool, local);
}

void mp_local_finish(struct mp_pool *pool, struct mp_local *local)
{
	struct mp_cache *c = local->cache;

	if (!mp_enter(c)) {
		return;
	}
	mp_flush(pool, local);
	if (local->record != MP_NONE) {
		mp_slot_fold(pool, pool->slot, c);
		/* A signal handler finds one or the other at each instruction, never a mixture. */
		local->record = MP_NONE;
		mp_compiler_fence();
		local->cache = &local->standin;
		mp_leave(c);
		/* Last: from here on the record is anybody's. */
		mp_store_release(&c->owner, mp_load(&c->owner) >> 32 << 32);
	} else {
		mp_leave(c);
	}
	if (mp_is_pressed(pool)) {
		mp_pressure_wake(pool);
	}
}

/* ---- magazines ---- */

static void note_hands(struct mp_local *local)
{
	mp_store(&local->cache->loaded, local->loaded.index);
	mp_store(&local->cache->previous, local->previous.index);
}

static void swap_hands(struct mp_local *local)
{
	struct mp_hand hand = local->loaded;
	local->loaded = local->previous;
	local->previous = hand;
	note_hands(local);
}

/* A hand's magazine, if it is still ours; then no thief that looked before can have it any more. */
static void settle_hand(struct mp_local *local, struct mp_hand *hand)
{
	if (hand->index != MP_NONE &&
	    !mp_magazine_hand(hand->magazine, MP_HOLDER_CACHE, local->record, MP_HOLDER_CACHE,
			      local->record)) {
		*hand = no_hand;
	}
}

/* The beginning of every call but the fastest: what thieves have announced is answered. */
static void settle(struct mp_local *local)
{
	if (__builtin_expect(mp_load(&local->cache->steal) != 0, 0)) {
		settle_hand(local, &local->loaded);
		settle_hand(local, &local->previous);
		note_hands(local);
		mp_store_release(&local->cache->steal, 0);
	}
}

static uint32_t hand_count(const struct mp_hand *hand)
{
	uint32_t n = mp_load(&hand->magazine->count);
	return n <= hand->capacity ? n : 0; /* more than it holds: somebody scribbled */
}

static uint32_t hand_room(const struct mp_hand *hand)
{
	uint32_t n = mp_load(&hand->magazine->count);
	return n < hand->capacity ? hand->capacity - n : 0;
}

/* Which shard this thread tries first. */
static uint32_t home_of(const struct mp_pool *pool, const struct mp_local *local)
{
	return local->record != MP_NONE ? local->record : pool->slot;
}

/* Its lines were somebody else's: all are on their way when the first is needed. */
static void ask_for(const struct mp_hand *hand, enum mp_want want)
{
	const char *at = (const char *)hand->magazine;
	const char *end = (const char *)&hand->magazine->entry[hand->capacity];

	for (; at < end; at += 64) {
		if (want == MP_WANT_ROOM) {
			mp_prefetch_for_write(at);
		} else {
			mp_prefetch(at);
		}
	}
}

/* Gives the previous magazine to the depot for another. */
static int exchange(struct mp_pool *pool, struct mp_local *local, enum mp_want want)
{
	uint32_t taken;
	int outcome = mp_depot_exchange(pool, home_of(pool, local), local->record, want,
					local->previous.index, &taken);
	if (outcome == 0) {
		local->previous = hand_of(pool, taken);
		note_hands(local);
		ask_for(&local->previous, want);
	}
	return outcome;
}

static void give_back(struct mp_pool *pool, struct mp_local *local, struct mp_hand *hand)
{
	if (hand->index != MP_NONE) {
		uint32_t index = hand->index;
		*hand = no_hand;
		note_hands(local);
		mp_depot_give(pool, home_of(pool, local), local->record, index);
	}
}

void mp_flush(struct mp_pool *pool, struct mp_local *local)
{
	settle(local);
	give_back(pool, local, &local->loaded);
	give_back(pool, local, &local->previous);
}

void mp_relieve(struct mp_pool *pool, struct mp_local *local)
{
	if (mp_enter(local->cache)) {
		mp_flush(pool, local);
		mp_leave(local->cache);
	}
	mp_pressure_wake(pool);
}

int mp_local_make_room(struct mp_pool *pool, struct mp_local *local)
{
	if (hand_room(&local->loaded) > 0) {
		return 0;
	}
	if (hand_room(&local->previous) == 0) {
		int outcome = exchange(pool, local, MP_WANT_ROOM);
		if (outcome != 0) {
			return outcome;
		}
	}
	swap_hands(local);
	return hand_room(&local->loaded) > 0 ? 0 : MP_E_EMPTY;
}

/* Makes the loaded magazine one with entries. */
static int make_blocks(struct mp_pool *pool, struct mp_local *local)
{
	if (hand_count(&local->loaded) > 0) {
		return 0;
	}
	if (hand_count(&local->previous) == 0) {
		int outcome = exchange(pool, local, MP_WANT_BLOCKS);
		if (outcome != 0) {
			return outcome;
		}
	}
	swap_hands(local);
	return 0;
}

/* ---- get ---- */

/* A thread without a record looks for one now and then. */
static bool has_record(struct mp_pool *pool, struct mp_local *local)
{
	if (local->record == MP_NONE && pool->shape.n_caches > 0 &&
	    ++local->tries % RECORD_RETRY == 0) {
		local_claim(pool, local);
	}
	return local->record != MP_NONE;
}

/* One block out of the magazines or, without a record, the depot. 0, MP_E_EMPTY or MP_E_BUSY. */
static int refill_and_pop(struct mp_pool *pool, struct mp_local *local, uint32_t *index)
{
	if (!has_record(pool, local)) {
		return mp_depot_get(pool, home_of(pool, local), index);
	}
	/*
	 * A magazine may hold nothing but leftovers; then it is empty now, and the next one is had.
	 */
	for (uint32_t n = pool->shape.n_magazines; n > 0; n--) {
		int outcome = make_blocks(pool, local);
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

/* Counts for this thread, or without a record for the process. */
static void count(const struct mp_local *local, mp_atomic64 *of_record, mp_atomic64 *of_slot,
		  uint32_t n)
{
	if (local->record != MP_NONE) {
		mp_count(of_record, n);
	} else {
		mp_add(of_slot, n);
	}
}

static void count_gets(struct mp_pool *pool, struct mp_local *local, uint32_t n)
{
	count(local, &local->cache->gets, &pool->slots[pool->slot].gets, n);
}

static void count_puts(struct mp_pool *pool, struct mp_local *local, uint32_t n)
{
	count(local, &local->cache->puts, &pool->slots[pool->slot].puts, n);
}

void mp_count_failure(struct mp_pool *pool, struct mp_local *local)
{
	count(local, &local->cache->failures, &pool->slots[pool->slot].failures, 1);
}

static bool is_empty_handed(const struct mp_local *local)
{
	return hand_count(&local->loaded) == 0 && hand_count(&local->previous) == 0;
}

/* Makes a stolen magazine the previous one. False: nothing could be stolen. */
static bool steal(struct mp_pool *pool, struct mp_local *local)
{
	uint32_t m = local->record == MP_NONE ? MP_NONE : mp_steal(pool, local->record);
	if (m == MP_NONE) {
		return false;
	}
	give_back(pool, local, &local->previous);
	local->previous = hand_of(pool, m);
	note_hands(local);
	return true;
}

int mp_get(struct mp_pool *pool, struct mp_local *local, uint32_t *index)
{
	settle(local);
	if (mp_load(&pool->header->broken)) {
		return -EIO;
	}
	if (!mp_load(&local->waiting) && is_empty_handed(local)) {
		mp_pressure_yield(pool);
	}
	bool all_seen = true;
	int outcome = refill_and_pop(pool, local, index);
	if (outcome != 0 && mp_collect_pending(pool)) {
		all_seen = mp_collect(pool, local, home_of(pool, local));
		outcome = refill_and_pop(pool, local, index);
	}
	while (outcome != 0 && steal(pool, local)) {
		outcome = refill_and_pop(pool, local, index);
	}
	if (outcome != 0 && !mp_collect_one(pool, index)) {
		return outcome == MP_E_BUSY || !all_seen ? -EAGAIN : -ENOMEM;
	}
	count_gets(pool, local, 1);
	return 0;
}

/* ---- put ---- */

/* Nobody has room, or nobody lets us in: the block is left for a collector. */
static int put_loose(struct mp_pool *pool, uint32_t index, uint64_t word)
{
	if (!mp_word_move(&pool->words[index].whole, word, mp_word_low(MP_RECLAIMED, 0))) {
		return mp_word_refusal(mp_load(&pool->words[index].whole));
	}
	/* Dying here leaves the announcement to the pass over us. */
	mp_announce(pool);
	return 0;
}

/* Puts into the magazines or, without a record, the depot. 0, MP_E_EMPTY or MP_E_BUSY. */
static int make_room_and_push(struct mp_pool *pool, struct mp_local *local, uint32_t index)
{
	if (!has_record(pool, local)) {
		return mp_depot_put(pool, home_of(pool, local), index);
	}
	int outcome = mp_local_make_room(pool, local);
	if (outcome == 0) {
		mp_magazine_push(pool, local->loaded.magazine, local->loaded.free, index);
	}
	return outcome;
}

/* Puts a block of ours whose word is @word. */
static int put_owned(struct mp_pool *pool, struct mp_local *local, uint32_t index, uint64_t word)
{
	int outcome = make_room_and_push(pool, local, index);

	if (outcome == MP_E_EMPTY && mp_collect_pending(pool)) {
		/* Orphans hold the room that is missing. */
		mp_collect_orphans(pool, home_of(pool, local));
		outcome = make_room_and_push(pool, local, index);
	}
	int result = outcome == 0 ? 0 : put_loose(pool, index, word);
	if (result == 0) {
		count_puts(pool, local, 1);
	}
	return result;
}

int mp_put(struct mp_pool *pool, struct mp_local *local, const void *block)
{
	settle(local);
	uint64_t index = mp_pool_index(pool, block);
	if (index >= pool->max_blocks) {
		return -EINVAL;
	}
	uint64_t word = mp_load(&pool->words[index].whole);
	return (uint32_t)word == pool->used ? put_owned(pool, local, (uint32_t)index, word)
					    : mp_word_refusal(word);
}

/* ---- bulk ---- */

/* The loaded magazine had @got of them: the others, by refill after refill. */
static __attribute__((noinline)) int get_rest(struct mp_pool *pool, struct mp_local *local,
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
		count_gets(pool, local, more);
		got += more;
	}
	return 0;
}

int mp_get_bulk(struct mp_pool *pool, struct mp_local *local, void **blocks, uint32_t n)
{
	settle(local);
	if (hand_count(&local->loaded) < n && hand_count(&local->previous) >= n) {
		swap_hands(local);
	}
	uint32_t got =
		mp_magazine_pop_bulk(pool, local->loaded.magazine, local->loaded.free, blocks, n);
	mp_count(&local->cache->gets, got);
	return got == n ? 0 : get_rest(pool, local, blocks, got, n);
}

/* At most a magazine, into the two in hand, which have the room. */
static __attribute__((noinline)) int push_both(struct mp_pool *pool, struct mp_local *local,
					       void *const *blocks, uint32_t n)
{
	uint32_t room = hand_room(&local->loaded);
	uint32_t first = n < room ? n : room;

	int error = mp_magazine_push_bulk(pool, local->loaded.magazine, local->loaded.free, blocks,
					  first);
	if (error == 0 && first < n) {
		swap_hands(local);
		error = mp_magazine_push_bulk(pool, local->loaded.magazine, local->loaded.free,
					      blocks + first, n - first);
		if (error != 0) {
			mp_magazine_unpush(pool, local->previous.magazine, first);
		}
	}
	if (error == 0) {
		count_puts(pool, local, n);
	}
	return error;
}

static __attribute__((noinline)) bool has_room(struct mp_pool *pool, struct mp_local *local,
					       uint32_t n)
{
	if (hand_room(&local->loaded) + hand_room(&local->previous) >= n) {
		return true;
	}
	return local->record != MP_NONE && n <= pool->shape.capacity &&
	       exchange(pool, local, MP_WANT_ROOM) == 0 &&
	       hand_room(&local->loaded) + hand_room(&local->previous) >= n;
}

int mp_put_bulk(struct mp_pool *pool, struct mp_local *local, void *const *blocks, uint32_t n)
{
	settle(local);
	if (n > hand_room(&local->loaded) && n <= hand_room(&local->previous)) {
		swap_hands(local);
	}
	if (n > hand_room(&local->loaded)) {
		return has_room(pool, local, n) ? push_both(pool, local, blocks, n) : MP_E_EMPTY;
	}
	int error =
		mp_magazine_push_bulk(pool, local->loaded.magazine, local->loaded.free, blocks, n);
	if (error == 0) {
		mp_count(&local->cache->puts, n);
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
