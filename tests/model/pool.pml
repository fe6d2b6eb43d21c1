/* SPDX-License-Identifier: MIT */
/*
 * The whole pool: words, magazines, caches of two, a depot in shards under robust locks,
 * stealing, collecting, the exit of threads, the death of processes and the daemon's pass, all at
 * once.
 *
 *	client p   busy? settle;  get: hands -> depot -> collect -> steal -> one loose block
 *	                          put: hands -> depot -> orphans -> loose;  exit: flush, owner = 0
 *	without a record          get: depot -> collect -> steal into the depot -> one loose block
 *	                          put: depot -> orphans -> loose
 *	daemon     dead p: its magazines ORPHAN, its words RECLAIMED, announce, records, slot
 *
 * It follows lib/core/{magazine,local,cache,depot,collect,steal,pass,slot} as they are. Each client is
 * a process with one thread in slot p. It gets up to OPS blocks, puts each some time, and then
 * its thread exits or stays idle, to be stolen from. Up to KILLS die, between any two stores; a
 * rebuild is in steps; after a death the daemon does the pass, and slot and record go to another
 * process (LIVES times in all). The daemon is killed up to RESTARTS times and begins the pass anew. Whoever
 * finds a lock taken waits for it; up to BUSYS times somebody gives up instead, as if its holder
 * had been stopped.
 *
 * Checked: no block is had by two; only its holder touches a magazine; at each death and at the
 * end a FREE word has its entry; nobody is stuck; and in the end every block can be had: in a
 * magazine that a shard lists (or will, when it is rebuilt) or a thread has in hand, or orphaned
 * or RECLAIMED with a collect pending.
 *
 * How it is kept small, and why that loses nothing:
 *   - An atomic is some stores that nobody else can see, and one that can be seen. Entries,
 *     counts, lists, and words FREE(m) or USED(p) are seen by m's holder, the shard's locker and
 *     p alone. So others cannot come between, but death can: MAY_DIE stands between any two of
 *     them. That only the holder is at work is asserted at the start of each run, and thieves can
 *     break that only where a run begins: no store in it is one that they look at.
 *   - A sequence is not counted. Who remembers a holder is told when it changes (loot_ok), so
 *     that his CAS fails; who remembers a thief's name likewise, when the thief dies (GONE).
 *     Sequences of collecting are kept by their differences.
 *   - The store buffer has busy = 1 and steal = 0 alone, and drains at a CAS or lock of its
 *     owner, at a thief's membarrier, and at a death. That is later than on any machine. What
 *     else is in it is looked at by nobody before one of these.
 *   - A thief sees any magazine of its victim's that has entries, not only the two that are
 *     noted.
 *   - The daemon's membarrier, which it lends, is the thief's own, or is not to be had.
 * What is not here: gifts (give.pml), waiting (wait.pml), the census (census.pml), growing (blocks
 * are born RECLAIMED, as those from M on are here), bulks, two threads in a process, a thief's
 * batch of more than one, the order in a list (by index here).
 *
 * Searched to the end, in million states: the default 0.4; -DFIFO 1.3; -DTWOHANDS -DNM=3 -DKILLS=2
 * 1.7; -DSH=2 -DBUSYS=1 1.3; -DNB=3 -DNM=4 -DSH=2 -DKILLS=2 -DBUSYS=1 12.7; -DKILLS=2 -DRESTARTS=1
 * -DFIFO 13.0; -DKILLS=2 -DBUSYS=2 15.2; -DNC=3 -DKILLS=0 15.7; -DNB=3 -DNM=3 -DKILLS=2 -DBUSYS=1
 * -DTWOHANDS 18.0; -DOPS=2 21.0; the same with -DNM=3 -DTWOHANDS 31.2; -DKILLS=3 -DLIVES=3
 * -DRESTARTS=1 88.3. Not to the end, within 6 GB: three clients and a death, more than 112.
 * -DNC=1 -DBARE=1 -DKILLS=2 -DTWOHANDS 0.8; -DNC=1 -DBARE=2 -DKILLS=0 0.6; -DBARE=1 -DKILLS=0 4.1;
 * -DFENCED=1, 2 or 3 0.4.
 *
 *	-DNB -DNM -DNC	blocks, magazines, clients (slots, records)	2 2 2
 *	-DM		capacity of a magazine	2
 *	-DSH		shards	1
 *	-DBARE -DBOPS	more clients, without a record; gets a life of each	0 1
 *	-DFENCED	clients without membarrier, a bit each: they fence in each call	0
 *	-DOPS		gets a life	1
 *	-DKILLS -DLIVES	deaths, lives begun anew	1 1
 *	-DRESTARTS -DBUSYS	the daemon's deaths, locks given up	0 0
 *	-DTWOHANDS	client 0 begins with two magazines of a block each, not one of both
 *	-DFIFO		store buffers as they are: all of busy and steal, in order, seen at any time
 *	-DANYREC	a thread claims any free record, not only that of its slot's number
 * Broken on purpose, each found:
 *	-DNOBARRIER	a thief does without the membarrier
 *	-DNOFENCE	one of -DFENCED does not fence: no membarrier reaches it
 *	-DBLINDTHIEF	one of -DFENCED takes from owners that do not fence, and borrows no barrier
 *	-DSAMENAME	all thieves without a record have one name
 *	-DROBUNLOCKED	a thief without a record takes into the depot without the lock
 *	-DNOSETTLE	an owner that is announced to clears steal, and that is all
 *	-DNORECHECK	a thief does not look at steal again
 *	-DNOSEQ		a holder has no sequence
 *	-DNOBUSY	a thief does not look at busy
 *	-DCLEARS	a thief clears steal when it has done
 *	-DEARLYSLOT	another process gets the slot before the pass is over
 *	-DEARLYRECORD	the record is freed before its magazines are orphaned
 *	-DOWNERFIRST	at a thread's exit its record is freed before its magazines have gone
 *	-DNOREBUILD	a lock whose owner died is taken as it is
 *	-DNOTAG		a FREE word does not say which magazine
 *	-DNOCLAIM	a collector stores where it should CAS
 *	-DSEQLAST	a collector reads reclaim_seq after its walk
 *	-DANNOUNCEFIRST	the pass announces before it has left anything
 *	-DNOANNOUNCE	a put that leaves a block loose does not say so
 *	-DWORDFIRST	put stores the word before entry and count
 *	-DCOUNTFIRST	get lowers the count before the word is stored
 */
