/* SPDX-License-Identifier: MIT */
/*
 * Block words: one has the block, and sees what was written into it; nobody takes half a word for a
 * word. On the machine of machine.pml.
 *
 * A word is two locations, LOW and HIGH (the generation). A CAS is of both, and stores them at one
 * time; so does a load of the whole see them, but for its own store to LOW, which it may see before
 * that is in memory (mixed sizes, as Armv8 has it). Coherence is of each half by itself.
 *
 *	G	writes into the block; gives it: load of the whole, CAS (mp_word_give()); mails the
 *		token, plainly; and then wants it back (mp_word_take_own())
 *	T	has the token; takes the block: load of the whole, CAS (mp_word_take_any()); reads
 *		it, writes into it; puts it and gets it again, which are stores to LOW; gives it
 * or, with -DHAND, T puts it, and its magazine goes to R by the holder (hand.pml):
 *	R	gets it, a store to LOW; gives it: load of the whole, CAS
 * or, with -DCOLLECT:
 *	G	makes it RECLAIMED, CAS (cache_put_loose()); reclaim_seq + 1
 *	T	reclaim_seq; looks for RECLAIMED, by LOW; takes it, CAS; puts it into its
 *		magazine; collected_seq = what it read first (mp_collect())
 *	R	reclaim_seq and collected_seq are alike: so it is to be seen in T's magazine, or R
 *		says ENOMEM
 *
 * Checked: G and T do not both have it; who has it sees what the one before wrote, and his own
 * writes come to stay; to give one's own block is not refused, which it would be if HIGH was old; T
 * finds what was RECLAIMED before the reclaim_seq it read; R does not overlook what T has put.
 *
 *	-DHAND -DCOLLECT	see above
 * Broken on purpose, each found:
 *	-DPLAINGIVE	G's CAS does not release
 *	-DPLAINTAKE	T's CAS does not acquire, also with -DCOLLECT
 *	-DSTORETAKE	T takes by a store of the whole
 *	-DPLAINHAND	R's load of the holder does not acquire, with -DHAND: HIGH may be old then,
 *			though LOW is not
 *	-DPLAINSEQ	T's load of reclaim_seq does not acquire, with -DCOLLECT
 *	-DPLAINEND	T's store to collected_seq does not release, with -DCOLLECT
 */
/* Processors. */
#define G 0
#define T 1
#define R 2
#if defined(HAND) || defined(COLLECT)
#define P 3
#else
#define P 2
#endif

/* Locations. */
#define LOW 0
#define HIGH 1
#define DATA 2
#define MAIL 3
#define HOLDER 3
#define REQ 4 /* reclaim_seq */
#define COLLECTED 5
#define COUNT 3
#define L 6
#define W 26

#define USED_G 0
#define MOVING_G 1
#define USED_T 2
#define FREE_T 3
#define AGAIN_T 4 /* USED, once more */
#define MOVING_T 5
#define USED_R 6
#define MOVING_R 7
#define RECLAIMED 8

#ifdef PLAINGIVE
#define GIVES 0
#else
#define GIVES 1
#endif
#ifdef PLAINTAKE
#define TAKES 0
#else
#define TAKES 1
#endif

#include "machine.pml"

bit pair[W]; /* at that time, LOW is stored, and HIGH right after */

/* The newest store to @l up to the time j_ that @p may see, and its value. */
inline up_to(p, l)
{
	t_ = j_;
	do
	:: t_ > 0 && (where[t_] != l || (owed[t_] && who[t_] == p)) -> t_--
	:: else -> break
	od;
	see(p, l)
}

