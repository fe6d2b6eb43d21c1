/* SPDX-License-Identifier: MIT */
/*
 * The share of a broadcast block, in its word: a load and a CAS each.
 *
 *	receive: pending -> held   return: held -> 0, the last one has it USED
 *	own: held by me alone -> USED   drop: pending of lossy seats -> 0   sweep: the dead's -> 0
 *
 * One block, {generation | FREE, USED or SHARED | pending | held}, and no ring: a sender 0 gets it
 * when it is free or reclaimed and shares it with all members, SENDS times; then it may drop the
 * pending bit of seat 1, which is lossy. Process 1 has seat 0 and two threads: one receives, and it
 * or its sibling, to which it may hand the block, returns it or owns it. Process 2 has seat 1 and
 * one thread. With -DJOIN process 3 joins in a seat that is freed. Processes 1 and 2 may die, up to
 * KILLS, with all threads at once, at any time; the pass takes the seat out of members, sweeps the
 * word, frees the seat, each a step, and the word by load and CAS. With -DDMA the held bits of the
 * dead stay until a grace is over, and with them the seat.
 *
 * Each call looks at the word, computes what it is to be, and CASes; when that fails it begins
 * anew. Who has owned it writes it, and puts it by a plain store.
 *
 * Checked: who owns is alone with the block, and stays so; who has received it is never refused a
 * return, nor has anybody returned it in its place; with -DTWICE both threads of process 1 try to
 * return or own the same share, and one of them does; a seat that is joined has no bits. When
 * nothing moves any more, the block is free or reclaimed.
 *
 * Searched to the end, in million states: -DSENDS=1 0.4, with -DDMA -DJOIN 0.6, with -DTWICE 2.5;
 * the default 0.9. A second or two each.
 *
 *	-DSENDS -DKILLS	2 1
 *	-DDMA -DJOIN -DTWICE	(-DTWICE with -DSENDS=1: a late return of a share before cannot be
 *			told from one of this share)
 * Broken on purpose, each found:
 *	-DOWNSTORE	who owns stores what it computed (-DTWICE; without, that is sound, as
 *			nobody else has a bit then)
 *	-DRETURNSTORE	so does who returns
 *	-DSWEEPSTORE	so does the pass
 *	-DDROPSTORE	so does who drops
 *	-DOWNPENDING	who owns does not look at pending
 *	-DSEATEARLY	the pass frees the seat before the held bits are gone (-DDMA -DJOIN)
 */
#ifndef SENDS
#define SENDS 2
#endif
#ifndef KILLS
#define KILLS 1
#endif

#define BIT(s) (1 << (s))

/* {generation | kind : 2 | pending : 3 | held : 3}; USED and the process in place of the bits. */
#define FREE 0
#define RECLAIMED 64
#define USED(p) (128 + (p))
#define SHARED(pending, held) (192 + (pending) * 8 + (held))
#define WITH(word, low) ((word) / 256 * 256 + (low))
#define IS_SHARED(word) ((word) % 256 >= 192)
#define PENDING(word) (((word) / 8) % 8)
#define HELD(word) ((word) % 8)

int word;
byte owner[2] = {2, 3}; /* process + 1 */
byte members = 3, lossy = 2;
bit dead[3], over[3];
byte n_kills;
bit handed; /* process 1: the sibling has the share */

/* Ghosts. */
byte app;   /* who believes to own the block, + 1 */
byte reads; /* mask of the processes that read it */
byte due;   /* mask of the seats that are to get it */

#define IS_HELD(word) (IS_SHARED(word) && (HELD(word) & BIT(s)))
#define IS_PENDING(word) (IS_SHARED(word) && (PENDING(word) & BIT(s)))

/* What seen is to be without these bits: @last, if there are no others. */
inline compute(p_bits, h_bits, last)
{
	if
	:: !(PENDING(seen) & ~(p_bits)) && !(HELD(seen) & ~(h_bits)) -> next = WITH(seen, last)
	:: else -> next = WITH(seen, SHARED(PENDING(seen) & ~(p_bits), HELD(seen) & ~(h_bits)))
	fi
}

/* By CAS, or by a store. */
#define CAS (word == seen)
#define STORE true

#ifdef OWNSTORE
#define BY_OWN STORE
#else
#define BY_OWN CAS
#endif
#ifdef RETURNSTORE
#define BY_RETURN STORE
#else
#define BY_RETURN CAS
#endif
#ifdef SWEEPSTORE
#define BY_SWEEP STORE
#else
#define BY_SWEEP CAS
#endif
#ifdef DROPSTORE
#define BY_DROP STORE
#else
#define BY_DROP CAS
#endif

/* After the CAS: p owns the block if the word says so. */
inline begin_to_own()
{
	if
	:: word % 256 == USED(p) ->
		assert(app == 0 && reads == 0 && due == 0);
		app = p + 1; is_mine = 1
	:: else
	fi
}

inline put()
{
	if
	:: is_mine ->
		atomic {
			assert(word % 256 == USED(p) && app == p + 1);
			app = 0; is_mine = 0; word = WITH(word, FREE)
		}
	:: else
	fi
}

/* ---- the sender ---- */

