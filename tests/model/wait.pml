/* SPDX-License-Identifier: MIT */
/*
 * Waiting: mempool_get_wait(), the pressure word, and those who put.
 *
 *	waiter                                     who puts
 *	get: nothing                               block into own cache; busy = 0
 *	pressure -> ASLEEP, or it is so already    pressure ASLEEP? no: done
 *	membarrier; get: nothing                   cache to the depot; ASLEEP -> WOKEN; wake all
 *	sleep while pressure is as it was          getter with empty hands that finds WOKEN:
 *	... got it: -> CALM, wake all                  waits some time, then -> CALM
 *
 * As lib/wait.c, lib/block.c, lib/core/{pressure,cache,local}.c. The first WAITERS processes
 * want a block each and put it then; the last has HELD blocks, puts them, and gets and puts GETS
 * times in between. Up to KILLS of all die, between any two stores, and the daemon's pass brings
 * what they had back and announces it.
 *
 * The pool is reduced to numbers: blocks used, in each process's cache (one magazine of M), in
 * the depot. An exchange with the depot is one step, under its lock. Stealing is as in pool.pml:
 * announce, membarrier, busy?, CAS. Sequences are not counted: who remembers a value is told of
 * each change. What a process stores may be late: busy = 1 until its next lock or CAS or a
 * membarrier of another; the block that it puts, and busy = 0, until it has looked at pressure or
 * a membarrier.
 *
 * Checked: in the end nobody is asleep, and nobody stuck; that is, every waiter that lives got a
 * block. With KILLS=0 a sleep never ends by itself: so no wake-up is lost. Else each may end so,
 * as its slice does, once for each death, and only when nothing else moves.
 *
 * Searched to the end, in million states: the default 4.5; -DKILLS=1 12.5; -DWAITERS=1 -DHELD=2
 * -DGETS=1 -DKILLS=2 0.2; -DIDLER -DGETANSWERS 32.4.
 *
 *	-DWAITERS -DHELD -DGETS -DKILLS		2 1 0 0
 *	-DIDLE		blocks in the last process's cache to begin with	0
 *	-DKEEPS		the last process need not put what it has
 *	-DIDLER		-DHELD=0 -DIDLE=2 -DGETS=1 -DKEEPS
 *	-DGETLOOKS	a get that its own cache served looks at the pressure when it has left
 *	-DGETANSWERS	it does so when its record is announced to a thief; that is enough as well
 * Broken on purpose, each found:
 *	-DIDLER		without one of the two above: a waiter that finds the other busy in a get
 *			sleeps, though that leaves a block idle in a cache: for a whole slice
 *	-DASYNC		no slices even after deaths
 *	-DNOBARRIER	the waiter does without the membarrier
 *	-DLOOKFIRST	put looks at the pressure before busy = 0
 *	-DNOLOOK	the waiter sleeps without a second get
 *	-DNOCALMWAKE	who got its block makes it CALM and wakes nobody
 *	-DWAKEFIRST	put wakes before it brings what it caches to the depot
 */
#ifdef IDLER
#define HELD 0
#define IDLE 2
#define GETS 1
#define KEEPS
#endif
#ifndef WAITERS
#define WAITERS 2
#endif
#ifndef HELD
#define HELD 1
#endif
#ifndef GETS
#define GETS 0
#endif
#ifndef IDLE
#define IDLE 0
#endif
#ifndef KILLS
#define KILLS 0
#endif
#define NP (WAITERS + 1)
#define M 2
#define NONE 15

mtype = { CALM, ASLEEP, WOKEN };

mtype pressure = CALM;
bit seen_ok[NP], raised_ok[NP]; /* it is what p has seen, or raised */
bit asleep[NP];

byte depot, used[NP], cached[NP];
bit busy[NP], late_in[NP], late_put[NP], late_out[NP];
bit announced[NP];              /* steal is not 0 */
byte loot[NP];                  /* victim, as long as its magazine is as it was */

bit dead[NP], over[NP];
byte n_kills, slices[NP];

#define MAY_DIE if :: n_kills < KILLS -> n_kills++; goto died :: true fi

inline drain(process)
{
	d_step {
		if :: late_in[process] -> busy[process] = 1; late_in[process] = 0 :: else fi;
		if
		:: late_put[process] -> cached[process] = cached[process] + 1; late_put[process] = 0
		:: else
		fi;
		if :: late_out[process] -> busy[process] = 0; late_out[process] = 0 :: else fi
	}
}

inline barrier()
{
	d_step {
		x = 0;
		do
		:: x < NP -> drain(x); x++
		:: else -> x = 0; break
		od
	}
}