/* A load of both halves: of one time, but LOW may be its own later one. */
inline load_whole(p, low, high)
{
	f_ = loads[p];
	UP(f_, coherent[AT(p, HIGH)]);
	if
	:: coherent[AT(p, LOW)] > own[AT(p, LOW)] -> UP(f_, coherent[AT(p, LOW)])
	:: else
	fi;
	j_ = f_;
	do
	:: j_ < n -> j_++
	:: !pair[j_] -> break
	od;
	up_to(p, HIGH);
	high = v_;
	UP(s_, loads[p]);
	have_loaded(p, HIGH);
	f_ = s_;
	if
	:: own[AT(p, LOW)] > j_ -> t_ = own[AT(p, LOW)]; see(p, LOW)
	:: else -> up_to(p, LOW)
	fi;
	low = v_;
	UP(s_, loads[p]);
	have_loaded(p, LOW);
	UP(s_, f_)
}

inline WHOLE(p, low, high)
{
	atomic { !broken; load_whole(p, low, high); go_on(p) }
}

inline append_pair(p, low, high, owes)
{
	append(p, LOW, low, owes);
	pair[n] = 1;
	append(p, HIGH, high, owes)
}

inline have_stored_pair(p)
{
	have_stored(p, LOW);
	t_++;
	have_stored(p, HIGH)
}

/* Where it was promised, or at the end. */
inline place_pair(p, low, high)
{
	f_ = stores[p];
	UP(f_, coherent[AT(p, LOW)]);
	UP(f_, coherent[AT(p, HIGH)]);
	t_ = f_ + 1;
	do
	:: t_ > n -> append_pair(p, low, high, 0); t_ = n - 1; break
	:: t_ <= n && owed[t_] && who[t_] == p && pair[t_] && what[t_] == low ->
		broken = broken || owed[t_] == FRESH;
		owed[t_] = 0;
		owed[t_ + 1] = 0;
		n_owed--;
		break
	:: else -> t_++
	od;
	have_stored_pair(p)
}

/* Of both halves; compares with the newest. */
inline CAS_WHOLE(p, low, high, new, newer, done, acquires, releases)
{
	atomic {
		!broken;
		newest(p, LOW);
		done = v_ == low;
		f_ = s_;
		newest(p, HIGH);
		done = done && v_ == high;
		if
		:: done ->
			have_loaded(p, HIGH);
			UP(s_, f_);
			UP(s_, loads[p]);
			have_loaded(p, LOW);
			if
			:: acquires -> have_acquired(p)
			:: else
			fi;
			if
			:: releases ->
				append_pair(p, new, newer, 0);
				t_ = n - 1;
				have_stored_pair(p)
			:: else -> place_pair(p, new, newer)
			fi
		:: else
		fi;
		go_on(p)
	}
}

bit g_has, t_has;

/* Gives the block that is @p's, whose generation is 1. */
inline give_own(p, used, moving)
{
	WHOLE(p, low, high);
	CLAIM(low == used && high == 1);
	CAS_WHOLE(p, used, 1, moving, 2, done, 1, 1);
	CLAIM(done)
}

#ifndef COLLECT
proctype Giver()
{
	byte low, high;
	bit done;

	STORE(G, DATA, 1);
	WHOLE(G, low, high);
	CAS_WHOLE(G, USED_G, 0, MOVING_G, 1, done, 1, GIVES);
	STORE(G, MAIL, 1);
#ifndef HAND
	WHOLE(G, low, high);
	if
	:: low == MOVING_G && high == 1 -> CAS_WHOLE(G, MOVING_G, 1, USED_G, 1, g_has, 1, 1)
	:: else
	fi;
#endif
	OVER
}

proctype Taker()
{
	byte low, high, data;
	bit done;

	LOAD(T, MAIL, data);
	if
	:: data == 1 ->
		WHOLE(T, low, high);
		if
		:: low == MOVING_G && high == 1 ->
#ifdef STORETAKE
			FENCE(T);
			atomic { !broken; place_pair(T, USED_T, 1); go_on(T); t_has = 1 }
#else
			CAS_WHOLE(T, MOVING_G, 1, USED_T, 1, t_has, TAKES, 1)
#endif
		:: else
		fi
	:: else
	fi;
	if
	:: t_has ->
		LOAD(T, DATA, data);
		CLAIM(data == 1);
		STORE(T, DATA, 2);
		STORE(T, LOW, FREE_T);
#ifdef HAND
		RELEASE(T, HOLDER, 2);
#else
		STORE(T, LOW, AGAIN_T);
		give_own(T, AGAIN_T, MOVING_T);
#endif
	:: else
	fi;
	OVER
}
#endif

