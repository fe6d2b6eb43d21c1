/* SPDX-License-Identifier: MIT */
/*
 * A broadcast channel: senders 0 and 1; subscribers 2 and 3 in seats 0 and 1, and 4, who joins in
 * whatever seat is freed; a drainer 5; a ring of N cells.
 *
 *	give: word MOVING   post: CAS empty -> token   decide: word SHARED(members)   hungry? wake
 *	receive: pending -> held   crowded? wake   put: held -> 0, the last one has it USED
 *	retire: pending of lossy seats -> 0, crowded? wake   cell: CAS empty(lap + 1)   head: CAS
 *
 * The share is in the block's word: {generation | SHARED | pending | held}, so each of decide,
 * receive, drop, put, own and the pass's sweep is one CAS of one word. What is computed from the
 * word alone (receive, put, own, sweep) is one step here, as its CAS succeeds only where the word
 * is as it was seen; share.pml has these as a load and a CAS. What is computed from something else
 * besides (decide: members; drop: lossy) is a load and a CAS. A cell that is read while head has
 * not passed it is read in one step with head, as head is looked at again after the cell and only
 * rises.
 *
 * Who retires takes the pending bits of the seats in LOSSY away; the others' are waited for. 4 is
 * not lossy, whatever seat it has. Each sender gets a block, sends it, SENDS times; without members
 * it keeps it. With -DLEAVES=1 subscriber 2 may leave when it holds nothing. With -DOWNS a
 * subscriber may own what it received, if it alone has it and nobody is to get it. With -DDRAIN, 5
 * waits until nothing that had been sent when it began is pending; it decides, as all do, and
 * sleeps on crowded. Up to KILLS of 0 to 4 die between any two steps; the pass is begun anew
 * RESTARTS times, at any point. With -DSTOPS=1 sender 0 may stop for ever between any two steps. A
 * sleep ends by itself when nothing else moves, and only once for each death or stop between the
 * change of hungry or crowded and the wake.
 *
 * Checked: who gets a block for writing is alone with it; a subscriber receives positions in order,
 * each what was sent there; who was a member when a send began and still is when it is decided is
 * in its mask; bits are of seats that have an owner; what was dropped was counted as lost (by 2 and
 * 3 exactly, by all at least); nobody is told that all is drained while something sent before is
 * pending or undecided. When nothing moves any more: all senders that live and go on are done, so
 * is the drainer, no block is shared, moving or used: each is free or reclaimed, each can be got;
 * but for what the one that has stopped had in hand, and the last that it sent.
 *
 * Not here: hints (channel.pml); laps and generations that wrap; quotas; ends (ends.pml); bells.
 *
 * Searched to the end, in million states and at about 0.5 of them a second, all with -DN=1. One
 * sender: -DSENDS=3 -DWHO=1 1.0; -DLEAVES=1 -DWHO=4 3.7; -DWHO=12 -DRESTARTS=1 5.0; -DSENDS=1
 * -DKILLS=2 -DWHO=28 0.2; with -DNOJOIN: -DKILLS=2 1.8, -DLOSSY=0 0.6, -DLOSSY=3 0.3, -DOWNS 0.8,
 * -DSENDS=1 -DSLEEPS 0.2, -DSENDS=1 -DDRAIN 0.5; with -DKILLS=0: -DSLEEPS 0.3, -DDRAIN 1.2, -DDRAIN
 * -DLAZY -DLOSSY=3 -DNOJOIN 1.1. Two senders, -DSENDS=1 -DKILLS=0: 0.8, -DSLEEPS -DSTOPS=1
 * -DLOSSY=0 -DALONE -DNOJOIN 0.5. A set without sleeping subscribers and drainer, which this was
 * made of, also with two senders of one block each and one death, 20.2. Not to the end in five
 * minutes: two senders of two blocks each; two senders and two subscribers that sleep, with
 * -DSTOPS=1.
 *
 *	-DN -DBLOCKS -DSENDS -DSENDERS	cells, blocks, sends of each sender, senders	2 2 2 2
 *	-DKILLS -DLEAVES -DRESTARTS -DSTOPS	1 0 0 0
 *	-DWHO		mask of who may die: 0 to 4	31
 *	-DLOSSY		mask of the lossy seats to begin with	2
 *	-DALONE -DNOJOIN	3 is not there, 4 does not come
 *	-DOWNS		subscribers own what they can
 *	-DSLEEPS	subscribers sleep on hungry; else they wait without sleeping
 *	-DLAZY		lossy subscribers may stop receiving for ever
 *	-DDRAIN		there is a drainer
 * Broken on purpose, each found:
 *	-DMASKFIRST	the sender reads the members before it posts
 *	-DNOWALK	who takes a seat's bit out of members does not decide what is in the ring
 *	-DNOHELP	a subscriber passes over what is not decided
 *	-DSEATFIRST	the pass frees the seat before it sweeps the words
 *	-DNOSWEEP	the pass leaves pending and held bits alone
 *	-DNOGEN		receive does not compare the generation
 *	-DNOHEAD	receive does not look at head after the cell
 *	-DNOBEYOND	nor whether it is beyond head + N, and what is in its cell a lap behind
 *	-DNORETIREHEAD	nor does who retires
 *	-DTAILJOIN	who joins begins at the first empty position, seen before it is a member
 *	-DDROPHELD	who retires takes held bits away too
 *	-DSILENT	a token without my bit is passed over and not counted
 *	-DNOWAKE	a receive does not look at crowded
 *	-DNOPASSWAKE	the pass wakes nobody
 *	-DRETIREMOVING	who retires takes what is not decided for stale
 *	-DDROPALL	who retires takes all pending bits if one of them is of a lossy seat
 *	-DOWNPENDING	who owns does not look at pending
 *	-DOWNHELD	nor at the others' held bits
 *	-DQUIETPOST	who posts does not look at hungry
 *	-DQUIETROOM	who is to sleep for room does not look at hungry (-DSLEEPS -DSTOPS=1)
 *	-DQUIETRETIRE	who drops pending bits does not look at crowded (-DDRAIN -DLAZY -DLOSSY=3)
 *	-DDRAINONCE	the drainer does not look again after crowded
 *	-DDRAINBLIND	the drainer passes over what is not decided
 * Sound too, and not needed:
 *	-DLOSSYFIRST	who retires reads lossy before the word: the token was posted before, so
 *			that the pass decides it before the dead one's seat has another owner
 *	-DQUIETDECIDE	who decides what another one posted does not look at hungry: who is to
 *			sleep for room does
 */
