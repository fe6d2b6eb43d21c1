/* SPDX-License-Identifier: MIT */
/*
 * Channels: nobody sleeps while there is a token for him, or room. On the machine of machine.pml.
 *
 *	A	a producer: CAS of the cell; fence; hungry? notify (mp_futex_rouse())
 *	C	the consumer: hungry |= asleep; fence; head, cell; sleep (mp_channel_await_token())
 * or, with -DCROWDED, of a ring that is full:
 *	A	hungry? notify; crowded |= asleep; fence; membarrier; head, cell; sleep
 *		(mp_channel_await_room())
 *	C	empties the cell, raises head; crowded? notify (mp_channel_receive())
 * or, with -DSTOPPED, of a producer that is stopped or dead before it looks at hungry:
 *	A	CAS of the cell, and nothing more
 *	C	as above
 *	B	a producer that finds the ring full: hungry? notify (mp_channel_prepare_crowded())
 *
 * The ring has one cell. Notify is a look, a CAS that raises the sequence, a wake.
 *
 * Checked: in the end nobody sleeps; with -DSTOPPED, if B has seen A's token.
 *
 * Not here: the ring (ring.pml); several who sleep on one word, their sequence, and deaths, none of
 * which depends on the order (channel.pml).
 *
 *	-DCROWDED -DSTOPPED	see above
 *	-DFENCED	C fences before its look at crowded, and A's barrier does not reach it: a
 *			process without membarrier
 *	-DLDAR		no fence in prepare, but the look at the cell is ldar: sound too
 * Broken on purpose, each found:
 *	-DNOFENCE	no fence between the CAS of the cell and the look at hungry: "a CAS is a
 *			full barrier", as on x86-64; with -DSTOPPED in notify; with -DFENCED in C
 *	-DNOPREPARE	no fence between hungry |= asleep and the look at the cell
 *	-DNOBARRIER	A fences, but runs no membarrier, with -DCROWDED
 */
/* Processors. */
#define A 0
#define C 1
#define B 2
#ifdef STOPPED
#define P 3
#else
#define P 2
#endif

/* Locations. */
#define CELL 0
#define HEAD 1
#define HUNGRY 2 /* 2 * sequence + asleep */
#define CROWDED_ 3
#define L 4
#define W 14

#define TOKEN 10
#ifdef CROWDED
#define FIRST(l) (l == CELL -> TOKEN : 0)
#endif

#include "machine.pml"

#ifdef NOFENCE
#define FENCE_AFTER_RMW(p) skip
#else
#define FENCE_AFTER_RMW(p) FENCE(p)
#endif

/* mp_futex_notify() */
inline notify(p, word, sleeper)
{
	FENCE_AFTER_RMW(p);
	LOAD(p, word, seen);
	if
	:: seen & 1 ->
		CAS(p, word, seen, seen + 1, done);
		if
		:: done -> WAKE(p, sleeper)
		:: else
		fi
	:: else
	fi
}

/* mp_futex_prepare() */
inline prepare(p, word)
{
	UPDATE(p, word, v_ | 1, seen);
	seen = seen | 1;
#if !defined(NOPREPARE) && !defined(LDAR)
	FENCE(p)
#else
	skip
#endif
}

#ifdef LDAR
#define LOOK(p, l, r) ACQUIRE_SC(p, l, r)
#else
#define LOOK(p, l, r) ACQUIRE(p, l, r)
#endif

#ifndef CROWDED
proctype Producer()
{
	byte seen;
	bit done;

	CAS(A, CELL, 0, TOKEN, done);
#ifndef STOPPED
	notify(A, HUNGRY, C);
#endif
	OVER
}

proctype Consumer()
{
	byte seen, head, cell;

	prepare(C, HUNGRY);
	ACQUIRE(C, HEAD, head);
	LOOK(C, CELL, cell);
	if
	:: cell == head -> SLEEP(C, HUNGRY, seen)
	:: else
	fi;
	OVER
}

bit saw_full;

proctype Another()
{
	byte seen;
	bit done;

	/* A CAS that finds the token is a plain load, and so is what tells of the full ring. */
	LOAD(B, CELL, seen);
	saw_full = (seen == TOKEN);
	if
	:: saw_full -> notify(B, HUNGRY, C)
	:: else
	fi;
	OVER
}
#else
proctype Producer()
{
	byte seen, head, cell;
	bit done;

	notify(A, HUNGRY, C);
	prepare(A, CROWDED_);
#if defined(FENCED) || defined(NOBARRIER)
	FENCE(A); /* mp_barrier() begins with one; the rest reaches nobody */
#else
	MEMBARRIER(A);
#endif
	/* mp_channel_has_room() */
	ACQUIRE(A, HEAD, head);
	LOOK(A, CELL, cell);
	if
	:: cell != head -> SLEEP(A, CROWDED_, seen)
	:: else
	fi;
	OVER
}

proctype Consumer()
{
	byte seen;
	bit done;

	ACQUIRE(C, CELL, seen);
	RELEASE(C, CELL, 1);
	RELEASE(C, HEAD, 1);
#if defined(FENCED) && !defined(NOFENCE)
	FENCE(C);
#endif
	/* channel_make_room_known() */
	LOAD(C, CROWDED_, seen);
	if
	:: seen & 1 -> notify(C, CROWDED_, A)
	:: else
	fi;
	OVER
}
#endif

init {
	atomic {
		run Producer(); run Consumer();
#ifdef STOPPED
		run Another()
#endif
	}
end:	atomic {
		at_end == P && n_owed == 0;
#ifdef STOPPED
		CLAIM(!asleep[C] || !saw_full);
#else
		CLAIM(!asleep[A] && !asleep[C]);
#endif
		assert(!fault)
	}
}
