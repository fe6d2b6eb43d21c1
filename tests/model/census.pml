/* SPDX-License-Identifier: MIT */
/*
 * A census beside two clients at work: that it finds no free block only when none was free.
 *
 *	census    look: reclaim_seq, the shard, each record; look again; the same, and no block?
 *	client p  get: hands -> depot -> collect -> steal -> one loose block
 *	          put: hands -> depot -> loose;  flush: hands -> depot
 *
 * It follows lib/core/{census,cache,local,depot,steal,collect,pass} as they are: each load of the
 * census and each store that it looks at is a step, in the order of the code. The clients go on for
 * ever, and may stop for ever at any step. Up to KILLS of them die between any two; who next locks
 * the shard repairs it; and the daemon does its pass, some time or never. The census runs once,
 * at any time.
 *
 * Checked when it answers that there is none: at the moment between its two looks no block was
 * free, so there was such a moment since it began. A block is free when its word is FREE(m), or
 * RECLAIMED and announced; what a collector has brought in last counts as got by its own get.
 *
 * How it is kept small, and why that loses nothing:
 *   - A counter is not counted: what the first look has read stays as it is until the second has
 *     compared it (read), as a client that is to raise it waits. Counters only rise, so a run in
 *     which it does not wait ends in another answer. So with the sequence of a holder.
 *   - What pool.pml verifies is taken for granted: a thief's CAS comes while the owner is in no
 *     call, or has not settled in it; and a lock is had by one.
 *   - The lists of the shard are not there: who has the lock finds magazines by their holders.
 *   - Stores are seen in their order, as a processor of this kind shows them; see atomic.h.
 * What is not here: merging (under the lock), bulks, more than one shard, records that change
 * their owner, the daemon's death.
 *
 * Searched to the end, in million states: the default 2.6; -DKILLS=1 15.0; -DLOOSE=1 -DNM=1 4.1; -DKILLS=1 -DPASS
 * -DNM=1 19.5.
 *
 *	-DNB -DNM -DM	blocks, magazines, capacity	1 2 1
 *	-DKILLS		deaths, 0 or 1	0
 *	-DPASS		after the death, the daemon's pass
 *	-DLOOSE		puts may leave a block RECLAIMED so many times	0
 * Broken on purpose, each found:
 *	-DONELOOK	the answer of the first look is taken
 *	-DBEFOREONLY	gets and puts are read only before the entries
 *	-DAFTERONLY	gets and puts are read only after the entries
 *	-DLATENOTE	an exchange notes its magazine after the shard's lock is free
 *	-DNOTAKING	it does not note it before it has it; with -DKILLS=1
 *	-DEARLYUNNOTE	a flush notes that it has the magazine no more, and then gives it
 *	-DTHIEFLATE	a thief notes the magazine after its CAS
 *	-DSPLITSWAP	a swap notes one hand after the other; with -DNB=2
 *	-DNOCHANGES	a shard's changes stay as they are
 *	-DHANDSFIRST	hands are read before gets and puts
 *	-DNOHOLDER	the looks do not compare the holders of what is noted
 */
#ifndef NB
#define NB 1
#endif
#ifndef NM
#define NM 2
#endif
#ifndef M
#define M 1
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef LOOSE
#define LOOSE 0
#endif

#ifdef LATENOTE
#define NOTAKING
#endif
#if LOOSE || defined(PASS)
#define COLLECT
#endif

#define NC 2
#define NONE 7

/* Words: FREE(m) is m. */
#define USED(p) (8 + (p))
#define RECLAIMED 12
/* Holders. */
#define DEPOT 0
#define ORPHAN 1
#define CACHE(r) (2 + (r))

byte word[NB], holder[NM], count[NM], entry[NM * M];
byte lock;                     /* client + 1 */
bit odd;                       /* changes is */
byte hands[NC], taking[NC];    /* what records note */
bit inside[NC];                /* its owner has settled, and is in a call */
byte reclaim_seq, collected_seq, n_loose;
byte dead;                     /* client + 1 */

/* What the census has read and is to compare: it stays as it is until then. */
bit shard_read, reclaim_read, counts_read[NC], holder_read[NC * NM];

/* Ghosts. */
bit unannounced[NB];           /* RECLAIMED by a put, or a pass, that has still to say so */
byte in_transit[NB];           /* brought in by this client + 1, a collector, as its last */

#define HANDS(l, q) ((l) * 8 + (q))
#define LOADED(h) ((h) / 8)
#define PREVIOUS(h) ((h) % 8)
#define PENDING (reclaim_seq != collected_seq)
#define COUNT(m) (m == NONE -> 0 : count[m])
#define ROOM(m) (m == NONE -> 0 : M - count[m])

#define HOLDER_READ(m) (holder_read[m] || holder_read[NM + (m)])

