/* SPDX-License-Identifier: MIT */
/*
 * Processes that play a scene. Each does one thing, and is traced, killed or stopped on the way. A
 * process that hangs is ended after some seconds.
 */
#ifndef TESTS_CRASH_PLAY_H
#define TESTS_CRASH_PLAY_H

#include "tests/crash/operation.h"
#include "tests/crash/step.h"

#define HUNG_S 30   /* an emulated machine that others load may take several seconds */
#define TRACE_S 120 /* thousands of steps there */

/* Who does what. */
struct part {
	struct player *player;
	void (*act)(void *player);
};

/* A process that has come to an instruction and waits there. */
struct stopped {
	pid_t pid;
	int go;
};

/* Traces the part and notes which instructions change the pool. Exits the test on failure. */
void play_trace(struct part part, struct trace *trace);

/* Plays the part and kills the process after instruction @k. False: the part ended before. */
bool play_kill(struct part part, const struct trace *trace, uint32_t k, bool slowly);

/* Plays the part and stops the process after instruction @k. False: the part ended before. */
bool play_stop(struct part part, const struct trace *trace, uint32_t k, bool slowly,
	       struct stopped *stopped);

/* Kills the stopped process; or lets it play on to the end of its part. */
void play_end(struct stopped *stopped);
void play_go_on(struct stopped *stopped);

/* Plays the part to its end, in a process of its own. */
void play(struct part part);

/* Counts a fault, and prints the first ten. */
__attribute__((format(printf, 1, 2))) void play_fault(const char *format, ...);

/* How many faults there were. */
extern unsigned long play_faults;

#endif