/* The magazine of @victim has another holder, or the next sequence. */
inline lose_loot(victim)
{
	d_step {
		x = 0;
		do
		:: x < NP -> if :: loot[x] == victim -> loot[x] = NONE :: else fi; x++
		:: else -> x = 0; break
		od
	}
}

/* ---- the word ---- */

#define SEE seen_ok[p] = 1

inline change(state)
{
	d_step {
		pressure = state;
		x = 0;
		do
		:: x < NP -> seen_ok[x] = 0; raised_ok[x] = 0; x++
		:: else -> x = 0; break
		od
	}
}

inline wake_all()
{
	d_step {
		x = 0;
		do
		:: x < NP -> asleep[x] = 0; x++
		:: else -> x = 0; break
		od
	}
}

/* mp_pressure_wake() */
inline pressure_wake()
{
	atomic { MAY_DIE; won = (pressure == ASLEEP); SEE }
	if
	:: won ->
		atomic {
			MAY_DIE;
			won = seen_ok[p];
			if :: won -> drain(p); change(WOKEN) :: else fi
		}
		if
		:: won -> atomic { MAY_DIE; wake_all(); won = 0 }
		:: else
		fi
	:: else
	fi;
	seen_ok[p] = 0
}

inline pressure_raise()
{
	do
	:: atomic {
		MAY_DIE;
		SEE;
		was = pressure;
		if
		:: was == ASLEEP -> raised_ok[p] = 1; break
		:: else
		fi
	   }
		atomic {
			MAY_DIE;
			if
			:: seen_ok[p] -> drain(p); change(ASLEEP); raised_ok[p] = 1; break
			:: else
			fi
		}
	od;
	seen_ok[p] = 0;
	if
	:: was == WOKEN -> atomic { MAY_DIE; wake_all() }
	:: else
	fi;
	was = CALM;
#ifndef NOBARRIER
	atomic { MAY_DIE; barrier() }
#endif
}

inline pressure_calm()
{
	atomic { MAY_DIE; won = (pressure != CALM); SEE }
	if
	:: won ->
		atomic {
			MAY_DIE;
			won = seen_ok[p];
			if :: won -> drain(p); change(CALM) :: else fi
		}
#ifndef NOCALMWAKE
		if
		:: won -> atomic { MAY_DIE; wake_all() }
		:: else
		fi;
#endif
		won = 0
	:: else
	fi;
	seen_ok[p] = 0
}

/* The end of the wait may come at any time. */
inline pressure_yield()
{
	atomic { MAY_DIE; won = (pressure == WOKEN); SEE }
	if
	:: won ->
		atomic {
			MAY_DIE;
			if
			:: seen_ok[p] -> drain(p); change(CALM)
			:: else
			fi;
			won = 0
		}
	:: else
	fi;
	seen_ok[p] = 0
}

/* ---- calls ---- */

/* Sets slow: there was an announcement. */
inline enter()
{
	atomic { MAY_DIE; late_in[p] = 1 }
	atomic {
		MAY_DIE;
		slow = announced[p];
		if
		:: slow -> drain(p); lose_loot(p); announced[p] = 0
		:: else
		fi
	}
}

inline leave()
{
	atomic {
		MAY_DIE;
		if
		:: late_in[p] -> late_in[p] = 0 /* both are seen at once, or neither */
		:: else ->
			if
			:: !late_put[p] -> busy[p] = 0
			:: late_out[p] = 1
			fi
		fi
	}
}

inline settle_out()
{
	if
	:: late_out[p] || late_put[p] -> atomic { MAY_DIE; drain(p) }
	:: else
	fi
}

inline flush()
{
	atomic { MAY_DIE; drain(p); lose_loot(p); depot = depot + cached[p]; cached[p] = 0 }
}

/* After leave(): who waits gets what we cache. */
inline look_at_pressure()
{
	atomic { MAY_DIE; won = (pressure == ASLEEP) }
	settle_out();
	if
	:: won ->
#ifdef WAKEFIRST
		pressure_wake();
#endif
		enter();
		flush();
		leave();
		settle_out();
#ifndef WAKEFIRST
		pressure_wake()
#endif
	:: else
	fi
}

inline steal()
{
	v = 0;
	do
	:: v < NP && cached[p] == 0 ->
		atomic {
			MAY_DIE;
			if :: v != p && cached[v] > 0 -> loot[p] = v :: else fi
		}
		if
		:: loot[p] == v ->
			atomic { MAY_DIE; announced[v] = 1 }
			atomic { MAY_DIE; barrier() }
			atomic { MAY_DIE; if :: busy[v] -> loot[p] = NONE :: else fi }
			atomic {
				MAY_DIE;
				if
				:: loot[p] == v ->
					drain(p);
					cached[p] = cached[v]; cached[v] = 0;
					lose_loot(v)
				:: else -> loot[p] = NONE
				fi
			}
		:: else
		fi;
		v++
	:: else -> break
	od;
	v = 0
}