inline set_holder(magazine, new)
{
	d_step { !HOLDER_READ(magazine) -> holder[magazine] = new }
}

/* ---- a client; l and q are its hands, loaded and previous ---- */

#define NOTE_HANDS hands[p] = HANDS(l, q)

inline swap()
{
#ifdef SPLITSWAP
	atomic { x = l; l = q; q = x; x = 0; hands[p] = HANDS(l, PREVIOUS(hands[p])) }
	NOTE_HANDS
#else
	atomic { x = l; l = q; q = x; x = 0; NOTE_HANDS }
#endif
}

/* In an atomic of the caller's. What is in the shard changes only later. */
#ifdef NOCHANGES
#define LOCK lock == 0 -> lock = p + 1
#else
#define LOCK lock == 0 && !shard_read -> lock = p + 1; odd = 1
#endif
#define UNLOCK odd = 0; lock = 0

/* Sets m: of the shard, with blocks or with room, or NONE. */
inline find_magazine(want_room)
{
	d_step {
		m = NONE;
		x = 0;
		do
		:: x < NM ->
			if
			:: holder[x] == DEPOT && count[x] == (want_room -> 0 : M) && m == NONE ->
				m = x
			:: else
			fi;
			x++
		:: else -> x = 0; break
		od;
		do
		:: x < NM ->
			if
			:: holder[x] == DEPOT && count[x] > 0 && count[x] < M && m == NONE -> m = x
			:: else
			fi;
			x++
		:: else -> x = 0; break
		od
	}
}

/* Previous for another. m is NONE when there is none. */
inline exchange(want_room)
{
	atomic {
		LOCK;
		find_magazine(want_room);
		if
		:: m == NONE -> UNLOCK
		:: else
		fi
	}
	if
	:: m != NONE ->
#ifndef NOTAKING
		taking[p] = m;
#endif
		set_holder(m, CACHE(p));
		if
		:: q != NONE -> set_holder(q, DEPOT)
		:: else
		fi;
#ifdef LATENOTE
		UNLOCK;
#else
		hands[p] = HANDS(l, m);
#endif
		atomic {
			q = m;
#ifdef LATENOTE
			NOTE_HANDS;
#else
			UNLOCK;
#endif
			/* Here, for fewer states; the code leaves it, and a census sees more. */
			taking[p] = NONE
		}
	:: else
	fi
}

/* The magazine in this hand to the depot; then it is noted no more. */
inline give(hand)
{
	if
	:: hand != NONE ->
#ifdef EARLYUNNOTE
		atomic { m = hand; hand = NONE; NOTE_HANDS }
#else
		m = hand;
#endif
		atomic { LOCK }
		set_holder(m, DEPOT);
		atomic { UNLOCK }
		atomic { m = 0; hand = NONE; NOTE_HANDS }
	:: else
	fi
}

/* As previous, out of the other's cache. Sets m: it has one, or NONE. */
inline steal()
{
	atomic {
		m = PREVIOUS(hands[1 - p]);
		if
		:: m != NONE && holder[m] == CACHE(1 - p) && count[m] > 0
		:: else ->
			m = LOADED(hands[1 - p]);
			if
			:: m != NONE && holder[m] == CACHE(1 - p) && count[m] > 0
			:: else -> m = NONE
			fi
		fi
	}
	if
	:: m != NONE ->
#ifndef THIEFLATE
		hands[p] = HANDS(l, m);
#endif
		atomic {
			if
			:: !HOLDER_READ(m) && !inside[1 - p] && holder[m] == CACHE(1 - p) ->
				set_holder(m, CACHE(p))
			:: inside[1 - p] || holder[m] != CACHE(1 - p) -> m = NONE
			fi
		}
		if
		:: m != NONE ->
			atomic { x = q; q = m; m = x; x = 0; NOTE_HANDS }
			/* What it had there has no blocks. */
			if
			:: m != NONE ->
				atomic { LOCK }
				set_holder(m, DEPOT);
				atomic { UNLOCK }
			:: else
			fi;
			m = q
		:: else -> NOTE_HANDS
		fi
	:: else
	fi
}

/* The loaded magazine has room. */
inline push()
{
	atomic { entry[l * M + count[l]] = b; count[l]++ }
	word[b] = l
}

inline make_room()
{
	if
	:: ROOM(l) > 0
	:: else ->
		if
		:: ROOM(q) == 0 -> exchange(1)
		:: else
		fi;
		if
		:: ROOM(q) > 0 -> swap()
		:: else
		fi
	fi
}

#ifdef COLLECT
inline claim(block)
{
	atomic { word[block] = USED(p); unannounced[block] = 0 }
}

