/* SPDX-License-Identifier: MIT */
/*
 * A work channel: producers 0 and 1, consumers 2 and 3 at once, a drainer 4; a ring of N cells; and
 * the end of the stream.
 *
 *	give: word MOVING   post: CAS empty -> token   hungry? wake
 *	take: CAS USED, or stale   cell: CAS empty(lap + 1)   head: CAS   crowded? wake
 *
 * Whoever meets a token takes its block or finds it stale, empties the cell in both cases, and
 * raises head by CAS, once for as many cells as it has walked over. A cell is read in one step with
 * head, as head is looked at again after the cell and only rises. All stores are CAS, or are fenced
 * by who goes to sleep.
 *
 * Producer 0 opens the channel and sends FIRST times, producer 1 opens it and sends SECOND times;
 * each gets a block that is free or reclaimed for it, and closes. A consumer is at the end when
 * somebody has opened the channel to send, nobody has it open, and then nothing is there (ends.pml
 * has the marks one by one). With -DDRAIN, 4 waits until all that had been sent when it began is
 * received: it finds the first empty position, and sleeps on crowded while a token before that is
 * of a gift. Up to KILLS of 0 to 3 die, between any two stores.
 *
 * The pass over a dead process: the gifts whose tokens stand in the ring become the channel's
 * (SENT); what it had is reclaimed; its mark as a sender goes; all are woken; its other gifts are
 * reclaimed when the grace is over. A sleep ends by itself when nothing else moves, and only once
 * for each death between the change of hungry or crowded and the wake.
 *
 * Checked: nobody has a block twice; what was posted is received once, from the position that it
 * was sent to; no position at or beyond head + N is filled, and filled ones are without a gap;
 * nobody is told of the end while something of a sender that had gone is there; nobody is told that
 * all is drained while something sent before is not received. When nothing moves any more:
 * producers that live are done, so are consumers and the drainer, nobody sleeps, every block is
 * free or reclaimed, or in the ring when no consumer lives.
 *
 * Told and raised are the sequences of hungry and crowded, as in channel.pml. What is not here:
 * hints (channel.pml); laps and generations that wrap; quotas; bells (bell.pml).
 *
 * Searched to the end, in million states and at about 0.5 of them a second: one producer, -DN=1:
 * -DKILLS=0 1.6, -DFIRST=1 1.7, -DFIRST=2 17.1, -DALONE -DDRAIN -DNOENDS 1.4, the same with two
 * cells 1.4, -DDRAIN -DNOENDS -DKILLS=0 10.2. Two producers, -DSECOND=1 -DNOENDS -DAWAKE: -DFIRST=1
 * -DN=1 4.3, with two cells 5.0; -DKILLS=0 with two cells 3.0. Not to the end: two producers that
 * sleep and close, 60 million states and more: channel.pml has two that sleep, and ends.pml two
 * that come and go.
 *
 *	-DN -DBLOCKS -DKILLS	cells, blocks, deaths	2 2 1
 *	-DFIRST -DSECOND	how often the producers send; 0: there is no 1	2 0
 *	-DWHO		mask of who may die: 0 to 3	15
 *	-DALONE		there is no consumer 3
 *	-DDRAIN		there is a drainer
 *	-DNOENDS	nobody looks for the end of the stream
 *	-DMAIL		producer 0 may give a block at its end that is mailed otherwise, to nobody
 *	-DAWAKE		who finds nothing, or no room, waits without sleeping
 * Broken on purpose, each found:
 *	-DTAKEONCE	a take whose CAS fails is stale, though the pass has only made the gift SENT
 *	-DNOADOPT	the pass leaves the ring alone: what was sent is lost with the grace
 *	-DNOGENERATION	the pass does not compare the token's generation (-DMAIL)
 *	-DNOHEAD	the cell is read without looking at head again
 *	-DNOHELP	who finds a token stale leaves the cell to who took the block
 *	-DPLAINHEAD	head is stored, not CASed
 *	-DEMPTYFIRST	the cell is emptied before the block is taken
 *	-DNOSEQUENCE	hungry and crowded are flags, without a sequence
 *	-DWAKEONE	who sends wakes one of those who sleep
 *	-DENDLATE	senders are looked at after the ring
 *	-DOPENSFIRST	that somebody has opened it is noted before its mark
 *	-DNOCLOSEWAKE	the last close wakes nobody
 *	-DNOPASSWAKE	the pass wakes nobody (with -DNOSLICE)
 *	-DNOSLICE	sleeps do not end by themselves
 *	-DDRAINHEAD	the drainer waits for head, which nobody raises for the dead
 *	-DDRAINONCE	the drainer does not look again after crowded
 */