#ifndef N
#define N 2
#endif
#ifndef BLOCKS
#define BLOCKS 2
#endif
#ifndef SENDS
#define SENDS 2
#endif
#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef LEAVES
#define LEAVES 0
#endif
#ifndef RESTARTS
#define RESTARTS 0
#endif
#ifndef STOPS
#define STOPS 0
#endif
#ifndef WHO
#define WHO 31
#endif
#ifndef LOSSY
#define LOSSY 2
#endif

#define FREE 0
#define RECLAIMED 1
#define USED(p) (2 + (p))
#define MOVING(p) (8 + (p))
#define IS_MOVING(x) ((x) >= 8 && (x) < 16)
#define SHARED 16

#define TOKEN(b, g) (32 + (g) * 4 + (b))
#define IS_TOKEN(c) ((c) >= 32)
#define BLOCK_OF(c) (((c) - 32) % 4)
#define GENERATION_OF(c) (((c) - 32) / 4)
#define EMPTY(position) ((position) / N)

#define B BLOCK_OF(c)
#define IS_UNDECIDED (IS_MOVING(state[B]) && generation[B] == GENERATION_OF(c))
#define IS_SHARE (state[B] == SHARED && generation[B] == GENERATION_OF(c))
#define BIT(s) (1 << (s))

/* The words. */
byte state[BLOCKS], generation[BLOCKS], pending[BLOCKS], held[BLOCKS];

byte cell[N], head;
#ifdef ALONE
byte owner[2] = {3, 0}; /* seats: process + 1 */
byte members = 1, lossy = LOSSY & 1;
#else
byte owner[2] = {3, 4};
byte members = 3, lossy = LOSSY;
#endif
bit hungry, crowded;
bit asleep[6], told[6] = 1, hungry_raised[6] = 1, crowded_raised[6] = 1;

bit dead[5], over[6];
byte n_kills, n_leaves, n_restarts, n_stops, n_lost, slices[6];

/* Ghosts. */
byte app[BLOCKS];     /* who believes to own the block for writing, + 1 */
byte reads[BLOCKS];   /* mask of the processes that read it */
byte at[BLOCKS];      /* the position it was sent at */
byte present[BLOCKS]; /* members since its send began */
byte due[5];          /* what is pending for the process */
byte first_empty;
byte lost[5], dropped[5]; /* by process */
bit is_stopping, stopped_in[BLOCKS]; /* what the one that has stopped had, or sent last */
byte drained;             /* the drainer waits for the positions below */

