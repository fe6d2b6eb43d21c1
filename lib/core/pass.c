/* SPDX-License-Identifier: MIT */
/*
 * The pass over a set of dead processes. The daemon may repeat each step from the start: a step
 * walks over all words (or holders, or records), and moves on what is still theirs by one CAS each.
 * A client that works on the same word or holder wins that CAS or loses it; there is nothing
 * between.
 *
 *	CHANNELS  channels whose consumer is dead: they have none then; marks of the dead: off; bits
 *		  of their seats: out of members, and noted
 *	ORPHANS   magazines whose holder is a cache of the dead: CACHE(r) -> ORPHAN
 *	RINGS     MOVING(dead) whose token stands in the ring of channel c: -> SENT(c); of a
 *		  broadcast, MOVING(any): decided
 *	WORDS     USED(dead) -> RECLAIMED; MOVING(dead) is counted; its grace over, -> RECLAIMED;
 *		  SHARED: the bits noted -> 0, and with the last one -> RECLAIMED
 *	SEATS     owner -> free of those that the dead have, also if gifts are left
 *	ANNOUNCE  reclaim_seq + 1: clients who find the depot empty collect
 *	RECORDS   cache records of the dead: counters folded into the slot, owner -> free
 *	SLOTS     counters folded into the pool, DEAD -> FREE
 *		  (not those of which gifts are left, mailed and not sent by a channel: they stay
 *		  DEAD until a second pass)
 *
 * One walk does for all slots what a pass over each would do: for any one of them the order of
 * stores is the one above, and what is stored for another is on words, holders and records of that
 * other's, which belong to nobody who lives. The set stands still from the first step to the last:
 * a process that dies meanwhile waits for the next pass, as the walk may be past its words.
 * Rings go before words, so that no word of a block that was sent is counted or reclaimed. Members
 * go before rings, and rings before words: so what is decided by an old mask is decided before its
 * word is swept (broadcast.h). Words go before seats, or a successor would find bits of the dead.
 *
 * If the daemon dies after any store, the slots are still DEAD in its registry and the next daemon
 * begins again: it does not find what was moved on, and raising reclaim_seq twice costs one
 * collect. The pass raises it even when it found nothing, as a process may have left an orphan or a
 * RECLAIMED block and died before announcing it. Words go before records and records before the
 * slots, because a free record or slot may be claimed at once, and then nothing of its last owner
 * may be left. The announcement goes before the slots, because a DEAD slot shows audits that one is
 * owed.
 *
 * It takes no lock and follows no index that it has not bounded. It finds magazines of the dead by
 * their holders, not by what cache records say: so a process may die between taking a magazine and
 * noting it.
 */
#include "lib/core/broadcast.h"
#include "lib/core/channel.h"
#include "lib/core/ends.h"
#include "lib/core/futex.h"
#include "lib/core/magazine.h"
#include "lib/core/pass.h"
#include "lib/core/pressure.h"
#include "lib/core/slot.h"
#include "lib/core/word.h"

#define RING_COST 8 /* words that cost as much as a cell: its word is anywhere */

enum { CHANNELS, ORPHANS, RINGS, WORDS, SEATS, ANNOUNCE, RECORDS, SLOTS, DONE };

void mp_pass_init(struct mp_pass *pass, struct mp_dead *dead)
{
	*pass = (struct mp_pass){.dead = dead};
}

void mp_pass_add(struct mp_dead *dead, uint32_t slot, bool grace_over)
{
	dead[slot] = (struct mp_dead){.passed = true, .grace_over = grace_over};
}

/* The slot, if the pass is over it; or NULL. */
static struct mp_dead *pass_find(const struct mp_pool *pool, const struct mp_pass *pass,
				 uint32_t slot)
{
	return slot < pool->shape.n_slots && pass->dead[slot].passed ? &pass->dead[slot] : NULL;
}

/* Likewise, of an owner word {sequence | slot + 1}. */
static struct mp_dead *pass_find_owner(const struct mp_pool *pool, const struct mp_pass *pass,
				       uint64_t owner)
{
	return (uint32_t)owner == 0 ? NULL : pass_find(pool, pass, (uint32_t)owner - 1);
}

