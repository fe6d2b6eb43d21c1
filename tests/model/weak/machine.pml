/* SPDX-License-Identifier: MIT */
/*
 * A machine that reorders, as Armv8 may: what the models in this folder run on.
 *
 * Memory is the list of all stores, 1 .. n, in the order in which they reach memory; a store's
 * place in it is its time. A processor has views, each a time: what it is bound to know. It takes
 * its instructions in program order, but a load may return any store to its location that its views
 * do not rule out, and a store may have been in memory already for a while (it was promised): so
 * both act at other times than their turn. This is the promising machine of Pulte and others
 * ("Promising-ARM/RISC-V", PLDI 2019), shown there to allow what the axioms of Armv8 allow.
 *
 * So each of these may come in the wrong order, if nothing is between them that forbids it:
 *	store, store	the later one was promised
 *	store, load	the load returns a store from before
 *	load, load	the later one returns what was there before; also behind a branch, and
 *			behind a load on which its address depends
 *	load, store	the store was promised
 *	CAS, load	a CAS acquires by its load and releases by its store, and a later load may
 *			act between the two
 * What forbids it:
 *	same location	loads of one go forward in time, and a store comes behind what was loaded
 *	ACQUIRE		nothing that follows acts before it (ldapr: earlier release stores may still
 *			be on their way; ACQUIRE_SC, ldar, comes after them)
 *	RELEASE		nothing that precedes acts after it
 *	FENCE		dmb ish: both
 *	branch		LOAD_DECIDES: no later store acts before the load. No other load has that
 *			property here, so nothing rests on a dependency that a compiler could undo
 *	MEMBARRIER	a FENCE in each other processor, somewhere between two of its instructions
 *			and at another moment in each; what each has done until then is before what
 *			the caller does next, and what the caller has done before all they do then
 *	LOCK, UNLOCK	a mutex: acquire and release
 *	SLEEP, WAKE	the kernel's futexes: it compares and queues under a lock, and fences
 *	LEARN_DEATH	a processor stops between two instructions. What it did is in memory then,
 *			and what comes next is not; the kernel's news of it are behind that
 *
 * A store that was promised must be made. Which stores a processor may promise is the model's to
 * say, and how many: only those that are no releases, as it is of no use to promise others. Runs in
 * which a promise is not kept are none, so a fault counts only in the end: CLAIM notes it, and init
 * asserts that there was none. A processor stores a value at a location once at most, so that it is
 * clear which promise it keeps.
 *
 * What is searched to its end is so with up to PROMISES stores of each processor out of their turn
 * in a run, and any number of loads.
 *
 * Here locations are bytes. A model defines P, L and W (processors, locations, stores at most), and
 * may define FIRST(l), what is there at first.
 */
#ifndef FIRST
#define FIRST(l) 0
#endif
#ifndef PROMISES
#define PROMISES 1
#endif

#define AT(p, l) ((p) * L + (l))
#define UP(view, to) view = ((to) > view -> (to) : view)

byte n, n_owed;
byte where[W], what[W], who[W];
byte owed[W]; /* 0: made; else promised, and FRESH while its processor has done nothing since */
byte coherent[P * L];			/* the least time of the next access */
byte own[P * L];			/* the time of its last own store */
byte loaded[P], stored[P];		/* the latest time of a load, of a store, until now */
byte loads[P], stores[P];		/* the least time of later loads, of later stores */
byte decided[P], released[P];		/* what branches hang on; the last release */
byte promised[P];
byte met[P];				/* by a membarrier under way */
byte at_end;
bit fault;
bit broken; /* a promise that cannot be kept: the run is none */

/* Of this step alone. */
hidden byte t_, j_, f_, s_, v_;

#define FRESH 2

#define CLAIM(what) \
	if \
	:: !(what) -> fault = 1 \
	:: else \
	fi

