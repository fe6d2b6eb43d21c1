/* SPDX-License-Identifier: MIT */
/*
 * A channel: producers 0 and 1, consumer 2 and, when that has died, 3; a ring of N cells.
 *
 *	give: word MOVING   post: CAS empty -> token   tail   hungry? wake   close: word SENT
 *	take: CAS USED      cell: empty(lap + 1)       head   crowded? wake
 *
 * As lib/core/channel.[ch]: a cell says which lap it waits for; tail and limit are hints, stored
 * plainly by any producer, and may go back; the consumer takes the block, then empties the cell,
 * and raises head once a batch, of up to N. What the consumer stores may be late: it is seen when
 * its next CAS or fence, its death, or the barrier of a producer that goes to sleep brings it out.
 * Producer 0 sends the FIRST blocks, producer 1 sends the others, in order; each gives, posts, and
 * withdraws when there was no room; with -DCLOSE it makes what it sent the channel's, SENT, at its
 * end. Up to KILLS of 0, 1 and 2 die, between any two stores; consumer 3 lives. The daemon's pass
 * frees the seat, makes what the dead sent SENT, takes USED blocks back, and, the grace being over
 * at some time, MOVING ones.
 *
 * With -DDRAIN, 4 waits until all that had been sent when it began is received: it finds the first
 * empty position, and sleeps on crowded while a token before that is of a gift. It needs no
 * barrier, as a take is a CAS; it does not wait for head, which nobody raises for a dead consumer.
 *
 * Checked: nobody has a block twice; 1 does not arrive before 0; no position beyond head + N is
 * filled, and filled ones are without a gap; who closes has no gift left that nobody took; when
 * nothing moves any more, then no producer that lives sleeps, and each block that was sent has
 * arrived, the others are reclaimed, and the drainer is done. A sleep ends by itself, as its slice
 * does, once for each death, and only when nothing else moves: that is what a killed waker may
 * cost.
 *
 * The sequences of hungry and crowded are here as what they are for: told says that crowded was
 * raised since this producer made ready to sleep, raised that hungry was since this one saw it;
 * both are 1 while it does neither.
 *
 * What is not here: two that sleep on hungry (bell.pml has them); laps and generations that wrap;
 * blocks that are sent again, and so generations (give.pml); a batch that is sent (it is one by
 * one); the limit of tries in post(), which is for rings that somebody scribbled on.
 *
 * Searched to the end, in million states: -DKILLS=0 0.8, with -DCLOSE 2.4; -DN=1 -DFIRST=1
 * -DBLOCKS=2 -DKILLS=0 -DDRAIN 9.1; -DFIRST=3 2.2; -DN=1 -DFIRST=1 -DBLOCKS=2 4.2; -DN=1 30.2; the
 * default 37.0.
 *
 *	-DN -DBLOCKS -DKILLS	cells, blocks, deaths	2 3 1
 *	-DFIRST	how many of the blocks are producer 0's	2
 *	-DCLOSE	producers close at their end
 *	-DDRAIN		there is a drainer
 *	-DNOSEQUENCE	crowded is a bare flag: sound too, as who sets it again finds room and
 *			sends; but with -DDRAIN an error
 * Broken on purpose, each found:
 *	-DEMPTYFIRST	the cell is emptied before the block is taken
 *	-DHEADFIRST	head is raised before the cell is emptied
 *	-DNOLAP		empty cells are all alike
 *	-DNOLIMIT	a cell that is empty may be filled, whatever head says
 *	-DNOBARRIER	a producer goes to sleep without the barrier
 *	-DNOFENCE	the consumer goes to sleep without a fence: the look comes before hungry
 *	-DNOLOOK	the consumer does not look again after hungry
 *	-DNOEVICT	the pass leaves the seat alone
 *	-DNORINGS	the pass leaves the rings alone: what the dead sent is reclaimed
 *	-DWORDSFIRST	it walks the rings after the words
 *	-DTAKEONCE	a take whose CAS fails does not look again
 *	-DDRAINONCE	the drainer does not look again after crowded (-DDRAIN)
 *	-DNOSLICE	sleeps do not end by themselves
 */
#ifndef KILLS
#define KILLS 1
#endif
#ifndef BLOCKS
#define BLOCKS 3
#endif
#ifndef N
#define N 2
#endif
#ifndef FIRST
#define FIRST 2
#endif

#define FREE 0
#define RECLAIMED 1
#define USED(p) (2 + (p))
#define MOVING(p) (6 + (p))
#define SENT 10
#define IS_MOVING(x) ((x) >= 6)