#ifndef NB
#define NB 2
#endif
#ifndef NM
#define NM 2
#endif
#ifndef NC
#define NC 2
#endif
#ifndef M
#define M 2
#endif
#ifndef SH
#define SH 1
#endif
#ifndef OPS
#define OPS 1
#endif
#ifndef BARE
#define BARE 0
#endif
#ifndef BOPS
#define BOPS 1
#endif
#ifndef FENCED
#define FENCED 0
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef LIVES
#define LIVES 1
#endif
#ifndef RESTARTS
#define RESTARTS 0
#endif
#ifndef BUSYS
#define BUSYS 0
#endif

#define NP (NC + BARE)
#define NONE 15

/* Words: FREE(m) is m. */
#define USED(p) (16 + (p))
#define RECLAIMED 24
#ifdef NOTAG
#define FREE(m) 0
#else
#define FREE(m) (m)
#endif

/* Holders. */
#define DEPOT(s) (s)
#define ORPHAN 2
#define CACHE(r) (3 + (r))

byte word[NB], entry[NM * M], count[NM], holder[NM];
byte lock[SH];             /* client + 1 */
bit odd[SH];               /* its last owner died with it */
bit listed[SH * NM];       /* on the list of its count */
byte owner[NC];            /* of a record: client + 1 */
bit busy[NP], late_busy[NP];
byte steal[NP];            /* a thief's name */
bit late_clear[NP];
byte reclaim_seq, collected_seq;

/* What a client has in its own memory, and others are told of. */
byte loaded[NP], previous[NP];
byte loot[NP]; bit loot_ok[NP];
byte seen[NP];             /* of reclaim_seq */

bit dead[NP], vacant[NP], over[NP];
byte n_kills, n_lives, n_restarts, n_busy;
byte app[NB];              /* ghost: the client + 1 whose application has the block */

#ifdef SAMENAME
#define NAME (p < NC -> p + 1 : NC + 1)
#else
#define NAME (p + 1)
#endif
#define GONE 9
#define IS_FENCED(p) ((FENCED >> (p)) & 1)
#define PENDING (reclaim_seq != collected_seq)
#define MAY_DIE if :: n_kills < KILLS -> n_kills++; goto died :: true fi
#define IS_VALID(m, b) (word[b] == FREE(m))
#define COUNT(m) (m == NONE -> 0 : count[m])
#define ROOM(m) (m == NONE -> 0 : M - count[m])

/* In a macro each, as an inline's arguments would be evaluated again. */
inline set_holder(magazine, new)
{
	d_step {
		holder[magazine] = new;
#ifndef NOSEQ
		x = 0;
		do
		:: x < NP ->
			if :: loot[x] == magazine -> loot_ok[x] = 0 :: else fi;
			x++
		:: else -> x = 0; break
		od
#endif
	}
}

#ifdef FIFO
chan buffer[NP] = [6] of { byte };

inline drain_one(record)
{
	buffer[record]?x;
	if
	:: x == 1 -> busy[record] = 1
	:: x == 2 -> busy[record] = 0
	:: x == 3 -> steal[record] = 0
	fi;
	x = 0
}

inline drain(record)
{
	d_step {
		do
		:: nempty(buffer[record]) -> drain_one(record)
		:: empty(buffer[record]) -> break
		od
	}
}

active proctype Memory()
{
	byte x;

end:	do
	:: atomic { nempty(buffer[0]) -> drain_one(0) }
#if NC > 1
	:: atomic { nempty(buffer[1]) -> drain_one(1) }
#endif
	od
}

#define HAS_CLEARED buffer[r]??[3]
#define STORE_BUSY nfull(buffer[r]); buffer[r]!1
#define STORE_IDLE nfull(buffer[r]); buffer[r]!2
#define STORE_CLEAR nfull(buffer[r]); buffer[r]!3
#else
#define HAS_CLEARED late_clear[r]
#define STORE_BUSY late_busy[r] = 1
#define STORE_IDLE drain(r); busy[r] = 0
#define STORE_CLEAR late_clear[r] = 1