#ifndef KILLS
#define KILLS 1
#endif
#ifndef WHO
#define WHO 15
#endif
#ifndef BLOCKS
#define BLOCKS 2
#endif
#ifndef N
#define N 2
#endif
#ifndef FIRST
#define FIRST 2
#endif
#ifndef SECOND
#define SECOND 0
#endif

#define FREE 0
#define RECLAIMED 1
#define USED(p) (2 + (p))
#define MOVING(p) (6 + (p))
#define SENT 10
#define IS_MOVING(x) ((x) >= 6)

#define TOKEN(b, g) (32 + (g) * 4 + (b))
#define IS_TOKEN(c) ((c) >= 32)
#define BLOCK_OF(c) (((c) - 32) % 4)
#define GENERATION_OF(c) (((c) - 32) / 4)
#define IS_GIFT(c) (IS_MOVING(word[BLOCK_OF(c)]) && generation[BLOCK_OF(c)] == GENERATION_OF(c))
#define EMPTY(position) ((position) / N)
#define BIT(p) (1 << (p))

byte word[BLOCKS], generation[BLOCKS];
byte cell[N], head;
byte senders, opens;
bit hungry, crowded;
bit asleep[5], told[5] = 1, raised[4] = 1;
bit dead[4], over[5];
byte n_kills, n_lost, slices[5];

/* Ghosts. */
byte app[BLOCKS];         /* who believes to own it, + 1 */
byte at[BLOCKS];          /* the position it was sent to and not received from, + 1 */
byte first_empty, n_received;
byte living = 12;         /* consumers */
byte mailed;              /* the block that is, + 1 */
byte drained;             /* the first position whose receipt the drainer does not wait for */

#define CAN_DIE (p < 4 && n_kills < KILLS && (WHO & BIT(p)))
/* Who dies between clearing a word and waking costs those who sleep on it the rest of a slice. */
#define LOSE_WAKE if :: won && raised[p] -> n_lost++ :: else fi; won = 0
#define MAY_DIE if :: CAN_DIE -> n_kills++; goto died :: true fi

#ifdef NOSEQUENCE
#define IS_UNTOLD true
#else
#define IS_UNTOLD !told[p]
#endif

#define RAISE_HUNGRY hungry = 0; told[2] = 1; told[3] = 1; raised[0] = 1; raised[1] = 1
#define RAISE_CROWDED \
	crowded = 0; told[0] = 1; told[1] = 1; told[4] = 1; raised[2] = 1; raised[3] = 1
#define WAKE_SENDERS asleep[0] = 0; asleep[1] = 0; asleep[4] = 0
#define WAKE_CONSUMERS asleep[2] = 0; asleep[3] = 0

/* On a futex: until woken, or the slice is over. To die there is to die before, or after. */
inline be_asleep()
{
	if
	:: atomic { !asleep[p] -> MAY_DIE }
#ifndef NOSLICE
	:: atomic { timeout && asleep[p] && slices[p] < n_lost -> slices[p]++; asleep[p] = 0 }
#endif
	fi
}

inline lose_blocks()
{
	d_step {
		x = 0;
		do
		:: x < BLOCKS -> if :: app[x] == p + 1 -> app[x] = 0 :: else fi; x++
		:: else -> x = 0; break
		od
	}
}

