/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lib/core/ends.h"
#include "lib/core/magazine.h"
#include "lib/core/ring.h"
#include "lib/core/stats.h"
#include "lib/core/word.h"

/* The slot that owns a cache record. MP_NONE: it is free, or there is no such record. */
static uint32_t stats_owner_of(const struct mp_pool *pool, uint32_t record)
{
	if (record >= pool->shape.n_caches) {
		return MP_NONE;
	}
	uint32_t owner = (uint32_t)mp_load(&pool->caches[record].owner);
	return owner ? owner - 1 : MP_NONE;
}

/* A FREE block is where its magazine is. */
static enum mp_place stats_place_of_magazine(const struct mp_pool *pool, uint32_t m, uint32_t *slot)
{
	if (m >= pool->shape.n_magazines) {
		return MP_PLACE_DEPOT;
	}
	uint64_t holder = mp_load(&mp_magazine(pool, m)->holder);
	if (mp_holder_kind(holder) != MP_HOLDER_CACHE) {
		return MP_PLACE_DEPOT;
	}
	*slot = stats_owner_of(pool, mp_holder_id(holder));
	return MP_PLACE_CACHE;
}

enum mp_place mp_place_of(const struct mp_pool *pool, uint64_t word, uint32_t *slot)
{
	*slot = MP_NONE;
	switch (mp_word_state(word)) {
	case MP_FREE:
		return stats_place_of_magazine(pool, mp_word_ref(word), slot);
	case MP_USED:
		*slot = mp_word_ref(word);
		return MP_PLACE_USED;
	case MP_MOVING:
		*slot = mp_word_channel(word) == MP_NONE ? mp_word_ref(word) : MP_NONE;
		return MP_PLACE_MOVING;
	case MP_SHARED:
		return MP_PLACE_SHARED;
	case MP_RECLAIMED:
		return MP_PLACE_RECLAIMED;
	case MP_UNBORN:
	default:
		return MP_PLACE_NONE;
	}
}

static void stats_tally_block(struct mp_tally *t, enum mp_place place)
{
	t->used += place == MP_PLACE_USED;
	t->cached += place == MP_PLACE_CACHE;
	t->free += place == MP_PLACE_DEPOT;
	t->moving += place == MP_PLACE_MOVING;
	t->shared += place == MP_PLACE_SHARED;
	t->reclaimed += place == MP_PLACE_RECLAIMED;
}

uint32_t mp_share_slot(const struct mp_pool *pool, uint64_t word, uint32_t seat)
{
	uint32_t number = mp_share_channel(word);

	if (number >= pool->shape.n_channels || seat >= MP_SEATS_MAX) {
		return MP_NONE;
	}
	uint64_t owner = mp_load(&mp_pool_channel(pool, number)->seat[seat].owner);
	return (uint32_t)owner - 1; /* none: MP_NONE */
}

/* Counts the shares that are held, for those who hold them. */
static void stats_tally_shares(const struct mp_pool *pool, uint64_t word, struct mp_tally *by_slot,
			       uint32_t n)
{
	for (uint32_t held = mp_share_held(word); held; held &= held - 1) {
		uint32_t slot = mp_share_slot(pool, word, (uint32_t)__builtin_ctz(held));
		if (slot < n) {
			by_slot[slot].shared++;
		}
	}
}

static void stats_tally_counters(struct mp_tally *t, uint64_t gets, uint64_t puts,
				 uint64_t failures)
{
	t->gets += gets;
	t->puts += puts;
	t->failures += failures;
}

static void stats_tally_caches(const struct mp_pool *pool, struct mp_tally *total,
			       struct mp_tally *by_slot, uint32_t n)
{
	for (uint32_t r = 0; r < pool->shape.n_caches; r++) {
		const struct mp_cache *c = &pool->caches[r];
		uint32_t slot = stats_owner_of(pool, r);
		if (slot == MP_NONE) {
			continue;
		}
		uint64_t gets = mp_load(&c->gets), puts = mp_load(&c->puts);
		uint64_t failures = mp_load(&c->failures);
		stats_tally_counters(total, gets, puts, failures);
		if (slot < n) {
			stats_tally_counters(&by_slot[slot], gets, puts, failures);
		}
	}
}