/* What a get brought in is got; what else it brought in is free. */
inline end_transit()
{
	d_step {
		x = 0;
		do
		:: x < NB -> if :: in_transit[x] == p + 1 -> in_transit[x] = 0 :: else fi; x++
		:: else -> x = 0; break
		od
	}
}

/* Takes orphans to the depot, then what is RECLAIMED into the hands. */
inline collect()
{
	atomic { seen = reclaim_seq; b = 0 }
	do
	:: b < NM ->
		if
		:: holder[b] == ORPHAN ->
			atomic {
				LOCK;
				if
				:: holder[b] == ORPHAN ->
					set_holder(b, DEPOT);
					do
					:: count[b] > 0 && word[entry[b * M + count[b] - 1]] != b ->
						count[b]--
					:: else -> break
					od
				:: else
				fi
			}
			atomic { UNLOCK }
		:: else
		fi;
		b++
	:: else -> break
	od;
	b = 0;
	do
	:: b < NB ->
		if
		:: word[b] == RECLAIMED ->
			make_room();
			if
			:: ROOM(l) == 0 -> break
			:: else
			fi;
			atomic {
				m = 0;
				if
				:: word[b] == RECLAIMED ->
					claim(b);
					end_transit();
					in_transit[b] = p + 1;
					m = 1
				:: else
				fi
			}
			if
			:: m == 1 -> push()
			:: else
			fi
		:: else
		fi;
		b++
	:: else -> break
	od;
	if
	:: b == NB -> collected_seq = seen
	:: else
	fi;
	atomic { b = 0; m = 0; seen = 0 }
}
#else
#define claim(block) skip
#define end_transit() skip
#define collect() skip
#endif

#define LEAVE b = 0; m = 0; collected = 0; inside[p] = 0

inline get()
{
	do
	:: COUNT(l) > 0 ->
		atomic {
			b = entry[l * M + count[l] - 1]; m = 0;
			if
			:: word[b] == l -> word[b] = USED(p); m = 1
			:: else
			fi
		}
		if
		:: atomic { m == 0 -> count[l]-- }
		:: atomic { m == 1 -> count[l]--; break }
		fi
	:: COUNT(l) == 0 && COUNT(q) > 0 -> swap()
	:: COUNT(l) == 0 && COUNT(q) == 0 ->
		exchange(0);
		if
		:: m != NONE
		:: m == NONE && PENDING && !collected -> collected = 1; collect()
		:: m == NONE && (!PENDING || collected) ->
			steal();
			if
			:: m != NONE
			:: else ->
#ifdef COLLECT
				b = 0;
				do
				:: atomic {
					PENDING && b < NB && word[b] == RECLAIMED ->
					claim(b);
					m = 1;
					break
				}
				:: b < NB && word[b] != RECLAIMED -> b++
				:: b == NB || !PENDING -> break
				od;
#endif
				break
			fi
		fi
	od;
	atomic {
		m != 1 || !counts_read[p];
		end_transit();
		LEAVE
	}
}

/* Block b, which is ours. */
inline put()
{
	make_room();
	if
	:: ROOM(l) > 0 -> push(); atomic { !counts_read[p] -> LEAVE }
#if LOOSE
	:: ROOM(l) == 0 && n_loose < LOOSE ->
		atomic { n_loose++; word[b] = RECLAIMED; unannounced[b] = 1 }
		atomic { !reclaim_read -> reclaim_seq++; unannounced[b] = 0 }
		atomic { !counts_read[p] -> LEAVE }
#endif
	:: ROOM(l) == 0 && n_loose == LOOSE -> atomic { LEAVE }
	fi
}

proctype Client(byte p)
{
	byte l = NONE, q = NONE, m, b, x, seen;
	bit collected;

	{
	do
	:: atomic {
		/* What was stolen is forgotten, and noted no more. */
		inside[p] = 1;
		if :: l != NONE && holder[l] != CACHE(p) -> l = NONE :: else fi;
		if :: q != NONE && holder[q] != CACHE(p) -> q = NONE :: else fi;
		NOTE_HANDS;
		do
		:: b < NB && word[b] != USED(p) -> b++
		:: else -> break
		od;
		if
		:: b < NB
		:: b = NB
		:: b = NB + 1
		fi
	   }
		if
		:: b == NB -> get()
		:: b < NB -> put()
		:: b > NB -> give(l); give(q); atomic { LEAVE }
		fi
	od
	}
#if KILLS
	unless {
		atomic {
			dead == p + 1 ->
			if
			:: lock == p + 1 -> lock = 0
			:: else
			fi;
			end_transit();
			l = 0; q = 0; m = 0; b = 0; x = 0; seen = 0; collected = 0
		}
	}
#endif
}