#define CAN_DIE (p < 5 && n_kills < KILLS && (WHO & BIT(p)))
#define DIE n_kills++; goto died
#if STOPS > 0
#define MAY_STOP :: p == 0 && n_stops < STOPS -> n_stops++; is_stopping = 1; goto died
#else
#define MAY_STOP
#endif
/* Before what others see, and where one waits; to die before a load is to die after it. */
#define MAY_DIE if :: CAN_DIE -> DIE MAY_STOP :: true fi

/* Owned by p for writing, from now on. */
inline own(b) { assert(app[b] == 0 && reads[b] == 0); state[b] = USED(p); app[b] = p + 1 }

inline put(b) { atomic { MAY_DIE; assert(app[b] == p + 1); app[b] = 0; state[b] = FREE } }

/* ---- sleeping ---- */

#define RAISE_HUNGRY \
	hungry = 0; told[2] = 1; told[3] = 1; told[4] = 1; \
	d_step { for (k : 0 .. 5) { hungry_raised[k] = 1 } k = 0 }
#define RAISE_CROWDED \
	crowded = 0; told[0] = 1; told[1] = 1; told[5] = 1; \
	d_step { for (k : 0 .. 5) { crowded_raised[k] = 1 } k = 0 }
#define WAKE_SUBSCRIBERS asleep[2] = 0; asleep[3] = 0; asleep[4] = 0
#define WAKE_SENDERS asleep[0] = 0; asleep[1] = 0; asleep[5] = 0

#define LOOK_AT_CROWDED won = crowded; crowded_raised[p] = !crowded
/* Crowded was looked at in the step before, as early as can be. */
inline make_room_known()
{
	if
	:: won ->
		atomic {
			MAY_DIE;
			won = 0; waking = (crowded && !crowded_raised[p]);
			if :: waking -> RAISE_CROWDED :: else fi;
			crowded_raised[p] = 1
		}
		if
		:: waking -> atomic { MAY_DIE; WAKE_SENDERS; waking = 0 }
		:: else
		fi
	:: else
	fi
}

#ifdef SLEEPS
#define LOOK_AT_HUNGRY won = hungry; hungry_raised[p] = !hungry
inline feed()
{
	if
	:: won ->
		atomic {
			MAY_DIE;
			won = 0; waking = (hungry && !hungry_raised[p]);
			if :: waking -> RAISE_HUNGRY :: else fi;
			hungry_raised[p] = 1
		}
		if
		:: waking -> atomic { MAY_DIE; WAKE_SUBSCRIBERS; waking = 0 }
		:: else
		fi
	:: else
	fi
}
#endif

/* On a futex: until woken, or the slice is over. To die there is to die before, or after. */
inline be_asleep()
{
	if
	:: atomic { !asleep[p] -> MAY_DIE }
	:: atomic { timeout && asleep[p] && slices[p] < n_lost -> slices[p]++; asleep[p] = 0 }
	fi
}

#define LOSE_WAKE if :: waking -> n_lost++ :: else fi; waking = 0; won = 0

inline forget()
{
	d_step {
		k = 0;
		do
		:: k < BLOCKS ->
			if :: app[k] == p + 1 -> app[k] = 0 :: else fi;
			reads[k] = reads[k] & ~BIT(p);
			k++
		:: else -> k = 0; break
		od
	}
	asleep[p] = 0; told[p] = 1; hungry_raised[p] = 1; crowded_raised[p] = 1
}

/* ---- deciding ---- */

#define ADD_DUE(n) \
	if :: mask & 1 -> due[owner[0] - 1] = due[owner[0] - 1] + n :: else fi; \
	if :: mask & 2 -> due[owner[1] - 1] = due[owner[1] - 1] + n :: else fi

/* The word of a token, from undecided. mask: the members. */
#define DECIDE(b) \
	assert((present[b] & ~mask) == 0); \
	if :: mask -> state[b] = SHARED; pending[b] = mask; held[b] = 0; \
		assert(!(mask & 1) || owner[0]); assert(!(mask & 2) || owner[1]); ADD_DUE(1) \
	:: else -> app[b] = 0; own(b); mine = 1 fi

/* Decides the token @c, if it is not; @helps: another one's. */
inline decide(helps)
{
	atomic {
		if
		:: IS_UNDECIDED -> mask = members; undecided = 1
		:: else
		fi
	}
	if
	:: undecided ->
		atomic {
			MAY_DIE;
			undecided = 0;
			if
			:: IS_UNDECIDED ->
				DECIDE(B); present[B] = 0;
#if defined(SLEEPS) && !defined(QUIETDECIDE)
				if :: helps -> LOOK_AT_HUNGRY :: else fi
#endif
			:: else
			fi;
			mask = 0
		}
#ifdef SLEEPS
		feed();
#endif
		if
		:: mine -> mine = 0; put(B)
		:: else
		fi
	:: else
	fi
}

