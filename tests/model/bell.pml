/* SPDX-License-Identifier: MIT */
/*
 * A bell: senders, the ringer, and takers, who poll the descriptor. What is due are tokens here;
 * of a sender's bell it is room, which the receiver makes, and of a pool's it is blocks.
 *
 *	sender                ringer                      taker
 *	token                 seen = word                 poll: readable
 *	asleep in word?       ARMED -> LOOKING            take 1 or 2, until there is none
 *	sequence + 1, wake    due? -> RUNG, write         short, or none left: settle
 *	                      else asleep, due? -> ARMED
 *	                      sleep while word = seen
 *
 * As lib/bell.[ch] and lib/descriptor.c. The channel is two counters, of tokens that were sent and
 * taken. What a lone taker has taken may be late: others see it when its next barrier brings it
 * out. Each of SENDERS sends TOKENS, and dies between any two steps while fewer than KILLS have. A
 * taker takes one or two at a time, and polls or receives again, as it likes; with -DSLEEPS it may
 * also sleep in a receive, on the same word. In the end the last stops the bell and joins the
 * ringer. Of several takers, each may find that another has taken what it was woken for.
 *
 * Checked: when poll returns, there is something to take, if there is one taker; in the end all
 * tokens are taken and the ringer has ended. No sleep ends by itself, but for one a death, and only
 * when nothing else moves.
 *
 * Searched to the end, in million states: the default 2.1; -DEDGES 0.9; -DSLEEPS 4.0; -DKILLS=1
 * 4.2; -DAPART 0.3; -DSENDERS=1 -DTAKERS=2 2.1; with -DSENDERS=1 -DTOKENS=2 -DPLAIN 0.7, and
 * -DAPART -DTAKERS=2 1.1.
 *
 *	-DSENDERS -DTOKENS -DKILLS	2 1 0
 *	-DTAKERS	1; of several, each step that takes is seen at once, as the CAS that it is
 *	-DAPART		the ringer sleeps on the state while the bell is RUNG
 *	-DPLAIN		the sender's token is a plain store, and late; who prepares runs a barrier in
 *			the sender (with -DSENDERS=1)
 *	-DSLEEPS	the receiver may sleep in a receive instead of polling
 *	-DEDGES		it waits for edges, as epoll gives them, and receives until that comes short
 *	-DIMPATIENT	it need not wait for a write that is about to come, and may be woken for nothing
 * Broken on purpose: a wake for nothing
 *	-DWRITEFIRST	the ringer writes before the bell is RUNG
 *	-DNOLOOKING	it looks while the bell is ARMED, and then makes it RUNG
 *	-DNOTAKEBACK	the receiver lets a ringer go on that looks
 *	-DNOWAIT	it does not wait for the write
 *	-DNOFENCE	it looks at the state before others see what it has taken
 *	-DNOSETTLE	it settles the bell only when a receive came short
 * and a wake that is lost
 *	-DNOSTIR	the receiver does not look again when it has settled the bell
 *	-DNOASLEEP	the ringer leaves it to the receiver to set asleep
 *	-DNORETRY	it sleeps when the receiver has taken it back, though something is due
 *	-DREADLATE	it reads the word after it has looked at the state
 *	-DNOSEQUENCE	a notification does not raise the sequence (with -DSLEEPS)
 *	-DLEAVESHORT	a receive that came short leaves the bell if there is something by now (-DEDGES)
 *	-DSTOPQUIET	who stops the bell does not change the word
 *	-DNOREWAKE	a taker does not wake the ringer that sleeps on the state (-DAPART)
 *	-DSTAYSAPART	the ringer sleeps on the state while the bell is ARMED, too (-DAPART)
 *	-DNOMEMBARRIER	who prepares runs no barrier in the sender (-DPLAIN)
 */
#ifndef SENDERS
#define SENDERS 2
#endif
#ifndef TOKENS
#define TOKENS 1
#endif
#ifndef KILLS
#define KILLS 0
#endif

#ifndef TAKERS
#define TAKERS 1
#endif

#define ARMED 0
#define LOOKING 1
#define RUNG 2
#define STOPPED 3

#define ASLEEP(w) ((w) & 1)
#define STIRRED(w) ((w) + 2)
#ifdef NOSEQUENCE
#define RAISED(w) ((w) - 1)
#else
#define RAISED(w) ((w) + 1)
#endif

