/* SPDX-License-Identifier: MIT */
/*
 * The end of a stream: senders 0 and 1 each come, send a block and go; a receiver opens at some
 * time, receives, and is told when the stream is over.
 *
 *	sender    bit on   opens + 1   send   bit off   hungry? wake
 *	receiver  note opens and bits; nothing there: opens? bits? opens as before? anything there?
 *	          over, or sleep
 *
 * As lib/core/ends.h; the ring is a count (channel.pml has it). Up to KILLS senders die, between
 * any two steps; then the daemon takes the bit off and wakes. A sleep ends by itself, once for each
 * death and when nothing else moves.
 *
 * Checked: whenever the receiver says that the stream is over, there was a moment during its looks
 * at which somebody had come since its open, nobody had the channel open, and all that was sent was
 * received. A sender has it open from opens + 1 on, before which its call does not return. When
 * both senders have gone, it is told so: nobody sleeps for ever.
 *
 * A sender of a work channel is deserted when the receivers have come and gone: it looks at their
 * opens and bits in the same way, and at nothing else, as if nothing was ever there. What is there
 * for a subscriber of a broadcast is what is at its own cursor, not at head; that it has received
 * something, its cursor says.
 *
 * Searched to the end: 0.4 million states at most.
 *
 *	-DKILLS	deaths	1
 * Broken on purpose, each found:
 *	-DOPENSLAST	opens is looked at last
 *	-DOPENSONCE	opens is not looked at again: a sender may come whose bit was looked at, and
 *		then another one go whose bit was not
 *	-DRINGFIRST	the ring is looked at before the bits
 *	-DWAKEFIRST	a sender wakes before it takes its bit off
 *	-DNOSECOND	the receiver does not look again after it has set hungry
 *	-DNORECEIVED	that it has received something does not count as somebody who came
 */
#ifndef KILLS
#define KILLS 1
#endif

byte opens, there, n_kills, slices, gone;
bit mark[2], has[2], dead[2], hungry, asleep, had_come;
bit is_open;	/* the receiver */
bit quiet;	/* ghost: the stream was over at some moment of the looks */

#define NOTE if :: is_open && had_come && !has[0] && !has[1] && !there -> quiet = 1 :: else fi
#define MAY_DIE if :: n_kills < KILLS -> n_kills++; goto died :: true fi

proctype Sender(byte p)
{
	bit won;

	mark[p] = 1;
	atomic { MAY_DIE; opens++; has[p] = 1; if :: is_open -> had_come = 1 :: else fi }
	atomic { MAY_DIE; there++ }
	atomic { MAY_DIE; won = hungry }
	if
	:: won -> atomic { MAY_DIE; hungry = 0; asleep = 0; won = 0 }
	:: else
	fi;
#ifdef WAKEFIRST
	atomic { MAY_DIE; won = hungry }
	if
	:: won -> atomic { MAY_DIE; hungry = 0; asleep = 0; won = 0 }
	:: else
	fi;
#endif
	atomic { MAY_DIE; mark[p] = 0; has[p] = 0; NOTE }
#ifndef WAKEFIRST
	atomic { MAY_DIE; won = hungry }
	if
	:: won -> atomic { MAY_DIE; hungry = 0; asleep = 0; won = 0 }
	:: else
	fi;
#endif
	atomic { gone++; goto end }
died:	atomic { dead[p] = 1; won = 0; if :: is_open -> had_come = 1 :: else fi }
end:	skip
}

active proctype Daemon()
{
	byte p;

end:	do
	:: atomic { dead[0] -> p = 0; dead[0] = 0 }
		atomic { mark[p] = 0; has[p] = 0; NOTE }
		atomic { if :: hungry -> hungry = 0; asleep = 0 :: else fi; gone++ }
	:: atomic { dead[1] -> p = 1; dead[1] = 0 }
		atomic { mark[p] = 0; has[p] = 0; NOTE }
		atomic { if :: hungry -> hungry = 0; asleep = 0 :: else fi; gone++ }
	od
}

/* Looks whether it is over: sets is_over. */
inline look()
{
	atomic { quiet = 0; NOTE; seen_mark = 0; is_over = 1 }
#ifndef OPENSLAST
	atomic { before = opens; had = (had || opens != noted); NOTE }
#endif
#ifdef RINGFIRST
	atomic { is_over = !there; NOTE }
#endif
	atomic { seen_mark = mark[0]; NOTE }
	atomic { seen_mark = (seen_mark || mark[1]); NOTE }
#if !defined(OPENSONCE) && !defined(OPENSLAST)
	atomic { seen_mark = (seen_mark || opens != before); NOTE }
#endif
#ifndef RINGFIRST
	atomic { is_over = (is_over && !there); NOTE }
#endif
#ifdef OPENSLAST
	atomic { had = (had || opens != noted); NOTE }
#endif
	atomic {
		is_over = (is_over && had && !seen_mark);
		assert(!is_over || quiet);
		seen_mark = 0; quiet = 0; before = 0
	}
}

proctype Receiver()
{
	byte noted, before;
	bit had, received, seen_mark, is_over, was_gone;

	atomic { is_open = 1; had_come = (mark[0] || mark[1]); noted = opens }
	atomic { had = mark[0] }
	atomic { had = (had || mark[1]) }
	do
	:: atomic { there ->
			there--; received = 1; had_come = 1;
#ifndef NORECEIVED
			had = 1;
#endif
			NOTE }
	:: atomic { !there -> was_gone = (gone == 2) }
		look();
		if
		:: is_over && was_gone -> break
		:: is_over && !was_gone -> is_over = 0
		:: !is_over && was_gone && !had ->
			assert(!received);
			break /* both went before it came, and left nothing */
		:: else ->
			atomic { hungry = 1 }
#ifndef NOSECOND
			look();
			if
			:: is_over || there -> is_over = 0
			:: else ->
				atomic { if :: hungry -> asleep = 1 :: else fi }
			fi;
#else
			atomic { if :: hungry -> asleep = 1 :: else fi };
#endif
			if
			:: !asleep
			:: atomic { timeout && asleep && slices < n_kills -> slices++; asleep = 0 }
			fi
		fi
	od
}

init { atomic { run Sender(0); run Sender(1); run Receiver() } }
