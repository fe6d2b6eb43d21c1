/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/core/broadcast.h"
#include "lib/core/cache.h"
#include "lib/core/ends.h"
#include "lib/core/futex.h"
#include "lib/core/pressure.h"
#include "lib/core/quota.h"
#include "lib/core/ring.h"
#include "lib/core/word.h"

/*
 * Tries of a CAS on a SHARED word. Each one that fails is another's that took or moved a bit, and
 * each seat has two bits: more is somebody who scribbles. Also of posting a token.
 */
#define TRIES (4 * MP_SEATS_MAX)

#define RETIRE_AT_ONCE 16 /* positions that a producer empties before it raises head */

static bool broadcast_has(const mp_atomic64 *at, uint64_t word, uint32_t channel)
{
	return at && mp_word_state(word) == MP_SHARED && mp_share_channel(word) == channel;
}

/* ---- the last bit ---- */

/* The low half of the word after that step: with the last bit gone the block is ours. */
static uint32_t broadcast_rest(const struct mp_pool *pool, uint32_t channel, uint32_t pending,
			       uint32_t held)
{
	return pending | held ? mp_word_shared(channel, pending, held) : pool->used;
}

/* Puts the block of a word that we have made USED, and that nobody was charged for. */
static void broadcast_put(struct mp_pool *pool, struct mp_local *local, uint64_t index)
{
	if (!local || !mp_enter(local->cache)) {
		mp_put_loose(pool, (uint32_t)index);
		return;
	}
	/* If it is refused, then a sibling thread has put it, or somebody scribbles on the word. */
	mp_put(pool, local, mp_pool_address(pool, index));
	mp_leave(local->cache);
	mp_pressure_order(pool);
	if (mp_is_pressed(pool)) {
		mp_relieve(pool, local);
	}
}

/*
 * Moves the word on, and puts the block if that was the last bit. Until then the block counts as
 * ours. False: the word was not @word any more.
 */
static bool broadcast_move(struct mp_pool *pool, struct mp_local *local, mp_atomic64 *at,
			   uint64_t word, uint32_t low)
{
	if (low != pool->used) {
		return mp_word_move(at, word, low);
	}
	mp_quota_charge_anyway(pool);
	bool moved = mp_word_move(at, word, low);
	if (moved) {
		broadcast_put(pool, local, (uint64_t)((union mp_word *)at - pool->words));
	}
	mp_quota_return(pool, 1);
	return moved;
}

/* ---- deciding ---- */

/*
 * Decides, if nobody has. Returns whether it did; if another's CAS made ours fail, that one has
 * decided, or has withdrawn the gift.
 */
static bool broadcast_try_decide(struct mp_pool *pool, struct mp_local *local, uint32_t number,
				 uint64_t token)
{
	uint64_t word;
	mp_atomic64 *at = mp_ring_word(pool, token, &word);

	if (!at || mp_word_state(word) != MP_MOVING) {
		return false;
	}
	uint32_t members = mp_channel_members(mp_pool_channel(pool, number));
	return broadcast_move(pool, local, at, word, broadcast_rest(pool, number, members, 0));
}

void mp_broadcast_decide(struct mp_pool *pool, struct mp_local *local, uint32_t number,
			 uint64_t token)
{
	if (broadcast_try_decide(pool, local, number, token)) {
		/* Its sender, who would wake them at the end of its batch, may be dead. */
		mp_futex_rouse(&mp_pool_channel(pool, number)->hungry);
	}
}

/* The word of that token, as it is when it is decided. NULL: another token's. */
static mp_atomic64 *broadcast_look(struct mp_pool *pool, struct mp_local *local, uint32_t number,
				   uint64_t token, uint64_t *word)
{
	mp_atomic64 *at = mp_ring_word(pool, token, word);

	if (__builtin_expect(at && mp_word_state(*word) == MP_MOVING, 0)) {
		mp_broadcast_decide(pool, local, number, token);
		at = mp_ring_word(pool, token, word);
	}
	return at;
}