proctype Sender(byte p)
{
	byte n, mask;
	int seen, next;
	bit is_mine;

	do
	:: n < SENDS ->
end_get:	atomic { word % 256 == FREE || word % 256 == RECLAIMED ->
			assert(app == 0 && reads == 0);
			word = WITH(word, USED(p)) }
		atomic {
			n++; mask = members;
			if
			:: mask -> word = WITH(word, SHARED(mask, 0)) + 256; due = mask
			:: else -> word = WITH(word, FREE) + 256
			fi;
			mask = 0
		}
		do
		:: break
		:: seen = word;
			atomic {
				if
				:: IS_SHARED(seen) && PENDING(seen) && !(PENDING(seen) & ~lossy)
				:: else -> break
				fi;
				compute(7, 0, USED(p))
			}
			atomic {
				if
				:: BY_DROP ->
					word = next; due = due & ~PENDING(seen); begin_to_own()
				:: else
				fi;
				seen = 0; next = 0
			}
			put()
		od;
		seen = 0
	:: else -> break
	od;
	over[0] = 1
}

/* ---- subscribers ---- */

/* What the other thread has returned already is refused. */
#ifdef TWICE
#define REFUSED seen = 0; break
#else
#define REFUSED assert(false)
#endif

inline give_back()
{
	do
	:: seen = word;
		atomic {
			if
			:: IS_HELD(seen) -> compute(0, BIT(s), USED(p))
			:: else -> REFUSED
			fi
		}
		atomic {
			if
			:: BY_RETURN ->
				word = next; seen = 0; next = 0;
				assert(reads & BIT(p));
				reads = reads & ~BIT(p); begin_to_own();
				break
			:: else -> seen = 0; next = 0
			fi
		}
	od
}

#ifdef OWNPENDING
#define IS_BUSY(word) (HELD(word) != BIT(s))
#else
#define IS_BUSY(word) (PENDING(word) || HELD(word) != BIT(s))
#endif

/* Breaks if it is busy. */
inline own()
{
	do
	:: seen = word;
		atomic {
			if
			:: IS_HELD(seen) && !IS_BUSY(seen) -> next = WITH(seen, USED(p))
			:: IS_HELD(seen) && IS_BUSY(seen) -> seen = 0; break
			:: else -> REFUSED
			fi
		}
		atomic {
			if
			:: BY_OWN ->
				word = next; seen = 0; next = 0;
				assert(reads & BIT(p));
				reads = reads & ~BIT(p); begin_to_own();
				break
			:: else -> seen = 0; next = 0
			fi
		}
	od
}

inline end_share()
{
	if
	:: true
	:: own()
	fi;
	if
	:: is_mine
	:: else -> give_back()
	fi;
	put()
}

proctype Sibling(byte p; byte s)
{
	int seen, next;
	bit is_mine;

	{
end_idle:	do
		:: handed -> end_share(); handed = 0
		od
	} unless { dead[1] }
}

proctype Subscriber(byte p; byte s)
{
	int seen, next;
	bit is_mine;

end_join:
	{
		if
		:: atomic { p == 3 && (!owner[0] || !owner[1]) ->
				s = (owner[0] -> 1 : 0); owner[s] = p + 1;
				assert(!IS_PENDING(word) && !IS_HELD(word)) }
			atomic { members = members | BIT(s) }
		:: p < 3
		fi;
end_idle:	atomic { IS_PENDING(word) -> seen = word }
		atomic {
			if
			:: CAS ->
				word = WITH(seen,
					SHARED(PENDING(seen) & ~BIT(s), HELD(seen) | BIT(s)));
				assert(app == 0 && owner[s] == p + 1);
				reads = reads | BIT(p); due = due & ~BIT(s); seen = 0
			:: else -> seen = 0; goto end_idle
			fi
		}
		if
		:: p == 1 -> handed = 1;
#ifdef TWICE
			end_share();
#endif
			!handed
		:: true -> end_share()
		fi;
		goto end_idle
	} unless { p < 3 && dead[p] }
}

/* ---- the daemon, and death ---- */

inline sweep(p_bits, h_bits)
{
	do
	:: seen = word;
		atomic {
			if
			:: seen % 256 == USED(q) -> next = WITH(seen, RECLAIMED)
			:: IS_SHARED(seen) &&
			   ((PENDING(seen) & (p_bits)) || (HELD(seen) & (h_bits))) ->
				compute(p_bits, h_bits, RECLAIMED)
			:: else -> seen = 0; break
			fi
		}
		atomic {
			if
			:: BY_SWEEP -> word = next; due = due & ~gone
			:: else
			fi;
			seen = 0; next = 0
		}
	od
}

active proctype Daemon()
{
	byte q, gone;
	int seen, next;

end:	do
	:: atomic {
			n_kills < KILLS ->
			n_kills++;
			if
			:: !dead[1] -> q = 1
			:: !dead[2] -> q = 2
			fi;
			dead[q] = 1; reads = reads & ~BIT(q);
			if :: app == q + 1 -> app = 0 :: else fi
		}
		atomic {
			gone = (owner[0] == q + 1 -> 1 : 2);
			members = members & ~gone; lossy = lossy & ~gone
		}
#ifdef DMA
		sweep(gone, 0);
#ifdef SEATEARLY
		owner[gone - 1] = 0;
#endif
#endif
		sweep(gone, gone);
#ifndef SEATEARLY
		owner[gone - 1] = 0;
#endif
		atomic { gone = 0; q = 0 }
	od
}

init {
	atomic {
		run Sender(0); run Subscriber(1, 0); run Sibling(1, 0); run Subscriber(2, 1);
#ifdef JOIN
		run Subscriber(3, 0)
#endif
	}
	timeout;
	assert(over[0] && (word % 256 == FREE || word % 256 == RECLAIMED))
}
