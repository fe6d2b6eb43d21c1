/* SPDX-License-Identifier: MIT */
/*
 * Ends: who has a channel open, so that each end can be told that the other has come and gone.
 *
 * Who sends has a mark: a bit a slot, behind the channel's cells; opens counts how often one was
 * set. A process sets its bit with its first handle that sends, and clears it with the last. Who
 * receives is, of a queue, the consumer of channel.h, whose sequence counts how often one came; of
 * work, it has a mark like a sender's, and of a broadcast, its seat's bit in members;
 * receiver_opens counts how often either was set.
 *
 *	begin	1 my bit on, OR
 *		2 opens, or receiver_opens, + 1
 *	stop	1 my bit off, AND		by the pass, for the dead
 *		2 hungry, or crowded? notify	a death before it costs a sleeper the rest of its
 *						slice
 *
 * It is the end of the stream for a receiver when
 *	1 opens has risen since its own open, or there was a bit then, or it has received something
 *	2 there is no bit
 *	3 opens is as it was at 1
 *	4 there is nothing at head
 * looked at in this order. A sender that begins after look 1 need not have been seen by it: so the
 * receiver may believe that nobody came yet, and wait, and is woken. If 1 came after 2, it could
 * see the open of a sender whose bit 2 was too early for, and say that the stream ended when it
 * begins. Without 3, a sender could come whose bit was looked at already, and then another go whose
 * bit was not: one of them had it open all the time. If 4 came before 2, it could miss what a
 * sender sent between, and went. What the dead have sent is at head until it is received. An end is
 * no state: a sender that opens anew is heard. tests/model/ends.pml is a model of it.
 *
 * A sender is deserted when there was a receiver at its open or since, and there is none now. Of a
 * queue one atomic says both. Else the sender looks at receiver_opens, then whether there is one,
 * then at receiver_opens again, for the reasons of looks 1 to 3. Who stops receiving, or the pass
 * for it, notifies crowded after that.
 */
#ifndef MP_CORE_ENDS_H
#define MP_CORE_ENDS_H

#include "lib/core/layout.h"

/* What a handle notes of the other end when it is opened. */
struct mp_ends {
	uint64_t opens; /* a receiver: how often senders had come; a sender: receivers */
	uint64_t head;  /* a receiver: its first position */
	bool had;       /* there was somebody */
};

/* Marks this process as a sender, and takes the mark of @slot's process off. */
void mp_ends_begin(struct mp_pool *pool, struct mp_channel *channel);
void mp_ends_stop(const struct mp_pool *pool, struct mp_channel *channel, uint32_t slot);

/* The same for those who receive from a channel of the kind work. */
void mp_ends_begin_receiving(struct mp_pool *pool, struct mp_channel *channel);
void mp_ends_stop_receiving(const struct mp_pool *pool, struct mp_channel *channel, uint32_t slot);

/* How many words of marks a channel has for senders, and as many for receivers. */
static inline uint32_t mp_ends_words(const struct mp_shape *shape)
{
	return (shape->n_slots + 63) / 64;
}

/* The word of marks of senders, or receivers, for the slots from @n * 64 on. */
static inline mp_atomic64 *mp_ends_senders(const struct mp_pool *pool, struct mp_channel *channel,
					   uint32_t n)
{
	return &channel->cell[pool->shape.depth + n];
}

static inline mp_atomic64 *mp_ends_receivers(const struct mp_pool *pool, struct mp_channel *channel,
					     uint32_t n)
{
	return mp_ends_senders(pool, channel, mp_ends_words(&pool->shape) + n);
}

/* Notes the senders, for one who has just begun to receive. */
struct mp_ends mp_ends_note_senders(const struct mp_pool *pool, struct mp_channel *channel);

/* Notes the receivers, for a sender. */
struct mp_ends mp_ends_note_receivers(const struct mp_pool *pool, struct mp_channel *channel);

/* Whether senders have come and gone, looks 1 to 3; for that receiver. */
bool mp_ends_have_gone(const struct mp_pool *pool, struct mp_channel *channel,
		       const struct mp_ends *noted);

/* Whether the sender is deserted. */
bool mp_ends_is_deserted(const struct mp_pool *pool, struct mp_channel *channel,
			 const struct mp_ends *noted);

/* ---- for those who look on ---- */

/* How many processes send, and how many receive; of a broadcast, how many subscribers there are. */
uint32_t mp_ends_count_senders(const struct mp_pool *pool, struct mp_channel *channel);
uint32_t mp_ends_count_receivers(const struct mp_pool *pool, struct mp_channel *channel);

/* Whether @slot's process sends, and whether it receives. */
bool mp_ends_sends(const struct mp_pool *pool, struct mp_channel *channel, uint32_t slot);
bool mp_ends_receives(const struct mp_pool *pool, struct mp_channel *channel, uint32_t slot);

#endif
