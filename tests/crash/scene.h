/* SPDX-License-Identifier: MIT */
/*
 * A scene: a small pool with a channel of each kind, in which two processes, A and B, are about to
 * do something. Outside the pool, each player lists the blocks it believes to have. In the end the
 * last process gets all blocks: it must get every block once.
 */
#ifndef TESTS_CRASH_SCENE_H
#define TESTS_CRASH_SCENE_H

#include <sys/types.h>

#include "tests/crash/player.h"

/* Lies in memory that all players share. */
struct scene {
	struct arena arena;
	struct player a, b, third;
	struct player unburied; /* is dead, and the daemon has not heard of it */
	uint64_t token;         /* of a gift */
	pid_t locker;           /* a stopped process that holds the one shard's lock; 0: none */
	/* What was broadcast, by sender: so much is sure, and so much may have been. */
	uint64_t posted[SCENE_SLOTS], said[SCENE_SLOTS];
	char alarm[192];     /* what an audit found before all was recovered; empty: nothing */
	char complaint[192]; /* what a player found; empty: nothing */
};

/* Makes room for one scene. */
struct scene *scene_new(void);

/* Makes a fresh pool, with A and B seated; and destroys it. */
void scene_make(struct scene *scene);
void scene_free(struct scene *scene);

/* Seats the third player. */
void scene_call_third(struct scene *scene);

/* Seats one who is to die, and over whom there is no pass before scene_clear(). */
void scene_call_unburied(struct scene *scene);

/* The same; it has died inside a call, with blocks in its cache. */
void scene_call_busy(struct scene *scene);

/*
 * The daemon's pass over a dead player: takes back its blocks, and with @grace_over its gifts.
 * Watches after each step.
 */
void scene_bury(struct scene *scene, struct player *player, bool grace_over);

/*
 * Audits the pool, of which somebody is stopped or dead in the midst of a call. There must be
 * nothing wrong: what is owed is not lost. scene_recover() returns what was found.
 */
void scene_watch(struct scene *scene);

/* Kills the process that is stopped with a lock, and the daemon hears of who is unburied. */
void scene_clear(struct scene *scene);

/*
 * Buries @dead, of which the last is NULL, and lets @by receive what they have sent and get all
 * other blocks. Returns NULL when it got every block once, the pool is sound, and nobody is left in
 * a channel; else the fault.
 */
const char *scene_recover(struct scene *scene, struct player *by, struct player *const *dead);

/* Compares the lists of A and B with the pool and each other. NULL, or what is wrong. */
const char *scene_compare(const struct scene *scene);

#endif
