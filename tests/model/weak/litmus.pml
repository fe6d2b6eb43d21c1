/* SPDX-License-Identifier: MIT */
/*
 * The machine by itself: the little programs by which processors are told apart, each with what
 * Armv8 allows. What it forbids must be sound, what it allows an error: else the other models,
 * which are searched on this machine, show nothing.
 *
 *	-DMP	x = 1, y = 1; who sees y sees x
 *	-DSB	x = 1, looks at y; y = 1, looks at x: one of them sees the other
 *	-DLB	each looks, then stores: not both see what the other stores later
 *	-DIRIW	two that look at x and y see their stores in one order
 *	-DWW	x = 1, y = 2; y = 1, x = 2: not both of the first ones last
 *	-DA=..	what the first (for IRIW, the looking) processors do between the two
 *	-DB=..	what the other one does between
 *		NOTHING, ORDER (release the second, acquire the first), BRANCH, DMB, RMW (the first
 *		is a CAS that is acquire and release), RMW_SC (besides, the second is ldar), MEMB
 */
#define NOTHING 0
#define ORDER 1
#define BRANCH 2
#define DMB 3
#define RMW 4
#define RMW_SC 5
#define MEMB 6
#ifndef A
#define A NOTHING
#endif
#ifndef B
#define B NOTHING
#endif

#if defined(IRIW)
#define P 4
#else
#define P 2
#endif
#define L 2
#define W 8
#define X 0
#define Y 1
#include "machine.pml"

inline first_store(p, l, v, how)
{
	if
	:: how == RMW || how == RMW_SC -> CAS(p, l, 0, v, done)
	:: else -> STORE(p, l, v)
	fi;
	between(p, how)
}

inline first_load(p, l, r, how)
{
	if
	:: how == ORDER -> ACQUIRE(p, l, r)
	:: how == BRANCH -> LOAD_DECIDES(p, l, r)
	:: else -> LOAD(p, l, r)
	fi;
	between(p, how)
}

inline between(p, how)
{
	if
	:: how == DMB -> FENCE(p)
	:: how == MEMB -> MEMBARRIER(p)
	:: else
	fi
}

inline second_store(p, l, v, how)
{
	if
	:: how == ORDER -> RELEASE(p, l, v)
	:: else -> STORE(p, l, v)
	fi
}

inline second_load(p, l, r, how)
{
	if
	:: how == RMW_SC -> ACQUIRE_SC(p, l, r)
	:: else -> LOAD(p, l, r)
	fi
}

byte r[2], q[2];

proctype First()
{
	bit done;
#if defined(MP)
	first_store(0, X, 1, A); second_store(0, Y, 1, A);
#elif defined(SB)
	first_store(0, X, 1, A); second_load(0, Y, r[0], A);
#elif defined(LB)
	first_load(0, X, r[0], A); second_store(0, Y, 1, A);
#elif defined(WW)
	first_store(0, X, 1, A); second_store(0, Y, 2, A);
#else
	first_load(0, X, r[0], A); second_load(0, Y, q[0], A);
#endif
	OVER
}

proctype Second()
{
	bit done;
#if defined(MP)
	first_load(1, Y, r[1], B); second_load(1, X, q[1], B);
#elif defined(SB)
	first_store(1, Y, 1, B); second_load(1, X, r[1], B);
#elif defined(LB)
	first_load(1, Y, r[1], B); second_store(1, X, 1, B);
#elif defined(WW)
	first_store(1, Y, 1, B); second_store(1, X, 2, B);
#else
	first_load(1, Y, r[1], A); second_load(1, X, q[1], A);
#endif
	OVER
}

#ifdef IRIW
proctype Third() { STORE(2, X, 1); OVER }
proctype Fourth() { STORE(3, Y, 1); OVER }
#else
proctype Promiser()
{
end:	do
#if defined(MP) || defined(LB)
	:: atomic { MAY_PROMISE(0) -> PROMISE(0, Y, 1) }
#endif
#ifdef LB
	:: atomic { MAY_PROMISE(1) -> PROMISE(1, X, 1) }
#endif
#ifdef WW
	:: atomic { MAY_PROMISE(0) -> PROMISE(0, Y, 2) }
	:: atomic { MAY_PROMISE(1) -> PROMISE(1, X, 2) }
#endif
	:: at_end > P -> break
	od
}
#endif

init {
	atomic {
		run First(); run Second();
#ifdef IRIW
		run Third(); run Fourth();
#else
		run Promiser()
#endif
	}
end:	atomic {
		at_end == P && n_owed == 0;
#if defined(MP)
		CLAIM(!(r[1] == 1 && q[1] == 0));
#elif defined(SB)
		CLAIM(r[0] || r[1]);
#elif defined(LB)
		CLAIM(!(r[0] && r[1]));
#elif defined(WW)
		newest(0, X); f_ = v_; newest(0, Y);
		CLAIM(!(f_ == 1 && v_ == 1));
#else
		CLAIM(!(r[0] && !q[0] && r[1] && !q[1]));
#endif
		assert(!fault)
	}
}
