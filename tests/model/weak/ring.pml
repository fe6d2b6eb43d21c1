/* SPDX-License-Identifier: MIT */
/*
 * Rings: positions are filled without a gap, and nobody takes a cell's token for another lap's. On
 * the machine of machine.pml.
 *
 * A ring of two cells. Positions 0 and 1 are sent, everybody knows so; A and B are about to send at
 * position 2, and find the ring full unless C has received.
 *
 *	C	empties both cells, then raises head (mp_channel_receive(); with -DWORK
 *		mp_ring_clear() and mp_ring_raise_head(), which are CAS)
 *	A, B	send a token each (mp_ring_post()): limit; if the position is beyond it, head, and
 *		limit anew (mp_ring_look_at_head()), after which it may be dead; CAS of the cell; if
 *		that fails, the next position
 *	R	with -DWORK, in place of B: another receiver, which looks at position 0
 *		(mp_ring_look()): head, cell, head
 *
 * Checked: position 3 is filled only if 2 is, or what is sent at 3 is never received, as tail is
 * behind it; what R finds at position 0 is of position 0.
 *
 * Not here: tail, which is a hint (that it is 2 everybody knows); the words behind the tokens
 * (word.pml); sleep (sleep.pml).
 *
 *	-DWORK		see above
 *	-DPLAINCELL	C's stores to cells are no releases: sound, as that of head is one. They are
 *			releases for who drains the channel
 *	-DPLAINSTORE	limit is stored plainly: sound on this machine, where no store overtakes the
 *			acquire of head before it; C11 does not say so
 * Broken on purpose, each found:
 *	-DPLAINLIMIT	limit is loaded plainly: B may see A's limit and the cell of the lap before
 *	-DPLAINHEAD	head is stored plainly
 *	-DPLAINLOOK	R's loads are plain, with -DWORK
 *	-DLOOKONCE	R does not look at head again, with -DWORK
 */
/* Processors. */
#define A 0
#define B 1
#define R 1
#define C 2
#define P 3

/* Locations. */
#define CELL 0 /* and 1 */
#define HEAD 2
#define LIMIT 3
#define L 4
#define W 18

/* In a cell: empty(lap), or a token. */
#define OLD 10 /* + position */
#define TOKEN 20 /* + processor */
#define IS_TOKEN(v) ((v) >= 10)

/* Positions 0 and 1 are sent. */
#define FIRST(l) (l == CELL -> OLD : (l == CELL + 1 -> OLD + 1 : (l == LIMIT -> 2 : 0)))

#include "machine.pml"

/* mp_ring_look_at_head() */
inline look_at_head(p)
{
	ACQUIRE(p, HEAD, head);
	if
	:: at < head -> at = head
	:: else
	fi;
	limit = head + 2;
#ifdef PLAINSTORE
	STORE(p, LIMIT, limit)
#else
	RELEASE(p, LIMIT, limit)
#endif
}

proctype Producer(byte p)
{
	byte at = 2, head, limit;
	bit done;

#ifdef PLAINLIMIT
	LOAD(p, LIMIT, limit);
#else
	ACQUIRE(p, LIMIT, limit);
#endif
	do
	:: at < 5 ->
		if
		:: at >= limit ->
			look_at_head(p);
			if
			:: break /* it is dead, or its block is refused */
			:: skip
			fi
		:: else
		fi;
		if
		:: at >= limit -> break
		:: else
		fi;
		CAS(p, CELL + (at & 1), at >> 1, TOKEN + p, done);
		at++;
		if
		:: done -> break
		:: else
		fi
	:: else -> break
	od;
	OVER
}

#ifdef WORK
proctype Receiver()
{
	bit done;

	CAS(C, CELL, OLD, 1, done);
	CAS(C, CELL + 1, OLD + 1, 1, done);
	CAS(C, HEAD, 0, 2, done);
	OVER
}

proctype Other()
{
	byte before, cell, after;

#ifdef PLAINLOOK
	LOAD(R, HEAD, before);
	LOAD(R, CELL, cell);
	LOAD(R, HEAD, after);
#else
	ACQUIRE(R, HEAD, before);
	ACQUIRE(R, CELL, cell);
#ifndef LOOKONCE
	ACQUIRE(R, HEAD, after);
#endif
#endif
	CLAIM(!(after == 0 && IS_TOKEN(cell)) || cell == OLD);
	OVER
}
#else
proctype Receiver()
{
#ifdef PLAINCELL
	STORE(C, CELL, 1);
	STORE(C, CELL + 1, 1);
#else
	RELEASE(C, CELL, 1);
	RELEASE(C, CELL + 1, 1);
#endif
#ifdef PLAINHEAD
	STORE(C, HEAD, 2);
#else
	RELEASE(C, HEAD, 2);
#endif
	OVER
}
#endif

proctype Promiser()
{
end:	do
#ifdef PLAINCELL
	:: atomic { MAY_PROMISE(C) -> PROMISE(C, CELL, 1) }
	:: atomic { MAY_PROMISE(C) -> PROMISE(C, CELL + 1, 1) }
#endif
#ifdef PLAINHEAD
	:: atomic { MAY_PROMISE(C) -> PROMISE(C, HEAD, 2) }
#endif
#ifdef PLAINSTORE
	:: atomic { MAY_PROMISE(A) -> PROMISE(A, LIMIT, 4) }
	:: atomic { MAY_PROMISE(B) -> PROMISE(B, LIMIT, 4) }
#endif
	:: at_end > P -> break
	od
}

init {
	atomic {
		run Producer(A); run Receiver(); run Promiser();
#ifdef WORK
		run Other()
#else
		run Producer(B)
#endif
	}
end:	atomic {
		at_end == P && n_owed == 0;
		newest(C, CELL);
		f_ = v_;
		newest(C, CELL + 1);
		CLAIM(v_ < TOKEN || f_ >= TOKEN);
		assert(!fault)
	}
}
