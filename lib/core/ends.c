/* SPDX-License-Identifier: MIT */
#include "lib/core/ends.h"
#include "lib/core/futex.h"

/* ---- marks ---- */

void mp_ends_begin(struct mp_pool *pool, struct mp_channel *channel)
{
	mp_or(mp_ends_senders(pool, channel, pool->slot / 64), 1ull << pool->slot % 64);
	mp_add(&channel->opens, 1);
}

void mp_ends_stop(const struct mp_pool *pool, struct mp_channel *channel, uint32_t slot)
{
	mp_and(mp_ends_senders(pool, channel, slot / 64), ~(1ull << slot % 64));
	mp_futex_notify(&channel->hungry);
}

void mp_ends_begin_receiving(struct mp_pool *pool, struct mp_channel *channel)
{
	mp_or(mp_ends_receivers(pool, channel, pool->slot / 64), 1ull << pool->slot % 64);
	mp_add(&channel->receiver_opens, 1);
}

void mp_ends_stop_receiving(const struct mp_pool *pool, struct mp_channel *channel, uint32_t slot)
{
	mp_and(mp_ends_receivers(pool, channel, slot / 64), ~(1ull << slot % 64));
	mp_futex_notify(&channel->crowded);
}

/* Whether any bit is set in the words of marks from @first on. */
static bool ends_has_mark(const struct mp_pool *pool, mp_atomic64 *first)
{
	uint64_t marks = 0;

	for (uint32_t i = 0; i < mp_ends_words(&pool->shape); i++) {
		marks |= mp_load_acquire(&first[i]);
	}
	return marks != 0;
}

/* ---- end of stream ---- */

static bool ends_has_sender(const struct mp_pool *pool, struct mp_channel *channel)
{
	return ends_has_mark(pool, mp_ends_senders(pool, channel, 0));
}

struct mp_ends mp_ends_note_senders(const struct mp_pool *pool, struct mp_channel *channel)
{
	struct mp_ends noted = {
		.opens = mp_load_acquire(&channel->opens),
		.head = mp_load_acquire(&channel->head),
	};

	noted.had = ends_has_sender(pool, channel);
	return noted;
}

bool mp_ends_have_gone(const struct mp_pool *pool, struct mp_channel *channel,
		       const struct mp_ends *noted)
{
	uint64_t opens = mp_load_acquire(&channel->opens);
	bool had = opens != noted->opens || noted->had ||
		   mp_load_acquire(&channel->head) != noted->head;

	return had && !ends_has_sender(pool, channel) && mp_load_acquire(&channel->opens) == opens;
}

/* ---- deserted senders ---- */

/* How often receivers have come. */
static uint64_t ends_receiver_opens(const struct mp_channel *channel)
{
	enum mp_channel_kind kind = mp_channel_kind(channel);

	return kind == MP_CHANNEL_WORK || kind == MP_CHANNEL_BROADCAST
		       ? mp_load_acquire(&channel->receiver_opens)
		       : mp_load_acquire(&channel->consumer) >> 32;
}

static bool ends_has_receiver(const struct mp_pool *pool, struct mp_channel *channel)
{
	switch (mp_channel_kind(channel)) {
	case MP_CHANNEL_WORK:
		return ends_has_mark(pool, mp_ends_receivers(pool, channel, 0));
	case MP_CHANNEL_BROADCAST:
		return mp_channel_members(channel) != 0;
	case MP_CHANNEL_UNOPENED:
	case MP_CHANNEL_QUEUE:
	default:
		return (uint32_t)mp_load_acquire(&channel->consumer) != 0;
	}
}

struct mp_ends mp_ends_note_receivers(const struct mp_pool *pool, struct mp_channel *channel)
{
	struct mp_ends noted = {.opens = ends_receiver_opens(channel)};

	noted.had = ends_has_receiver(pool, channel);
	return noted;
}

bool mp_ends_is_deserted(const struct mp_pool *pool, struct mp_channel *channel,
			 const struct mp_ends *noted)
{
	uint64_t opens = ends_receiver_opens(channel);

	return (noted->had || opens != noted->opens) && !ends_has_receiver(pool, channel) &&
	       ends_receiver_opens(channel) == opens;
}

/* ---- for those who look on ---- */

/* How many bits are set in the words of marks from @first on. */
static uint32_t ends_count_marks(const struct mp_pool *pool, mp_atomic64 *first)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < mp_ends_words(&pool->shape); i++) {
		n += (uint32_t)__builtin_popcountll(mp_load_acquire(&first[i]));
	}
	return n;
}

uint32_t mp_ends_count_senders(const struct mp_pool *pool, struct mp_channel *channel)
{
	return ends_count_marks(pool, mp_ends_senders(pool, channel, 0));
}

uint32_t mp_ends_count_receivers(const struct mp_pool *pool, struct mp_channel *channel)
{
	switch (mp_channel_kind(channel)) {
	case MP_CHANNEL_WORK:
		return ends_count_marks(pool, mp_ends_receivers(pool, channel, 0));
	case MP_CHANNEL_BROADCAST:
		return (uint32_t)__builtin_popcount(mp_channel_members(channel));
	case MP_CHANNEL_UNOPENED:
	case MP_CHANNEL_QUEUE:
	default:
		return (uint32_t)mp_load_acquire(&channel->consumer) != 0;
	}
}

bool mp_ends_sends(const struct mp_pool *pool, struct mp_channel *channel, uint32_t slot)
{
	return mp_load_acquire(mp_ends_senders(pool, channel, slot / 64)) >> slot % 64 & 1;
}

/* Whether a seat of the broadcast is that process's. */
static bool ends_has_seat(const struct mp_channel *channel, uint32_t slot)
{
	for (uint32_t i = 0; i < MP_SEATS_MAX; i++) {
		if ((uint32_t)mp_load_acquire(&channel->seat[i].owner) == slot + 1) {
			return true;
		}
	}
	return false;
}

bool mp_ends_receives(const struct mp_pool *pool, struct mp_channel *channel, uint32_t slot)
{
	switch (mp_channel_kind(channel)) {
	case MP_CHANNEL_WORK:
		return mp_load_acquire(mp_ends_receivers(pool, channel, slot / 64)) >> slot % 64 &
		       1;
	case MP_CHANNEL_BROADCAST:
		return ends_has_seat(channel, slot);
	case MP_CHANNEL_UNOPENED:
	case MP_CHANNEL_QUEUE:
	default:
		return (uint32_t)mp_load_acquire(&channel->consumer) == slot + 1;
	}
}
