/* SPDX-License-Identifier: MIT */
/*
 * Owing: what an audit takes for lost, while others leave a block and announce it later.
 *
 *	client, put without room    daemon, after a death     daemon, growth    auditor
 *	owing + 1                   slot LIVE -> DEAD         growing = 1       word: RECLAIMED
 *	word: USED -> RECLAIMED     word -> RECLAIMED         born = 1          slots: DEAD, owing?
 *	reclaim_seq + 1             reclaim_seq + 1           word -> RECLAIMED growing?
 *	owing - 1                   slot DEAD -> FREE         reclaim_seq + 1   collect pending?
 *	                                                      growing = 0       word the same?
 *
 * As lib/core/{audit,pressure,pass,grow,collect}.c. One block; an orphan is left and collected in
 * the same steps. It is born first. A slot has one client after the other, and each does what it
 * likes, as often as it likes: puts the block without room if it has it, collects, takes the block
 * by one CAS, leaves, or dies between any two stores. The daemon may die between any two of its
 * own, and begins again. So nothing is bounded but the number of slots, NP.
 *
 * Sequences are not counted: what was read of one is told whether it is still the newest. The
 * auditor reads reclaim_seq, and then collected_seq, which it compares.
 *
 * Checked: whenever the block is RECLAIMED, a collect is pending or somebody shows that he owes;
 * the auditor, which goes round for ever, never finds the block lost, unless it changed and changed
 * back between two of its loads.
 *
 *	-DNP		2
 * Broken on purpose, each found:
 *	-DPENDINGFIRST	the auditor asks whether a collect is pending, and then for debtors
 *	-DLIVEONLY	a DEAD slot is no debtor
 *	-DLATE		a client owes after it has left the block
 *	-DEARLY		it owes no more before it has announced it
 *	-DSLOTFIRST	the daemon frees the slot and then announces
 *	-DNOGROWING	growth does not say so
 *	-DKEEPSOWING	the claim of a slot does not clear owing: who has it now seems to owe
 *	-DNOANNOUNCE	a put does not announce: the auditor must find that
 *	-DCHANGEDBACK	the auditor forgets about what changed and changed back
 */
#ifndef NP
#define NP 2
#endif

#define UNBORN 20
#define RECLAIMED 21
#define USED(p) (p)

#define FREE 0
#define LIVE 1
#define DEAD 2

byte word = UNBORN;
bit pending; /* reclaim_seq != collected_seq */
byte state[NP];
bit owing[NP], growing, born;

/* What p has read of reclaim_seq is its value now; is what the auditor has read. */
bit newest[NP], as_auditor[NP];
bit auditor_newest; /* what the auditor has read of it is its value now */
bit collected_so;   /* and is the value of collected_seq */
bit changed;        /* the word, since the auditor looked */

#define SET(to) word = to; changed = 1

inline raise()
{
	pending = 1;
	auditor_newest = 0;
	newest[0] = 0;
	newest[1] = 0
}

/* A step of a client, before which it may die. */
#define STEP(what) \
	if \
	:: goto died \
	:: atomic { what } \
	fi

/* The daemon may die here; the next one begins again. */
#define MAY_RESTART(where) if :: goto where :: skip fi

proctype Growth()
{
begin:
#ifndef NOGROWING
	growing = 1;
#endif
	born = 1;
	MAY_RESTART(begin);
	atomic { if :: word == UNBORN -> SET(RECLAIMED) :: else fi }
	MAY_RESTART(begin);
	atomic { raise() }
	MAY_RESTART(begin);
	growing = 0;
	MAY_RESTART(begin)
}

/* A slot: its clients, one after the other, and what the daemon does about each. */
proctype Slot(byte p)
{
	bit left;

	do
	:: atomic {
#ifndef KEEPSOWING
		owing[p] = 0;
#endif
		state[p] = LIVE };
		do
		:: atomic { word == USED(p) -> assert(!owing[p]) };
#ifndef LATE
			STEP(owing[p] = 1);
#endif
			STEP(if :: word == USED(p) -> left = 1; SET(RECLAIMED) :: else fi);
#ifdef LATE
			STEP(owing[p] = 1);
#endif
#ifdef EARLY
			STEP(owing[p] = 0);
#endif
#ifndef NOANNOUNCE
			STEP(if :: left -> raise() :: else fi);
#endif
#ifndef EARLY
			STEP(owing[p] = 0);
#endif
			left = 0
		:: atomic { newest[p] = 1; as_auditor[p] = auditor_newest };
			STEP(if :: word == RECLAIMED -> SET(USED(p)) :: else fi);
			STEP(pending = !newest[p]; collected_so = as_auditor[p];
			     newest[p] = 0; as_auditor[p] = 0)
		:: atomic { word == RECLAIMED -> SET(USED(p)) }
		:: break /* it leaves: to the pool that is death */
		od;
died:		atomic { state[p] = DEAD; newest[p] = 0; as_auditor[p] = 0; left = 0 }
		atomic { if :: word == USED(p) -> SET(RECLAIMED) :: else fi }
		MAY_RESTART(died);
#ifdef SLOTFIRST
		state[p] = FREE;
#endif
		atomic { raise() }
		MAY_RESTART(died);
		state[p] = FREE
	od
}

proctype Auditor()
{
	byte i;
	bit debtor, live, not_pending;

	do
	:: atomic { word == RECLAIMED -> changed = 0 }
#ifdef PENDINGFIRST
		atomic { auditor_newest = 1; collected_so = !pending;
			 as_auditor[0] = newest[0]; as_auditor[1] = newest[1] }
		not_pending = collected_so;
#endif
		do
		:: i < NP ->
			atomic {
				live = (state[i] == LIVE);
#ifndef LIVEONLY
				debtor = debtor || state[i] == DEAD
#endif
			}
			atomic { debtor = debtor || (live && owing[i]); live = 0; i++ }
		:: else -> break
		od;
		debtor = debtor || growing;
#ifndef PENDINGFIRST
		atomic { auditor_newest = 1; collected_so = !pending;
			 as_auditor[0] = newest[0]; as_auditor[1] = newest[1] }
		not_pending = collected_so;
#endif
		atomic {
#ifdef CHANGEDBACK
			assert(word != RECLAIMED || debtor || !not_pending);
#else
			assert(changed || debtor || !not_pending);
#endif
			auditor_newest = 0; collected_so = 0; as_auditor[0] = 0; as_auditor[1] = 0;
			debtor = 0; not_pending = 0; changed = 0; i = 0
		}
	:: atomic { word == UNBORN && born -> skip }
		debtor = growing;
		atomic { assert(debtor || word != UNBORN); debtor = 0 }
	od
}

#define OWES(p) (state[p] == DEAD || (state[p] == LIVE && owing[p]))

proctype Invariant()
{
	atomic { word == RECLAIMED && !pending && !growing && !OWES(0) && !OWES(1) -> assert(false) }
}

init {
	atomic {
#ifndef NOANNOUNCE
		run Invariant();
#endif
		run Growth(); run Auditor(); run Slot(0); run Slot(1)
	}
}
