/* SPDX-License-Identifier: MIT */
/*
 * Broadcasts: whoever has left is to get nothing that is sent. On the machine of machine.pml.
 *
 *	S	posts the token, CAS of the cell; fence; decides: word, members, CAS of the word
 *		(broadcast_post(), broadcast_try_decide())
 *	Q	leaves: its bit out of members; fence; looks at the cell; if there is a token,
 *		decides if nobody has, and takes its bit off the word (mp_broadcast_leave()). So
 *		does the daemon's pass for the dead (mp_broadcast_expel())
 *
 * Another subscriber stays. Checked: in the end the word is decided, and does not have Q's bit:
 * else the block would wait for ever for somebody who has gone, or for his seat's next owner.
 *
 * Not here: the ring (ring.pml), and all else of broadcast.pml, one folder up.
 *
 * Broken on purpose, each found:
 *	-DNOSEND	no fence between the CAS of the cell and the look at members
 *	-DNOLEAVE	no fence between the change of members and the look at the cell
 *	-DEARLYMEMBERS	members are read before the token is posted
 */
/* Processors. */
#define S 0
#define Q 1
#define P 2

/* Locations. */
#define CELL 0
#define MEMBERS 1 /* 1: Q; 2: who stays */
#define WORD 2
#define L 3
#define W 12

#define MOVING 0
#define SHARED 4 /* + members */
#define FIRST(l) (l == MEMBERS -> 3 : 0)

#include "machine.pml"

proctype Sender()
{
	byte members;
	bit done;

#ifdef EARLYMEMBERS
	ACQUIRE(S, MEMBERS, members);
#endif
	CAS(S, CELL, 0, 1, done);
#ifndef NOSEND
	FENCE(S);
#endif
	/* The word is its own gift: MOVING, or Q has decided. */
#ifndef EARLYMEMBERS
	ACQUIRE(S, MEMBERS, members);
#endif
	CAS(S, WORD, MOVING, SHARED + members, done);
	OVER
}

proctype Leaver()
{
	byte members, word, cell, tries;
	bit done;

	UPDATE(Q, MEMBERS, v_ & 2, members);
#ifndef NOLEAVE
	FENCE(Q);
#endif
	ACQUIRE(Q, CELL, cell);
	do
	:: cell && tries < 3 ->
		tries++;
		ACQUIRE(Q, WORD, word);
		if
		:: word == MOVING ->
			ACQUIRE(Q, MEMBERS, members);
			CAS(Q, WORD, MOVING, SHARED + members, done)
		:: word != MOVING && word & 1 -> CAS(Q, WORD, word, word - 1, done)
		:: else -> break
		fi
	:: else -> break
	od;
	OVER
}

init {
	atomic { run Sender(); run Leaver() }
end:	atomic {
		at_end == P && n_owed == 0;
		newest(S, WORD);
		CLAIM(v_ == SHARED + 2);
		assert(!fault)
	}
}