inline drain(record)
{
	d_step {
		if :: late_clear[record] -> steal[record] = 0; late_clear[record] = 0 :: else fi;
		if :: late_busy[record] -> busy[record] = 1; late_busy[record] = 0 :: else fi
	}
}
#endif

/* Differences are kept, and the smallest is 0. */
inline normalise()
{
	d_step {
		y = collected_seq;
		x = 0;
		do
		:: x < NP -> if :: seen[x] < y -> y = seen[x] :: else fi; x++
		:: else -> break
		od;
		x = 0;
		do
		:: x < NP -> if :: seen[x] != NONE -> seen[x] = seen[x] - y :: else fi; x++
		:: else -> break
		od;
		collected_seq = collected_seq - y;
		reclaim_seq = reclaim_seq - y;
		x = 0; y = 0
	}
}

/* ---- under a lock: insert, rebuild ---- */

#define IS_PARTIAL(m) (count[m] > 0 && count[m] < M)

inline insert(shard, magazine)
{
	o = NONE;
	if
	:: IS_PARTIAL(magazine) ->
		d_step {
			x = 0;
			do
			:: x < NM ->
				if
				:: listed[(shard) * NM + x] && x != magazine && IS_PARTIAL(x) &&
					o == NONE -> o = x
				:: else
				fi;
				x++
			:: else -> x = 0; break
			od
		}
	:: else
	fi;
	do
	:: o != NONE && count[magazine] > 0 && count[o] < M ->
		e = entry[magazine * M + count[magazine] - 1];
		if
		:: IS_VALID(magazine, e) ->
			entry[o * M + count[o]] = e;
			MAY_DIE;
			count[o]++;
			MAY_DIE;
			word[e] = FREE(o);
			MAY_DIE
		:: else
		fi;
		e = 0;
		count[magazine]--;
		MAY_DIE
	:: else -> break
	od;
	o = 0;
	listed[(shard) * NM + magazine] = 1;
	MAY_DIE
}

inline trim(magazine)
{
	d_step {
		do
		:: count[magazine] > 0 &&
			!IS_VALID(magazine, entry[magazine * M + count[magazine] - 1]) ->
			count[magazine]--
		:: else -> break
		od
	}
	MAY_DIE
}

/* In an atomic of its own caller: the lock of shard s, and the shard in order. */
inline got_lock()
{
	lock[s] = p + 1;
	drain(r);
	MAY_DIE;
#ifndef NOREBUILD
	if
	:: odd[s] ->
		d_step {
			x = 0;
			do
			:: x < NM -> listed[s * NM + x] = 0; x++
			:: else -> x = 0; break
			od
		}
		MAY_DIE;
		w = 0;
		do
		:: w < NM ->
			if
			:: holder[w] == DEPOT(s) -> trim(w); insert(s, w)
			:: else
			fi;
			w++
		:: else -> w = 0; break
		od;
		odd[s] = 0;
		MAY_DIE
	:: else
	fi
#else
	odd[s] = 0
#endif
}

/* The shard that is tried after @tried others. */
#define TRY_SHARD s = (r + tried) % SH

/* Previous for another: with entries (want = 0) or room. Sets had. */
inline exchange(want)
{
	had = 0;
	do
	:: tried < SH && !had ->
		atomic {
			TRY_SHARD;
			if
			:: lock[s] == 0 ->
				got_lock();
				d_step {
					m = NONE;
					x = 0;
					do
					:: x < NM ->
						if
						:: listed[s * NM + x] && holder[x] == DEPOT(s) &&
							count[x] == (want -> 0 : M) && m == NONE ->
							m = x
						:: else
						fi;
						x++
					:: else -> x = 0; break
					od;
					do
					:: x < NM ->
						if
						:: listed[s * NM + x] && holder[x] == DEPOT(s) &&
							IS_PARTIAL(x) && m == NONE -> m = x
						:: else
						fi;
						x++
					:: else -> x = 0; break
					od
				}
				if
				:: m == NONE -> lock[s] = 0; tried++
				:: else ->
					had = 1;
					set_holder(m, CACHE(r));
					MAY_DIE
				fi
			:: n_busy < BUSYS -> n_busy++; tried++
			:: n_kills < KILLS -> n_kills++; goto died
			fi
		}
		if
		:: had ->
			atomic {
				MAY_DIE;
				listed[s * NM + m] = 0;
				MAY_DIE;
				if
				:: previous[p] != NONE && holder[previous[p]] == CACHE(r) ->
					set_holder(previous[p], DEPOT(s));
					MAY_DIE
				:: else -> previous[p] = NONE
				fi
			}
			atomic {
				if
				:: previous[p] != NONE -> insert(s, previous[p])
				:: else -> MAY_DIE
				fi;
				lock[s] = 0;
				previous[p] = m;
				m = 0
			}
		:: else
		fi
	:: else -> break
	od;
	atomic { tried = 0; s = 0; m = 0 }
}

inline swap()
{
	d_step { x = loaded[p]; loaded[p] = previous[p]; previous[p] = x; x = 0 }
}

