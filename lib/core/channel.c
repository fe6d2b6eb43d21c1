/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/core/broadcast.h"
#include "lib/core/channel.h"
#include "lib/core/ends.h"
#include "lib/core/futex.h"
#include "lib/core/pressure.h"
#include "lib/core/ring.h"
#include "lib/core/word.h"

bool mp_channel_is_of_kind(struct mp_channel *channel, enum mp_channel_kind kind)
{
	return mp_channel_kind(channel) == kind ||
	       mp_cas32(&channel->kind, MP_CHANNEL_UNOPENED, kind) ||
	       mp_channel_kind(channel) == kind;
}

/* ---- the consumer ---- */

uint64_t mp_channel_claim(struct mp_pool *pool, struct mp_channel *channel)
{
	uint64_t seen = mp_load_acquire(&channel->consumer);
	uint64_t mine = ((seen >> 32) + 1) << 32 | (pool->slot + 1);

	return (uint32_t)seen == 0 && mp_cas(&channel->consumer, seen, mine) ? mine : 0;
}

void mp_channel_leave(struct mp_channel *channel, uint64_t claim)
{
	if (mp_cas(&channel->consumer, claim, claim >> 32 << 32)) {
		mp_futex_notify(&channel->crowded);
	}
}

void mp_channel_evict(struct mp_channel *channel, uint32_t slot)
{
	uint64_t seen = mp_load_acquire(&channel->consumer);

	if ((uint32_t)seen == slot + 1) {
		mp_channel_leave(channel, seen);
	}
}

/* ---- sending ---- */

uint32_t mp_channel_send(struct mp_pool *pool, struct mp_channel *channel, void *const *blocks,
			 uint32_t n, int *error)
{
	uint64_t p = mp_load(&channel->tail), token;
	uint32_t sent = 0;

	for (*error = 0; sent < n; sent++) {
		/* Look first, so that a full ring costs no give and take. */
		if (!mp_ring_has_position(pool, channel, &p)) {
			*error = -EAGAIN;
			break;
		}
		*error = mp_word_give(pool, mp_pool_index(pool, blocks[sent]), &token);
		if (*error) {
			break;
		}
		/*
		 * A gift that cannot be taken back is not ours any more: a sibling thread has
		 * withdrawn it. That is as if it had done so when the token was in the ring.
		 */
		if (!mp_ring_post(pool, channel, &p, token) &&
		    mp_word_take(pool, token, true) >= 0) {
			*error = -EAGAIN;
			break;
		}
	}
	mp_store_release(&channel->tail, p);
	if (sent > 0) {
		mp_futex_rouse(&channel->hungry);
	}
	return sent;
}

/* ---- receiving ---- */

/* Wakes producers that sleep. Their barrier orders the store of head, just before. */
static void channel_make_room_known(const struct mp_pool *pool, struct mp_channel *channel)
{
	if (__builtin_expect(pool->fenced, 0)) {
		mp_fence(); /* no producer's barrier reaches this process */
	}
	if (__builtin_expect(mp_load(&channel->crowded) & MP_FUTEX_ASLEEP, 0)) {
		mp_futex_notify(&channel->crowded);
	}
}

uint32_t mp_channel_receive(struct mp_pool *pool, struct mp_channel *channel, void **blocks,
			    uint32_t n, int *error)
{
	uint64_t begin = mp_load(&channel->head), p = begin;
	uint32_t got = 0;

	for (*error = 0; got < n && p - begin < pool->shape.depth; p++) {
		mp_atomic64 *cell = mp_ring_cell(pool, channel, p);
		uint64_t seen = mp_load_acquire(cell), empty = mp_ring_empty(pool, p);
		if (mp_ring_is_token(seen)) {
			int64_t index = mp_word_take(pool, seen, false);
			if (index >= 0) {
				blocks[got++] = mp_pool_address(pool, (uint64_t)index);
			}
			mp_store_release(cell, mp_ring_emptied(pool, p));
		} else if (seen == empty) {
			break;
		} else if (seen != mp_ring_emptied(pool, p)) {
			*error = -EIO;
			break;
		}
	}
	if (p != begin) {
		mp_store_release(&channel->head, p);
		mp_compiler_fence();
		channel_make_room_known(pool, channel);
	}
	return got;
}

/* ---- what senders leave ---- */