#define TOKEN(b) (32 + (b))
#define IS_TOKEN(c) ((c) >= 32)
#define BLOCK_OF(c) ((c) - 32)
#ifdef NOLAP
#define EMPTY(position) 0
#else
#define EMPTY(position) ((position) / N)
#endif

/*
 * A block is sent once, so that a generation need not be counted: a token is good while the gift it
 * was made for lasts. One that is withdrawn was never stored.
 */
byte word[BLOCKS];
byte cell[N], head, tail, limit = N, seat;
bit hungry, crowded;
bit asleep[5], told[5] = 1, raised[2] = 1;

/* What the consumer has stored and nobody else sees yet. */
bit is_late[N], late_head;
byte late_cell[N], new_head;

bit dead[4], over[5];
byte n_kills;
byte slices[5];    /* had */
byte app[BLOCKS];  /* ghost: who believes to own it, + 1 */
bit arrived[BLOCKS], posted[BLOCKS];
byte first_empty;  /* ghost: positions below it were filled */

#ifdef NOSEQUENCE
#define IS_UNTOLD true
#else
#define IS_UNTOLD !told[p]
#endif

#define MAY_DIE if :: n_kills < KILLS && p < 3 -> n_kills++; goto died :: true fi

inline drain()
{
	d_step {
		x = 0;
		do
		:: x < N ->
			if :: is_late[x] -> cell[x] = late_cell[x]; is_late[x] = 0; late_cell[x] = 0
			:: else
			fi;
			x++
		:: else -> x = 0; break
		od;
		if :: late_head -> head = new_head; late_head = 0; new_head = 0 :: else fi
	}
}

/* On a futex: until woken, or the slice is over. */
inline be_asleep()
{
	if
	:: atomic { !asleep[p] -> MAY_DIE }
#ifndef NOSLICE
	:: atomic { timeout && asleep[p] && slices[p] < n_kills -> slices[p]++; asleep[p] = 0 }
#endif
	:: atomic { n_kills < KILLS && p < 3 && asleep[p] -> n_kills++; goto died }
	fi
}

/* ---- producers ---- */

/* Sends block b; sets no_room. */
inline send()
{
	atomic { MAY_DIE; assert(word[b] == USED(p) && app[b] == p + 1);
		app[b] = 0; word[b] = MOVING(p); /* unseen, until the token is */
		MAY_DIE; position = tail; bound = limit }
	do
	:: position >= bound ->
		atomic {
			MAY_DIE;
			if :: position < head -> position = head :: else fi;
			bound = head + N
		}
		atomic { MAY_DIE; limit = bound }
		if
		:: position >= bound -> no_room = 1; break
		:: else
		fi
	:: position < bound ->
		atomic {
			MAY_DIE;
			if
#ifdef NOLIMIT
			:: !IS_TOKEN(cell[position % N]) ->
#else
			:: cell[position % N] == EMPTY(position) ->
#endif
				cell[position % N] = TOKEN(b);
				assert(position == first_empty);
				assert(position < (late_head -> new_head : head) + N);
				posted[b] = 1; first_empty++; position++;
				break
			:: else -> position++
			fi
		}
	od;
	atomic {
		if
		:: no_room ->
			MAY_DIE;
			if
			:: word[b] == MOVING(p) -> word[b] = USED(p); app[b] = p + 1
			:: else -> assert(false)
			fi
		:: else
		fi
	}
	atomic { MAY_DIE; tail = position; bound = 0; position = 0 }
}

inline feed()
{
	atomic { MAY_DIE; won = hungry; raised[p] = !hungry }
	if
	:: won ->
		atomic {
			MAY_DIE;
			won = (hungry && !raised[p]);
			if :: won -> hungry = 0; raised[1 - p] = 1 :: else fi;
			raised[p] = 1
		}
		if
		:: won -> atomic { MAY_DIE; asleep[2] = 0; asleep[3] = 0; won = 0 }
		:: else
		fi
	:: else
	fi
}

inline await_room()
{
	atomic { MAY_DIE; crowded = 1; told[p] = 0 }
#ifndef NOBARRIER
	atomic { MAY_DIE; drain() }
#endif
	atomic { MAY_DIE; bound = head }
	atomic { MAY_DIE; won = (tail < bound || tail - bound < N); bound = 0 }
	if
	:: won -> atomic { won = 0; told[p] = 1 }
	:: else ->
		atomic {
			MAY_DIE;
			if :: crowded && IS_UNTOLD -> asleep[p] = 1 :: else fi;
			told[p] = 1
		}
		be_asleep()
	fi
}

/* What p sent becomes the channel's: of each cell, look at the token, then change its word. */
inline keep_gift()
{
	if
	:: IS_TOKEN(c) && word[BLOCK_OF(c)] == MOVING(p) -> word[BLOCK_OF(c)] = SENT
	:: else
	fi;
	c = 0; i++
}