#if KILLS
active proctype Daemon()
{
	byte m;

	if
	:: dead = 1
	:: dead = 2
	fi;
#ifdef PASS
	do
	:: atomic { m < NM && holder[m] == CACHE(dead - 1) && !HOLDER_READ(m) ->
		set_holder(m, ORPHAN); m++ }
	:: m < NM && holder[m] != CACHE(dead - 1) -> m++
	:: m == NM -> m = 0; break
	od;
	do
	:: atomic { m < NB && word[m] == USED(dead - 1) ->
		word[m] = RECLAIMED; unannounced[m] = 1; m++ }
	:: m < NB && word[m] != USED(dead - 1) -> m++
	:: m == NB -> m = 0; break
	od;
	atomic {
		!reclaim_read -> reclaim_seq++;
		do
		:: m < NB -> unannounced[m] = 0; m++
		:: else -> m = 0; break
		od
	}
#endif
}
#endif

/* ---- the census ---- */

#define IS_FREE(b) (word[b] < NM && in_transit[b] == 0 || word[b] == RECLAIMED && !unannounced[b])

/* Ends the census: there is a block, or something has changed. */
#define NOT_NONE goto over

/* The first look keeps it from changing, until the second has compared it. */
#define COMPARE(is_read) is_read = !second

inline see_entries(magazine)
{
	if
	:: magazine != NONE ->
		atomic {
			m = magazine;
			n = count[m]
		}
		do
		:: n > 0 ->
			b = entry[m * M + n - 1];
			atomic {
				if
				:: word[b] == m -> NOT_NONE
				:: else
				fi;
				n--; b = 0
			}
		:: n == 0 -> break
		od;
		m = 0
	:: else
	fi
}

/* Its holder is read before the entries and after. */
inline see_magazine(magazine)
{
#ifdef NOHOLDER
	see_entries(magazine)
#else
	if
	:: magazine != NONE ->
		holder_read[r * NM + magazine] = 1;
		see_entries(magazine);
		COMPARE(holder_read[r * NM + magazine])
	:: else
	fi
#endif
}

inline see_shard()
{
	atomic {
		if
		:: odd -> NOT_NONE
		:: else
		fi;
		COMPARE(shard_read)
	}
	atomic {
		do
		:: m < NM ->
			if
			:: holder[m] == DEPOT && count[m] > 0 -> NOT_NONE
			:: else
			fi;
			m++
		:: else -> m = 0; break
		od
	}
}

/* The first look remembers the hands, the second compares them. */
#define COMPARE_HANDS(old) h = hands[r]; \
	if :: second && h != old[r] -> NOT_NONE :: !second -> old[r] = h :: else fi

inline see_record()
{
#ifdef HANDSFIRST
	atomic { COMPARE_HANDS(before) }
#endif
#ifdef BEFOREONLY
	COMPARE(counts_read[r]);
#elif !defined(AFTERONLY)
	counts_read[r] = 1;
#endif
#ifndef HANDSFIRST
	atomic { COMPARE_HANDS(before) }
#endif
	see_magazine(LOADED(h));
	see_magazine(PREVIOUS(h));
#ifndef NOTAKING
	atomic { h = 0; h = taking[r] }
	see_magazine(h);
#endif
#ifdef HANDSFIRST
	atomic { h = 0; COMPARE_HANDS(after) }
#endif
#ifdef AFTERONLY
	atomic { COMPARE(counts_read[r]); h = 0 }
#elif !defined(BEFOREONLY)
	atomic { counts_read[r] = !second; h = 0 }
#else
	h = 0
#endif
}

inline look()
{
#ifdef COLLECT
	COMPARE(reclaim_read);
	atomic {
		if
		:: PENDING -> NOT_NONE
		:: else
		fi
	}
#endif
	see_shard();
	do
	:: r < NC -> see_record(); r++
	:: else -> r = 0; break
	od
}

proctype Census()
{
	byte before[NC], after[NC], h, m, n, b, r;
	bit second, was_free;

	look();
	atomic {
		do
		:: b < NB -> was_free = was_free || IS_FREE(b); b++
		:: else -> b = 0; break
		od
	}
#ifndef ONELOOK
	second = 1;
	look();
#endif
	assert(!was_free);
over:	atomic {
		shard_read = 0; reclaim_read = 0;
		for (r : 0 .. NC - 1) { counts_read[r] = 0; before[r] = 0; after[r] = 0 }
		for (r : 0 .. NC * NM - 1) { holder_read[r] = 0 }
		second = 0; was_free = 0; h = 0; m = 0; n = 0; b = 0; r = 0
	}
}

init {
	byte i;

	atomic {
		for (i : 0 .. NC - 1) { hands[i] = HANDS(NONE, NONE); taking[i] = NONE }
		for (i : 0 .. NB - 1) { word[i] = i / M; entry[i] = i; count[i / M]++ }
		i = 0;
		run Client(0); run Client(1); run Census()
	}
}