/* ---- producers ---- */

#define CAN_GET(b) (word[b] == FREE || word[b] == RECLAIMED)
#if BLOCKS == 1
#define CAN_GET_ANY CAN_GET(0)
#else
#define CAN_GET_ANY (CAN_GET(0) || CAN_GET(1))
#endif

/* Hungry was looked at in the step before, as early as can be. */
#define LOOK_AT_HUNGRY won = hungry; raised[p] = !hungry
inline feed()
{
	if
	:: won ->
		atomic {
			MAY_DIE;
			won = (hungry && !raised[p]);
			if :: won -> RAISE_HUNGRY :: else fi;
			raised[p] = 1
		}
		if
#ifdef WAKEONE
		:: won ->
			atomic {
				MAY_DIE;
				won = 0;
				if
				:: asleep[2] -> asleep[2] = 0
				:: asleep[3] -> asleep[3] = 0
				:: else
				fi
			}
#else
		:: won -> atomic { MAY_DIE; WAKE_CONSUMERS; won = 0 }
#endif
		:: else
		fi
	:: else
	fi
}

/* Gives the block and posts its token; sets no_room. */
inline send()
{
	/* Nobody sees the gift before its token. */
	atomic {
		MAY_DIE;
		assert(word[block] == USED(p) && app[block] == p + 1);
		app[block] = 0; generation[block]++; word[block] = MOVING(p);
		position = head; bound = head + N
	}
	do
	:: position >= bound ->
		atomic {
			if :: position < head -> position = head :: else fi;
			bound = head + N;
			if
			:: position >= bound -> no_room = 1; break
			:: else
			fi
		}
	:: position < bound ->
		atomic {
			MAY_DIE;
			if
			:: cell[position % N] == EMPTY(position) ->
				cell[position % N] = TOKEN(block, generation[block]);
				assert(position == first_empty && position < head + N);
				at[block] = position + 1; first_empty++;
				block = 0; n++; LOOK_AT_HUNGRY;
				break
			:: else -> position++
			fi
		}
	od;
	atomic {
		position = 0; bound = 0;
		if
		:: no_room ->
			MAY_DIE;
			assert(word[block] == MOVING(p) && app[block] == 0);
			word[block] = USED(p); app[block] = p + 1
		:: else
		fi
	}
}

inline await_room()
{
	no_room = 0;
#ifdef AWAKE
end_room:
	if
	:: first_empty - head < N
	:: atomic { CAN_DIE -> n_kills++; goto died }
	fi
#else
	atomic { MAY_DIE; crowded = 1; told[p] = 0 }
	atomic {
		if
		:: first_empty - head < N -> told[p] = 1; goto again
		:: else
		fi
	}
	atomic { MAY_DIE; if :: crowded && IS_UNTOLD -> asleep[p] = 1 :: else fi; told[p] = 1 }
end_asleep:
	be_asleep()
#endif
}

proctype Producer(byte p)
{
	byte block, position, bound, n, x;
	bit no_room, won;

#ifndef NOENDS
#ifdef OPENSFIRST
	atomic { MAY_DIE; opens++ }
	atomic { MAY_DIE; senders = senders | BIT(p) }
#else
	atomic { MAY_DIE; senders = senders | BIT(p) }
	atomic { MAY_DIE; opens++ }
#endif
#endif
	do
	:: n < (p == 0 -> FIRST : SECOND) ->
end_get:	if
		:: atomic { CAN_GET_ANY ->
#if BLOCKS > 1
			block = (CAN_GET(0) -> 0 : 1);
#endif
			assert(app[block] == 0);
			word[block] = USED(p); app[block] = p + 1 }
		:: atomic { CAN_DIE -> n_kills++; goto died }
		fi;
again:		send();
		if
		:: no_room -> await_room(); goto again
		:: else -> feed()
		fi
	:: else -> break
	od;
#ifdef MAIL
	if
	:: atomic { CAN_GET_ANY ->
#if BLOCKS > 1
		block = (CAN_GET(0) -> 0 : 1);
#endif
		generation[block]++; word[block] = MOVING(p); mailed = block + 1; block = 0 }
	:: true
	fi;
	MAY_DIE;
#endif
#ifndef NOENDS
#ifdef NOCLOSEWAKE
	atomic { MAY_DIE; n = 0; senders = senders & ~BIT(p) }
#else
	atomic { MAY_DIE; n = 0; senders = senders & ~BIT(p); LOOK_AT_HUNGRY }
	feed();
#endif
#endif
	atomic { over[p] = 1; n = 0; goto end }
died:	atomic {
		LOSE_WAKE;
		lose_blocks();
		block = 0; position = 0; bound = 0; n = 0; no_room = 0;
		asleep[p] = 0; told[p] = 1; raised[p] = 1; dead[p] = 1
	}
end:	skip
}