bool mp_broadcast_settle(struct mp_pool *pool, uint32_t number, uint64_t token)
{
	uint64_t word;
	mp_atomic64 *at = mp_ring_word(pool, token, &word);

	if (!at || mp_word_state(word) != MP_MOVING) {
		return false;
	}
	uint32_t members = mp_channel_members(mp_pool_channel(pool, number));
	uint32_t low = members ? mp_word_shared(number, members, 0) : mp_word_low(MP_RECLAIMED, 0);
	if (!mp_word_move(at, word, low)) {
		return false; /* another has decided */
	}
	mp_futex_notify(&mp_pool_channel(pool, number)->hungry);
	return members == 0;
}

/* ---- retiring ---- */

/*
 * Whether nobody is to get the block of that token any more. By force: takes it from those who are
 * lossy, if all are.
 */
static bool broadcast_drop(struct mp_pool *pool, struct mp_local *local, uint32_t number,
			   uint64_t token, bool force)
{
	struct mp_channel *channel = mp_pool_channel(pool, number);
	uint64_t word;

	for (int tries = TRIES; tries > 0; tries--) {
		mp_atomic64 *at = broadcast_look(pool, local, number, token, &word);
		if (!broadcast_has(at, word, number) || mp_share_pending(word) == 0) {
			return true;
		}
		if (!force || mp_share_pending(word) & ~mp_channel_lossy(channel)) {
			return false;
		}
		if (broadcast_move(pool, local, at, word,
				   broadcast_rest(pool, number, 0, mp_share_held(word)))) {
			return true;
		}
	}
	return false;
}

/*
 * Makes room at head, by force for one position, and as far as nobody minds for some more. False: a
 * reliable subscriber has to receive first.
 */
static bool broadcast_retire(struct mp_pool *pool, struct mp_local *local, uint32_t number)
{
	struct mp_channel *channel = mp_pool_channel(pool, number);
	uint64_t head = mp_load_acquire(&channel->head), p = head, cell;

	for (; p - head < RETIRE_AT_ONCE; p++) {
		mp_ring_fetch(pool, channel, p + MP_RING_AHEAD);
		enum mp_ring_look look = mp_ring_look(pool, channel, p, &cell);
		if (look == MP_RING_PASSED) {
			return true;
		}
		if (look != MP_RING_EMPTIED && look != MP_RING_TOKEN) {
			break;
		}
		if (look == MP_RING_TOKEN) {
			if (!broadcast_drop(pool, local, number, cell, p == head)) {
				break;
			}
			mp_ring_clear(pool, channel, p, cell);
		}
	}
	mp_ring_raise_head(channel, p);
	if (p != head) {
		mp_futex_rouse(&channel->crowded); /* who drains the channel */
	}
	return p != head;
}

/* ---- sending ---- */

/* Whether *@p can be filled, perhaps after something was retired. */
static bool broadcast_make_room(struct mp_pool *pool, struct mp_local *local, uint32_t number,
				uint64_t *p)
{
	struct mp_channel *channel = mp_pool_channel(pool, number);

	/* Others may take the room that we make. */
	for (uint32_t tries = 4 * pool->shape.depth; tries > 0; tries--) {
		if (mp_ring_has_position(pool, channel, p)) {
			return true;
		}
		if (!broadcast_retire(pool, local, number)) {
			return false;
		}
	}
	return false;
}

/* Posts the token of a gift of ours and decides, or takes the gift back. 0 or -EAGAIN. */
static int broadcast_post(struct mp_pool *pool, struct mp_local *local, uint32_t number,
			  uint64_t *p, uint64_t token)
{
	struct mp_channel *channel = mp_pool_channel(pool, number);

	/* Others may take the room that we make; if again and again, somebody scribbles on it. */
	for (int tries = TRIES; !mp_ring_post(pool, channel, p, token); tries--) {
		if (tries == 0 || !broadcast_make_room(pool, local, number, p)) {
			/* If it fails, a sibling thread has withdrawn it: as if it was sent. */
			return mp_word_take(pool, token, true) >= 0 ? -EAGAIN : 0;
		}
	}
	mp_fence_after_rmw(); /* members are read after the token is posted */
	broadcast_try_decide(pool, local, number, token);
	return 0;
}

