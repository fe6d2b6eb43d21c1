/* SPDX-License-Identifier: MIT */
/*
 * The block word: one 64-bit atomic a block, {generation:32 | state:3 | ref:29}.
 *
 * The word always says where the block is; lists and entries are hints that are checked against it.
 * The low half is state and ref: the magazine of a FREE block, the slot of a USED or MOVING one. A
 * MOVING block whose sender is gone is its channel's: SENT(c), which is MOVING(4096 + c), as slots
 * are below 4096. The generation counts gives, so that an old token does not fit a later gift of
 * the block. A SHARED block was sent by a broadcast: its ref is {channel:5 | pending:12 | held:12},
 * a bit for each subscriber's seat of that channel that is to get the block, or has it.
 *
 *	from -> to                  by                                      how
 *	FREE(m) -> USED(p)          p, which holds m                        store
 *	USED(p) -> FREE(m)          p, which holds m                        store
 *	FREE(a) -> FREE(b)          the holder of both (a shard, locked)    store
 *	USED(p) -> MOVING(p), g+1   p                                       CAS
 *	MOVING(any) -> USED(q)      q, with the token                       CAS, again
 *	MOVING(p) -> SENT(c)        p when it closes, or the daemon when    CAS
 *	                            p is dead: the token stands in c's ring
 *	MOVING(any) -> SHARED(c, members, 0)   who meets the token in c     CAS
 *	SHARED: a bit pending -> held          that subscriber              CAS
 *	SHARED: a bit -> 0, others are left    its subscriber, or who takes CAS
 *	                                       it away, see broadcast.h
 *	SHARED: the last bit -> USED(q)        likewise                     CAS
 *	USED(p) -> RECLAIMED        p, when no magazine has room            CAS
 *	USED(dead), MOVING(dead), SHARED by the dead alone -> RECLAIMED   the daemon, CAS
 *	RECLAIMED -> USED(q)        q, a collector or a getter              CAS
 *
 * The stores are of the low half alone, and safe because nobody else moves a word out of those
 * states: FREE(m) only m's holder, USED(p) only p while it lives and the daemon after. Death before
 * or after any one of them leaves a word that says where the block is.
 *
 * Two sizes. Some write the whole word, by a CAS, and some the low half; some load one, some the
 * other. C says nothing of that; what is relied on is what x86-64 and 64-bit Arm (B2.2.1 of its
 * manual, single-copy atomicity) say of aligned accesses of up to 8 bytes that overlap:
 *	- None is torn. Of two stores, one comes after the other in all bytes that both write. A
 *	  load that sees a byte of a store sees in its other bytes that store, or later ones.
 *	- A CAS leaves no room between what it compares and what it writes, in any of its bytes,
 *	  also for a store of 4: an exclusive store fails if another CPU has written any byte of the
 *	  line since (ldaxr, stlxr), and casal has the line.
 * So a CAS and a low-half store at once come one after the other. If the CAS is first, it has
 * changed the state, and who stores had no right to; so this never happens: the store's state is
 * one out of which nobody else may move the word. If the store is first, the CAS fails, as no CAS
 * expects FREE(m), nor another's than its own process's USED: it compares what it loaded in another
 * state. (Two threads of p that use one block at once are not kept from it, as mempool.h says.)
 *
 * A load of the whole sees one value that the word had. Only a CAS writes the generation, and a
 * low-half store comes after the CAS before it: its thread has made or seen that CAS, or has the
 * block by a hand-over from one that has. Who sees the low half of the store then has both halves
 * at least as new as that CAS, as one load takes both at one moment; and a generation that is newer
 * than the low half would be of a CAS that came after the store, and wrote the low half as well.
 *
 * The low-half stores are for who comes after a death: mp_store_ordered(). Who gets the block next,
 * with what is in it, comes to it by the hand-over of its magazine, which is a release and an
 * acquire, see magazine.h. Each CAS is both: a taker sees what the giver wrote into the block.
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

/* The low half of SENT(@channel). */
static inline uint32_t mp_word_sent(uint32_t channel)
{
	return mp_word_low(MP_MOVING, MP_SLOTS_MAX + channel);
}

/* Which channel has the block. MP_NONE: none, the word is not SENT. */
static inline uint32_t mp_word_channel(uint64_t word)
{
	return mp_word_state(word) == MP_MOVING && mp_word_ref(word) >= MP_SLOTS_MAX
		       ? mp_word_ref(word) - MP_SLOTS_MAX
		       : MP_NONE;
}

/* The low half of a block that channel @channel shares among the seats of those bits. */
static inline uint32_t mp_word_shared(uint32_t channel, uint32_t pending, uint32_t held)
{
	return mp_word_low(MP_SHARED, channel << 2 * MP_SEATS_MAX | pending << MP_SEATS_MAX | held);
}

/* Which channel shares the block, and among whom; of a SHARED word. */
static inline uint32_t mp_share_channel(uint64_t word)
{
	return mp_word_ref(word) >> 2 * MP_SEATS_MAX;
}

static inline uint32_t mp_share_pending(uint64_t word)
{
	return mp_word_ref(word) >> MP_SEATS_MAX & ((1u << MP_SEATS_MAX) - 1);
}

static inline uint32_t mp_share_held(uint64_t word)
{
	return mp_word_ref(word) & ((1u << MP_SEATS_MAX) - 1);
}

/* The generation after this one; 0 is never used. */
static inline uint32_t mp_generation_next(uint32_t generation)
{
	return generation + 1 ? generation + 1 : 1;
}

/* Replaces the low half by CAS. False: the word was not @from any more. */
static inline bool mp_word_move(mp_atomic64 *word, uint64_t from, uint32_t low)
{
	return mp_cas(word, from, mp_word_with(from, low));
}

/* Why this process cannot put or give a block whose word is @word: a negative errno. */
int mp_word_refusal(uint64_t word);

/* Gives a block of ours: USED -> MOVING. Returns 0 and the token, or a negative errno. */
int mp_word_give(struct mp_pool *pool, uint64_t index, uint64_t *token);

int64_t mp_word_take_any(struct mp_pool *pool, uint64_t token);
int64_t mp_word_take_own(struct mp_pool *pool, uint64_t token);

/*
 * Takes the block of a gift: MOVING -> USED, if the token is that gift's; with @own only if this
 * process gave it. Returns the block's index, -ESTALE, or -EPERM for a gift that is not our own.
 */
static inline int64_t mp_word_take(struct mp_pool *pool, uint64_t token, bool own)
{
	return own ? mp_word_take_own(pool, token) : mp_word_take_any(pool, token);
}

#endif