/* The hand's magazine to the depot, or to nobody. */
inline give_back(hand)
{
	if
	:: hand != NONE ->
		atomic { m = hand; hand = NONE; had = 0 }
		do
		:: tried < SH && !had ->
			atomic {
				TRY_SHARD;
				if
				:: lock[s] == 0 ->
					got_lock();
					had = 1;
					if
					:: holder[m] == CACHE(r) ->
						set_holder(m, DEPOT(s));
						MAY_DIE;
						insert(s, m)
					:: else
					fi;
					lock[s] = 0;
					MAY_DIE
				:: n_busy < BUSYS -> n_busy++; tried++
				:: n_kills < KILLS -> n_kills++; goto died
				fi
			}
		:: else -> break
		od;
		if
		:: had
		:: else ->
			atomic {
				MAY_DIE;
				if
				:: holder[m] == CACHE(r) ->
					drain(r); set_holder(m, ORPHAN); had = 1
				:: else
				fi
			}
			if
			:: had -> atomic { MAY_DIE; reclaim_seq++; normalise() }
			:: else
			fi
		fi;
		atomic { tried = 0; s = 0; m = 0; had = 0 }
	:: else
	fi
}

/* ---- entering and leaving a call ---- */

inline settle_hand(hand)
{
#ifdef NOSETTLE
	skip
#else
	atomic {
		MAY_DIE;
		if
		:: hand != NONE ->
			if
			:: holder[hand] == CACHE(r) -> drain(r); set_holder(hand, CACHE(r))
			:: else -> hand = NONE
			fi
		:: else
		fi
	}
#endif
}

inline enter()
{
	atomic { MAY_DIE; STORE_BUSY }
#if FENCED && !defined(NOFENCE)
	if
	:: atomic { IS_FENCED(p) -> MAY_DIE; drain(r) }
	:: !IS_FENCED(p)
	fi;
#endif
	atomic {
		MAY_DIE;
		announced = (steal[r] != 0 && !HAS_CLEARED)
	}
	if
	:: announced ->
		settle_hand(loaded[p]);
		settle_hand(previous[p]);
		atomic { MAY_DIE; STORE_CLEAR; announced = 0 }
	:: else
	fi
}

/* A release: steal = 0 comes before it. A busy = 1 that is still in the buffer is never seen. */
inline leave()
{
	atomic { MAY_DIE; STORE_IDLE }
}

#define IS_MINE(m) assert(holder[m] == CACHE(r) && owner[r] == p + 1)

inline push(block)
{
	IS_MINE(loaded[p]);
	assert(app[block] == 0 || app[block] == p + 1);
	app[block] = 0;
#ifdef WORDFIRST
	word[block] = FREE(loaded[p]);
	MAY_DIE;
#endif
	entry[loaded[p] * M + count[loaded[p]]] = block;
	MAY_DIE;
	count[loaded[p]]++;
	MAY_DIE;
	word[block] = FREE(loaded[p]);
	MAY_DIE
}

/* Out of the loaded magazine; sets b, NONE if it was empty but for leftovers. */
inline pop()
{
	IS_MINE(loaded[p]);
	b = NONE;
	do
	:: b == NONE && count[loaded[p]] > 0 ->
		e = entry[loaded[p] * M + count[loaded[p]] - 1];
		if
		:: IS_VALID(loaded[p], e) ->
#ifdef COUNTFIRST
			count[loaded[p]]--;
			MAY_DIE;
#endif
			b = e; word[e] = USED(p);
			assert(app[e] == 0);
			app[e] = p + 1;
#ifdef COUNTFIRST
			count[loaded[p]]++
#endif
		:: else
		fi;
		MAY_DIE;
		count[loaded[p]]--;
		MAY_DIE
	:: else -> break
	od;
	e = 0
}

/* Sets had. */
inline make_room()
{
	had = 1;
	if
	:: ROOM(loaded[p]) > 0
	:: else ->
		if
		:: ROOM(previous[p]) == 0 -> exchange(1)
		:: else
		fi;
		if
		:: had -> swap()
		:: else
		fi
	fi
}

/* ---- collecting ---- */

/* Sets had: all were brought in. */
inline collect_orphans()
{
	had = 1;
	i = 0;
	do
	:: atomic { i < NM && holder[i] != ORPHAN -> i++ }
	:: atomic {
		i < NM && holder[i] == ORPHAN ->
		TRY_SHARD;
		if
		:: lock[s] == 0 ->
			got_lock();
			if
			:: holder[i] == ORPHAN ->
				set_holder(i, DEPOT(s));
				MAY_DIE;
				trim(i);
				insert(s, i)
			:: else
			fi;
			lock[s] = 0;
			MAY_DIE;
			tried = 0; i++
		:: n_busy < BUSYS -> n_busy++; tried++;
			if
			:: tried == SH -> had = 0; break
			:: else
			fi
		:: n_kills < KILLS -> n_kills++; goto died
		fi
	}
	:: i == NM -> break
	od;
	atomic { i = 0; s = 0; tried = 0 }
}