uint32_t mp_broadcast_send(struct mp_pool *pool, struct mp_local *local, uint32_t number,
			   void *const *blocks, uint32_t n, int *error)
{
	struct mp_channel *channel = mp_pool_channel(pool, number);
	uint64_t p = mp_load(&channel->tail), token;
	uint32_t sent = 0;

	for (*error = 0; sent < n; sent++) {
		if (mp_channel_members(channel) == 0) {
			*error = -ENOTCONN;
			break;
		}
		if (!broadcast_make_room(pool, local, number, &p)) {
			*error = -EAGAIN;
			break;
		}
		*error = mp_word_give(pool, mp_pool_index(pool, blocks[sent]), &token);
		*error = *error ? *error : broadcast_post(pool, local, number, &p, token);
		if (*error) {
			break;
		}
	}
	mp_store_release(&channel->tail, p);
	if (sent > 0) {
		mp_futex_rouse(&channel->hungry);
	}
	return sent;
}

/* ---- subscribers ---- */

static uint32_t broadcast_bit(const struct mp_subscriber *s)
{
	return 1u << s->seat;
}

static struct mp_channel *broadcast_channel(const struct mp_pool *pool,
					    const struct mp_subscriber *s)
{
	return mp_pool_channel(pool, s->channel);
}

/* Takes a free seat. False: there is none. */
static bool broadcast_sit(struct mp_pool *pool, struct mp_subscriber *s)
{
	struct mp_channel *channel = broadcast_channel(pool, s);

	for (s->seat = 0; s->seat < MP_SEATS_MAX; s->seat++) {
		struct mp_seat *seat = &channel->seat[s->seat];
		uint64_t owner = mp_load_acquire(&seat->owner);
		s->claim = ((owner >> 32) + 1) << 32 | (pool->slot + 1);
		if ((uint32_t)owner == 0 && mp_cas(&seat->owner, owner, s->claim)) {
			mp_store(&seat->lost, 0);
			return true;
		}
	}
	return false;
}

/* For onlookers. */
static void broadcast_note(const struct mp_pool *pool, const struct mp_subscriber *s)
{
	struct mp_seat *seat = &broadcast_channel(pool, s)->seat[s->seat];

	mp_store_release(&seat->lost, mp_load(&s->lost));
	mp_store_release(&seat->cursor, mp_load(&s->cursor));
}

enum step { STEP_BORROWED, STEP_OVER, STEP_NOTHING, STEP_SCRIBBLED };

/* The subscriber's share of the block of that token: pending -> held. False: it has none. */
static bool broadcast_hold(struct mp_pool *pool, struct mp_local *local,
			   const struct mp_subscriber *s, uint64_t token)
{
	uint32_t bit = broadcast_bit(s);
	uint64_t word;

	for (int tries = TRIES; tries > 0; tries--) {
		mp_atomic64 *at = broadcast_look(pool, local, s->channel, token, &word);
		if (!broadcast_has(at, word, s->channel) || !(mp_share_pending(word) & bit)) {
			return false;
		}
		if (mp_word_move(at, word,
				 mp_word_shared(s->channel, mp_share_pending(word) & ~bit,
						mp_share_held(word) | bit))) {
			return true;
		}
	}
	return false;
}

/* One step at the cursor. What was borrowed is *@index. */
static enum step broadcast_step(struct mp_pool *pool, struct mp_local *local,
				struct mp_subscriber *s, uint32_t *index)
{
	struct mp_channel *channel = broadcast_channel(pool, s);
	enum step step = STEP_OVER;
	uint64_t cursor = mp_load(&s->cursor), cell, head;

	mp_ring_fetch(pool, channel, cursor + MP_RING_AHEAD);
	switch (mp_ring_look(pool, channel, cursor, &cell)) {
	case MP_RING_NOTHING:
		return STEP_NOTHING;
	case MP_RING_PASSED:
		head = mp_load_acquire(&channel->head);
		mp_count(&s->lost, s->lossy ? head - cursor : 0);
		mp_store(&s->cursor, head);
		return STEP_OVER;
	case MP_RING_TOKEN:
		if (broadcast_hold(pool, local, s, cell)) {
			*index = (uint32_t)cell;
			step = STEP_BORROWED;
		}
		break;
	case MP_RING_EMPTIED:
		break;
	case MP_RING_SCRIBBLED:
	default:
		return STEP_SCRIBBLED;
	}
	mp_count(&s->lost, s->lossy && step == STEP_OVER);
	mp_store(&s->cursor, cursor + 1);
	return step;
}

