/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a block: nobody sleeps for long while there is one. On the machine of machine.pml.
 *
 *	S	puts: count and word (here one location), busy = 0, release; then, with nothing
 *		between, the pressure? wake (mp_is_pressed(), mp_relieve(), mp_pressure_wake())
 *	W	has found nothing: pressure -> ASLEEP, membarrier (mp_pressure_raise()); looks: the
 *		depot under its lock, what is to be collected, the cache of S; sleeps
 *		(lib/wait.c: wait_get_until())
 * or, with -DLOOSE:
 *	S	makes the block RECLAIMED, CAS; reclaim_seq + 1; fence; the pressure?
 *		(mp_announce())
 *	W	as above
 * or, with -DDEPOT:
 *	S	puts into the depot, under the lock, and is in no call then; the pressure?
 *
 * A waiter that sees S in a call looks again within a millisecond, and is no sleeper here
 * (EAGAIN). That it then gets what it sees is stealing (steal.pml), collecting (word.pml), or under
 * the lock.
 *
 * Checked: in the end W does not sleep.
 *
 * Not here: several of either, yielding, calming, deaths (wait.pml one folder up).
 *
 *	-DLOOSE -DDEPOT	see above
 *	-DFENCED	W's barrier does not reach S, which fences before its look at the pressure
 * Broken on purpose, each found:
 *	-DNOBARRIER	W fences, but runs no membarrier. Sound with -DDEPOT: both have had the lock
 *	-DNOFENCE	S does not fence, with -DFENCED; also with -DLOOSE: reclaim_seq + 1 is none
 *	-DNOWFENCE	no fence nor barrier in W, with -DLOOSE
 */
/* Processors. */
#define S 0
#define WAITER 1
#define P 2

/* Locations. */
#define BLOCK 0 /* in the cache, or RECLAIMED, or in the depot */
#define BUSY 1
#define PRESSURE 2
#define SEQ 3 /* reclaim_seq */
#define L 4
#define W 14

#define CALM 0
#define ASLEEP 1
#define WOKEN 2

/* S is in its call. */
#define FIRST(l) (l == BUSY -> 1 : 0)

#include "machine.pml"

#ifdef NOFENCE
#define S_FENCE skip
#else
#define S_FENCE FENCE(S)
#endif

proctype Setter()
{
	byte seen;
	bit done;

#if defined(LOOSE)
	CAS(S, BLOCK, 0, 1, done);
	UPDATE(S, SEQ, v_ + 1, seen);
	S_FENCE;
	ACQUIRE(S, PRESSURE, seen);
#else
#if defined(DEPOT)
	LOCK(S);
	STORE(S, BLOCK, 1);
	UNLOCK(S);
#else
	STORE(S, BLOCK, 1);
#endif
	RELEASE(S, BUSY, 0);
#ifdef FENCED
	S_FENCE;
#endif
	LOAD(S, PRESSURE, seen);
#endif
	if
	:: seen == ASLEEP ->
		/* It is in the depot before this, if it is not yet. */
		CAS(S, PRESSURE, ASLEEP, WOKEN, done);
		if
		:: done -> WAKE(S, WAITER)
		:: else
		fi
	:: else
	fi;
	OVER
}

proctype Waiter()
{
	byte seen;
	bit done;

	CAS(WAITER, PRESSURE, CALM, ASLEEP, done);
#if defined(NOBARRIER) || defined(FENCED)
	FENCE(WAITER);
#elif !defined(NOWFENCE)
	MEMBARRIER(WAITER);
#endif
#if defined(LOOSE)
	ACQUIRE(WAITER, SEQ, seen); /* mp_collect_pending() */
#elif defined(DEPOT)
	LOCK(WAITER);
	LOAD(WAITER, BLOCK, seen);
	UNLOCK(WAITER);
	if
	:: !seen -> ACQUIRE(WAITER, BUSY, seen)
	:: else
	fi;
#else
	LOAD(WAITER, BLOCK, seen);
	if
	:: !seen -> ACQUIRE(WAITER, BUSY, seen)
	:: else
	fi;
#endif
	if
	:: !seen -> SLEEP(WAITER, PRESSURE, ASLEEP)
	:: else
	fi;
	OVER
}

proctype Promiser()
{
end:	do
	:: atomic { MAY_PROMISE(S) -> PROMISE(S, BLOCK, 1) }
	:: at_end > P -> break
	od
}

init {
	atomic { run Setter(); run Waiter(); run Promiser() }
end:	atomic {
		at_end == P && n_owed == 0;
		CLAIM(!asleep[WAITER]);
		assert(!fault)
	}
}