/* ---- senders ---- */

/* Retires the position at head if it can; sets no_room if not. */
inline retire()
{
#ifdef LOSSYFIRST
	early = lossy;
#endif
	atomic {
		h = head;
#ifndef NORETIREHEAD
		c = cell[h % N];
#endif
		if
		:: h + N > bound -> bound = h + N; c = 0;
			if :: position < h -> position = h :: else fi;
			goto retired
		:: else
		fi
	}
#ifdef NORETIREHEAD
	atomic { MAY_DIE; c = cell[h % N] }
#endif
	if
	:: IS_TOKEN(c) ->
#ifndef RETIREMOVING
		decide(1);
#endif
look:
		atomic {
			if
			:: IS_SHARE -> seen = pending[B]; seen_held = held[B]
			:: else -> seen = 0; seen_held = 0
			fi
		}
		if
		:: seen ->
			atomic {
#ifdef LOSSYFIRST
				mask = early;
#else
				mask = lossy;
#endif
				if
#ifdef DROPALL
				:: !(seen & mask) ->
#else
				:: seen & ~mask ->
#endif
					no_room = 1;
					mask = 0; seen = 0; seen_held = 0; c = 0; h = 0;
					goto retired
				:: else -> mask = 0
				fi
			}
			atomic {
				MAY_DIE;
				if
				:: IS_SHARE && pending[B] == seen && held[B] == seen_held ->
					drop();
					pending[B] = 0; seen = 0;
#ifdef DROPHELD
					held[B] = 0;
#endif
					if
					:: held[B] == 0 -> own(B); mine = 1
					:: else
					fi;
#ifndef QUIETRETIRE
					LOOK_AT_CROWDED;
#endif
					seen_held = 0
				:: else -> goto look
				fi
			}
			make_room_known();
			if
			:: mine -> mine = 0; put(B)
			:: else
			fi
		:: else
		fi;
		atomic { MAY_DIE; seen_held = 0;
			if :: cell[h % N] == c -> cell[h % N] = EMPTY(h + N) :: else fi }
		atomic { MAY_DIE; c = 0; if :: head == h -> head = h + 1 :: else fi; h = 0 }
	:: c == EMPTY(h + N) ->
		atomic { MAY_DIE; c = 0; if :: head == h -> head = h + 1 :: else fi; h = 0 }
	:: else -> c = 0; h = 0
	fi;
retired: skip
}

#define MAY_LOSE(q) (((q) == 2 && (LOSSY & 1)) || ((q) == 3 && (LOSSY & 2)))
#define DROP(s) \
	if \
	:: seen & BIT(s) -> \
		assert(owner[s] && MAY_LOSE(owner[s] - 1)); \
		dropped[owner[s] - 1]++; due[owner[s] - 1]-- \
	:: else \
	fi

inline drop()
{
	DROP(0);
	DROP(1)
}

inline send()
{
	atomic {
		if
		:: members == 0 -> goto unsent
		:: else
		fi;
		MAY_DIE;
		assert(state[block] == USED(p) && app[block] == p + 1 && reads[block] == 0);
		app[block] = 0;
		generation[block]++; token = TOKEN(block, generation[block]);
		state[block] = MOVING(p);
		present[block] = members;
		position = head; bound = head + N
	}
#ifdef MASKFIRST
	atomic { MAY_DIE; early = members }
#endif
	do
	:: position >= bound ->
		retire();
		if
		:: no_room -> break
		:: else
		fi
	:: position < bound ->
		atomic {
			MAY_DIE;
			if
			:: cell[position % N] == EMPTY(position) ->
				cell[position % N] = token;
				at[block] = position;
				assert(position == first_empty && position < head + N);
				first_empty++;
				break
			:: else -> position++
			fi
		}
	od;
	position = 0; bound = 0;
	if
	:: no_room ->
		atomic {
			MAY_DIE;
			assert(state[block] == MOVING(p));
			app[block] = 0; own(block); present[block] = 0
		}
	:: else ->
		/* What others may have done already. */
		c = token;
#ifdef MASKFIRST
		atomic {
			MAY_DIE;
			mask = early; early = 0;
			if
			:: state[block] == MOVING(p) -> DECIDE(block)
			:: else
			fi;
			mask = 0; mine = 0
		}
#else
		decide(0);
#endif
		c = 0;
#if defined(SLEEPS) && !defined(QUIETPOST)
		atomic { MAY_DIE; LOOK_AT_HUNGRY }
		feed()
#endif
	fi
}

