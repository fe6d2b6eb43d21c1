/* SPDX-License-Identifier: MIT */
/*
 * Another process, which uses a pool as the test tells it to, and which the test kills, stops and
 * looks at. It is a program of its own, as clients are, and not a fork of the test.
 *
 * Commands, one a line; the actor answers each by one number, which may be a negative errno:
 *	make NAME LIFETIME [PROCESSES]		large NAME MIB [BACKING] (made)
 *	wide NAME (one block of 64 M)		either NAME MIB [LIFETIME] (opened or made)
 *	grow NAME BLOCKS	blocks (how many there are)	read (a byte of the last)
 *	destroy NAME		state (what has become of the pool)
 *	open NAME [reader|observer]	get N		put N		bulk N (get)
 *	give -> token	take TOKEN	withdraw TOKEN	flush	drain (get all; how many)
 *	close	force	foreign ADDRESS-INDEX (put)	churn (for ever, no answer)
 *	wait MS (for a block)	soon MS N (put N in a thread, later)	greedy MS (see there)
 *	idle N M (N threads that have got and put M blocks)		gifts (how many)
 *	sender CHANNEL [FLAGS]	receiver CHANNEL [FLAGS]	send N		receive N MS
 *	stream N (numbered blocks, then 0)	sink (for ever, no answer)
 *	borrow N MS	return N (the last)	follow N (blocks of a stream; how many are odd)
 *	relay FROM TO (work to a queue; answers when it begins, and goes on for ever)
 *	exec (itself anew)	closefrom	fork (what a child's get says)	write (to the last)
 *	box (refuses itself membarrier; before open)	exit
 */
#ifndef TESTS_SUPPORT_ACTOR_H
#define TESTS_SUPPORT_ACTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct actor {
	pid_t pid;
	int to, from;
};

/* Starts an actor, as user @uid, which connects to $MEMPOOL_SOCKET. */
void actor_start_as(struct actor *actor, uid_t uid);
void actor_start(struct actor *actor);

/* Sends a command and waits for the answer. INT64_MIN: it died. Exits the test after 40 s. */
__attribute__((format(printf, 2, 3))) int64_t actor_ask(struct actor *actor, const char *format,
							...);

/* Waits for an answer, as actor_ask() does. */
int64_t actor_hear(struct actor *actor);

/* Sends a command and does not wait for an answer. */
void actor_tell(struct actor *actor, const char *command);

/* Sends SIGKILL and waits until the actor is gone. */
void actor_kill(struct actor *actor);

#endif
