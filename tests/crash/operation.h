/* SPDX-License-Identifier: MIT */
/*
 * What a player can do, and the scenes in which each way through it is taken.
 */
#ifndef TESTS_CRASH_OPERATION_H
#define TESTS_CRASH_OPERATION_H

#include "tests/crash/scene.h"

struct operation {
	const char *name;
	void (*arrange)(struct scene *scene); /* for A; NULL: nothing to arrange */
	void (*act)(void *player);
	bool timed;   /* waits: not twice the same instructions */
	bool repairs; /* what others have left: A is the one who recovers */
};

/* What is done to A, at each instruction. */
extern const struct operation operations[];
extern const size_t n_operations;

/* What B does while A is stopped. */
extern const struct operation meetings[];
extern const size_t n_meetings;

/* Prints the name of each, one a line: meson.build runs a test for each. */
void operation_list(const struct operation *of, size_t n);

/* What who comes after a death does: a get, then all there is to collect, then a flush. */
void act_repair(void *player);

/* Gets all there is to get. */
void act_drain(void *player);

/* The daemon's pass over the third, grace over. */
void act_pass(void *player);

/* A third process died with blocks in hand and magazines half used, and is not buried yet. */
void arrange_dead_third(struct scene *scene);

#endif
