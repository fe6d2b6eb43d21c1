/* SPDX-License-Identifier: MIT */
/*
 * A bell: a descriptor for event loops that is readable while something is due, and the thread that
 * makes it so, the ringer. What is due, and how who makes it due announces it, differs
 * (descriptor.c): a token for a receiver, room for a sender, a block for a getter.
 *
 *	who makes it due	ringer				takers
 *	a token, notify		sleeps on a word		take
 *				ARMED -> LOOKING		all taken: bell_settle():
 *				due? -> RUNG, write eventfd	LOOKING -> ARMED
 *				else -> ARMED			RUNG: read eventfd, -> ARMED
 *								prepare; due again? stir
 *
 *	ARMED    the eventfd is empty, and nobody is about to write it
 *	LOOKING  so it is, but the ringer may be about to make it RUNG, having found something due
 *	RUNG     the eventfd is written, or the ringer's next step is to write it, or a taker has
 *		 read it and its next step is to make it ARMED
 *	STOPPED  the ringer ends
 *
 * ARMED -> LOOKING, LOOKING -> RUNG: the ringer. RUNG -> ARMED: the taker that has read the
 * eventfd. LOOKING -> ARMED: either, by CAS. The ringer alone writes the eventfd, and only when it
 * has made the state RUNG; so each ring is read by one taker, whose store of ARMED meets no other.
 *
 * Invariants:
 *	1 the eventfd is not empty => RUNG
 *	2 when bell_settle() returns, and nothing has become due since: ARMED or LOOKING, and the
 *	  ringer will not make it RUNG. So the descriptor never wakes a poll for nothing.
 *	3 something is due, and bell_settle() is not under way => RUNG, or the ringer will look,
 *	  or who made it due is about to notify the word. So no wake is lost.
 *
 * 2: The ringer makes the state LOOKING, has a full barrier, looks, and makes the state RUNG by
 * CAS from LOOKING. A taker takes everything, then a full barrier, then looks at the state. Finding
 * ARMED, it knows that a later look of the ringer sees that all is taken. Finding LOOKING, it makes
 * the CAS fail. Finding RUNG, it reads the eventfd; if that is empty, the ringer has yet to write
 * it, or another taker to make the state ARMED, and it waits for either.
 *
 * 3: The ringer reads the word before it looks, and sleeps while the word is what it read. If it
 * has found ARMED and nothing due, it first prepared, which sets asleep in the word and is a full
 * barrier, and looked once more: whoever makes something due later finds asleep, and notifies. If
 * something is due and a taker has made LOOKING ARMED meanwhile, it does not sleep, as the
 * notification may have come before it set asleep. If it has found RUNG, it may sleep without
 * asleep: it is the taker who prepares, after it has made the state ARMED, and then looks itself.
 * What it finds due may have come before asleep, and who made it due have gone by; so it stirs the
 * ringer. The taker does not wake the ringer otherwise: a ringer that slept while the bell was RUNG
 * sleeps on, and the next notification finds it. That spares two switches of threads a message.
 *
 * A ringer whose word changes often for the sake of others stays apart: while the bell is RUNG, it
 * sleeps on the state. Then the taker who makes it ARMED wakes the ringer, and leaves the rest to
 * it.
 *
 * After a wake the state stays RUNG and the descriptor readable until all is taken, so a taker may
 * take one at a time. It must settle the bell when it has told its caller that there was no more,
 * even if there is by now: a caller that waits for edges (EPOLLET) gets one then, as the eventfd is
 * written anew. And it may when it has taken all, so that the next wake is not for nothing.
 *
 * tests/model/bell.pml is a model of it, with what goes wrong otherwise.
 *
 * All of it is private to a process but for the word, and dies with it. Who is killed between
 * making something due and the notification costs the ringer the rest of a slice, as it does any
 * sleeper. A ringer that is not given a CPU between RUNG and its write keeps takers waiting, up to
 * BELL_WAIT_MS, and so does a taker between its read and ARMED; then they leave the bell RUNG, and
 * one wake is for nothing.
 */
#ifndef MP_BELL_H
#define MP_BELL_H

#include <pthread.h>
#include <stdbool.h>

#include "lib/core/atomic.h"

#define BELL_WAIT_MS 10 /* for a write that the ringer is about to make */

enum bell_state {
	BELL_NONE, /* zeros: it was never started */
	BELL_ARMED,
	BELL_LOOKING,
	BELL_RUNG,
	BELL_STOPPED,
};

/* What a kind of bells rings for; @of is the bell's. */
struct bell_watch {
	/* Whether something is due; for the ringer, and for takers. */
	bool (*is_due)(void *of);
	/* Sees to it that who makes something due from now on wakes sleepers. Returns the word. */
	uint32_t (*prepare)(void *of);
	/* Sleeps while the word is @seen, at most a slice. */
	void (*sleep)(void *of, uint32_t seen);
	/* Wakes sleepers, and keeps those awake that are about to sleep. */
	void (*stir)(void *of);
	/* If it is not NULL, the ringer stays apart; it calls this when it has rung. */
	void (*after_ringing)(void *of);
};

struct bell {
	mp_atomic32 state; /* enum bell_state */
	int fd;
	pthread_t ringer;
	const mp_atomic32 *word; /* that the ringer sleeps on */
	const struct bell_watch *watch;
	void *of;
};

/*
 * Starts the bell, unless it is started: it watches @of so, and the ringer sleeps on the word. One
 * thread at a time may, with signals blocked, so that the ringer runs none of the program's
 * handlers. Returns the descriptor or a negative errno.
 */
int bell_start(struct bell *bell, const struct bell_watch *watch, void *of,
	       const mp_atomic32 *word);

static inline bool bell_is_started(const struct bell *bell)
{
	return mp_load_acquire(&bell->state) != BELL_NONE;
}

/*
 * For a taker, when it has taken all there was, or found nothing: the descriptor is not readable,
 * until the bell rings for what has become due since. Any number of threads may, at once.
 */
void bell_settle(struct bell *bell);

/* Ends the ringer and closes the descriptor, if there are any. */
void bell_stop(struct bell *bell);

#endif