inline lose_blocks()
{
	x = 0;
	do
	:: x < BLOCKS -> if :: app[x] == p + 1 -> app[x] = 0 :: else fi; x++
	:: else -> x = 0; break
	od
}

proctype Producer(byte p)
{
	byte b, position, bound, x, i, c;
	bit no_room, won;

	b = (p == 0 -> 0 : FIRST);
	do
	:: b < (p == 0 -> FIRST : BLOCKS) ->
		send();
		if
		:: no_room -> no_room = 0; await_room()
		:: else -> b++; feed()
		fi
	:: else -> break
	od;
#ifdef CLOSE
	do
	:: i < N ->
		atomic { MAY_DIE; c = cell[i] }
		atomic { MAY_DIE; keep_gift() }
	:: else -> i = 0; break
	od;
	atomic {
		for (i : 0 .. BLOCKS - 1) { assert(word[i] != MOVING(p)) }
		i = 0
	}
#endif
	atomic { over[p] = 1; b = 0; goto end }
died:	atomic {
		lose_blocks();
		b = 0; i = 0; c = 0; position = 0; bound = 0; no_room = 0; won = 0; asleep[p] = 0;
		told[p] = 1; raised[p] = 1; dead[p] = 1
	}
end:	skip
}

/* ---- consumers ---- */

/* Late, unless all before it was seen at once and so is this. */
inline store_cell(i, value)
{
	if
	:: !is_late[0] && !is_late[N - 1] && !late_head -> cell[i] = value
	:: is_late[i] = 1; late_cell[i] = value
	fi
}

inline store_head(value)
{
	if
	:: !is_late[0] && !is_late[N - 1] && !late_head -> head = value
	:: late_head = 1; new_head = value
	fi
}

inline take()
{
	do
	:: atomic { MAY_DIE; b = BLOCK_OF(c); seen = word[b] }
		if
		:: !IS_MOVING(seen) -> break
		:: else
		fi;
		atomic {
			MAY_DIE;
			if
			:: word[b] == seen ->
				drain();
				assert(app[b] == 0 && !arrived[b]);
				assert(b != 1 || FIRST < 2 || arrived[0] || n_kills > 0);
				word[b] = USED(p); app[b] = p + 1; arrived[b] = 1;
				break
#ifdef TAKEONCE
			:: else -> break
#else
			:: else /* now it is SENT, or reclaimed: look again */
#endif
			fi
		}
	od;
	atomic { b = 0; seen = 0 }
}

inline receive()
{
	atomic { begin = head; position = begin }
	do
	:: position < begin + N ->
		atomic { MAY_DIE; c = cell[position % N] }
		if
		:: IS_TOKEN(c) ->
#ifdef EMPTYFIRST
			atomic { MAY_DIE; store_cell(position % N, EMPTY(position + N)) }
			take();
#else
			take();
#ifdef HEADFIRST
			atomic { MAY_DIE; store_head(position + 1) }
#endif
			atomic { MAY_DIE; store_cell(position % N, EMPTY(position + N)) }
#endif
			position++
		:: c == EMPTY(position) -> break
		:: else -> assert(c == EMPTY(position + N)); position++
		fi
	:: else -> break
	od;
	if
	:: position != begin ->
		atomic { MAY_DIE; store_head(position); c = 0 }
		atomic { MAY_DIE; won = crowded }
		if
		:: won ->
			atomic {
				MAY_DIE;
				drain();
				won = crowded;
				if
				:: won -> crowded = 0; told[0] = 1; told[1] = 1; told[4] = 1
				:: else
				fi
			}
			if
			:: won ->
				atomic {
					MAY_DIE;
					asleep[0] = 0; asleep[1] = 0; asleep[4] = 0; won = 0
				}
			:: else
			fi
		:: else
		fi;
		if
		:: is_late[0] || is_late[N - 1] || late_head -> atomic { MAY_DIE; drain() }
		:: else
		fi
	:: else -> c = 0
	fi
}

inline await_token()
{
#ifdef NOFENCE
	atomic { MAY_DIE; won = (cell[head % N] != EMPTY(head)) }
	atomic { MAY_DIE; hungry = 1 }
#else
	atomic { MAY_DIE; hungry = 1; drain() }
#ifndef NOLOOK
	atomic { MAY_DIE; won = (cell[head % N] != EMPTY(head)) }
#endif
#endif
	if
	:: won -> won = 0
	:: else ->
		atomic { MAY_DIE; if :: hungry -> asleep[p] = 1 :: else fi }
end_asleep:	be_asleep()
	fi
}