/* ---- consumers ---- */

#define NOTHING 255
#ifdef TAKEONCE
#define IS_SEEN (word[BLOCK_OF(c)] == seen)
#else
#define IS_SEEN true
#endif

inline empty_cell()
{
	atomic {
		MAY_DIE;
		if
		:: cell[position % N] == c -> cell[position % N] = EMPTY(position + N)
		:: else
		fi
	}
}

/* Reads the cell at position, if head has not passed that. */
inline read_cell()
{
#ifdef NOHEAD
	c = cell[position % N]
#else
	atomic {
		if
		:: head > position -> c = NOTHING; position = head; begin = head
		:: else -> c = cell[position % N]
		fi
	}
#endif
}

inline take()
{
#ifdef EMPTYFIRST
	empty_cell();
#endif
#ifdef TAKEONCE
	seen = word[BLOCK_OF(c)];
#endif
	atomic {
		MAY_DIE;
		if
		:: IS_GIFT(c) && IS_SEEN ->
			assert(app[BLOCK_OF(c)] == 0 && at[BLOCK_OF(c)] == position + 1);
			word[BLOCK_OF(c)] = USED(p); app[BLOCK_OF(c)] = p + 1;
			n_received++; at[BLOCK_OF(c)] = 0; won = 1
		:: else
		fi
	}
#ifdef TAKEONCE
	seen = 0;
#endif
#ifdef NOHELP
	if
	:: !won -> cell[position % N] != c /* waits */
	:: else
	fi;
#endif
	won = 0;
#ifndef EMPTYFIRST
	empty_cell();
#endif
	atomic { c = 0; position++ }
}

/* Raises head to position by CAS, whoever else does, and looks at crowded. */
inline raise_head()
{
#define LOOK_AT_CROWDED won = crowded; raised[p] = !crowded
#ifdef PLAINHEAD
	atomic { MAY_DIE; head = position; LOOK_AT_CROWDED }
#else
	do
	:: atomic { head >= position -> LOOK_AT_CROWDED; break }
	:: atomic { head < position -> begin = head }
		atomic {
			MAY_DIE;
			if
			:: head == begin -> head = position; LOOK_AT_CROWDED; break
			:: else
			fi
		}
	od;
#endif
	if
	:: won ->
		atomic {
			MAY_DIE;
			won = (crowded && !raised[p]);
			if :: won -> RAISE_CROWDED :: else fi;
			raised[p] = 1
		}
		if
		:: won -> atomic { MAY_DIE; WAKE_SENDERS; won = 0 }
		:: else
		fi
	:: else
	fi
}