uint32_t mp_broadcast_borrow(struct mp_pool *pool, struct mp_local *local, struct mp_subscriber *s,
			     const void **blocks, uint32_t n, int *error)
{
	enum step step = STEP_OVER;
	uint32_t got = 0, index;

	*error = 0;
	/* Producers may be ahead of us by a ring or two; if by more, somebody scribbles on it. */
	for (uint32_t tries = 4 * pool->shape.depth; got < n && tries > 0; tries--) {
		step = broadcast_step(pool, local, s, &index);
		if (step == STEP_BORROWED) {
			blocks[got++] = mp_pool_address(pool, index);
		} else if (step != STEP_OVER) {
			break;
		}
	}
	*error = step == STEP_SCRIBBLED ? -EIO : 0;
	broadcast_note(pool, s);
	if (got > 0) {
		mp_futex_rouse(&broadcast_channel(pool, s)->crowded);
	}
	return got;
}

/* The word of a block that this subscriber has borrowed; NULL, and *@error says why it has not. */
static mp_atomic64 *broadcast_held(struct mp_pool *pool, const struct mp_subscriber *s,
				   uint64_t index, uint64_t *word, int *error)
{
	*error = index >= pool->max_blocks ? -EINVAL : -EPERM;
	if (*error == -EINVAL) {
		return NULL;
	}
	mp_atomic64 *at = &pool->words[index].whole;
	*word = mp_load_acquire(at);
	return broadcast_has(at, *word, s->channel) && mp_share_held(*word) & broadcast_bit(s)
		       ? at
		       : NULL;
}

int mp_broadcast_return(struct mp_pool *pool, struct mp_local *local, const struct mp_subscriber *s,
			uint64_t index)
{
	uint64_t word;
	int error;

	for (int tries = TRIES; tries > 0; tries--) {
		mp_atomic64 *at = broadcast_held(pool, s, index, &word, &error);
		if (!at) {
			return error;
		}
		uint32_t held = mp_share_held(word) & ~broadcast_bit(s);
		if (broadcast_move(
			    pool, local, at, word,
			    broadcast_rest(pool, s->channel, mp_share_pending(word), held))) {
			return 0;
		}
	}
	return -EPERM;
}

int mp_broadcast_own(struct mp_pool *pool, const struct mp_subscriber *s, uint64_t index)
{
	uint64_t word;
	int error;

	for (int tries = TRIES; tries > 0; tries--) {
		mp_atomic64 *at = broadcast_held(pool, s, index, &word, &error);
		if (!at) {
			return error;
		}
		if (mp_share_pending(word) || mp_share_held(word) != broadcast_bit(s)) {
			return -EBUSY;
		}
		if (mp_word_move(at, word, pool->used)) {
			return 0;
		}
	}
	return -EBUSY;
}

bool mp_broadcast_is_held_once(struct mp_pool *pool, const struct mp_subscriber *s, uint64_t index)
{
	const struct mp_channel *channel = broadcast_channel(pool, s);
	uint32_t ours = 0;
	uint64_t word;
	int error;

	for (uint32_t i = 0; i < MP_SEATS_MAX; i++) {
		ours |= (uint32_t)mp_load(&channel->seat[i].owner) == pool->slot + 1 ? 1u << i : 0;
	}
	return broadcast_held(pool, s, index, &word, &error) &&
	       (mp_share_held(word) & ours) == broadcast_bit(s);
}

/* ---- coming and going ---- */

/* Whether the block of that token is, or will be, the subscriber's to borrow. */
static bool broadcast_is_mine(struct mp_pool *pool, struct mp_local *local,
			      const struct mp_subscriber *s, uint64_t token)
{
	uint64_t word;

	mp_atomic64 *at = broadcast_look(pool, local, s->channel, token, &word);
	return broadcast_has(at, word, s->channel) && mp_share_pending(word) & broadcast_bit(s);
}