/* Chooses the store that a load of @l returns: t_, its value v_, the view it gives s_. */
inline choose(p, l, least)
{
	f_ = least;
	UP(f_, coherent[AT(p, l)]);
	t_ = f_;
	do
	:: t_ > 0 && where[t_] != l -> t_--
	:: else -> break
	od;
	j_ = f_ + 1;
	do
	:: j_ > n -> break
	:: j_ <= n && where[j_] == l && !(owed[j_] && who[j_] == p) -> t_ = j_; break
	:: j_ <= n -> j_++
	od;
	see(p, l)
}

inline see(p, l)
{
	if
	:: t_ == 0 -> v_ = FIRST(l)
	:: else -> v_ = what[t_]
	fi;
	/* Its own store may be handed over before it is in memory. */
	s_ = (t_ == own[AT(p, l)] -> 0 : t_)
}

/* The newest store to @l. */
inline newest(p, l)
{
	t_ = n;
	do
	:: t_ > 0 && (where[t_] != l || (owed[t_] && who[t_] == p)) -> t_--
	:: else -> break
	od;
	see(p, l)
}

inline have_loaded(p, l)
{
	UP(coherent[AT(p, l)], s_);
	UP(loaded[p], s_)
}

inline have_acquired(p)
{
	UP(loads[p], s_);
	UP(stores[p], s_)
}

inline append(p, l, v, owes)
{
	n++;
	assert(n < W);
	where[n] = l;
	what[n] = v;
	who[n] = p;
	owed[n] = owes
}

inline have_stored(p, l)
{
	coherent[AT(p, l)] = t_;
	own[AT(p, l)] = t_;
	UP(stored[p], t_)
}

/* Stores at the end of the list, or where that was promised, which must be behind f_. */
inline place(p, l, v)
{
	UP(f_, stores[p]);
	UP(f_, decided[p]);
	UP(f_, coherent[AT(p, l)]);
	t_ = f_ + 1;
	do
	:: t_ > n -> append(p, l, v, 0); t_ = n; break
	:: t_ <= n && owed[t_] && who[t_] == p && where[t_] == l && what[t_] == v ->
		/* Had it done nothing since, then this would be a store in its turn. */
		broken = broken || owed[t_] == FRESH;
		owed[t_] = 0;
		n_owed--;
		break
	:: else -> t_++
	od;
	have_stored(p, l)
}

/* After each step: gives the run up if a promise cannot be kept any more. */
inline go_on(p)
{
	j_ = 1;
	do
	:: j_ > n -> break
	:: j_ <= n && owed[j_] && who[j_] == p ->
		broken = broken || j_ <= stores[p] || j_ <= decided[p] ||
			j_ <= coherent[AT(p, where[j_])];
		owed[j_] = 1;
		j_++
	:: else -> j_++
	od
}

inline PROMISE(p, l, v)
{
	append(p, l, v, FRESH);
	promised[p]++;
	n_owed++
}

/* Whether @p may promise something now. */
#define MAY_PROMISE(p) (promised[p] < PROMISES && !broken)

inline LOAD(p, l, r)
{
	atomic {
		!broken;
		choose(p, l, loads[p]); UP(s_, loads[p]); have_loaded(p, l);
		r = v_;
		go_on(p)
	}
}

inline LOAD_DECIDES(p, l, r)
{
	atomic {
		!broken;
		choose(p, l, loads[p]); UP(s_, loads[p]); have_loaded(p, l);
		UP(decided[p], s_);
		r = v_;
		go_on(p)
	}
}

inline ACQUIRE(p, l, r)
{
	atomic {
		!broken;
		choose(p, l, loads[p]); UP(s_, loads[p]); have_loaded(p, l); have_acquired(p);
		r = v_;
		go_on(p)
	}
}

inline ACQUIRE_SC(p, l, r)
{
	atomic {
		!broken;
		UP(loads[p], released[p]);
		choose(p, l, loads[p]); UP(s_, loads[p]); have_loaded(p, l); have_acquired(p);
		r = v_;
		go_on(p)
	}
}

inline STORE(p, l, v)
{
	atomic { !broken; f_ = 0; place(p, l, v); go_on(p) }
}