/* Who is to wake the subscribers may be stopped. */
inline feed_before_sleep()
{
#if defined(SLEEPS) && !defined(QUIETROOM)
	atomic { MAY_DIE; LOOK_AT_HUNGRY }
	feed();
#endif
	skip
}

inline await_room()
{
	feed_before_sleep();
	atomic { MAY_DIE; crowded = 1; told[p] = 0 }
	atomic { h = head; c = cell[h % N] }
	atomic {
		won = (IS_TOKEN(c) && IS_SHARE && (pending[B] & ~lossy));
		h = 0; c = 0;
		if :: !won -> told[p] = 1; goto again :: else -> won = 0 fi
	}
	atomic { MAY_DIE; if :: crowded && !told[p] -> asleep[p] = 1 :: else fi; told[p] = 1 }
	be_asleep()
}

/* A block that can be got: the lowest, so that blocks are sent again at once. */
#define CAN_GET(b) (state[b] == FREE || state[b] == RECLAIMED)
#if BLOCKS == 1
#define CAN_GET_ANY CAN_GET(0)
#define LOWEST 0
#elif BLOCKS == 2
#define CAN_GET_ANY (CAN_GET(0) || CAN_GET(1))
#define LOWEST (CAN_GET(0) -> 0 : 1)
#else
#define CAN_GET_ANY (CAN_GET(0) || CAN_GET(1) || CAN_GET(2))
#define LOWEST (CAN_GET(0) -> 0 : (CAN_GET(1) -> 1 : 2))
#endif

/* For ever: what it has, and what it sent last, stays as it is. */
inline stop()
{
	atomic {
		LOSE_WAKE;
		hungry_raised[p] = 1; crowded_raised[p] = 1; told[p] = 1; is_stopping = 0;
		for (k : 0 .. BLOCKS - 1) {
			stopped_in[k] = (app[k] == p + 1 || state[k] == MOVING(p) ||
				(token && k == block))
		}
		k = 0; over[p] = 1
	}
}

proctype Sender(byte p)
{
	byte block, position, bound, c, h, mask, seen, seen_held, n, token, k;
	bit no_room, won, waking, undecided, mine;
#if defined(MASKFIRST) || defined(LOSSYFIRST)
	byte early;
#endif

next:	if
	:: atomic { n < SENDS && CAN_GET_ANY -> block = LOWEST; own(block) }
	:: atomic { n < SENDS && CAN_DIE -> DIE }
	:: n == SENDS -> goto end
	fi;
again:	send();
	if
	:: no_room -> no_room = 0; await_room(); goto again
	:: else -> goto sent
	fi;
unsent:	/* Nobody is there: the block is ours. */
	put(block);
sent:	atomic { block = 0; token = 0; n++ }
	goto next;
died:
#if STOPS > 0
	if
	:: is_stopping -> stop(); goto gone
	:: else
	fi;
#endif
	atomic {
		LOSE_WAKE; forget();
		position = 0; bound = 0; c = 0; h = 0; mask = 0; seen = 0; seen_held = 0; token = 0;
		block = 0; no_room = 0; undecided = 0; mine = 0; n = 0; dead[p] = 1
	}
	goto gone;
end:	atomic { n = 0; over[p] = 1 }
gone:	skip
}

/* ---- subscribers ---- */

/* Else the cell is a lap behind. */
#ifdef NOBEYOND
#define IS_NOT_BEYOND true
#else
#define IS_NOT_BEYOND (cursor < head + N)
#endif
#ifdef NOGEN
#define IS_FOR_ME (state[B] == SHARED && (pending[B] & BIT(s)))
#else
#define IS_FOR_ME (IS_SHARE && (pending[B] & BIT(s)))
#endif
#define IS_THERE (head > cursor || (IS_NOT_BEYOND && cell[cursor % N] != EMPTY(cursor)))