inline receive()
{
	do
	:: position < begin + N ->
		read_cell();
		if
		:: c == NOTHING -> c = 0 /* others are ahead: go on there */
		:: IS_TOKEN(c) && c != NOTHING -> take(); again = 1
		:: c == EMPTY(position) -> c = 0; was = position; break
		:: else ->
#ifdef NOHEAD
			if :: c != EMPTY(position + N) -> break :: else fi;
#else
			assert(c == EMPTY(position + N));
#endif
			c = 0; position++; again = 1
		fi
	:: else -> again = 1; break
	od;
	c = 0;
	if
	:: position != begin -> raise_head()
	:: else
	fi;
	/* The application is done with what it got. */
	atomic {
		MAY_DIE;
		begin = 0; position = 0;
		d_step {
			do
			:: x < BLOCKS ->
				if :: app[x] == p + 1 -> app[x] = 0; word[x] = FREE :: else fi;
				x++
			:: else -> x = 0; break
			od
		}
	}
}

#ifdef NOENDS
#define LOOK_AT_ENDS
#else
#define LOOK_AT_ENDS opened = opens; gone = (senders == 0);
#endif

inline await_token()
{
#ifdef AWAKE
	atomic { opened = 0; gone = 0; was = 0 }
end_idle:
	if
	:: cell[head % N] != EMPTY(head)
#ifndef NOENDS
	:: opens && !senders
#endif
	:: atomic { CAN_DIE -> n_kills++; goto died }
	fi
#else
	atomic { MAY_DIE; hungry = 1; told[p] = 0; opened = 0; gone = 0; was = 0 }
	LOOK_AT_ENDS
	atomic {
		if
		:: cell[head % N] != EMPTY(head) || (opened && gone) ->
			told[p] = 1; opened = 0; gone = 0; goto next
		:: else -> opened = 0; gone = 0
		fi
	}
	atomic { MAY_DIE; if :: hungry && IS_UNTOLD -> asleep[p] = 1 :: else fi; told[p] = 1 }
end_asleep:
	be_asleep()
#endif
}

proctype Consumer(byte p)
{
	byte position, c, x, begin, was, opened;
	bit won, gone, again;
#ifdef TAKEONCE
	byte seen;
#endif

next:	/* Who has it open, then what is there. */
#ifndef ENDLATE
	LOOK_AT_ENDS
#endif
	atomic { begin = head; position = begin }
	receive();
#ifdef ENDLATE
	LOOK_AT_ENDS
#endif
	if
	:: again -> atomic { again = 0; opened = 0; gone = 0; was = 0; goto next }
	:: !again && opened && gone -> goto end
	:: else
	fi;
	await_token();
	goto next;
end:	atomic {
		/* Who had opened it by then has sent nothing but what has been received. */
		assert(opens != opened || first_empty == was);
		opened = 0; gone = 0; was = 0; over[p] = 1
	}
	/* Somebody may open it anew. */
end_of:	atomic { cell[head % N] != EMPTY(head) -> over[p] = 0 }
	goto next;
died:	atomic {
		LOSE_WAKE;
		lose_blocks();
		position = 0; c = 0; was = 0; begin = 0; opened = 0; gone = 0; again = 0;
		asleep[p] = 0; told[p] = 1; raised[p] = 1; dead[p] = 1;
		living = living & ~BIT(p)
	}
}

/* ---- the drainer ---- */

proctype Drainer(byte p)
{
	byte position, begin, bound, c;

	atomic { drained = first_empty; position = head; begin = head }
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
	atomic { bound = position; drained = bound; position = head; begin = 0 }
	do
#ifdef DRAINHEAD
	:: position < bound ->
		if
		:: atomic { head > position -> position = head }
		:: atomic { head <= position -> crowded = 1; told[p] = 0 }
			if
			:: atomic { head > position -> told[p] = 1 }
			:: else ->
				atomic {
					if :: crowded && !told[p] -> asleep[p] = 1 :: else fi;
					told[p] = 1
				}
end_asleep:			be_asleep()
			fi
		fi
#else
	:: position < bound ->
		atomic {
			if
			:: head > position -> position = head
			:: else -> c = cell[position % N]; position++
			fi
		}
		do
		:: atomic { !IS_TOKEN(c) || !IS_GIFT(c) -> break }
		:: IS_TOKEN(c) && IS_GIFT(c) ->
			atomic { crowded = 1; told[p] = 0 }
#ifndef DRAINONCE
			if
			:: atomic { !IS_GIFT(c) -> told[p] = 1; break }
			:: atomic { IS_GIFT(c) }
			fi;
#endif
			atomic {
				if :: crowded && IS_UNTOLD -> asleep[p] = 1 :: else fi;
				told[p] = 1
			}
end_asleep:		be_asleep()
		od;
		c = 0
#endif
	:: else -> break
	od;
died:	atomic {
		for (c : 0 .. BLOCKS - 1) { assert(at[c] == 0 || at[c] > drained) }
		c = 0; position = 0; bound = 0; over[p] = 1
	}
}

