/* SPDX-License-Identifier: MIT */
/*
 * Magazines change hands: A puts a block into its magazine and lets go of that; B takes it and gets
 * the block. On the machine of machine.pml.
 *
 *	A	writes into the block; pushes it (magazine.h): entry, count, word, which are plain
 *		stores here; then lets go, by one of
 *		  ORPHAN   CAS of the holder, without a lock (depot.c: depot_orphan())
 *		  LOCKED   lock, CAS of the holder, the list's head, unlock (depot_take_back())
 *	B	takes it, by one of
 *		  ORPHAN   looks at the holder (collect.c), lock, mp_magazine_hand() (depot_adopt(),
 *			   depot_hand_out() besides)
 *		  LOCKED   lock, the list's head, mp_magazine_hand() (depot_hand_out()), unlock
 *		pops the block (mp_magazine_pop()) and writes into it
 *	daemon	with -DDEATH: A dies after any of its steps, and the daemon's pass makes the
 *		magazine an ORPHAN, and a block that is A's RECLAIMED (pass.c)
 *
 * Checked: who has got the magazine sees count, entry and word as the one before left them, and his
 * own stores come to stay: nothing that A stored, into the block neither, is in memory after what B
 * stored there. With -DDEATH: however much of its push A has done, the block is in the magazine
 * that B gets, or is RECLAIMED: so push needs the order of its stores for the dead alone, and that
 * is the compiler's; no store of it is a release here.
 *
 * Not here: other blocks and entries, which are independent of these; merging; that of two who take
 * one fails, which does not depend on the order (pool.pml).
 *
 *	-DLOCKED -DDEATH	see above
 *	-DPLAINCAS	CAS of holders are in no order: sound with -DLOCKED, as the lock has it all
 *	-DPLAINLOCK	the lock keeps others out, but orders nothing: sound, as the CAS do
 * Broken on purpose, each found:
 *	-DNORELEASE	A's CAS does not release
 *	-DNOACQUIRE	B's load and CAS of the holder do not acquire
 *	-DPLAINCAS -DPLAINLOCK together, with -DLOCKED
 *	-DWORDFIRST	push stores the word before the count, with -DDEATH
 */
#ifdef PLAINCAS
#define NORELEASE
#define NOACQUIRE
#endif
#ifdef NORELEASE
#define RELEASES 0
#else
#define RELEASES 1
#endif
#ifdef NOACQUIRE
#define ACQUIRES 0
#else
#define ACQUIRES 1
#endif
/* Processors. */
#define A 0
#define B 1
#define D 2
#ifdef DEATH
#define P 3
#else
#define P 2
#endif

/* Locations. */
#define WORD 0
#define COUNT 1
#define ENTRY 2
#define HOLDER 3
#define DATA 4
#define LIST 5
#define SEQ 6
#define L 7
#define W 20

/* What a word says. */
#define USED_A 0
#define FREE_M 1
#define USED_B 2
#define RECLAIMED 3

/* Who holds the magazine. */
#define CACHE_A 0
#define DEPOT 1
#define CACHE_B 2
#define ORPHAN 3

#include "machine.pml"

#ifdef DEATH
#define MAY_DIE if :: goto died :: skip fi
bit gone;
#else
#define MAY_DIE skip
#endif

inline lock_shard(p)
{
#ifdef PLAINLOCK
	atomic { !locked -> locked = 1 }
#else
	LOCK(p)
#endif
}

inline unlock_shard(p)
{
#ifdef PLAINLOCK
	locked = 0
#else
	UNLOCK(p)
#endif
}

proctype Putter()
{
	bit done;

	STORE(A, DATA, 1);
	MAY_DIE;
	STORE(A, ENTRY, 1);
	MAY_DIE;
#ifdef WORDFIRST
	STORE(A, WORD, FREE_M);
	MAY_DIE;
	STORE(A, COUNT, 1);
#else
	STORE(A, COUNT, 1);
	MAY_DIE;
	STORE(A, WORD, FREE_M);
#endif
	MAY_DIE;
#ifdef LOCKED
	lock_shard(A);
	CAS_AS(A, HOLDER, CACHE_A, DEPOT, done, ACQUIRES, RELEASES);
	STORE(A, LIST, 1);
	unlock_shard(A);
#elif !defined(DEATH)
	CAS_AS(A, HOLDER, CACHE_A, ORPHAN, done, ACQUIRES, RELEASES);
#endif
#ifdef DEATH
died:	gone = 1;
#endif
	OVER
}

bit got;