inline leave()
{
	atomic {
		MAY_DIE;
		members = members & ~BIT(s); lossy = lossy & ~BIT(s);
		for (i : 0 .. BLOCKS - 1) { present[i] = present[i] & ~BIT(s) }
		i = 0; at_ = head
	}
#ifndef NOWALK
	do
	:: i < N ->
		atomic {
			if
			:: head > at_ + i -> c = 0
			:: else -> c = cell[(at_ + i) % N];
				if :: c == EMPTY(at_ + i) -> c = 0; break :: else fi
			fi
		}
		if
		:: IS_TOKEN(c) ->
			decide(1);
			atomic {
				MAY_DIE;
				if
				:: IS_FOR_ME ->
					pending[B] = pending[B] & ~BIT(s); due[p]--;
					if
					:: !pending[B] && !held[B] -> own(B); mine = 1
					:: else
					fi
				:: else
				fi
			}
			if
			:: mine -> mine = 0; put(B)
			:: else
			fi;
			c = 0
		:: else -> c = 0
		fi;
		i++
	:: else -> break
	od;
#endif
	atomic { i = 0; at_ = 0; c = 0; LOOK_AT_CROWDED }
	make_room_known();
	atomic { MAY_DIE; owner[s] = 0 }
}

#ifdef OWNHELD
#define IS_ALONE true
#else
#define IS_ALONE (held[B] == BIT(s))
#endif
#ifdef OWNPENDING
#define CAN_OWN IS_ALONE
#else
#define CAN_OWN (IS_ALONE && !pending[B])
#endif

/* A share that is held, to the end. */
inline give_back()
{
#ifdef OWNS
	if
	:: atomic { CAN_OWN ->
			MAY_DIE;
			assert(IS_SHARE);
			held[B] = 0; pending[B] = 0; reads[B] = reads[B] & ~BIT(p);
			own(B); mine = 1 }
	:: skip
	fi;
	if
	:: mine
	:: else ->
#endif
		atomic {
			MAY_DIE;
			assert(IS_SHARE && (held[B] & BIT(s)));
			held[B] = held[B] & ~BIT(s); reads[B] = reads[B] & ~BIT(p);
			if
			:: !pending[B] && !held[B] -> own(B); mine = 1
			:: else
			fi
		}
#ifdef OWNS
	fi;
#endif
	if
	:: mine -> mine = 0; put(B)
	:: else
	fi
}

#if LEAVES > 0
#define MAY_LEAVE :: atomic { p == 2 && n_leaves < LEAVES -> n_leaves++ } goto left
#else
#define MAY_LEAVE
#endif

#ifdef LAZY
#define MAY_REST :: MAY_LOSE(p) -> goto gone
#else
#define MAY_REST
#endif

proctype Subscriber(byte p)
{
	byte s, cursor, c, i, at_, mask, k;
	bit won, waking, undecided, mine;

	if
	:: p == 4 ->
#ifdef TAILJOIN
end_w:		atomic { !owner[0] || !owner[1] ->
			s = (owner[0] -> 1 : 0); cursor = first_empty }
		atomic { if :: owner[s] == 0 -> owner[s] = p + 1 :: else -> goto end_w fi }
		atomic { members = members | BIT(s) }
#else
end_j:		atomic { !owner[0] || !owner[1] ->
			s = (owner[0] -> 1 : 0); owner[s] = p + 1 }
		atomic { MAY_DIE; members = members | BIT(s) }
		cursor = head
#endif
	:: else -> s = p - 2
	fi;
next:	c = 0;
#ifdef SLEEPS
	if
	MAY_LEAVE
	MAY_REST
	:: true
	fi;
#else
end_idle:
	if
	:: atomic { CAN_DIE -> DIE }
	MAY_LEAVE
	MAY_REST
	:: IS_THERE
	fi;
#endif
	atomic {
		if
		:: head > cursor ->
			if :: MAY_LOSE(p) -> lost[p] = lost[p] + head - cursor :: else fi;
			cursor = head;
			goto next
		:: head <= cursor && IS_THERE -> c = cell[cursor % N]
		:: else -> goto nothing
		fi
	}
#ifdef NOHEAD
	atomic { MAY_DIE; c = cell[cursor % N] }
#endif
	if
	:: IS_TOKEN(c) ->
retry:		atomic {
			if
#ifndef NOHELP
			:: IS_UNDECIDED -> goto help
#endif
			:: IS_FOR_ME ->
				MAY_DIE;
#ifndef NOWAKE
				LOOK_AT_CROWDED;
#endif
				pending[B] = pending[B] & ~BIT(s); held[B] = held[B] | BIT(s);
				assert(owner[s] == p + 1);
				assert(at[B] == cursor); /* in order, and what was sent there */
				assert(app[B] == 0);
				reads[B] = reads[B] | BIT(p); due[p]--
			:: else -> /* not for me, or no more */
#ifndef SILENT
				if :: MAY_LOSE(p) -> lost[p]++ :: else fi;
#endif
				cursor++;
				goto next
			fi
		}
		make_room_known();
		give_back()
	:: else ->
#ifdef NOHEAD
		if
		:: c == EMPTY(cursor) -> goto next
		:: else
		fi;
#endif
		assert(c == EMPTY(cursor + N)); /* retired this moment */
		if :: MAY_LOSE(p) -> lost[p]++ :: else fi
	fi;
	cursor++;
	goto next;
#ifndef NOHELP
help:	decide(1);
	goto retry;
#endif
nothing:
#ifdef SLEEPS
	atomic { MAY_DIE; hungry = 1; told[p] = 0 }
	atomic { if :: IS_THERE -> told[p] = 1; goto next :: else fi }
	atomic { MAY_DIE; if :: hungry && !told[p] -> asleep[p] = 1 :: else fi; told[p] = 1 }
end_asleep:
	be_asleep();
	goto next;
#else
	assert(false);
#endif
#if LEAVES > 0
left:	leave();
	over[p] = 1;
	goto gone;
#endif
died:	atomic {
		LOSE_WAKE; forget();
		i = 0; cursor = 0; c = 0; s = 0; at_ = 0; mask = 0; undecided = 0; mine = 0;
		lost[p] = 0; dropped[p] = 0; dead[p] = 1
	}
gone:	skip
}