/* Takes marks of the dead off: those from @first on, by @stop. */
static void pass_unmark(struct mp_pool *pool, struct mp_pass *pass, struct mp_channel *channel,
			mp_atomic64 *first,
			void (*stop)(const struct mp_pool *, struct mp_channel *, uint32_t))
{
	for (uint32_t i = 0; i < mp_ends_words(&pool->shape); i++) {
		for (uint64_t marks = mp_load(&first[i]); marks; marks &= marks - 1) {
			uint32_t slot = i * 64 + (uint32_t)__builtin_ctzll(marks);
			if (pass_find(pool, pass, slot)) {
				stop(pool, channel, slot);
			}
		}
	}
}

/* A sender that has died may have been about to wake who drains, or others that send. */
static void pass_stop_sending(const struct mp_pool *pool, struct mp_channel *channel, uint32_t slot)
{
	mp_ends_stop(pool, channel, slot);
	mp_futex_notify(&channel->crowded);
}

/* Notes the seats of the dead, and takes their bits out of members. */
static void pass_expel(struct mp_pool *pool, struct mp_pass *pass, uint32_t number)
{
	struct mp_channel *channel = mp_pool_channel(pool, number);

	pass->seats[number] = 0;
	for (uint32_t i = 0; i < MP_SEATS_MAX; i++) {
		struct mp_dead *dead =
			pass_find_owner(pool, pass, mp_load_acquire(&channel->seat[i].owner));
		if (dead) {
			dead->had = true;
			pass->seats[number] |= 1u << i;
		}
	}
	if (pass->seats[number]) {
		mp_broadcast_expel(channel, pass->seats[number]);
	}
}

static void pass_free_channel(struct mp_pool *pool, struct mp_pass *pass, uint32_t number)
{
	struct mp_channel *channel = mp_pool_channel(pool, number);
	uint64_t consumer = mp_load(&channel->consumer);

	if (pass_find_owner(pool, pass, consumer)) {
		mp_channel_evict(channel, (uint32_t)consumer - 1);
	}
	pass_unmark(pool, pass, channel, mp_ends_senders(pool, channel, 0), pass_stop_sending);
	pass_unmark(pool, pass, channel, mp_ends_receivers(pool, channel, 0),
		    mp_ends_stop_receiving);
	if (number < MP_BROADCASTS_MAX) {
		pass_expel(pool, pass, number);
	}
}

static void pass_orphan(struct mp_pool *pool, struct mp_pass *pass, uint32_t index)
{
	struct mp_magazine *m = mp_magazine(pool, index);
	uint64_t holder = mp_load_acquire(&m->holder);
	uint32_t record = mp_holder_id(holder);
	struct mp_dead *dead;

	if (mp_holder_kind(holder) != MP_HOLDER_CACHE || record >= pool->shape.n_caches) {
		return;
	}
	dead = pass_find_owner(pool, pass, mp_load(&pool->caches[record].owner));
	if (dead && mp_magazine_hand(m, MP_HOLDER_CACHE, record, MP_HOLDER_ORPHAN, 0)) {
		dead->had = true;
	}
}

/*
 * What cell @at holds, counted over all rings, becomes the channel's if a dead process sent it; of
 * a broadcast, it is decided whoever did.
 */
static void pass_keep(struct mp_pool *pool, struct mp_pass *pass, uint32_t at)
{
	uint32_t number = at / pool->shape.depth, k = at % pool->shape.depth;
	struct mp_channel *channel = mp_pool_channel(pool, number);
	uint32_t slot = mp_channel_sender(pool, number, k);
	struct mp_dead *dead = pass_find(pool, pass, slot);

	if (mp_pool_broadcasts(pool, number)) {
		bool last = mp_broadcast_settle(pool, number, mp_load_acquire(&channel->cell[k]));
		if (dead) {
			dead->had = true;
			dead->recovered += last;
		}
	} else if (dead && mp_channel_keep(pool, number, k, slot)) {
		dead->had = true;
	}
}

/* Takes the bits of the dead off a SHARED block; @word is what the block's word was. */
static void pass_unshare(struct mp_pool *pool, struct mp_pass *pass, uint32_t index, uint64_t word)
{
	uint32_t number = mp_share_channel(word), bits;
	struct mp_dead *dead;

	bits = pass->seats[number] & (mp_share_pending(word) | mp_share_held(word));
	if (bits == 0 || number >= pool->shape.n_channels ||
	    !mp_broadcast_sweep(pool, number, pass->seats[number], index)) {
		return;
	}
	const struct mp_seat *seat = &mp_pool_channel(pool, number)->seat[__builtin_ctz(bits)];
	dead = pass_find_owner(pool, pass, mp_load(&seat->owner));
	if (dead) {
		dead->recovered++;
	}
}