proctype Consumer(byte p)
{
	byte b, c, seen, begin, position, x;
	bit won, idle;

end:	atomic { seat == 0 -> seat = p + 1 }
	do
	:: receive();
		/* The application is done with what it got. */
		atomic {
			MAY_DIE;
			idle = (position == begin);
			position = 0; begin = 0;
			d_step {
				do
				:: x < BLOCKS ->
					if
					:: app[x] == p + 1 -> app[x] = 0; word[x] = FREE
					:: else
					fi;
					x++
				:: else -> x = 0; break
				od
			}
		}
		if
		:: idle -> idle = 0; await_token()
		:: else
		fi
	od;
died:	atomic {
		drain();
		lose_blocks();
		b = 0; c = 0; seen = 0; begin = 0; position = 0; won = 0; idle = 0; asleep[p] = 0; dead[p] = 1
	}
}

/* ---- the drainer ---- */

#define IS_GIFT(c) (IS_TOKEN(c) && IS_MOVING(word[BLOCK_OF(c)]))

proctype Drainer(byte p)
{
	byte position, begin, bound, before, c, i;

	atomic {
		for (i : 0 .. BLOCKS - 1) { before = before | (posted[i] << i) }
		i = 0; position = head; begin = head
	}
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
	atomic { bound = position; position = head; begin = 0 }
	do
	:: position < bound ->
		atomic {
			if
			:: head > position -> position = head
			:: else -> c = cell[position % N]; position++
			fi
		}
		do
		:: !IS_GIFT(c) -> break
		:: IS_GIFT(c) ->
			atomic { crowded = 1; told[p] = 0 }
#ifndef DRAINONCE
			if
			:: atomic { !IS_GIFT(c) -> told[p] = 1; break }
			:: IS_GIFT(c)
			fi;
#endif
			atomic {
				if :: crowded && IS_UNTOLD -> asleep[p] = 1 :: else fi;
				told[p] = 1
			}
			be_asleep()
		od;
		c = 0
	:: else -> break
	od;
died:	atomic {
		for (i : 0 .. BLOCKS - 1) { assert(arrived[i] || !(before & (1 << i))) }
		i = 0; position = 0; bound = 0; before = 0; over[p] = 1
	}
}

/* ---- the daemon ---- */

inline keep_all()
{
	do
	:: i < N ->
		c = cell[i];
		atomic { keep_gift() }
	:: else -> i = 0; break
	od
}

active proctype Daemon()
{
	byte p, i, c;

end:	if
	:: atomic { dead[0] -> p = 0 }
	:: atomic { dead[1] -> p = 1 }
	:: atomic { dead[2] -> p = 2 }
	fi;
#ifndef NOEVICT
	atomic { if :: seat == p + 1 -> seat = 0 :: else fi }
#endif
#if !defined(NORINGS) && !defined(WORDSFIRST)
	keep_all();
#endif
	do
	:: i < BLOCKS ->
		atomic { if :: word[i] == USED(p) -> word[i] = RECLAIMED :: else fi; i++ }
	:: else -> i = 0; break
	od;
	/* The grace passes. */
#ifdef WORDSFIRST
	goto moving;
rings:	keep_all();
	goto slot;
moving:	skip;
#endif
	do
	:: i < BLOCKS ->
		atomic { if :: word[i] == MOVING(p) -> word[i] = RECLAIMED :: else fi; i++ }
	:: else -> i = 0; break
	od;
#ifdef WORDSFIRST
	goto rings;
slot:	skip;
#endif
	atomic { dead[p] = 0; over[p] = 1; p = 0 }
	goto end
}

/* ---- the beginning, and the end ---- */

#define IS_AT_REST(p) (!asleep[p] || slices[p] >= n_kills)

init {
	byte i;

	atomic {
		for (i : 0 .. BLOCKS - 1) {
			word[i] = (i < FIRST -> USED(0) : USED(1));
			app[i] = (i < FIRST -> 1 : 2)
		}
		i = 0;
		run Producer(0); run Producer(1); run Consumer(2); run Consumer(3);
#ifdef DRAIN
		run Drainer(4)
#else
		over[4] = 1
#endif
	}
#ifdef NOSLICE
	timeout;
#else
	timeout && IS_AT_REST(0) && IS_AT_REST(1) && IS_AT_REST(2) && IS_AT_REST(3) &&
		IS_AT_REST(4);
#endif
	d_step {
		assert(over[0] && over[1] && over[4]);
		for (i : 0 .. BLOCKS - 1) {
			assert(word[i] == FREE || word[i] == RECLAIMED);
			assert(arrived[i] || !posted[i])
		}
	}
}