/* Passes over what was sent before the subscriber came, so that it is not counted as lost. */
static void broadcast_pass_over(struct mp_pool *pool, struct mp_local *local,
				struct mp_subscriber *s)
{
	struct mp_channel *channel = broadcast_channel(pool, s);
	uint64_t cell;

	for (uint32_t tries = 4 * pool->shape.depth; tries > 0; tries--) {
		switch (mp_ring_look(pool, channel, mp_load(&s->cursor), &cell)) {
		case MP_RING_PASSED:
			mp_store(&s->cursor, mp_load_acquire(&channel->head));
			break;
		case MP_RING_TOKEN:
			if (broadcast_is_mine(pool, local, s, cell)) {
				return;
			}
			mp_count(&s->cursor, 1);
			break;
		case MP_RING_EMPTIED:
			mp_count(&s->cursor, 1);
			break;
		case MP_RING_NOTHING:
		case MP_RING_SCRIBBLED:
		default:
			return;
		}
	}
}

int mp_broadcast_join(struct mp_pool *pool, struct mp_local *local, uint32_t number, bool lossy,
		      struct mp_subscriber *s)
{
	*s = (struct mp_subscriber){.channel = number, .lossy = lossy};
	struct mp_channel *channel = broadcast_channel(pool, s);

	if (!broadcast_sit(pool, s)) {
		return -EUSERS;
	}
	mp_or(&channel->members,
	      broadcast_bit(s) | (lossy ? broadcast_bit(s) << MP_LOSSY_SHIFT : 0));
	mp_add(&channel->receiver_opens, 1);
	mp_store(&s->cursor, mp_load_acquire(&channel->head));
	broadcast_pass_over(pool, local, s);
	s->begin = mp_load(&s->cursor);
	broadcast_note(pool, s);
	return 0;
}

/* Takes the subscriber's bit off, if the block of that token is still to come to it. */
static void broadcast_renounce(struct mp_pool *pool, struct mp_local *local,
			       const struct mp_subscriber *s, uint64_t token)
{
	uint64_t word;

	for (int tries = TRIES; tries > 0 && broadcast_is_mine(pool, local, s, token); tries--) {
		mp_atomic64 *at = mp_ring_word(pool, token, &word);
		if (broadcast_has(at, word, s->channel)) {
			uint32_t pending = mp_share_pending(word) & ~broadcast_bit(s);
			broadcast_move(
				pool, local, at, word,
				broadcast_rest(pool, s->channel, pending, mp_share_held(word)));
		}
	}
}

void mp_broadcast_leave(struct mp_pool *pool, struct mp_local *local, const struct mp_subscriber *s)
{
	struct mp_channel *channel = broadcast_channel(pool, s);
	uint64_t cell;

	mp_and(&channel->members, ~(broadcast_bit(s) | broadcast_bit(s) << MP_LOSSY_SHIFT));
	mp_fence_after_rmw(); /* the ring is walked after the bit is out */
	uint64_t head = mp_load_acquire(&channel->head);
	for (uint64_t p = head; p - head < pool->shape.depth; p++) {
		enum mp_ring_look look = mp_ring_look(pool, channel, p, &cell);
		if (look == MP_RING_NOTHING) {
			break;
		}
		if (look == MP_RING_TOKEN) {
			broadcast_renounce(pool, local, s, cell);
		}
	}
	mp_futex_notify(&channel->crowded);
	/* If it fails, then the seat was scribbled on: it has no owner, or another one. */
	mp_cas(&channel->seat[s->seat].owner, s->claim, s->claim >> 32 << 32);
}

/* ---- sleeping ---- */

bool mp_broadcast_is_filled(const struct mp_pool *pool, const struct mp_subscriber *s)
{
	uint64_t cell;

	return mp_ring_look(pool, broadcast_channel(pool, s), mp_load(&s->cursor), &cell) !=
	       MP_RING_NOTHING;
}

