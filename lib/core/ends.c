/* SPDX-License-Identifier: MIT */
#include "lib/core/ends.h"
#include "lib/core/futex.h"

void mp_ends_begin(struct mp_pool *pool, struct mp_channel *channel)
{
	mp_or(mp_ends_marks(pool, channel, pool->slot / 64), 1ull << pool->slot % 64);
	mp_add(&channel->opens, 1);
}

void mp_ends_stop(const struct mp_pool *pool, struct mp_channel *channel, uint32_t slot)
{
	mp_and(mp_ends_marks(pool, channel, slot / 64), ~(1ull << slot % 64));
	mp_futex_notify(&channel->hungry);
}

static bool ends_has_sender(const struct mp_pool *pool, struct mp_channel *channel)
{
	uint64_t marks = 0;

	for (uint32_t i = 0; i < mp_ends_words(&pool->shape); i++) {
		marks |= mp_load_acquire(mp_ends_marks(pool, channel, i));
	}
	return marks != 0;
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

struct mp_ends mp_ends_note_consumer(const struct mp_channel *channel)
{
	uint64_t consumer = mp_load_acquire(&channel->consumer);

	return (struct mp_ends){.opens = consumer, .had = (uint32_t)consumer != 0};
}

bool mp_ends_have_gone(const struct mp_pool *pool, struct mp_channel *channel,
		       const struct mp_ends *noted)
{
	uint64_t opens = mp_load_acquire(&channel->opens);
	bool had = opens != noted->opens || noted->had ||
		   mp_load_acquire(&channel->head) != noted->head;

	return had && !ends_has_sender(pool, channel) && mp_load_acquire(&channel->opens) == opens;
}

bool mp_ends_is_deserted(const struct mp_channel *channel, const struct mp_ends *noted)
{
	uint64_t consumer = mp_load_acquire(&channel->consumer);

	return (uint32_t)consumer == 0 && (noted->had || consumer >> 32 != noted->opens >> 32);
}
