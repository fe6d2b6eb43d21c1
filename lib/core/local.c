/* SPDX-License-Identifier: MIT */
#include "lib/core/depot.h"
#include "lib/core/local.h"
#include "lib/core/pressure.h"
#include "lib/core/slot.h"

/* Stands for "no magazine": it has no block and no room. Nobody writes to it. */
static const struct mp_magazine no_magazine;
static const struct mp_hand no_hand = {
	.magazine = (struct mp_magazine *)(uintptr_t)&no_magazine,
	.index = MP_NONE,
};

static struct mp_hand local_hand_of(const struct mp_pool *pool, uint32_t index)
{
	return (struct mp_hand){
		.magazine = mp_magazine(pool, index),
		.index = index,
		.free = mp_word_low(MP_FREE, index),
		.capacity = pool->shape.capacity,
	};
}

/* ---- the record ---- */

/* Clears a record just claimed, before it holds any magazine. */
static void local_record_begin(struct mp_cache *c, bool fenced, uint32_t busy)
{
	mp_store(&c->hands, mp_hands(MP_NONE, MP_NONE));
	mp_store(&c->taking, MP_NONE);
	mp_store(&c->fenced, fenced);
	mp_store(&c->steal, 0);
	mp_store(&c->gets, 0);
	mp_store(&c->puts, 0);
	mp_store(&c->failures, 0);
	mp_store_release(&c->busy, busy);
}

/* Claims a free record. MP_NONE: there is none. Each process begins its search elsewhere. */
static uint32_t local_record_claim(struct mp_pool *pool)
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
	uint32_t record = local_record_claim(pool);

	if (record != MP_NONE) {
		local_record_begin(&pool->caches[record], pool->fenced,
				   mp_load(&local->cache->busy));
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
		/* In this order a signal handler never finds a record with the wrong cache. */
		local->record = MP_NONE;
		mp_compiler_fence();
		local->cache = &local->standin;
		mp_leave(c);
		/* Last: from here on anybody may claim the record. */
		mp_store_release(&c->owner, mp_load(&c->owner) >> 32 << 32);
	} else {
		mp_leave(c);
	}
	mp_pressure_order(pool);
	if (mp_is_pressed(pool)) {
		mp_pressure_wake(pool);
	}
}

bool mp_local_find_record(struct mp_pool *pool, struct mp_local *local)
{
	if (mp_local_lacks_record(pool, local) && ++local->tries % MP_RECORD_RETRY == 0) {
		local_claim(pool, local);
	}
	return local->record != MP_NONE;
}

/* ---- magazines ---- */

/* For onlookers: a census goes by it that what was done with the magazines before is seen. */
static void local_note_hands(struct mp_local *local)
{
	mp_store_release(&local->cache->hands,
			 mp_hands(local->loaded.index, local->previous.index));
}

void mp_local_swap(struct mp_local *local)
{
	struct mp_hand hand = local->loaded;
	local->loaded = local->previous;
	local->previous = hand;
	local_note_hands(local);
}

/*
 * Raises the holder's sequence, so that the CAS of a thief that looked before fails; lets go of the
 * magazine if it was stolen.
 */
static void local_settle_hand(struct mp_local *local, struct mp_hand *hand)
{
	if (hand->index != MP_NONE &&
	    !mp_magazine_hand(hand->magazine, MP_HOLDER_CACHE, local->record, MP_HOLDER_CACHE,
			      local->record)) {
		*hand = no_hand;
	}
}

void mp_local_settle(struct mp_local *local)
{
	local_settle_hand(local, &local->loaded);
	local_settle_hand(local, &local->previous);
	local_note_hands(local);
	mp_store_release(&local->cache->steal, 0);
}

/* Prefetches the magazine's lines: another CPU wrote them last, and all will be needed. */
static void local_prefetch(const struct mp_hand *hand, enum mp_want want)
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

int mp_local_exchange(struct mp_pool *pool, struct mp_local *local, enum mp_want want)
{
	uint32_t taken;
	int outcome = mp_depot_exchange(pool, mp_local_home(pool, local), local->record, want,
					local->previous.index, &taken);
	if (outcome == 0) {
		local->previous = local_hand_of(pool, taken);
		local_note_hands(local);
		local_prefetch(&local->previous, want);
	}
	return outcome;
}

static void local_give_back(struct mp_pool *pool, struct mp_local *local, struct mp_hand *hand)
{
	if (hand->index != MP_NONE) {
		/* An outcome other than 0 is an orphan, which is announced, or a thief has it. */
		mp_depot_give(pool, mp_local_home(pool, local), local->record, hand->index);
		*hand = no_hand;
		local_note_hands(local); /* last: until then a census finds what it has here */
	}
}

void mp_local_take_stolen(struct mp_pool *pool, struct mp_local *local, uint32_t magazine)
{
	struct mp_hand empty = local->previous;

	local->previous = local_hand_of(pool, magazine);
	local_note_hands(local);
	if (empty.index != MP_NONE) {
		mp_depot_give(pool, mp_local_home(pool, local), local->record, empty.index);
	}
}

void mp_flush(struct mp_pool *pool, struct mp_local *local)
{
	mp_settle(pool, local);
	local_give_back(pool, local, &local->loaded);
	local_give_back(pool, local, &local->previous);
}

void mp_relieve(struct mp_pool *pool, struct mp_local *local)
{
	if (mp_enter(local->cache)) {
		mp_flush(pool, local);
		mp_leave(local->cache);
		mp_pressure_order(pool);
	}
	mp_pressure_wake(pool);
}

int mp_local_make_room(struct mp_pool *pool, struct mp_local *local)
{
	if (mp_hand_room(&local->loaded) > 0) {
		return 0;
	}
	if (mp_hand_room(&local->previous) == 0) {
		int outcome = mp_local_exchange(pool, local, MP_WANT_ROOM);
		if (outcome != 0) {
			return outcome;
		}
	}
	mp_local_swap(local);
	return mp_hand_room(&local->loaded) > 0 ? 0 : MP_E_EMPTY;
}

int mp_local_make_blocks(struct mp_pool *pool, struct mp_local *local)
{
	if (mp_hand_count(&local->loaded) > 0) {
		return 0;
	}
	if (mp_hand_count(&local->previous) == 0) {
		int outcome = mp_local_exchange(pool, local, mp_local_want(local));
		if (outcome != 0) {
			return outcome;
		}
	}
	mp_local_swap(local);
	return 0;
}

void mp_count_failure(struct mp_pool *pool, struct mp_local *local)
{
	mp_local_count(local, &local->cache->failures, &pool->slots[pool->slot].failures, 1);
}