/* ---- the drainer ---- */

#define IS_POSTED(b) (cell[at[b] % N] == TOKEN(b, generation[b]))

proctype Drainer(byte p)
{
	byte position, begin, c, mask, k;
	bit won, waking, undecided, mine;

	atomic { position = head; begin = head }
	/* The first empty position; if there is none, what comes after the ring. */
	do
	:: position < begin + N ->
		atomic {
			if
			:: head > position -> position = head; begin = head
			:: head <= position && cell[position % N] == EMPTY(position) -> break
			:: else -> position++
			fi
		}
	:: else -> break
	od;
	atomic { drained = position; position = head; begin = 0 }
	do
	:: position < drained ->
		atomic {
			if
			:: head > position -> position = head
			:: else -> c = cell[position % N]; position++
			fi
		}
		if
		:: IS_TOKEN(c) ->
#ifndef DRAINBLIND
			decide(1);
#endif
			do
			:: atomic { !IS_SHARE || !pending[B] -> break }
			:: IS_SHARE && pending[B] ->
				feed_before_sleep();
				atomic { crowded = 1; told[p] = 0 }
#ifndef DRAINONCE
				if
				:: atomic { !IS_SHARE || !pending[B] -> told[p] = 1; break }
				:: IS_SHARE && pending[B]
				fi;
#endif
				atomic {
					if :: crowded && !told[p] -> asleep[p] = 1 :: else fi;
					told[p] = 1
				}
end_asleep:			be_asleep()
			od
		:: else
		fi;
		c = 0
	:: else -> break
	od;
died:	atomic {
		for (c : 0 .. BLOCKS - 1) {
			assert(at[c] >= drained || state[c] != SHARED || !pending[c]);
			assert(at[c] >= drained || !IS_MOVING(state[c]) || !IS_POSTED(c))
		}
		position = 0; c = 0; drained = 0; over[p] = 1
	}
}

/* ---- the daemon ---- */

/* Takes the bits of p's seat out of members. */
inline take_out()
{
	d_step {
		do
		:: i < 2 ->
			if
			:: owner[i] == p + 1 ->
				members = members & ~BIT(i); lossy = lossy & ~BIT(i);
				gone = gone | BIT(i);
				c = 0;
				do
				:: c < BLOCKS -> present[c] = present[c] & ~BIT(i); c++
				:: else -> c = 0; break
				od
			:: else
			fi;
			i++
		:: else -> i = 0; break
		od
	}
}

inline free_seat()
{
	atomic {
		if :: owner[0] == p + 1 -> owner[0] = 0 :: else fi;
		if :: owner[1] == p + 1 -> owner[1] = 0 :: else fi
	}
}

inline decide_all()
{
	do
	:: i < N ->
		atomic {
			c = cell[i];
			if
			:: IS_TOKEN(c) && IS_UNDECIDED -> mask = members; undecided = 1
			:: else -> c = 0
			fi
		}
		if
		:: undecided ->
			atomic {
				if
				:: IS_UNDECIDED ->
					assert((present[B] & ~mask) == 0);
					if
					:: mask -> state[B] = SHARED; pending[B] = mask; ADD_DUE(1)
					:: else -> state[B] = RECLAIMED
					fi;
					present[B] = 0
				:: else
				fi;
				undecided = 0; mask = 0; c = 0
			}
		:: else
		fi;
		i++
	:: else -> i = 0; break
	od
}