#define POP cached[p] = cached[p] - 1; used[p] = used[p] + 1

/* Sets got. */
inline get()
{
	got = 0;
	enter();
	if
	:: !slow && cached[p] > 0 ->
		atomic { MAY_DIE; POP; got = 1 }
		leave();
#ifdef GETLOOKS
		look_at_pressure()
#else
#ifdef GETANSWERS
		atomic { MAY_DIE; won = announced[p] }
		settle_out();
		if
		:: won -> look_at_pressure()
		:: else
		fi
#else
		settle_out()
#endif
#endif
	:: else ->
		if
		:: !waiting && cached[p] == 0 -> pressure_yield()
		:: else
		fi;
		if
		:: cached[p] == 0 ->
			atomic {
				MAY_DIE;
				drain(p);
				cached[p] = (depot < M -> depot : M); depot = depot - cached[p]
			}
			if
			:: cached[p] == 0 -> steal()
			:: else
			fi
		:: else
		fi;
		if
		:: cached[p] > 0 ->
			atomic { MAY_DIE; POP; got = 1 }
			leave();
			look_at_pressure()
		:: else -> leave(); settle_out()
		fi
	fi;
	slow = 0
}

inline put()
{
	enter();
	slow = 0;
	atomic {
		MAY_DIE;
		if
		:: cached[p] == M -> drain(p); lose_loot(p); depot = depot + M; cached[p] = 0
		:: else
		fi;
		used[p] = used[p] - 1;
		if
		:: cached[p] = cached[p] + 1
		:: late_put[p] = 1
		fi
	}
#ifdef LOOKFIRST
	atomic { MAY_DIE; won = (pressure == ASLEEP) }
	leave();
	settle_out();
	if
	:: won ->
		enter();
		flush();
		leave();
		settle_out();
		pressure_wake()
	:: else
	fi
#else
	leave();
	look_at_pressure()
#endif
}

inline get_wait()
{
	get();
	if
	:: got
	:: else ->
		waiting = 1;
		do
		:: pressure_raise();
#ifndef NOLOOK
			get();
			if :: got -> break :: else fi;
#endif
			atomic { MAY_DIE; if :: raised_ok[p] -> asleep[p] = 1 :: else fi }
			if
			:: atomic { !asleep[p] -> MAY_DIE }
#ifndef ASYNC
			:: atomic { timeout && asleep[p] && slices[p] < n_kills ->
				slices[p]++; asleep[p] = 0 }
#endif
			:: atomic { n_kills < KILLS && asleep[p] -> n_kills++; goto died }
			fi;
			raised_ok[p] = 0;
			get();
			if :: got -> break :: else fi
		od;
		raised_ok[p] = 0;
		pressure_calm();
		waiting = 0
	fi
}

proctype Process(byte p)
{
	byte x, v, n;
	bit won, slow, got, waiting;
	mtype was = CALM;

	if
	:: p < WAITERS -> get_wait(); put()
	:: else ->
		do
		:: used[p] > 0 -> put()
		:: n < GETS -> n++; get()
#ifdef KEEPS
		:: n == GETS -> break
#else
		:: used[p] == 0 && n == GETS -> break
#endif
		od
	fi;
	atomic { over[p] = 1; won = 0; slow = 0; got = 0; n = 0; goto end }
died:	atomic {
		drain(p);
		loot[p] = NONE; asleep[p] = 0; seen_ok[p] = 0; raised_ok[p] = 0;
		x = 0; v = 0; n = 0; won = 0; slow = 0; got = 0; waiting = 0; was = CALM;
		dead[p] = 1
	}
end:	skip
}

/* Its pass, and the collect that follows, are one step here. */
active proctype Daemon()
{
	byte q, x;

end:	if
	:: atomic { dead[0] -> q = 0 }
	:: atomic { dead[1] -> q = 1 }
#if NP > 2
	:: atomic { dead[2] -> q = 2 }
#endif
	fi;
	atomic {
		lose_loot(q);
		depot = depot + used[q] + cached[q]; used[q] = 0; cached[q] = 0; busy[q] = 0
	}
	/* mp_announce() */
	atomic {
		if
		:: pressure == ASLEEP -> change(WOKEN)
		:: else -> dead[q] = 0; over[q] = 1; q = 0; goto end
		fi
	}
	atomic { wake_all(); dead[q] = 0; over[q] = 1; q = 0 }
	goto end
}

init {
	byte i;

	atomic {
		for (i : 0 .. NP - 1) { loot[i] = NONE }
		used[NP - 1] = HELD; cached[NP - 1] = IDLE;
		for (i : 0 .. NP - 1) { run Process(i) }
		i = 0
	}
}
