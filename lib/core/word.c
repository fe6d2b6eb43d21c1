/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/core/word.h"

#define TAKE_AGAIN 2 /* tries, after one has failed */

int mp_word_refusal(uint64_t word)
{
	switch (mp_word_state(word)) {
	case MP_FREE:
	case MP_RECLAIMED:
		return -EALREADY;
	case MP_USED:
	case MP_MOVING:
	case MP_SHARED:
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

/*
 * One try, if what the word says besides the token's generation is @low, or for @low 0 whoever gave
 * it. -EAGAIN: the word has changed between look and CAS.
 */
static inline int64_t word_take_once(struct mp_pool *pool, uint64_t token, uint32_t low)
{
	uint32_t index = (uint32_t)token;
	if (index >= pool->max_blocks || token >> 32 == 0) {
		return -ESTALE;
	}
	uint64_t word = mp_load(&pool->words[index].whole);
	if (mp_word_state(word) != MP_MOVING || word >> 32 != token >> 32) {
		return -ESTALE;
	}
	if (low && (uint32_t)word != low) {
		return -EPERM;
	}
	/* The CAS compares generation and state together, so one taker wins, and only once. */
	return mp_word_move(&pool->words[index].whole, word, pool->used) ? (int64_t)index : -EAGAIN;
}

/*
 * Looks again. A gift becomes its channel's once, and then the token is still good; if the word
 * goes on changing, somebody scribbles on it.
 */
static __attribute__((noinline, cold)) int64_t word_take_again(struct mp_pool *pool, uint64_t token)
{
	int64_t index = -EAGAIN;

	for (int tries = 0; index == -EAGAIN && tries < TAKE_AGAIN; tries++) {
		index = word_take_once(pool, token, 0);
	}
	return index == -EAGAIN ? -ESTALE : index;
}

int64_t mp_word_take_any(struct mp_pool *pool, uint64_t token)
{
	int64_t index = word_take_once(pool, token, 0);

	return __builtin_expect(index == -EAGAIN, 0) ? word_take_again(pool, token) : index;
}

int64_t mp_word_take_own(struct mp_pool *pool, uint64_t token)
{
	int64_t index = word_take_once(pool, token, mp_word_low(MP_MOVING, pool->slot));

	/* Our own gift has been taken, as we are not closing the pool. */
	return index == -EAGAIN ? -ESTALE : index;
}
