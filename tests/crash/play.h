/* SPDX-License-Identifier: MIT */
/*
 * Processes that play a scene: each does one thing, is traced, killed or stopped on the way, and
 * hangs for no longer than two seconds.
 */
#ifndef TESTS_CRASH_PLAY_H
#define TESTS_CRASH_PLAY_H

#include "tests/crash/operation.h"
#include "tests/crash/step.h"

#define HUNG_S 2

/* What somebody does to the end. */
struct part {
	struct player *player;
	void (*act)(void *player);
};

/* A process that has come to an instruction and waits there. */
struct stopped {
	pid_t pid;
	int go;
};

/* Traces the part, with an eye on the pool. Exits the test when that fails. */
void play_trace(struct part part, struct trace *trace);

/* Kills who plays the part after instruction @k. False: the part was over before. */
bool play_kill(struct part part, const struct trace *trace, uint32_t k, bool slowly);

/* Stops who plays the part after instruction @k. False: the part was over before. */
bool play_stop(struct part part, const struct trace *trace, uint32_t k, bool slowly,
	       struct stopped *stopped);

/* Kills one who is stopped; lets one go on to the end. */
void play_end(struct stopped *stopped);
void play_go_on(struct stopped *stopped);

/* Plays the part to its end, in a process of its own. */
void play(struct part part);

/* Notes a fault, and says so for the first ten. */
__attribute__((format(printf, 1, 2))) void play_fault(const char *format, ...);

/* How many there were. */
extern unsigned long play_faults;

#endif