inline sweep()
{
	do
	:: i < BLOCKS ->
		atomic {
			if
			:: state[i] == USED(p) -> state[i] = RECLAIMED
#ifndef NOSWEEP
			:: state[i] == SHARED && ((pending[i] | held[i]) & gone) ->
				pending[i] = pending[i] & ~gone; held[i] = held[i] & ~gone;
				if
				:: !pending[i] && !held[i] -> state[i] = RECLAIMED
				:: else
				fi
#endif
			:: else
			fi;
			i++
		}
	:: else -> i = 0; break
	od
}

inline wake_all()
{
#ifndef NOPASSWAKE
	atomic { won = crowded; if :: won -> RAISE_CROWDED :: else fi }
	if
	:: won -> atomic { WAKE_SENDERS; won = 0 }
	:: else
	fi;
#ifdef SLEEPS
	atomic { won = hungry; if :: won -> RAISE_HUNGRY :: else fi }
	if
	:: won -> atomic { WAKE_SUBSCRIBERS; won = 0 }
	:: else
	fi;
#endif
#endif
	skip
}

proctype Daemon()
{
	byte p, i, c, mask, gone, k;
	bit undecided, won;

end:	if
	:: atomic { dead[0] -> p = 0 }
	:: atomic { dead[1] -> p = 1 }
	:: atomic { dead[2] -> p = 2 }
	:: atomic { dead[3] -> p = 3 }
	:: atomic { dead[4] -> p = 4 }
	fi;
pass:	{
	take_out();
#ifdef SEATFIRST
	free_seat();
#endif
#ifndef NOWALK
	decide_all();
#endif
	sweep();
	free_seat();
	wake_all();
	/* The grace passes. */
	d_step {
		do
		:: i < BLOCKS ->
			if
			:: state[i] == MOVING(p) -> state[i] = RECLAIMED; present[i] = 0
			:: else
			fi;
			i++
		:: else -> i = 0; break
		od
	}
#if RESTARTS > 0
	} unless {
		atomic {
			n_restarts < RESTARTS -> n_restarts++;
			i = 0; c = 0; mask = 0; gone = 0; undecided = 0; won = 0; k = 0
		}
		goto pass
	};
#else
	};
#endif
	atomic { dead[p] = 0; over[p] = 1; due[p] = 0; p = 0; gone = 0; c = 0 }
	goto end
}

/* ---- the beginning, and the end ---- */

#define IS_AT_REST(p) (!asleep[p] || slices[p] >= n_lost)

/* Lossy subscribers rest, and have not received it. */
#ifdef LAZY
#define IS_LEFT(b) (state[b] == SHARED && !held[b] && !(pending[b] & ~LOSSY))
#define MAY_BE_DUE(q) MAY_LOSE(q)
#else
#define IS_LEFT(b) false
#define MAY_BE_DUE(q) false
#endif

init {
	byte b;

	atomic {
		run Sender(0); run Subscriber(2); run Daemon();
#ifndef ALONE
		run Subscriber(3);
#endif
#if SENDERS < 2
		over[1] = 1;
#else
		run Sender(1);
#endif
#ifndef NOJOIN
		run Subscriber(4);
#endif
#ifdef DRAIN
		run Drainer(5)
#else
		over[5] = 1
#endif
	}
	timeout && IS_AT_REST(0) && IS_AT_REST(1) && IS_AT_REST(2) && IS_AT_REST(3) &&
		IS_AT_REST(4) && IS_AT_REST(5);
	d_step {
		assert(over[0] && over[1]);
		for (b : 0 .. BLOCKS - 1) {
			assert(CAN_GET(b) || stopped_in[b] || IS_LEFT(b));
			/* What the drainer waits for. */
			over[5] = (over[5] || (state[b] == SHARED && pending[b] && at[b] < drained))
		}
		assert(over[5]);
		for (b : 2 .. 4) {
			assert(due[b] == 0 || STOPS || MAY_BE_DUE(b));
			assert(MAY_LOSE(b) || (lost[b] == 0 && dropped[b] == 0))
		}
		if :: owner[0] == 3 && MAY_LOSE(2) && !STOPS && !MAY_BE_DUE(2) ->
			assert(lost[2] == dropped[2]) :: else fi;
		if :: owner[1] == 4 && MAY_LOSE(3) && !STOPS && !MAY_BE_DUE(3) ->
			assert(lost[3] == dropped[3]) :: else fi
	}
}