byte sent, taken;
byte unseen;		/* sent, but others do not see it yet */
byte seen_taken;	/* what others than a lone taker see of taken */
byte word, state = ARMED;
bit written, edge;	/* the eventfd */
bit ringer_sleeps, ringer_sleeps_apart, ringer_over;
bit taker_sleeps[TAKERS];
byte n_over, n_done, n_kills, slices;

#define IS_DUE (sent != taken)
#define IS_DUE_TO_OTHERS (sent != seen_taken)
#define NO_MORE (n_over == SENDERS && unseen == 0 && !IS_DUE)

#define MAY_DIE if :: n_kills < KILLS -> n_kills++; goto over :: true fi

inline wake_all()
{
	d_step {
		ringer_sleeps = 0;
		taker_sleeps[0] = 0;
#if TAKERS > 1
		taker_sleeps[1] = 0;
#endif
	}
}

/* A barrier in the sender. */
inline bring_out()
{
	d_step { sent = sent + unseen; unseen = 0 }
}

#ifdef PLAIN
/* At some time the store is seen, also of a sender that has died. */
active proctype Buffer()
{
end:	do
	:: unseen > 0 -> bring_out()
	od
}
#endif

proctype Sender()
{
	byte i, seen;

	do
	:: i < TOKENS ->
#ifdef PLAIN
		atomic { MAY_DIE; unseen++; i++ }
#else
		atomic { MAY_DIE; sent++; i++ }
#endif
		atomic { MAY_DIE; seen = word }
		if
		:: ASLEEP(seen) ->
			atomic {
				MAY_DIE;
				bring_out();
				if
				:: word == seen -> word = RAISED(seen)
				:: else -> seen = 0
				fi
			}
			if
			:: ASLEEP(seen) -> atomic { MAY_DIE; wake_all() }
			:: else
			fi
		:: else
		fi
	:: else -> break
	od;
over:	atomic { n_over++; i = 0; seen = 0 }
}

/* ---- the ringer ---- */

inline ring()
{
	atomic { written = 1; edge = 1 }
}

/* Goes to @yes if the state was @from, and is @to then; else to @no. */
#define CHANGE(from, to, yes, no) \
	atomic { if :: state == from -> state = to; goto yes :: else -> goto no fi }

active proctype Ringer()
{
	byte seen;

again:	atomic { if :: state == STOPPED -> goto over :: else fi; seen = word }
#ifdef NOLOOKING
	atomic { if :: state != ARMED -> goto rest :: else fi }
#else
	CHANGE(ARMED, LOOKING, look, late);
late:
#ifdef READLATE
	seen = word;
#endif
#ifdef APART
apart:	atomic {
		if
		:: state == RUNG -> ringer_sleeps_apart = 1
#ifdef STAYSAPART
		:: state == ARMED -> ringer_sleeps_apart = 1
#endif
		:: else -> goto again
		fi
	}
	ringer_sleeps_apart == 0;
	goto again;
#endif
	goto rest;
#endif
look:	atomic { if :: IS_DUE_TO_OTHERS -> goto due :: else fi }
#ifndef NOASLEEP
	atomic { word = word | 1; seen = word }
#ifndef NOMEMBARRIER
	bring_out();
#endif
	atomic { if :: IS_DUE_TO_OTHERS -> goto due :: else fi }
#endif
#ifdef NOLOOKING
	goto rest;
due:	CHANGE(ARMED, RUNG, rung, rest);
#else
#ifdef STAYSAPART
	CHANGE(LOOKING, ARMED, apart, apart);
#else
	CHANGE(LOOKING, ARMED, rest, rest);
#endif
due:
#ifdef WRITEFIRST
	ring();
	CHANGE(LOOKING, RUNG, rest, rest);
#elif defined(NORETRY)
	CHANGE(LOOKING, RUNG, rung, rest);
#else
	CHANGE(LOOKING, RUNG, rung, again);
#endif
#endif
rung:	ring();
#ifdef APART
	goto again;
#endif
rest:	atomic { if :: state == STOPPED -> goto over :: else fi }
	atomic { if :: word == seen -> ringer_sleeps = 1 :: else fi; seen = 0 }
	if
	:: atomic { !ringer_sleeps -> goto again }
	:: atomic { timeout && ringer_sleeps && slices < n_kills ->
		slices++; ringer_sleeps = 0; goto again }
	fi;
over:	atomic { seen = 0; ringer_over = 1 }
}