inline collect()
{
#ifndef SEQLAST
	atomic { MAY_DIE; seen[p] = reclaim_seq }
#endif
	collect_orphans();
	if
	:: had ->
		do
		:: atomic { i < NB && word[i] != RECLAIMED -> i++ }
		:: i < NB && word[i] == RECLAIMED ->
			make_room();
			if
			:: !had -> break
			:: else
			fi;
#ifdef NOCLAIM
			atomic { MAY_DIE; drain(r); b = i; word[i] = USED(p) }
#else
			atomic {
				MAY_DIE;
				drain(r);
				if
				:: word[i] == RECLAIMED -> word[i] = USED(p); b = i
				:: else -> b = NONE
				fi
			}
#endif
			if
			:: b != NONE -> atomic { MAY_DIE; push(b) }
			:: else
			fi;
			atomic { b = NONE; i++ }
		:: i == NB -> break
		od
	:: else
	fi;
#ifdef SEQLAST
	seen[p] = reclaim_seq;
#endif
	if
	:: had -> atomic { MAY_DIE; collected_seq = seen[p]; seen[p] = NONE; normalise() }
	:: else -> atomic { seen[p] = NONE; normalise() }
	fi;
	atomic { i = 0; had = 0; b = NONE }
}

/* ---- stealing ---- */

/* What the victim v has that is worth it; the last of them counts. */
inline find_loot()
{
	atomic {
		MAY_DIE;
		d_step {
			x = 0;
			do
			:: x < NM ->
				if
				:: owner[v] != 0 && holder[x] == CACHE(v) && count[x] > 0 ->
					loot[p] = x; loot_ok[p] = 1
				:: else
				fi;
				x++
			:: else -> x = 0; break
			od
		}
	}
}

inline drain_all()
{
	d_step {
		w = 0;
		do
		:: w < NC ->
			/* One that fences has not registered: no membarrier reaches it. */
			if :: !IS_FENCED(w) -> drain(w) :: else fi;
			w++
		:: else -> w = 0; break
		od
	}
}

/* The thief's membarrier. One that has none may have the daemon's, or its own fence alone. */
inline barrier()
{
#if FENCED
	atomic {
		MAY_DIE;
		if
		:: !IS_FENCED(p) -> drain_all(); reaches = 1
#ifdef BLINDTHIEF
		:: IS_FENCED(p) -> reaches = 1
#else
		:: IS_FENCED(p) -> drain_all(); reaches = 1
		:: IS_FENCED(p)
#endif
		fi
	}
#elif !defined(NOBARRIER)
	atomic { MAY_DIE; drain_all() }
#else
	skip
#endif
}

/* There is loot. Sets had: it is safe to take. */
inline announce()
{
	atomic { MAY_DIE; steal[v] = NAME }
	barrier();
#ifdef NOBUSY
	had = 1;
#else
	atomic { MAY_DIE; had = !busy[v] }
#endif
#if FENCED
	d_step { had = had && (reaches || IS_FENCED(v)); reaches = 0 }
#endif
	if
	:: had ->
#ifndef NORECHECK
		atomic { MAY_DIE; had = (steal[v] == NAME) }
#endif
	:: else
	fi
}

/* Sets m to what was stolen, or NONE. */
inline steal_one()
{
	atomic { v = (r + 1) % NC; m = NONE }
	do
	:: v != r ->
		find_loot();
		if
		:: loot[p] != NONE ->
			announce();
			atomic {
				MAY_DIE;
				if
				:: had && loot_ok[p] && holder[loot[p]] == CACHE(v) ->
					m = loot[p];
					set_holder(loot[p], CACHE(r))
				:: else
				fi;
				loot[p] = NONE; loot_ok[p] = 0; had = 0
			}
#ifdef CLEARS
			steal[v] = 0;
#endif
		:: else
		fi;
		if
		:: m != NONE -> break
		:: else -> v = (v + 1) % NC
		fi
	:: else -> break
	od;
	v = 0
}

/* ---- a client ---- */

inline get()
{
	enter();
	phase = 0;
	b = NONE;
	do
	:: COUNT(loaded[p]) > 0 ->
		atomic {
			MAY_DIE;
			pop();
			if :: b != NONE -> break :: else fi
		}
	:: COUNT(loaded[p]) == 0 && COUNT(previous[p]) > 0 -> swap()
	:: COUNT(loaded[p]) == 0 && COUNT(previous[p]) == 0 ->
		exchange(0);
		if
		:: had -> had = 0
		:: else ->
			if
			:: phase == 0 ->
				phase = 1;
				if
				:: PENDING -> collect()
				:: else -> phase = 2
				fi
			:: else -> phase = 2
			fi;
			if
			:: phase == 2 ->
				steal_one();
				if
				:: m != NONE ->
					atomic { MAY_DIE; taken = m; m = 0 }
					give_back(previous[p]);
					atomic { previous[p] = taken; taken = 0 }
				:: else -> m = 0; phase = 3
				fi
			:: else
			fi;
			if
			:: phase == 3 ->
				if
				:: PENDING ->
					do
					:: atomic { i < NB && word[i] != RECLAIMED -> i++ }
					:: atomic {
						i < NB && word[i] == RECLAIMED ->
						MAY_DIE;
						drain(r);
						word[i] = USED(p);
						assert(app[i] == 0);
						app[i] = p + 1;
						b = i; i = NB }
					:: i == NB -> break
					od;
					i = 0
				:: else
				fi;
				break
			:: else
			fi
		fi
	od;
	leave();
	atomic { phase = 0; b = NONE; had = 0 }
}