#ifdef HAND
proctype Next()
{
	byte low, high, data;
	bit done;

#ifdef PLAINHAND
	LOAD(R, HOLDER, data);
#else
	ACQUIRE(R, HOLDER, data);
#endif
	if
	:: data == 2 ->
		LOAD(R, LOW, low);
		if
		:: low == FREE_T ->
			STORE(R, LOW, USED_R);
			LOAD(R, DATA, data);
			CLAIM(data == 2);
			give_own(R, USED_R, MOVING_R)
		:: else -> CLAIM(0)
		fi
	:: else
	fi;
	OVER
}
#endif

#ifdef COLLECT
proctype Giver()
{
	byte low, high;
	bit done;

	STORE(G, DATA, 1);
	CAS_WHOLE(G, USED_G, 0, RECLAIMED, 0, done, 1, GIVES);
	UPDATE(G, REQ, v_ + 1, low);
	OVER
}

proctype Taker()
{
	byte low, high, data, seen;
	bit done;

#ifdef PLAINSEQ
	LOAD(T, REQ, seen);
#else
	ACQUIRE(T, REQ, seen);
#endif
	LOAD(T, LOW, low);
	if
	:: low == RECLAIMED ->
		WHOLE(T, low, high);
		CAS_WHOLE(T, RECLAIMED, 0, USED_T, 0, t_has, TAKES, 1);
		LOAD(T, DATA, data);
		CLAIM(data == 1);
		STORE(T, DATA, 2);
		STORE(T, COUNT, 1);
		STORE(T, LOW, FREE_T)
	:: else -> CLAIM(seen == 0)
	fi;
#ifdef PLAINEND
	STORE(T, COLLECTED, seen);
#else
	RELEASE(T, COLLECTED, seen);
#endif
	OVER
}

proctype Next()
{
	byte seen, collected;

	ACQUIRE(R, REQ, seen);
	ACQUIRE(R, COLLECTED, collected);
	if
	:: seen == 1 && collected == 1 ->
		LOAD(R, COUNT, seen);
		CLAIM(seen == 1)
	:: else
	fi;
	OVER
}
#endif

proctype Promiser()
{
end:	do
#ifdef PLAINEND
	:: atomic { MAY_PROMISE(T) -> PROMISE(T, COLLECTED, 1) }
#else
	:: atomic { MAY_PROMISE(G) -> PROMISE(G, DATA, 1) }
	:: atomic { MAY_PROMISE(T) -> PROMISE(T, DATA, 2) }
	:: atomic { MAY_PROMISE(T) -> PROMISE(T, LOW, FREE_T) }
#endif
#ifdef PLAINGIVE
	:: atomic { MAY_PROMISE(G) -> append_pair(G, MOVING_G, 1, FRESH); promised[G]++; n_owed++ }
#endif
#ifdef COLLECT
	:: atomic { MAY_PROMISE(T) -> PROMISE(T, COUNT, 1) }
#else
	:: atomic { MAY_PROMISE(G) -> PROMISE(G, MAIL, 1) }
#endif
#if defined(HAND)
	:: atomic { MAY_PROMISE(R) -> PROMISE(R, LOW, USED_R) }
#elif !defined(COLLECT)
	:: atomic { MAY_PROMISE(T) -> PROMISE(T, LOW, AGAIN_T) }
#endif
	:: at_end > P -> break
	od
}

init {
	atomic {
		run Giver(); run Taker(); run Promiser();
#if P > 2
		run Next()
#endif
	}
end:	atomic {
		at_end == P && n_owed == 0;
		CLAIM(!(g_has && t_has));
		newest(T, DATA);
		CLAIM(!t_has || v_ == 2);
		newest(G, LOW);
		CLAIM(!g_has || v_ == USED_G);
		assert(!fault)
	}
}
