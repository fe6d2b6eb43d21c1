/* SPDX-License-Identifier: MIT */
/*
 * A scene: a small pool in which two processes, A and B, are about to do something. The ledger is
 * outside the pool: what each believes to have, and in the end what the last process gets, which
 * must be every block, once.
 */
#ifndef TESTS_CRASH_SCENE_H
#define TESTS_CRASH_SCENE_H

#include <sys/types.h>

#include "tests/support/arena.h"

enum {
	SCENE_BLOCKS = 64,
	SCENE_CAPACITY = 8, /* of a magazine */
	SCENE_DEPTH = 8,    /* of the channel */
	SCENE_ROOM = 80,    /* to believe more than can be */
};

struct player {
	struct scene *scene;
	struct member member;
	uint32_t slot;
	uint32_t n;
	void *blocks[SCENE_ROOM]; /* what it believes to have */
};

/* In memory shared by the processes that play. */
struct scene {
	struct arena arena;
	struct player a, b, third;
	uint64_t token; /* of a gift */
	pid_t locker;   /* a process that holds the lock of the one shard, and is stopped */
};

/* Room for one. */
struct scene *scene_new(void);

/* A fresh pool, with A and B seated. */
void scene_make(struct scene *scene);
void scene_free(struct scene *scene);

/* Seats the third. */
void scene_call_third(struct scene *scene);

/* What a player believes is brought up to date. */
void player_get(struct player *player, uint32_t n);
void player_put(struct player *player, uint32_t n);
struct mp_channel *player_channel(const struct player *player);

/* The daemon buries a player: what it had comes back; gifts too, when their grace is over. */
void scene_bury(struct scene *scene, struct player *player, bool grace_over);

/* Kills whoever is stopped with a lock. */
void scene_clear(struct scene *scene);

/*
 * @dead, of which the last is NULL, are buried; @by receives what they have sent, and gets all
 * there is to get. NULL: every block came, once, and the pool is sound. Else what is wrong.
 */
const char *scene_recover(struct scene *scene, struct player *by, struct player *const *dead);

/* Two who live: is what A and B believe to have theirs, and not both's? NULL, or what is wrong. */
const char *scene_compare(const struct scene *scene);

#endif