/* Block b, which is ours. */
inline put()
{
	atomic { app[b] = 0; assert(word[b] == USED(p)) }
	enter();
	do
	:: make_room();
		if
		:: had -> atomic { MAY_DIE; push(b) } break
		:: else ->
			if
			:: phase == 0 && PENDING -> phase = 1; collect_orphans()
			:: else ->
				atomic { MAY_DIE; drain(r); assert(word[b] == USED(p));
					word[b] = RECLAIMED }
#ifndef NOANNOUNCE
				atomic { MAY_DIE; reclaim_seq++; normalise() }
#endif
				break
			fi
		fi
	od;
	leave();
	atomic { phase = 0; b = NONE; had = 0 }
}

inline exit()
{
	enter();
#ifdef OWNERFIRST
	atomic { MAY_DIE; owner[r] = 0 }
	give_back(loaded[p]);
	give_back(previous[p]);
	leave();
#else
	give_back(loaded[p]);
	give_back(previous[p]);
	leave();
	atomic { MAY_DIE; drain(r); owner[r] = 0 }
#endif
}

/* A FREE word has its entry. */
inline check()
{
	d_step {
		x = 0;
		do
		:: x < NB ->
			if
			:: word[x] < USED(0) ->
				y = 0;
				do
				:: y < M ->
					if
					:: entry[word[x] * M + y] == x &&
						y < count[word[x]] -> break
					:: else -> y++
					fi
				:: else -> break
				od;
				assert(y < M)
			:: else
			fi;
			x++
		:: else -> x = 0; y = 0; break
		od
	}
}

inline die()
{
	atomic {
		drain(r);
		d_step {
			x = 0;
			do
			:: x < SH ->
				if :: lock[x] == p + 1 -> lock[x] = 0; odd[x] = 1 :: else fi;
				x++
			:: else -> break
			od;
			x = 0;
			do
			:: x < NB -> if :: app[x] == p + 1 -> app[x] = 0 :: else fi; x++
			:: else -> break
			od;
			x = 0;
#ifndef SAMENAME
			do
			:: x < NC -> if :: steal[x] == NAME -> steal[x] = GONE :: else fi; x++
			:: else -> break
			od;
#endif
			x = 0
		}
		loaded[p] = NONE; previous[p] = NONE; loot[p] = NONE; loot_ok[p] = 0;
		seen[p] = NONE;
		normalise();
		r = p; b = NONE; e = 0; m = 0; o = 0; s = 0; i = 0; v = 0; w = 0; n = 0; phase = 0;
		taken = 0; tried = 0; had = 0; announced = 0; y = 0; reaches = 0;
		check();
		dead[p] = 1
	}
}

proctype Client(byte p)
{
	byte r = p, b = NONE, e, m, o, s, i, v, w, x, y, n, phase, taken, tried;
	bit had, announced, reaches;

	if
	:: p == 0 -> goto work /* has begun already */
	:: else
	fi;
life:
	/* A record. */
#ifdef ANYREC
	if
	:: atomic { owner[0] == 0 -> r = 0; MAY_DIE; owner[0] = p + 1 }
	:: atomic { owner[1] == 0 -> r = 1; MAY_DIE; owner[1] = p + 1 }
	fi;
#else
	atomic { owner[p] == 0 -> r = p; MAY_DIE; owner[p] = p + 1 }
#endif
	atomic { MAY_DIE; STORE_CLEAR; STORE_IDLE }
work:	do
	:: n < OPS -> n++; get()
	:: atomic {
		b = 0;
		do
		:: b < NB && app[b] == p + 1 -> break
		:: b < NB && app[b] == p + 1 -> b++
		:: b < NB && app[b] != p + 1 -> b++
		:: b == NB -> break
		od
	   }
		if
		:: b < NB -> put()
		:: else ->
			b = NONE;
			if
			:: n == OPS ->
				d_step {
					x = 0;
					do
					:: x < NB && app[x] != p + 1 -> x++
					:: else -> y = x; x = 0; break
					od
				}
				if
				:: y == NB -> y = 0; break
				:: else -> y = 0
				fi
			:: else
			fi
		fi
	od;
	if
	:: exit()
	:: true
	fi;
	atomic { n = 0; over[p] = 1; goto end }
died:	die();
	atomic {
		vacant[p];
		if
		:: n_lives < LIVES -> vacant[p] = 0; n_lives++
		:: else -> over[p] = 1; goto end
		fi
	}
	goto life;
end:	skip
}

#if BARE
/* ---- a client without a record ---- */

/* Pops a block of a magazine on a list; sets b, NONE if it was empty but for leftovers. */
inline bare_pop()
{
	b = NONE;
	do
	:: b == NONE && count[m] > 0 ->
		e = entry[m * M + count[m] - 1];
		if
		:: IS_VALID(m, e) -> b = e; word[e] = USED(p); assert(app[e] == 0); app[e] = p + 1
		:: else
		fi;
		MAY_DIE;
		count[m]--;
		MAY_DIE
	:: else -> break
	od;
	e = 0
}

/* The magazine, which has another count now, goes to the list for that. */
inline refile()
{
	listed[s * NM + m] = 0;
	MAY_DIE;
	listed[s * NM + m] = 1;
	MAY_DIE
}

