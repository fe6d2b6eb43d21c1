/* SPDX-License-Identifier: MIT */
/*
 * A bell: a descriptor for event loops that is readable while something is due, here while a
 * channel has a token, and the thread that makes it so, the ringer. What is due is announced by
 * mp_futex_notify() of a word, and taken by one thread at a time, the receiver.
 *
 *	sender			ringer				receiver
 *	token, notify the word	sleeps on the word		receives
 *				ARMED -> LOOKING		all taken: bell_settle():
 *				due? -> RUNG, write eventfd	LOOKING -> ARMED
 *				else -> ARMED			RUNG: read eventfd, -> ARMED
 *								asleep; due again? stir the ringer
 *
 *	ARMED    the eventfd is empty, and nobody is about to write it
 *	LOOKING  so it is, but the ringer may be about to make it RUNG, having found something due
 *	RUNG     the eventfd is written, or the ringer's next step is to write it
 *	STOPPED  the ringer ends
 *
 * ARMED -> LOOKING, LOOKING -> RUNG: the ringer. RUNG -> ARMED: the receiver. LOOKING -> ARMED:
 * either, by CAS. The ringer alone writes the eventfd, the receiver alone reads it.
 *
 * Invariants:
 *	1 the eventfd is not empty => RUNG
 *	2 when bell_settle() returns, and nothing has become due since: ARMED or LOOKING, and the
 *	  ringer will not make it RUNG. So the descriptor never wakes a poll for nothing.
 *	3 something is due, and bell_settle() is not under way => RUNG, or the ringer will look, or
 *	  who made it due is about to notify the word. So no wake is lost.
 *
 * 2: The ringer looks after it has made the state LOOKING, and makes it RUNG by CAS from that. The
 * receiver takes everything, then a full barrier, then looks at the state. Finding ARMED, it knows
 * that a later look of the ringer sees that all is taken. Finding LOOKING, it makes the CAS fail.
 * Finding RUNG, it reads the eventfd; if that is not written yet, it waits until it is.
 *
 * 3: The ringer reads the word before it looks, and sleeps while the word is what it read. If it
 * has found ARMED and nothing due, it first set asleep in the word, a full barrier, and looked once
 * more: whoever makes something due later finds asleep, and notifies. If something is due and the
 * receiver has made LOOKING ARMED meanwhile, it does not sleep, as the notification may have come
 * before it set asleep. If it has found RUNG, it may sleep without asleep: it is the receiver who
 * sets that, after it has made the state ARMED, and then looks itself. What it finds due may have
 * come before asleep, and its sender have gone by; so it stirs the ringer. The receiver does not
 * wake the ringer otherwise: a ringer that slept while the bell was RUNG sleeps on, and the next
 * notification finds it. That spares two switches of threads a message.
 *
 * After a wake the state stays RUNG and the descriptor readable until all is taken, so a receiver
 * may take one at a time. It must settle the bell when it has taken all, and when it has told its
 * caller that there was no more, even if there is by now: a caller that waits for edges
 * (EPOLLET) gets one then, as the eventfd is written anew.
 *
 * tests/model/bell.pml is a model of it, with what goes wrong otherwise.
 *
 * All of it is private to a process but for the word, and dies with it. A sender that is killed
 * between its token and its notification costs the ringer the rest of a slice, as it does any
 * sleeper. A ringer that is not given a CPU between RUNG and its write keeps the receiver waiting,
 * up to BELL_WAIT_MS; then the receiver leaves the bell RUNG, and one wake is for nothing.
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

struct bell {
	mp_atomic32 state; /* enum bell_state */
	int fd;
	pthread_t ringer;
	mp_atomic32 *word; /* see mp_futex_prepare() */
	/* Whether something is due; for the ringer, and for the receiver. */
	bool (*is_due)(const void *of);
	const void *of;
};

/*
 * Starts a bell whose word, is_due and of are set, unless it is started. One thread at a time may,
 * with signals blocked, so that the ringer runs none of the program's handlers. Returns the
 * descriptor or a negative errno.
 */
int bell_start(struct bell *bell);

static inline bool bell_is_started(const struct bell *bell)
{
	return mp_load_acquire(&bell->state) != BELL_NONE;
}

/*
 * For the receiver, when it has taken all there was: the descriptor is not readable, until the
 * bell rings for what has become due since.
 */
void bell_settle(struct bell *bell);

/* Ends the ringer and closes the descriptor, if there are any. */
void bell_stop(struct bell *bell);

#endif