/* ---- takers ---- */

inline barrier()
{
	seen_taken = taken
}

inline take(n)
{
	do
	:: atomic { got < n && IS_DUE ->
		taken++; got++;
#if TAKERS > 1
		seen_taken = taken }
#else
		if :: seen_taken + 1 == taken -> seen_taken = taken :: true fi }
#endif
	:: atomic { got < n && !IS_DUE -> is_short = 1; break }
	:: atomic { got == n -> break }
	od
}

inline prepare()
{
	atomic { barrier(); word = word | 1; seen = word }
#ifndef NOMEMBARRIER
	bring_out()
#endif
}

inline stir()
{
	atomic { barrier(); word = STIRRED(word) }
	wake_all()
}

inline settle()
{
#ifndef NOFENCE
	barrier();
#endif
#ifndef NOTAKEBACK
	/* A load, and a CAS if it is LOOKING; that changes nothing if it is not any more. */
	atomic { if :: state == LOOKING -> barrier(); state = ARMED :: else fi }
#endif
	if
	:: state == RUNG ->
#ifdef NOWAIT
		atomic { barrier(); written = 0 }
		state = ARMED
#else
		if
		:: atomic { written -> barrier(); written = 0 }
			state = ARMED;
#if defined(APART) && !defined(NOREWAKE)
			ringer_sleeps_apart = 0
#endif
#if TAKERS > 1
		:: state != RUNG
#endif
#ifdef IMPATIENT
		:: !written
#endif
		fi
#endif
	:: else
	fi;
#ifndef APART
	prepare();
#ifndef NOSTIR
	if
	:: IS_DUE -> stir()
	:: else
	fi
#endif
#endif
}

inline receive()
{
	is_short = 0;
	if
	:: take(1)
	:: take(2)
	fi;
	got = 0;
	if
#ifdef LEAVESHORT
	:: !IS_DUE ->
#elif defined(NOSETTLE)
	:: is_short ->
#else
	:: is_short || !IS_DUE ->
#endif
		settle()
	:: else
	fi;
	seen = 0
}

/* Returns when the descriptor is readable, or all has been taken. */
inline poll()
{
	if
#ifdef EDGES
	:: atomic { edge && written ->
		edge = 0;
#else
	:: atomic { written ->
#endif
#if !defined(IMPATIENT) && TAKERS == 1
		assert(IS_DUE)
#endif
		}
#ifdef EDGES
	/* epoll looks again before it reports. */
	:: atomic { edge && !written -> edge = 0 }
#endif
	:: NO_MORE
	fi
}

inline sleep()
{
	prepare();
	if
	:: IS_DUE
	:: else ->
		atomic { if :: word == seen -> taker_sleeps[me] = 1 :: else fi }
		if
		:: !taker_sleeps[me]
		:: atomic { NO_MORE -> taker_sleeps[me] = 0 }
		:: atomic { timeout && taker_sleeps[me] && slices < n_kills ->
			slices++; taker_sleeps[me] = 0 }
		fi
	fi;
	seen = 0
}

proctype Taker(bit me)
{
	byte got, seen;
	bit is_short;

	do
	:: NO_MORE -> break
#ifdef EDGES
	:: true -> poll();
		do
		:: receive(); if :: is_short -> break :: else fi
		od
#else
	:: true -> poll(); receive()
	:: receive()
#endif
#ifdef SLEEPS
	:: sleep(); receive()
#endif
	od;
	atomic {
		is_short = 0;
		n_done++;
		if
		:: n_done == TAKERS -> state = STOPPED
		:: else -> goto over
		fi
	}
	ringer_sleeps_apart = 0;
#ifdef STOPQUIET
	wake_all();
#else
	stir();
#endif
	ringer_over;
over:	skip
}

init {
	byte i;

	atomic {
		do :: i < SENDERS -> run Sender(); i++ :: else -> i = 0; break od;
		do :: i < TAKERS -> run Taker(i); i++ :: else -> i = 0; break od
	}
}