/* Of shard s: partial, else full (empty = 0) or empty. Sets m. */
inline bare_find(want)
{
	d_step {
		m = NONE;
		x = 0;
		do
		:: x < NM ->
			if
			:: listed[s * NM + x] && holder[x] == DEPOT(s) && m == NONE &&
				count[x] == (want -> 0 : M) -> m = x
			:: listed[s * NM + x] && holder[x] == DEPOT(s) && IS_PARTIAL(x) -> m = x
			:: else
			fi;
			x++
		:: else -> x = 0; break
		od
	}
}

/* Gets block b out of a shard. Sets had. */
inline bare_get()
{
	had = 0;
	b = NONE;
	do
	:: tried < SH && !had ->
		atomic {
			TRY_SHARD;
			if
			:: lock[s] == 0 ->
				got_lock();
				do
				:: b == NONE ->
					bare_find(0);
					if
					:: m == NONE -> break
					:: else -> bare_pop(); refile()
					fi
				:: else -> had = 1; break
				od;
				lock[s] = 0; tried++;
				m = 0
			:: n_busy < BUSYS -> n_busy++; tried++
			:: n_kills < KILLS -> n_kills++; goto died
			fi
		}
	:: else -> break
	od;
	atomic { tried = 0; s = 0 }
}

/* Block b, which is ours. Sets had. */
inline bare_put()
{
	had = 0;
	do
	:: tried < SH && !had ->
		atomic {
			TRY_SHARD;
			if
			:: lock[s] == 0 ->
				got_lock();
				bare_find(1);
				if
				:: m != NONE ->
					assert(app[b] == 0 || app[b] == p + 1);
					app[b] = 0;
					entry[m * M + count[m]] = b;
					MAY_DIE;
					count[m]++;
					MAY_DIE;
					word[b] = FREE(m);
					MAY_DIE;
					refile();
					had = 1
				:: else
				fi;
				lock[s] = 0; tried++;
				m = 0
			:: n_busy < BUSYS -> n_busy++; tried++
			:: n_kills < KILLS -> n_kills++; goto died
			fi
		}
	:: else -> break
	od;
	atomic { tried = 0; s = 0 }
}

inline bare_leave_loose()
{
	atomic { MAY_DIE; assert(word[b] == USED(p)); word[b] = RECLAIMED }
	atomic { MAY_DIE; reclaim_seq++; normalise() }
}

inline bare_collect()
{
	atomic { MAY_DIE; seen[p] = reclaim_seq }
	collect_orphans();
	if
	:: had ->
		do
		:: atomic { i < NB && word[i] != RECLAIMED -> i++ }
		:: atomic {
			i < NB && word[i] == RECLAIMED ->
			MAY_DIE;
			word[i] = USED(p);
			b = i
		   }
			bare_put();
			if
			:: had -> i++
			:: else -> bare_leave_loose(); break
			fi
		:: i == NB -> had = 1; break
		od
	:: else
	fi;
	if
	:: had -> atomic { MAY_DIE; collected_seq = seen[p]; seen[p] = NONE; normalise() }
	:: else -> atomic { seen[p] = NONE; normalise() }
	fi;
	atomic { i = 0; had = 0; b = NONE }
}

/* The loot to the depot. Sets had. */
inline rob()
{
	had = 0;
#ifdef ROBUNLOCKED
	atomic {
		MAY_DIE;
		if
		:: loot_ok[p] && holder[loot[p]] == CACHE(v) -> set_holder(loot[p], DEPOT(0)); had = 1
		:: else
		fi
	}
	atomic {
		MAY_DIE;
		if
		:: had -> insert(0, loot[p])
		:: else
		fi
	}
#else
	do
	:: tried < SH ->
		atomic {
			TRY_SHARD;
			if
			:: lock[s] == 0 ->
				got_lock();
				if
				:: loot_ok[p] && holder[loot[p]] == CACHE(v) ->
					m = loot[p];
					set_holder(m, DEPOT(s));
					MAY_DIE;
					insert(s, m);
					m = 0;
					had = 1
				:: else
				fi;
				lock[s] = 0;
				tried = SH;
				MAY_DIE
			:: n_busy < BUSYS -> n_busy++; tried++
			:: n_kills < KILLS -> n_kills++; goto died
			fi
		}
	:: else -> break
	od;
#endif
	atomic { tried = 0; s = 0 }
}

/* Sets had. */
inline steal_into_depot()
{
	v = 0;
	do
	:: v < NC ->
		find_loot();
		if
		:: loot[p] != NONE ->
			announce();
			if
			:: had -> rob()
			:: else
			fi;
			atomic { loot[p] = NONE; loot_ok[p] = 0 }
			if
			:: had -> break
			:: else
			fi
		:: else
		fi;
		v++
	:: else -> had = 0; break
	od;
	v = 0
}

