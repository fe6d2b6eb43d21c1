/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/core/word.h"

#define TAKE_TRIES 3

int mp_word_refusal(uint64_t word)
{
	switch (mp_word_state(word)) {
	case MP_FREE:
	case MP_RECLAIMED:
		return -EALREADY;
	case MP_USED:
	case MP_MOVING:
		return -EPERM;
	case MP_UNBORN:
	default:
		return -EINVAL;
	}
}

int mp_word_give(struct mp_pool *pool, uint64_t index, uint64_t *token)
{
	if (index >= pool->max_blocks) {
		return -EINVAL;
	}
	uint64_t word = mp_load(&pool->words[index].whole);
	if ((uint32_t)word != pool->used) {
		return mp_word_refusal(word);
	}
	uint64_t generation = mp_generation_next(mp_word_generation(word));
	uint64_t moving = generation << 32 | mp_word_low(MP_MOVING, pool->slot);
	/*
	 * This CAS is the gift: whoever takes the block sees all that the giver wrote into it. A
	 * store would not do: a sibling thread that gives the same block by mistake could store
	 * after the taker's CAS, and so give away a block that is the taker's.
	 */
	if (!mp_cas(&pool->words[index].whole, word, moving)) {
		return mp_word_refusal(mp_load(&pool->words[index].whole));
	}
	*token = generation << 32 | index;
	return 0;
}

int64_t mp_word_take(struct mp_pool *pool, uint64_t token, bool own)
{
	uint32_t index = (uint32_t)token;
	if (index >= pool->max_blocks || token >> 32 == 0) {
		return -ESTALE;
	}
	/*
	 * The CAS compares generation and state together, so one taker wins, and only once. It also
	 * fails when the gift has become its channel's meanwhile, which happens once: the token is
	 * still good. After more than that somebody has scribbled on the word.
	 */
	for (int tries = 0; tries < TAKE_TRIES; tries++) {
		uint64_t word = mp_load(&pool->words[index].whole);
		if (mp_word_state(word) != MP_MOVING || word >> 32 != token >> 32) {
			return -ESTALE;
		}
		if (own && mp_word_ref(word) != pool->slot) {
			return -EPERM;
		}
		if (mp_word_move(&pool->words[index].whole, word, pool->used)) {
			return (int64_t)index;
		}
	}
	return -ESTALE;
}
