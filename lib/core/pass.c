/* SPDX-License-Identifier: MIT */
/*
 * The pass over a dead process p. The daemon may repeat each step from the start: a step walks over
 * all words (or holders, or records), and moves on what is still p's by one CAS each. A client that
 * works on the same word or holder wins that CAS or loses it; there is nothing between.
 *
 *	CHANNELS  channels whose consumer is p: they have none then
 *	ORPHANS   magazines whose holder is a cache of p: CACHE(r) -> ORPHAN
 *	WORDS     USED(p) -> RECLAIMED; MOVING(p) is counted, and when grace is over -> RECLAIMED
 *	ANNOUNCE  reclaim_seq + 1: clients who find the depot empty collect
 *	          (gifts left: the pass ends here, the slot stays DEAD until a second pass)
 *	RECORDS   cache records of p: counters folded into the slot, owner -> free
 *	SLOT      counters folded into the pool, DEAD -> FREE
 *
 * If the daemon dies after any store, the slot is still DEAD in its registry and the next daemon
 * begins again: it does not find what was moved on, and raising reclaim_seq twice costs one
 * collect. The pass raises it even when it found nothing, as p itself may have left an orphan or a
 * RECLAIMED block and died before announcing it. Words go before records and records before the
 * slot, because a free record or slot may be claimed at once, and then nothing of its last owner
 * may be left.
 *
 * It takes no lock and follows no index that it has not bounded. It finds p's magazines by their
 * holders, not by what p's cache records say: so p may die between taking a magazine and noting it.
 */
#include "lib/core/channel.h"
#include "lib/core/magazine.h"
#include "lib/core/pass.h"
#include "lib/core/pressure.h"
#include "lib/core/slot.h"
#include "lib/core/word.h"

enum { CHANNELS, ORPHANS, WORDS, ANNOUNCE, RECORDS, SLOT, DONE };

void mp_pass_init(struct mp_pass *pass, uint32_t slot, bool grace_over)
{
	*pass = (struct mp_pass){.slot = slot, .grace_over = grace_over};
}

static bool pass_is_owner(uint64_t owner, uint32_t slot)
{
	return (uint32_t)owner == slot + 1;
}

static void pass_free_channel(struct mp_pool *pool, struct mp_pass *pass, uint32_t number)
{
	mp_channel_evict(mp_pool_channel(pool, number), pass->slot);
}

static void pass_orphan(struct mp_pool *pool, struct mp_pass *pass, uint32_t index)
{
	struct mp_magazine *m = mp_magazine(pool, index);
	uint64_t holder = mp_load_acquire(&m->holder);
	uint32_t record = mp_holder_id(holder);

	if (mp_holder_kind(holder) != MP_HOLDER_CACHE || record >= pool->shape.n_caches ||
	    !pass_is_owner(mp_load(&pool->caches[record].owner), pass->slot)) {
		return;
	}
	if (mp_magazine_hand(m, MP_HOLDER_CACHE, record, MP_HOLDER_ORPHAN, 0)) {
		pass->orphans++;
	}
}

static void pass_reclaim(struct mp_pool *pool, struct mp_pass *pass, uint32_t index)
{
	uint64_t word = mp_load(&pool->words[index].whole);

	if ((uint32_t)word == mp_word_low(MP_MOVING, pass->slot) && !pass->grace_over) {
		pass->gifts++;
		return;
	}
	if ((uint32_t)word != mp_word_low(MP_USED, pass->slot) &&
	    (uint32_t)word != mp_word_low(MP_MOVING, pass->slot)) {
		return;
	}
	if (mp_word_move(&pool->words[index].whole, word, mp_word_low(MP_RECLAIMED, 0))) {
		pass->recovered++;
	}
}

static void pass_announce(struct mp_pool *pool, struct mp_pass *pass)
{
	mp_add(&pool->header->recovered, pass->recovered);
	if (pass->recovered || pass->orphans || pass->gifts) {
		mp_add(&pool->header->recoveries, 1);
	}
	mp_announce(pool);
}

static void pass_free_record(struct mp_pool *pool, struct mp_pass *pass, uint32_t index)
{
	struct mp_cache *c = &pool->caches[index];
	uint64_t owner = mp_load(&c->owner);

	if (!pass_is_owner(owner, pass->slot)) {
		return;
	}
	mp_slot_fold(pool, pass->slot, c);
	mp_cas(&c->owner, owner, owner >> 32 << 32);
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
	case WORDS:
		over = pass_walk(pool, pass, pool->shape.blocks, budget, pass_reclaim);
		break;
	case ANNOUNCE:
		pass_announce(pool, pass);
		if (pass->gifts > 0) {
			pass->phase = DONE;
		}
		break;
	case RECORDS:
		over = pass_walk(pool, pass, pool->shape.n_caches, budget, pass_free_record);
		break;
	case SLOT:
		mp_slot_release(pool, pass->slot);
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