proctype Bare(byte p)
{
	byte r = p, b = NONE, e, m, o, s, i, v, w, x, y, n, phase, taken, tried;
	bit had, announced, reaches;

life:	do
	:: n < BOPS ->
		n++;
		bare_get();
		if
		:: !had && PENDING -> bare_collect(); bare_get()
		:: else
		fi;
		do
		:: !had ->
			steal_into_depot();
			if
			:: had -> bare_get()
			:: else -> break
			fi
		:: else -> break
		od;
		if
		:: had || !PENDING
		:: !had && PENDING ->
			do
			:: atomic { i < NB && word[i] != RECLAIMED -> i++ }
			:: atomic {
				i < NB && word[i] == RECLAIMED ->
				MAY_DIE;
				word[i] = USED(p);
				assert(app[i] == 0);
				app[i] = p + 1;
				b = i; i = NB; had = 1 }
			:: i == NB -> break
			od;
			i = 0
		fi;
		if
		:: b != NONE ->
			atomic { app[b] = 0; assert(word[b] == USED(p)) }
			bare_put();
			if
			:: !had && PENDING -> collect_orphans(); bare_put()
			:: else
			fi;
			if
			:: !had -> bare_leave_loose()
			:: else
			fi
		:: else
		fi;
		atomic { b = NONE; had = 0 }
	:: else -> break
	od;
	atomic { n = 0; over[p] = 1; goto end }
died:	die();
	atomic {
		vacant[p];
		if
		:: n_lives < LIVES -> vacant[p] = 0; n_lives++
		:: else -> over[p] = 1; goto end
		fi
	}
	goto life;
end:	skip
}
#endif

/* ---- the daemon ---- */

#define MAY_RESTART if :: n_restarts < RESTARTS -> n_restarts++; i = 0; goto again :: true fi

inline orphans()
{
	do
	:: atomic {
		do
		:: i < NM && !(holder[i] >= CACHE(0) && owner[holder[i] - CACHE(0)] == q + 1) -> i++
		:: else -> break
		od;
		if
		:: i == NM -> i = 0; break
		:: else -> set_holder(i, ORPHAN); MAY_RESTART
		fi
	   }
	od
}

inline records()
{
	do
	:: i < NC && owner[i] == q + 1 -> atomic { owner[i] = 0; i++; MAY_RESTART }
	:: i < NC && owner[i] != q + 1 -> i++
	:: i == NC -> i = 0; break
	od
}

active proctype Daemon()
{
	byte q, i, x, y;

end:	if
	:: atomic { dead[0] -> q = 0 }
#if NP > 1
	:: atomic { dead[1] -> q = 1 }
#endif
#if NP > 2
	:: atomic { dead[2] -> q = 2 }
#endif
	fi;
again:
#ifdef EARLYSLOT
	vacant[q] = 1;
#endif
#ifdef EARLYRECORD
	records();
#endif
#ifdef ANNOUNCEFIRST
	atomic { reclaim_seq++; normalise() }
#endif
	orphans();
	do
	:: atomic {
		do
		:: i < NB && word[i] != USED(q) -> i++
		:: else -> break
		od;
		if
		:: i == NB -> i = 0; break
		:: else -> word[i] = RECLAIMED; MAY_RESTART
		fi
	   }
	od;
#ifndef ANNOUNCEFIRST
	atomic { reclaim_seq++; normalise(); MAY_RESTART }
#endif
	records();
	atomic { dead[q] = 0; vacant[q] = 1; q = 0 }
	goto end
}

/* ---- the beginning, and the end ---- */

init {
	byte i, x, y;

	atomic {
		for (i : 0 .. NP - 1) {
			loaded[i] = NONE; previous[i] = NONE; loot[i] = NONE; seen[i] = NONE
		}
		/* Client 0 is idle with the first blocks; the others are left; all else is empty. */
		for (i : 0 .. NM - 1) { holder[i] = DEPOT(i % SH); listed[(i % SH) * NM + i] = 1 }
		for (i : 0 .. NB - 1) { word[i] = (i < M -> FREE(0) : RECLAIMED) }
		owner[0] = 1;
		loaded[0] = 0; holder[0] = CACHE(0); listed[0] = 0;
#ifdef TWOHANDS
		previous[0] = 1; holder[1] = CACHE(0); listed[(1 % SH) * NM + 1] = 0;
		count[0] = 1; entry[0] = 0;
		count[1] = 1; entry[M] = 1; word[1] = FREE(1);
		reclaim_seq = (NB > 2);
#else
		count[0] = M;
		for (i : 0 .. M - 1) { entry[i] = i }
		reclaim_seq = (NB > M);
#endif
		i = 0;
		do
		:: i < NC -> run Client(i); i++
		:: i >= NC && i < NP ->
#if BARE
			run Bare(i);
#endif
			i++
		:: i == NP -> i = 0; break
		od
	}
	(over[0] && !dead[0]
#if NP > 1
	 && over[1] && !dead[1]
#endif
#if NP > 2
	 && over[2] && !dead[2]
#endif
	);
	check();
	d_step {
		/* Each magazine is where it will be found. */
		for (i : 0 .. NM - 1) {
			if
			:: holder[i] == ORPHAN -> assert(PENDING)
			:: holder[i] < ORPHAN ->
				assert(odd[holder[i]] || listed[holder[i] * NM + i])
			:: else ->
				x = owner[holder[i] - CACHE(0)];
				assert(x > 0);
				assert(loaded[x - 1] == i || previous[x - 1] == i)
			fi
		}
		for (i : 0 .. NB - 1) {
			assert(app[i] == 0);
			if
			:: word[i] == RECLAIMED -> assert(PENDING)
			:: else -> assert(word[i] < NM)
			fi
		}
	}
}
