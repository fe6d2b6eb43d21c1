/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/core/broadcast.h"
#include "lib/core/channel.h"
#include "lib/core/drain.h"
#include "lib/core/futex.h"
#include "lib/core/ring.h"
#include "lib/core/word.h"

struct mp_drain mp_drain_begin(const struct mp_pool *pool, uint32_t number)
{
	struct mp_channel *channel = mp_pool_channel(pool, number);

	return (struct mp_drain){
		.channel = number,
		.next = mp_load_acquire(&channel->head),
		.end = mp_ring_end(pool, channel),
	};
}

/* Whether somebody is to get the block of that token. */
static bool drain_is_awaited(struct mp_pool *pool, struct mp_local *local, uint32_t number,
			     uint64_t token)
{
	uint64_t word;

	if (mp_channel_kind(mp_pool_channel(pool, number)) == MP_CHANNEL_BROADCAST) {
		mp_broadcast_decide(pool, local, number, token);
	}
	return mp_ring_word(pool, token, &word) &&
	       (mp_word_state(word) == MP_MOVING ||
		(mp_word_state(word) == MP_SHARED && mp_share_pending(word) != 0));
}

/* Goes to the last position before head. */
static void drain_pass_over(const struct mp_channel *channel, struct mp_drain *drain)
{
	uint64_t last = mp_load_acquire(&channel->head) - 1;

	last = last < drain->end ? last : drain->end - 1;
	drain->next = last > drain->next ? last : drain->next;
}

int mp_drain_look(struct mp_pool *pool, struct mp_local *local, struct mp_drain *drain)
{
	struct mp_channel *channel = mp_pool_channel(pool, drain->channel);
	uint64_t cell;

	/* Who receives meanwhile moves head; if again and again, somebody has scribbled on it. */
	for (uint32_t tries = 2 * pool->shape.depth; drain->next < drain->end; drain->next++) {
		if (tries-- == 0) {
			return 0;
		}
		switch (mp_ring_look(pool, channel, drain->next, &cell)) {
		case MP_RING_TOKEN:
			if (drain_is_awaited(pool, local, drain->channel, cell)) {
				return 0;
			}
			break;
		case MP_RING_PASSED:
			drain_pass_over(channel, drain);
			break;
		case MP_RING_EMPTIED:
			break;
		case MP_RING_NOTHING:
		case MP_RING_SCRIBBLED:
		default:
			return -EIO;
		}
	}
	return 1;
}

void mp_drain_await(struct mp_pool *pool, struct mp_local *local, struct mp_drain *drain,
		    struct mp_wait *wait)
{
	struct mp_channel *channel = mp_pool_channel(pool, drain->channel);
	uint32_t seen = mp_channel_prepare_crowded(channel);

	if (mp_drain_look(pool, local, drain) == 0) {
		mp_wait_sleep(wait, &channel->crowded, seen);
	}
}
