/* SPDX-License-Identifier: MIT */
/*
 * Gifts: give, take, withdraw, the grace of a dead giver, and slots that are used again.
 *
 * One block, NP processes in as many slots; each gets, puts, gives, takes and withdraws as it
 * likes, with every token that was ever made (they are copied, kept and forged). Up to KILLS of
 * them die at any step; the daemon does the pass, waits the grace out, and gives the slot to the
 * next process.
 *
 * As in lib/core/word.[ch]: the word is one atomic, generation included. Give, take and withdraw
 * are a load, a check and a CAS; what the daemon does is CAS. app is who believes to own the
 * block: whoever gets or takes it must be the only one.
 *
 * Not here: magazines, so that get and put are one step each.
 *
 * Searched to the end, in million states: -DNP=3 0.7; -DNP=3 -DKILLS=2 3.6; the same with
 * -DGIFTS=3 5.9; not to the end, within 6 GB: with -DTRIES=2 as well, more than 90.
 *
 *	-DNP -DGIFTS -DKILLS -DTRIES	processes, gifts, deaths, tries	2 2 1 1
 *	-DRACE		process 0 has two threads that may give one block at once, which is their
 *			mistake; no deaths
 * Broken on purpose, each found:
 *	-DSPLIT		the generation is beside the word, the CAS of the word alone
 *	-DEARLYREUSE	the slot goes to another process before the grace is over
 *	-DNORAISE	give does not raise the generation
 *	-DBLINDGIVE	give stores without looking
 *	-DSTOREGIVE	give is a store: sound by itself, but with -DRACE a block that another has
 *			taken meanwhile is given again, under him
 */
#ifdef RACE
#define KILLS 0
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef TRIES
#define TRIES 1
#endif
#ifndef GIFTS
#define GIFTS 2
#endif
#ifndef NP
#define NP 2
#endif

#define FREE 0
#define REC 1
#define USED(p) (2 + (p))
#define MOVING(p) (5 + (p))
#define IS_MOVING(x) ((x) >= MOVING(0))

byte word = USED(0), generation;
byte app = 1; /* p + 1; 0: nobody */
byte token[GIFTS], n_tokens; /* token[n_tokens - 1] goes with the last gift */
bit kill[NP], dead[NP], over[NP], vacant[NP];
byte n_kills, lives;
bit alive_gift; /* the process that made the gift lives, and is in its slot */

inline pick_token()
{
	atomic {
		if
		:: n_tokens > 0 -> which = 0
		:: n_tokens > 1 -> which = 1
		:: n_tokens > 2 -> which = 2
		fi;
		mine = token[which]
	}
}

inline take(own)
{
	pick_token();
	atomic { seen = word; seen_generation = generation }
	if
	:: IS_MOVING(seen) && seen_generation == mine && (!own || seen == MOVING(p)) ->
#ifdef SPLIT
		skip; /* time passes: the generation is not looked at again */
		atomic {
			if
			:: word == seen -> assert(which == n_tokens - 1);
				assert(app == 0); word = USED(p); app = p + 1
			:: else
			fi
		}
#else
		atomic {
			if
			:: word == seen && generation == seen_generation ->
#ifndef RACE
				assert(which == n_tokens - 1);
#endif
				assert(app == 0); word = USED(p); app = p + 1
			:: else
			fi
		}
#endif
	:: else
	fi;
	atomic { mine = 0; seen = 0; seen_generation = 0; which = 0 }
}

inline give()
{
#ifdef BLINDGIVE
	skip;
#else
	atomic { seen = word; seen_generation = generation }
	if
	:: seen == USED(p) ->
#endif
	atomic {
#ifndef STOREGIVE
		if
		:: word == seen && generation == seen_generation -> skip
		:: else -> goto given
		fi;
#endif
#ifdef RACE
		assert(app == p + 1 || app == 0); /* his, or a sibling gave it */
#else
		assert(app == p + 1);
#endif
		app = 0;
		word = MOVING(p);
		alive_gift = 1;
#ifdef BLINDGIVE
		generation++;
#else
#ifndef NORAISE
		generation = seen_generation + 1;
#endif
#endif
		if
		:: n_tokens < GIFTS -> token[n_tokens] = generation; n_tokens++
		:: else
		fi
	}
#ifndef BLINDGIVE
	:: else
	fi;
#endif
given:	atomic { seen = 0; seen_generation = 0 }
}

/* A put by somebody whose application is wrong is refused; here none is. */
proctype Process(byte p)
{
	byte mine, which, seen, seen_generation, n;
life:	{
		do
		:: n < TRIES && n_tokens > 0 -> n++; take(false)
		:: n < TRIES && n_tokens > 0 -> n++; take(true)
#ifdef BLINDGIVE
		:: n < TRIES && n_tokens < GIFTS -> n++; give()
#else
		:: app == p + 1 && n_tokens < GIFTS -> give()
#endif
		:: atomic { app == p + 1 -> assert(word == USED(p)); app = 0; word = FREE }
		:: atomic { n < TRIES && word == FREE -> n++; word = USED(p); assert(app == 0);
			app = p + 1 }
		:: app != p + 1 && (n == TRIES || n_tokens == 0) -> break
		od
	} unless { kill[p] };
	atomic {
		if
		:: kill[p] -> kill[p] = 0; dead[p] = 1;
			if :: app == p + 1 -> app = 0 :: else fi;
			if :: word == MOVING(p) -> alive_gift = 0 :: else fi;
			mine = 0; seen = 0; seen_generation = 0; which = 0; n = 0
		:: else -> over[p] = 1; goto end
		fi
	}
	if
	:: atomic { vacant[p] && lives < 1 -> lives++; vacant[p] = 0 } goto life
	:: atomic { lives >= 1 -> over[p] = 1 }
	fi;
end:	skip
}

#define MAY_DIE(p) \
	atomic { n_kills < KILLS && !over[p] && !dead[p] && !kill[p] -> kill[p] = 1; n_kills++ }

proctype Killer()
{
end:	do
	:: MAY_DIE(0)
	:: MAY_DIE(1)
#if NP > 2
	:: MAY_DIE(2)
#endif
	od
}

proctype Daemon()
{
	byte p;
end:	do
	:: atomic { dead[0] -> p = 0 } goto pass
	:: atomic { dead[1] -> p = 1 } goto pass
#if NP > 2
	:: atomic { dead[2] -> p = 2 } goto pass
#endif
	od;
pass:	atomic { if :: word == USED(p) -> word = REC :: else fi }
#ifdef EARLYREUSE
	vacant[p] = 1;
#endif
	/* The grace passes. */
	atomic { if :: word == MOVING(p) -> assert(!alive_gift); word = REC :: else fi }
	atomic { if :: word == REC -> word = FREE :: else fi } /* collected by somebody */
	atomic { dead[p] = 0; vacant[p] = 1; p = 0 }
	goto end
}

init {
	atomic {
		run Process(0); run Process(1); run Killer(); run Daemon();
#ifdef RACE
		run Process(0);
#endif
#if NP > 2
		run Process(2)
#endif
	}
	(over[0] && over[1] && !dead[0] && !dead[1] && !kill[0] && !kill[1]
#if NP > 2
	 && over[2] && !dead[2] && !kill[2]
#endif
	);
	assert(word == FREE || word == REC || app != 0 || IS_MOVING(word));
	assert(!(word >= USED(0) && word <= USED(2)) || word == USED(app - 1))
}