inline RELEASE(p, l, v)
{
	atomic {
		!broken;
		f_ = loaded[p];
		UP(f_, stored[p]);
		place(p, l, v);
		UP(released[p], t_);
		go_on(p)
	}
}

/* The store of a CAS, right behind the newest store there, which its load returned. */
inline exchange(p, l, v, acquires, releases)
{
	UP(s_, loads[p]);
	have_loaded(p, l);
	if
	:: acquires -> have_acquired(p)
	:: else
	fi;
	if
	:: releases -> append(p, l, v, 0); t_ = n; have_stored(p, l); released[p] = t_
	:: else -> f_ = 0; place(p, l, v)
	fi
}

/* @done: whether it was @old. If it was not, then this is a LOAD. */
inline CAS_AS(p, l, old, new, done, acquires, releases)
{
	atomic {
		!broken;
		choose(p, l, loads[p]);
		if
		:: v_ == old -> newest(p, l)
		:: else
		fi;
		if
		:: v_ == old -> exchange(p, l, new, acquires, releases); done = 1
		:: else -> UP(s_, loads[p]); have_loaded(p, l); done = 0
		fi;
		go_on(p)
	}
}

#define CAS(p, l, old, new, done) CAS_AS(p, l, old, new, done, 1, 1)

/* Replaces it by @new, in which v_ is what was there. @r: what was there. */
inline UPDATE(p, l, new, r)
{
	atomic { !broken; newest(p, l); r = v_; exchange(p, l, new, 1, 1); go_on(p) }
}

#define KNOW(view, p) \
	UP(view, loads[p]); UP(view, stores[p]); UP(view, loaded[p]); UP(view, stored[p])

#define HEED(p, view) UP(loads[p], view); UP(stores[p], view)

inline FENCE(p)
{
	atomic { !broken; f_ = 0; KNOW(f_, p); HEED(p, f_); go_on(p) }
}

/* What a membarrier of @p does in @q, which had met[p] or less before. */
inline interrupt(p, q)
{
	atomic {
		!broken;
		if
		:: q != p -> f_ = loads[p]; KNOW(f_, q); HEED(q, f_); UP(met[p], f_); go_on(q)
		:: else
		fi
	}
}

/* For up to four processors. */
inline MEMBARRIER(p)
{
	atomic { !broken; FENCE(p); met[p] = loads[p] }
	interrupt(p, 0);
#if P > 1
	interrupt(p, 1);
#endif
#if P > 2
	interrupt(p, 2);
#endif
#if P > 3
	interrupt(p, 3);
#endif
	atomic { !broken; HEED(p, met[p]); met[p] = 0 }
}

byte bucket; /* view of the lock of the kernel's queue */
bit asleep[P];

/* Sleeps while @l is @v; a processor sleeps once, and does nothing after it. */
inline SLEEP(p, l, v)
{
	atomic {
		!broken;
		UP(loads[p], bucket);
		f_ = 0; KNOW(f_, p); HEED(p, f_);
		choose(p, l, loads[p]); UP(s_, loads[p]); have_loaded(p, l); have_acquired(p);
		asleep[p] = (v_ == v);
		KNOW(bucket, p);
		go_on(p)
	}
}

/* Wakes @q, if it sleeps. */
inline WAKE(p, q)
{
	atomic {
		!broken;
		UP(loads[p], bucket);
		f_ = 0; KNOW(f_, p); HEED(p, f_);
		asleep[q] = 0;
		KNOW(bucket, p);
		go_on(p)
	}
}

bit locked;
byte lock; /* its view */

inline LOCK(p)
{
	atomic { !broken && !locked -> locked = 1; HEED(p, lock); go_on(p) }
}

inline UNLOCK(p)
{
	atomic { !broken; KNOW(lock, p); locked = 0 }
}

/* @p learns that @q is dead. */
inline LEARN_DEATH(p, q)
{
	atomic { !broken; f_ = 0; KNOW(f_, q); HEED(p, f_) }
}

#define OVER atomic { !broken; at_end++ }