/* The word of the gift whose token cell @k holds, and its value. NULL: there is none. */
static mp_atomic64 *channel_gift_at(const struct mp_pool *pool, uint32_t number, uint32_t k,
				    uint64_t *word)
{
	uint64_t token = mp_load_acquire(&mp_pool_channel(pool, number)->cell[k]);
	mp_atomic64 *at = mp_ring_word(pool, token, word);

	return at && mp_word_state(*word) == MP_MOVING ? at : NULL;
}

uint32_t mp_channel_sender(const struct mp_pool *pool, uint32_t number, uint32_t k)
{
	uint64_t word;

	return channel_gift_at(pool, number, k, &word) ? mp_word_ref(word) : MP_NONE;
}

bool mp_channel_keep(struct mp_pool *pool, uint32_t number, uint32_t k, uint32_t slot)
{
	uint64_t word;
	mp_atomic64 *at = channel_gift_at(pool, number, k, &word);

	return at && mp_word_ref(word) == slot && mp_word_move(at, word, mp_word_sent(number));
}

/* Decides about what this process has sent by a broadcast. Whether a block became RECLAIMED. */
static bool channel_settle_own(struct mp_pool *pool, uint32_t number)
{
	bool left = false;

	for (uint32_t k = 0; k < pool->shape.depth; k++) {
		if (mp_channel_sender(pool, number, k) == pool->slot) {
			left |= mp_broadcast_settle(
				pool, number,
				mp_load_acquire(&mp_pool_channel(pool, number)->cell[k]));
		}
	}
	return left;
}

void mp_channel_keep_all(struct mp_pool *pool)
{
	bool left = false;

	mp_announce_begin(pool);
	for (uint32_t i = 0; i < pool->shape.n_channels; i++) {
		if (mp_pool_broadcasts(pool, i)) {
			left |= channel_settle_own(pool, i);
			continue;
		}
		for (uint32_t k = 0; k < pool->shape.depth; k++) {
			mp_channel_keep(pool, i, k, pool->slot);
		}
	}
	mp_announce_end(pool, left);
}

/* ---- sleeping ---- */

bool mp_channel_is_filled(const struct mp_pool *pool, const struct mp_channel *channel)
{
	uint64_t head = mp_load_acquire(&channel->head);

	return mp_load_acquire(&channel->cell[head & (pool->shape.depth - 1)]) !=
	       mp_ring_empty(pool, head);
}

bool mp_channel_is_over(const struct mp_pool *pool, struct mp_channel *channel,
			const struct mp_ends *noted)
{
	return mp_ends_have_gone(pool, channel, noted) && !mp_channel_is_filled(pool, channel);
}

void mp_channel_await_token(const struct mp_pool *pool, struct mp_channel *channel,
			    const struct mp_ends *noted, struct mp_wait *wait)
{
	uint32_t seen = mp_futex_prepare(&channel->hungry);

	if (!mp_channel_is_filled(pool, channel) &&
	    !(noted && mp_channel_is_over(pool, channel, noted))) {
		mp_wait_sleep(wait, &channel->hungry, seen);
	}
}

/*
 * Positions are filled in order, so there is room while the last that may be filled is empty. If
 * head has risen since it was read, the answer may be no: then the consumer looks at crowded after.
 */
bool mp_channel_has_room(const struct mp_pool *pool, struct mp_channel *channel)
{
	uint64_t last = mp_load_acquire(&channel->head) + pool->shape.depth - 1;

	return mp_load_acquire(mp_ring_cell(pool, channel, last)) == mp_ring_empty(pool, last);
}

uint32_t mp_channel_prepare_crowded(struct mp_channel *channel)
{
	/* Whoever posted may be stopped before it wakes who receives: then both would sleep. */
	mp_futex_notify(&channel->hungry);
	uint32_t seen = mp_futex_prepare(&channel->crowded);

	mp_barrier(); /* the consumer does not fence between head and its look at crowded */
	return seen;
}

void mp_channel_await_room(const struct mp_pool *pool, struct mp_channel *channel,
			   const struct mp_ends *noted, struct mp_wait *wait)
{
	uint32_t seen = mp_channel_prepare_crowded(channel);

	if (!mp_channel_has_room(pool, channel) &&
	    !(noted && mp_ends_is_deserted(pool, channel, noted))) {
		mp_wait_sleep(wait, &channel->crowded, seen);
	}
}