bool mp_broadcast_is_over(const struct mp_pool *pool, const struct mp_subscriber *s,
			  const struct mp_ends *noted)
{
	struct mp_ends since = *noted;

	/* A subscriber does not raise head; its cursor says that it has received something. */
	since.had = since.had || mp_load(&s->cursor) != s->begin;
	return mp_ends_have_gone(pool, broadcast_channel(pool, s), &since) &&
	       !mp_broadcast_is_filled(pool, s);
}

bool mp_broadcast_has_room(const struct mp_pool *pool, uint32_t number)
{
	struct mp_channel *channel = mp_pool_channel(pool, number);
	uint64_t head = mp_load_acquire(&channel->head), p = mp_load(&channel->tail), cell, word;

	/* It is no farther, unless somebody has scribbled on it: then a send puts it right. */
	if (p - head != pool->shape.depth) {
		return true;
	}
	switch (mp_ring_look(pool, channel, head, &cell)) {
	case MP_RING_TOKEN:
		break;
	case MP_RING_SCRIBBLED:
		return false; /* it cannot be retired */
	case MP_RING_NOTHING:
	case MP_RING_EMPTIED:
	case MP_RING_PASSED:
	default:
		return true;
	}
	const mp_atomic64 *at = mp_ring_word(pool, cell, &word);
	return !broadcast_has(at, word, number) ||
	       (mp_share_pending(word) & ~mp_channel_lossy(channel)) == 0;
}

void mp_broadcast_await_token(const struct mp_pool *pool, const struct mp_subscriber *s,
			      const struct mp_ends *noted, struct mp_wait *wait)
{
	mp_atomic32 *hungry = &broadcast_channel(pool, s)->hungry;
	uint32_t seen = mp_futex_prepare(hungry);

	if (!mp_broadcast_is_filled(pool, s) && !(noted && mp_broadcast_is_over(pool, s, noted))) {
		mp_wait_sleep(wait, hungry, seen);
	}
}

void mp_broadcast_await_room(const struct mp_pool *pool, uint32_t number,
			     const struct mp_ends *noted, struct mp_wait *wait)
{
	struct mp_channel *channel = mp_pool_channel(pool, number);

	/* As in mp_channel_prepare_crowded(); but all who receive store by CAS. */
	mp_futex_notify(&channel->hungry);
	uint32_t seen = mp_futex_prepare(&channel->crowded);
	if (!mp_broadcast_has_room(pool, number) && mp_channel_members(channel) != 0 &&
	    !(noted && mp_ends_is_deserted(pool, channel, noted))) {
		mp_wait_sleep(wait, &channel->crowded, seen);
	}
}

/* ---- the pass ---- */

void mp_broadcast_expel(struct mp_channel *channel, uint32_t seats)
{
	mp_and(&channel->members, ~(seats | seats << MP_LOSSY_SHIFT));
	mp_fence_after_rmw(); /* the ring is walked after the bits are out */
}

bool mp_broadcast_sweep(struct mp_pool *pool, uint32_t number, uint32_t seats, uint64_t index)
{
	mp_atomic64 *at = &pool->words[index].whole;

	for (int tries = TRIES; tries > 0; tries--) {
		uint64_t word = mp_load_acquire(at);
		if (!broadcast_has(at, word, number)) {
			return false;
		}
		uint32_t pending = mp_share_pending(word) & ~seats;
		uint32_t held = mp_share_held(word) & ~seats;
		uint32_t low = pending | held ? mp_word_shared(number, pending, held)
					      : mp_word_low(MP_RECLAIMED, 0);
		if ((uint32_t)word == low || mp_word_move(at, word, low)) {
			return (pending | held) == 0;
		}
	}
	return false;
}

void mp_broadcast_vacate(struct mp_channel *channel, uint32_t seats)
{
	for (; seats; seats &= seats - 1) {
		mp_atomic64 *owner = &channel->seat[__builtin_ctz(seats)].owner;
		uint64_t dead = mp_load(owner);
		/* Nobody else changes what names the dead, unless he scribbles on it. */
		mp_cas(owner, dead, dead >> 32 << 32);
	}
	mp_futex_notify(&channel->hungry);
	mp_futex_notify(&channel->crowded);
}
