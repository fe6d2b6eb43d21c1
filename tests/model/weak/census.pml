/* SPDX-License-Identifier: MIT */
/*
 * A census beside two owners at work: it finds no free block only when none was free. On the
 * machine of machine.pml.
 *
 *	A, B	A puts a block of its own and gets it again, B puts one. A put: word = FREE,
 *		puts + 1; a get: word = USED, gets + 1; with nothing between (mp_try_put(),
 *		mp_try_get(), cache.h)
 *	C	look, membarrier, look, look, membarrier, look (mp_census_finds_none()). A look:
 *		of each record gets and puts, acquire; the word; read fence; gets and puts, acquire
 *		(census_cache_is_bare())
 *
 * Checked: if C says that there is none, then there was a moment since it began at which no block
 * was free. A block is free from the end of its put, in the order of the program, which is when its
 * owner has made the last store of it; until its next get begins: when the first store of that is
 * in memory, be it made in its turn or promised. Nobody can tell that such a get begins later. So
 * only censuses that begin while there is a free block are searched, and only until there is none.
 *
 * Entry, count and word of a block are one location here: a look sees a block only if it sees all
 * of them. What an owner loads are its own stores, so these loads are not here; nor is busy, at
 * which a census does not look. Hands, holders and the owners of records do not change.
 *
 * Not here: the shard's changes, collecting, swaps, thefts, flushes (census.pml one folder up);
 * owners that fence. With so few calls nothing goes wrong without the last membarrier: what that is
 * for, lib/core/census.h argues.
 *
 *	-DBFIRST	looks are at B first
 * Broken on purpose, each found:
 *	-DTWOLOOKS	look, look: what suffices where stores and loads are in order
 *	-DNOBARRIERS	four looks, no membarrier
 *	-DNOFIRST	no membarrier after the first look; with -DBFIRST
 *	-DEVER		nothing is broken, but C never to say that there is none: it does
 */
/* Processors. */
#define A 0
#define B 1
#define C 2
#define P 3

/* Locations, of A, and then of B, which makes no get. */
#define WORD 0
#define PUTS 1
#define GETS 2
#define OF_B 3
#define L 6
#define W 9

/* Words. */
#define USED 0
#define FREE 1
#define USED_AGAIN 2

#include "machine.pml"

bit on, none;	/* the census is on its way; it found none */
bit has_put[2]; /* it has ended its put */
bit getting;	/* A has begun its get */

#define A_IS_FREE (has_put[A] && !getting)
#define AT_OF(p, l) ((p) * OF_B + (l))

/* A's get begins. The run tells nothing more if no block is free now. */
#ifdef EVER
#define GET_BEGINS getting = 1
#else
#define GET_BEGINS getting = 1; broken = broken || (on && !has_put[B])
#endif

inline put(p)
{
	STORE(p, AT_OF(p, WORD), FREE);
	atomic { STORE(p, AT_OF(p, PUTS), 1); has_put[p] = 1 }
}

proctype Owner(byte p)
{
	put(p);
	if
	:: p == A ->
		atomic { STORE(A, WORD, USED_AGAIN); GET_BEGINS }
		STORE(A, GETS, 1)
	:: else
	fi
}

/* The same as in the first look, or C does not say that there is none. */
inline count(l)
{
	atomic {
		ACQUIRE(C, l, seen);
		if
		:: first -> counter[l] = seen
		:: else -> broken = broken || counter[l] != seen
		fi;
		seen = 0
	}
}

inline see_record(p)
{
	count(AT_OF(p, GETS));
	count(AT_OF(p, PUTS));
	first = 0;
	atomic {
		LOAD(C, AT_OF(p, WORD), seen);
		broken = broken || seen == FREE;
		seen = 0;
		HEED(C, loaded[C]) /* mp_read_fence() */
	}
	count(AT_OF(p, GETS));
	count(AT_OF(p, PUTS))
}

inline look(is_first)
{
#ifdef BFIRST
	first = is_first;
	see_record(B);
	first = is_first;
	see_record(A)
#else
	first = is_first;
	see_record(A);
	first = is_first;
	see_record(B)
#endif
}

proctype Census()
{
	byte seen, counter[L];
	bit first;

#ifdef EVER
	on = 1;
#else
	atomic { A_IS_FREE || has_put[B] -> on = 1 }
#endif
	look(1);
#ifndef TWOLOOKS
#if !defined(NOBARRIERS) && !defined(NOFIRST)
	MEMBARRIER(C);
#endif
	look(0);
	look(0);
#ifndef NOBARRIERS
	MEMBARRIER(C);
#endif
#endif
	look(0);
	atomic { !broken -> on = 0; none = 1 }
}

proctype Promiser()
{
end:	do
	:: atomic { MAY_PROMISE(A) -> PROMISE(A, WORD, FREE) }
	:: atomic { MAY_PROMISE(A) -> PROMISE(A, PUTS, 1) }
	:: atomic { MAY_PROMISE(A) -> PROMISE(A, WORD, USED_AGAIN); GET_BEGINS }
	:: atomic { MAY_PROMISE(A) -> PROMISE(A, GETS, 1); GET_BEGINS }
	:: atomic { MAY_PROMISE(B) -> PROMISE(B, OF_B + WORD, FREE) }
	:: atomic { MAY_PROMISE(B) -> PROMISE(B, OF_B + PUTS, 1) }
	:: none || broken -> break
	od
}

init {
	atomic { run Owner(A); run Owner(B); run Census(); run Promiser() }
end:	atomic {
		none && n_owed == 0 && !broken;
		assert(0)
	}
}
