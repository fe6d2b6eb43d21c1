/* SPDX-License-Identifier: MIT */
/*
 * The block word: one 64-bit atomic a block, {generation:32 | state:3 | ref:29}.
 *
 * The word always says where the block is; everything else is an index to be checked against it.
 * The low half is state and ref: the magazine of a FREE block, the slot of a USED or MOVING one.
 * The generation counts gives, so that a token of yesterday opens nothing today.
 *
 *	from -> to                  by                                      how
 *	FREE(m) -> USED(p)          p, which holds m                        store
 *	USED(p) -> FREE(m)          p, which holds m                        store
 *	FREE(a) -> FREE(b)          the holder of both (a shard, locked)    store
 *	USED(p) -> MOVING(p), g+1   p                                       CAS
 *	MOVING(any) -> USED(q)      q, with the token                       CAS
 *	USED(p) -> RECLAIMED        p, when no magazine has room            CAS
 *	USED(dead), MOVING(dead) -> RECLAIMED   the daemon                  CAS
 *	RECLAIMED -> USED(q)        q, a collector or a getter              CAS
 *
 * The stores are of the low half alone, and safe because nobody else moves a word out of those
 * states: FREE(m) only m's holder, USED(p) only p while it lives and the daemon after. Death before
 * or after any one of them leaves a word that says where the block is.
 */
#ifndef MP_CORE_WORD_H
#define MP_CORE_WORD_H

#include "lib/core/layout.h"

static inline enum mp_state mp_word_state(uint64_t word)
{
	return (enum mp_state)((uint32_t)word >> MP_REF_BITS);
}

static inline uint32_t mp_word_ref(uint64_t word)
{
	return (uint32_t)word & ((1u << MP_REF_BITS) - 1);
}

static inline uint32_t mp_word_generation(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

/* The same generation with another low half. */
static inline uint64_t mp_word_with(uint64_t word, uint32_t low)
{
	return (word >> 32 << 32) | low;
}

/* The generation after this one; 0 is never used. */
static inline uint32_t mp_generation_next(uint32_t generation)
{
	return generation + 1 ? generation + 1 : 1;
}

/* CAS to the same generation with another low half. */
static inline bool mp_word_move(mp_atomic64 *word, uint64_t from, uint32_t low)
{
	return mp_cas(word, from, mp_word_with(from, low));
}

/* Why a block whose word is this cannot be put or given by us: a negative errno. */
int mp_word_refusal(uint64_t word);

/* USED(ours) -> MOVING(ours). Returns 0 and the token, or a negative errno. */
int mp_word_give(struct mp_pool *pool, uint64_t index, uint64_t *token);

/*
 * MOVING -> USED(ours), if the token is this gift's. With @own only our own gift. Returns the
 * block's index, -ESTALE, or -EPERM for another's gift where our own was asked for.
 */
int64_t mp_word_take(struct mp_pool *pool, uint64_t token, bool own);

#endif
