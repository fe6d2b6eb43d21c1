/* SPDX-License-Identifier: MIT */
/*
 * What players do. An operation comes with a scene: the same act takes another way through the code
 * when a magazine is full, or when somebody was stolen from.
 */
#ifndef TESTS_CRASH_OPERATION_H
#define TESTS_CRASH_OPERATION_H

#include "tests/crash/scene.h"

struct operation {
	const char *name;
	void (*arrange)(struct scene *scene); /* before A acts; NULL: nothing */
	void (*act)(void *player);
	bool timed;   /* it waits, so its instructions differ from run to run */
	bool repairs; /* it repairs what a dead process left */
	bool daemon;  /* A is the daemon, which keeps nothing but what it stores in the pool */
	bool patient; /* whoever comes after has to wait: quick tests take a part of its points */
};

/* What A does, while it is killed or stopped. */
extern const struct operation operations[];
extern const size_t n_operations;

/* What B does while A is stopped. */
extern const struct operation meetings[];
extern const size_t n_meetings;

/* Prints the name of each, one a line: meson.build runs a test for each. */
void operation_list(const struct operation *of, size_t n);

/* What a survivor does after a death: one get, then collects everything, then flushes. */
void act_repair(void *player);

/* Becomes the consumer, if there is none, and receives what there is. */
void act_sit_and_receive(void *player);

/* Gets all blocks that can be got. */
void act_drain(void *player);

/* The daemon's pass over the dead third, whose grace is over. */
void act_pass(void *player);

/* A third process has died with blocks in hand and magazines half full; no pass has been yet. */
void arrange_dead_third(struct scene *scene);

#endif