/* The magazine is B's. */
inline pop()
{
	LOAD(B, COUNT, count);
	LOAD(B, ENTRY, entry);
	LOAD(B, WORD, word);
#ifndef DEATH
	CLAIM(count == 1 && entry == 1 && word == FREE_M);
#endif
	if
	:: count == 1 && entry == 1 && word == FREE_M ->
		STORE(B, WORD, USED_B);
		STORE(B, COUNT, 0);
		write_block()
	:: else -> CLAIM(word != FREE_M) /* or the block is lost */
	fi
}

inline write_block()
{
	STORE(B, DATA, 2);
	got = 1
}

inline take_locked()
{
	lock_shard(B);
	LOAD(B, LIST, count);
	if
	:: count == 1 -> hand_over(DEPOT, CACHE_B)
	:: else
	fi;
	unlock_shard(B)
}

inline take_orphan()
{
	LOAD(B, HOLDER, count);
	if
	:: count == ORPHAN ->
		lock_shard(B);
		hand_over(ORPHAN, DEPOT);
		if
		:: done -> hand_over(DEPOT, CACHE_B)
		:: else
		fi;
		unlock_shard(B)
	:: else
	fi
}

/* mp_magazine_hand(). */
inline hand_over(from, to)
{
#ifdef NOACQUIRE
	LOAD(B, HOLDER, count);
#else
	ACQUIRE(B, HOLDER, count);
#endif
	if
	:: count == from -> CAS_AS(B, HOLDER, from, to, done, ACQUIRES, RELEASES)
	:: else -> done = 0
	fi
}

proctype Taker()
{
	byte count, entry, word;
	bit done;

#ifdef DEATH
	gone; /* before, there is nothing for it */
#endif
#ifdef LOCKED
	take_locked();
#else
	take_orphan();
#endif
	if
	:: done -> pop()
	:: else
	fi;
#ifdef DEATH
	/* mp_collect_one() */
	if
	:: !got ->
		LOAD(B, WORD, word);
		if
		:: word == RECLAIMED ->
			CAS(B, WORD, RECLAIMED, USED_B, done);
			write_block()
		:: else
		fi
	:: else
	fi;
#endif
	OVER
}

#ifdef DEATH
proctype Daemon()
{
	bit done;

	gone;
	LEARN_DEATH(D, A);
	CAS(D, HOLDER, CACHE_A, ORPHAN, done);
	CAS(D, WORD, USED_A, RECLAIMED, done);
	OVER
}
#endif

proctype Promiser()
{
end:	do
	:: atomic { MAY_PROMISE(A) -> PROMISE(A, DATA, 1) }
	:: atomic { MAY_PROMISE(A) -> PROMISE(A, ENTRY, 1) }
	:: atomic { MAY_PROMISE(A) -> PROMISE(A, COUNT, 1) }
	:: atomic { MAY_PROMISE(A) -> PROMISE(A, WORD, FREE_M) }
#ifdef NORELEASE
#ifdef LOCKED
	:: atomic { MAY_PROMISE(A) -> PROMISE(A, HOLDER, DEPOT) }
#else
	:: atomic { MAY_PROMISE(A) -> PROMISE(A, HOLDER, ORPHAN) }
#endif
#endif
#ifdef LOCKED
	:: atomic { MAY_PROMISE(A) -> PROMISE(A, LIST, 1) }
#endif
	:: atomic { MAY_PROMISE(B) -> PROMISE(B, WORD, USED_B) }
	:: atomic { MAY_PROMISE(B) -> PROMISE(B, COUNT, 0) }
	:: atomic { MAY_PROMISE(B) -> PROMISE(B, DATA, 2) }
	:: at_end > P -> break
	od
}

init {
	atomic {
		run Putter(); run Taker(); run Promiser();
#ifdef DEATH
		run Daemon()
#endif
	}
end:	atomic {
		at_end == P && n_owed == 0;
		newest(B, WORD);
		CLAIM(!got || v_ == USED_B);
#ifdef DEATH
		/* Nobody's block is in the magazine, or RECLAIMED. */
		CLAIM(got || v_ == FREE_M || v_ == RECLAIMED);
		f_ = v_;
		newest(B, COUNT); j_ = v_;
		newest(B, ENTRY);
		CLAIM(f_ != FREE_M || (j_ == 1 && v_ == 1));
#else
		newest(B, COUNT);
		CLAIM(v_ == !got);
#endif
		newest(B, DATA);
		CLAIM(!got || v_ == 2);
		assert(!fault)
	}
}
