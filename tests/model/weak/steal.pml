/* SPDX-License-Identifier: MIT */
/*
 * Stealing: a thief takes a magazine only from an owner that is in no call, and sees it as the last
 * call left it. On the machine of machine.pml.
 *
 *	O	a call: busy = 1, plain; steal? settle; works on the magazine; busy = 0, release
 *		(mp_enter(), mp_settle(), mp_magazine_pop() and _push(), mp_leave()). It gets the
 *		block, then puts it, or only one of the two
 *	T	holder, acquire, count?; steal = me; membarrier; busy = 0 and steal still me,
 *		acquire; CAS of the holder; gets the block (steal.c). Before the CAS it may be slow
 *
 * Checked: not both have the block; T gets it if it is in the magazine T has, as count and word are
 * then as O left them; all that T stores comes to stay; whoever has not got it, the block is in the
 * magazine or one has it.
 *
 * Not here: two thieves, records that change their owners, the magazine's way into the depot
 * (pool.pml), deaths: none of them depends on the order.
 *
 *	-DPUT		the block is O's at first
 *	-DONE		O makes one call
 *	-DFENCED	O fences between busy and steal, and T's barrier does not reach it
 * Broken on purpose, each found:
 *	-DNOBARRIER	T fences, but runs no membarrier
 *	-DNOFENCE	O does not fence, with -DFENCED
 *	-DPLAINLEAVE	busy = 0 is a plain store
 *	-DPLAINBUSY	T's look at busy does not acquire
 *	-DLATESTEAL	T looks at busy before its membarrier
 *	-DNOSETTLE	O sees steal, and clears it, but does not raise the holder's sequence
 */
/* Processors. */
#define O 0
#define T 1
#define P 2

/* Locations. */
#define BUSY 0 /* odd: in a call; raised by each, so that no two stores are alike */
#define STEAL 1
#define HOLDER 2
#define COUNT 3
#define WORD 4
#define L 5
#define W 22

/* Who holds the magazine: O, of the sequence; or T. */
#define OF_O(sequence) (sequence)
#define OF_T 9

#define FREE_M 0
#define USED_O 1
#define USED_T 2
#ifdef PUT
#define FIRST(l) (l == WORD -> USED_O : 0)
#else
#define FIRST(l) (l == COUNT -> 1 : 0)
#endif

#include "machine.pml"

bit has, got, won; /* O has the block; T has got it; T has the magazine */
bit let_go;	   /* O knows that the magazine was stolen */

inline enter(call)
{
	STORE(O, BUSY, 2 * call + 1);
#if defined(FENCED) && !defined(NOFENCE)
	FENCE(O);
#endif
	LOAD(O, STEAL, seen);
	if
	:: seen -> settle()
	:: else
	fi
}

/* mp_local_settle() */
inline settle()
{
	if
	:: !let_go ->
		ACQUIRE(O, HOLDER, seen);
#ifndef NOSETTLE
		if
		:: seen < OF_T -> CAS(O, HOLDER, seen, seen + 1, done); let_go = !done
		:: else -> let_go = 1
		fi
#endif
	:: else
	fi;
	RELEASE(O, STEAL, 0)
}

inline leave(call)
{
#ifdef PLAINLEAVE
	STORE(O, BUSY, 2 * call + 2)
#else
	RELEASE(O, BUSY, 2 * call + 2)
#endif
}

inline get(call)
{
	enter(call);
	if
	:: !let_go ->
		LOAD(O, COUNT, count);
		LOAD(O, WORD, word);
		if
		:: count == 1 && word == FREE_M ->
			STORE(O, WORD, USED_O);
			STORE(O, COUNT, 0);
			atomic { CLAIM(!got); has = 1 }
		:: else
		fi
	:: else
	fi;
	leave(call)
}

/* If the magazine is gone, O puts elsewhere: the block is not T's. */
inline put(call)
{
	enter(call);
	if
	:: !let_go ->
		STORE(O, COUNT, 1);
		STORE(O, WORD, FREE_M);
		has = 0
	:: else
	fi;
	leave(call)
}

proctype Owner()
{
	byte seen, count, word;
	bit done;

#ifdef PUT
	has = 1;
	put(0);
#ifndef ONE
	get(1);
#endif
#else
	get(0);
#ifndef ONE
	if
	:: has -> put(1)
	:: else -> get(1)
	fi;
#endif
#endif
	OVER
}

proctype Thief()
{
	byte holder, seen, count, word;
	bit done, idle;

	ACQUIRE(T, HOLDER, holder);
	LOAD(T, COUNT, count);
	if
	:: count > 0 ->
		RELEASE(T, STEAL, 1);
#ifdef LATESTEAL
		ACQUIRE(T, BUSY, seen);
		idle = !(seen & 1);
#endif
#if defined(NOBARRIER) || defined(FENCED)
		FENCE(T);
#else
		MEMBARRIER(T);
#endif
#ifdef PLAINBUSY
		LOAD(T, BUSY, seen);
#else
		ACQUIRE(T, BUSY, seen);
#endif
#ifndef LATESTEAL
		idle = !(seen & 1);
#endif
		ACQUIRE(T, STEAL, seen);
		if
		:: idle && seen == 1 ->
			CAS(T, HOLDER, holder, OF_T, won)
		:: else
		fi
	:: else
	fi;
	if
	:: won ->
		LOAD(T, COUNT, count);
		LOAD(T, WORD, word);
		if
		:: count == 1 && word == FREE_M ->
			STORE(T, WORD, USED_T);
			STORE(T, COUNT, 0);
			atomic { CLAIM(!has); got = 1 }
		:: else
		fi
	:: else
	fi;
	OVER
}

proctype Promiser()
{
end:	do
	:: atomic { MAY_PROMISE(O) -> PROMISE(O, BUSY, 1) }
	:: atomic { MAY_PROMISE(O) -> PROMISE(O, BUSY, 3) }
#ifdef PLAINLEAVE
	:: atomic { MAY_PROMISE(O) -> PROMISE(O, BUSY, 2) }
	:: atomic { MAY_PROMISE(O) -> PROMISE(O, BUSY, 4) }
#endif
	:: atomic { MAY_PROMISE(O) -> PROMISE(O, WORD, USED_O) }
	:: atomic { MAY_PROMISE(O) -> PROMISE(O, WORD, FREE_M) }
	:: atomic { MAY_PROMISE(O) -> PROMISE(O, COUNT, 0) }
	:: atomic { MAY_PROMISE(O) -> PROMISE(O, COUNT, 1) }
	:: atomic { MAY_PROMISE(T) -> PROMISE(T, WORD, USED_T) }
	:: atomic { MAY_PROMISE(T) -> PROMISE(T, COUNT, 0) }
	:: at_end > P -> break
	od
}

init {
	atomic {
		has = 0;
		run Owner(); run Thief(); run Promiser()
	}
end:	atomic {
		at_end == P && n_owed == 0;
		newest(T, WORD);
		CLAIM(!got || v_ == USED_T);
		CLAIM(!has || v_ == USED_O);
		CLAIM(got || has || v_ == FREE_M);
		/* The block is in the magazine: it is to be found there. */
		f_ = v_;
		newest(T, COUNT);
		CLAIM(v_ == (f_ == FREE_M));
		/* T has the magazine, and did not see what is in it. */
		CLAIM(!(won && f_ == FREE_M));
		assert(!fault)
	}
}