/* ---- the daemon ---- */

#ifdef NOGENERATION
#define IS_OF_TOKEN(c) true
#else
#define IS_OF_TOKEN(c) (generation[BLOCK_OF(c)] == GENERATION_OF(c))
#endif

proctype Daemon()
{
	byte p, i, c;
	bit won;

end:	if
	:: atomic { dead[0] -> p = 0 }
	:: atomic { dead[1] -> p = 1 }
	:: atomic { dead[2] -> p = 2 }
	:: atomic { dead[3] -> p = 3 }
	fi;
#ifndef NOADOPT
	do
	:: i < N ->
		c = cell[i];
		atomic {
			if
			:: IS_TOKEN(c) && IS_OF_TOKEN(c) && word[BLOCK_OF(c)] == MOVING(p) ->
				word[BLOCK_OF(c)] = SENT
			:: else
			fi;
			c = 0; i++
		}
	:: else -> i = 0; break
	od;
#endif
	do
	:: i < BLOCKS ->
		atomic { if :: word[i] == USED(p) -> word[i] = RECLAIMED :: else fi; i++ }
	:: else -> i = 0; break
	od;
	senders = senders & ~BIT(p);
#ifndef NOPASSWAKE
	atomic { won = hungry; if :: hungry -> RAISE_HUNGRY :: else fi }
	if
	:: won -> atomic { WAKE_CONSUMERS; won = 0 }
	:: else
	fi;
	atomic { won = crowded; if :: crowded -> RAISE_CROWDED :: else fi }
	if
	:: won -> atomic { WAKE_SENDERS; won = 0 }
	:: else
	fi;
#endif
	/* The grace passes. */
	do
	:: i < BLOCKS ->
		atomic { if :: word[i] == MOVING(p) -> word[i] = RECLAIMED :: else fi; i++ }
	:: else -> i = 0; break
	od;
	atomic { dead[p] = 0; over[p] = 1; p = 0 }
	goto end
}

/* ---- the beginning, and the end ---- */

#define IS_AT_REST(p) (!asleep[p] || slices[p] >= n_lost)

init {
	byte b;

	atomic {
		run Producer(0); run Consumer(2); run Daemon();
#if SECOND > 0
		run Producer(1);
#else
		over[1] = 1;
#endif
#ifdef ALONE
		living = BIT(2);
#else
		run Consumer(3);
#endif
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
		if
		:: living ->
			assert(over[0] && over[1] && over[4] && n_received == first_empty);
#ifndef NOENDS
			assert(opens == 0 || !(living & BIT(2)) || over[2]);
			assert(opens == 0 || !(living & BIT(3)) || over[3])
#endif
		:: else ->
			/* The drainer waits only for what nobody has received. */
			if
			:: !over[4] ->
				for (b : 0 .. BLOCKS - 1) {
					over[4] = (over[4] || (at[b] && at[b] <= drained))
				}
				assert(over[4])
			:: else
			fi
		fi;
		for (b : 0 .. BLOCKS - 1) {
			assert(word[b] == FREE || word[b] == RECLAIMED ||
				(word[b] == MOVING(0) && mailed == b + 1) ||
				(!living && (app[b] || (at[b] && IS_MOVING(word[b])))))
		}
	}
}