static void pass_reclaim(struct mp_pool *pool, struct mp_pass *pass, uint32_t index)
{
	uint64_t word = mp_load(&pool->words[index].whole);
	enum mp_state state = mp_word_state(word);
	struct mp_dead *dead;

	if (state == MP_SHARED) {
		pass_unshare(pool, pass, index, word);
		return;
	}
	if (state != MP_USED && state != MP_MOVING) {
		return;
	}
	dead = pass_find(pool, pass, mp_word_ref(word));
	if (!dead) {
		return;
	}
	if (state == MP_MOVING && !dead->grace_over) {
		dead->gifts++;
		dead->had = true;
	} else if (mp_word_move(&pool->words[index].whole, word, mp_word_low(MP_RECLAIMED, 0))) {
		dead->recovered++;
		dead->had = true;
	}
}

static void pass_vacate(struct mp_pool *pool, struct mp_pass *pass, uint32_t number)
{
	if (pass->seats[number]) {
		mp_broadcast_vacate(mp_pool_channel(pool, number), pass->seats[number]);
	}
}

static void pass_announce(struct mp_pool *pool, const struct mp_pass *pass)
{
	for (uint32_t slot = 0; slot < pool->shape.n_slots; slot++) {
		const struct mp_dead *dead = pass_find(pool, pass, slot);
		if (dead && dead->had) {
			mp_add(&pool->header->recovered, dead->recovered);
			mp_add(&pool->header->recoveries, 1);
		}
	}
	mp_announce(pool);
}

static void pass_free_record(struct mp_pool *pool, struct mp_pass *pass, uint32_t index)
{
	struct mp_cache *c = &pool->caches[index];
	uint64_t owner = mp_load(&c->owner);
	const struct mp_dead *dead = pass_find_owner(pool, pass, owner);

	if (dead && dead->gifts == 0) {
		/* So that nobody takes them for hands of the next owner. */
		mp_store_release(&c->hands, mp_hands(MP_NONE, MP_NONE));
		mp_slot_fold(pool, (uint32_t)owner - 1, c);
		mp_cas(&c->owner, owner, owner >> 32 << 32);
	}
}

static void pass_free_slot(struct mp_pool *pool, struct mp_pass *pass, uint32_t slot)
{
	const struct mp_dead *dead = pass_find(pool, pass, slot);

	if (dead && dead->gifts == 0) {
		mp_slot_release(pool, slot);
	}
}

/* How many channels can be broadcasts. */
static uint32_t pass_broadcasts(const struct mp_pool *pool)
{
	uint32_t n = pool->shape.n_channels;

	return n < MP_BROADCASTS_MAX ? n : MP_BROADCASTS_MAX;
}

/* Calls @visit for the next @budget of @n things. Returns whether all have been visited. */
static bool pass_walk(struct mp_pool *pool, struct mp_pass *pass, uint32_t n, uint32_t budget,
		      void (*visit)(struct mp_pool *, struct mp_pass *, uint32_t))
{
	uint32_t end = n - pass->cursor > budget ? pass->cursor + budget : n;

	while (pass->cursor < end) {
		visit(pool, pass, pass->cursor++);
	}
	return pass->cursor == n;
}

bool mp_pass_step(struct mp_pool *pool, struct mp_pass *pass, uint32_t budget)
{
	bool over = true;

	switch (pass->phase) {
	case CHANNELS:
		over = pass_walk(pool, pass, pool->shape.n_channels, budget, pass_free_channel);
		break;
	case ORPHANS:
		over = pass_walk(pool, pass, pool->shape.n_magazines, budget, pass_orphan);
		break;
	case RINGS:
		over = pass_walk(pool, pass, pool->shape.n_channels * pool->shape.depth,
				 budget / RING_COST + 1, pass_keep);
		break;
	case WORDS:
		over = pass_walk(pool, pass, pool->shape.blocks, budget, pass_reclaim);
		break;
	case SEATS:
		over = pass_walk(pool, pass, pass_broadcasts(pool), budget, pass_vacate);
		break;
	case ANNOUNCE:
		pass_announce(pool, pass);
		break;
	case RECORDS:
		over = pass_walk(pool, pass, pool->shape.n_caches, budget, pass_free_record);
		break;
	case SLOTS:
		over = pass_walk(pool, pass, pool->shape.n_slots, budget, pass_free_slot);
		break;
	default:
		return true;
	}
	if (over) {
		pass->phase++;
		pass->cursor = 0;
	}
	return pass->phase >= DONE;
}