static void stats_tally_slots(const struct mp_pool *pool, struct mp_tally *total,
			      struct mp_tally *by_slot, uint32_t n)
{
	for (uint32_t i = 0; i < pool->shape.n_slots; i++) {
		const struct mp_slot *s = &pool->slots[i];
		uint64_t gets = mp_load(&s->gets), puts = mp_load(&s->puts);
		uint64_t failures = mp_load(&s->failures);
		stats_tally_counters(total, gets, puts, failures);
		total->waits += mp_load(&s->waits);
		if (i < n) {
			stats_tally_counters(&by_slot[i], gets, puts, failures);
		}
	}
}

void mp_tally(const struct mp_pool *pool, struct mp_tally *total, struct mp_tally *by_slot,
	      uint32_t n)
{
	struct mp_tally unasked;
	uint32_t slot;

	total = total ? total : &unasked;
	n = by_slot ? n : 0;
	*total = (struct mp_tally){0};
	if (n > 0) {
		memset(by_slot, 0, n * sizeof *by_slot);
	}
	uint32_t born = mp_pool_born(pool);
	for (uint32_t i = 0; i < born; i++) {
		uint64_t word = mp_load(&pool->words[i].whole);
		enum mp_place place = mp_place_of(pool, word, &slot);
		stats_tally_block(total, place);
		if (slot < n) {
			stats_tally_block(&by_slot[slot], place);
		}
		if (place == MP_PLACE_SHARED) {
			stats_tally_shares(pool, word, by_slot, n);
		}
	}
	stats_tally_caches(pool, total, by_slot, n);
	stats_tally_slots(pool, total, by_slot, n);
	stats_tally_counters(total, mp_load(&pool->header->gets), mp_load(&pool->header->puts),
			     mp_load(&pool->header->failures));
	total->waits += mp_load(&pool->header->waits);
}

void mp_tally_seat(const struct mp_pool *pool, uint32_t number, uint32_t seat,
		   struct mp_seat_tally *tally)
{
	const struct mp_channel *channel = mp_pool_channel(pool, number);
	const struct mp_seat *s = &channel->seat[seat];
	uint64_t head = mp_load_acquire(&channel->head), cursor = mp_load_acquire(&s->cursor);
	bool lossy = mp_channel_lossy(channel) >> seat & 1;

	/* What a lossy subscriber was late for is retired, and it counts that when it comes. */
	*tally = (struct mp_seat_tally){
		.slot = (uint32_t)mp_load_acquire(&s->owner) - 1, /* none: MP_NONE */
		.lossy = lossy,
		.cursor = cursor > head ? cursor : head,
		.lost = mp_load(&s->lost) + (lossy && cursor < head ? head - cursor : 0),
	};
}

/* What the subscriber that is farthest behind has yet to receive, and what all have lost. */
static void stats_tally_subscribers(const struct mp_pool *pool, uint32_t number,
				    struct mp_channel_tally *tally)
{
	for (uint32_t i = 0; i < MP_SEATS_MAX; i++) {
		struct mp_seat_tally seat;
		mp_tally_seat(pool, number, i, &seat);
		if (seat.slot != MP_NONE) {
			uint64_t lag = tally->sent > seat.cursor ? tally->sent - seat.cursor : 0;
			tally->lag = lag > tally->lag ? lag : tally->lag;
			tally->lost += seat.lost;
		}
	}
}

void mp_tally_channel(const struct mp_pool *pool, uint32_t number, struct mp_channel_tally *tally)
{
	struct mp_channel *channel = mp_pool_channel(pool, number);

	*tally = (struct mp_channel_tally){
		.kind = mp_channel_kind(channel),
		.senders = mp_ends_count_senders(pool, channel),
		.receivers = mp_ends_count_receivers(pool, channel),
		.retired = mp_load_acquire(&channel->head),
	};
	/* Others may retire what is received, and send more, while we look. */
	uint64_t n = mp_ring_end(pool, channel) - tally->retired;
	n = n < pool->shape.depth ? n : pool->shape.depth;
	tally->sent = tally->retired + n;
	if (tally->kind == MP_CHANNEL_BROADCAST) {
		stats_tally_subscribers(pool, number, tally);
	} else {
		tally->lag = n;
	}
}
