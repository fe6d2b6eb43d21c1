/* SPDX-License-Identifier: MIT */
/*
 * A player: a process of a scene, with what it believes to have. What it does with the pool and
 * with the scene's channels, and what it can tell is wrong.
 *
 * Into each block that it broadcasts it writes its slot and a number, one more each time. Who
 * borrows them must see the numbers of each sender rise, by one unless it is lossy; and in the end
 * it must have seen all that was sent since it joined.
 */
#ifndef TESTS_CRASH_PLAYER_H
#define TESTS_CRASH_PLAYER_H

#include "lib/core/broadcast.h"
#include "tests/support/arena.h"

enum {
	SCENE_BLOCKS = 64,
	SCENE_CAPACITY = 8, /* of a magazine */
	SCENE_DEPTH = 8,    /* of a channel */
	SCENE_ROOM = 80,    /* more than there are, to notice too many */
	SCENE_SLOTS = 4,
};

/* The channels of a scene, one of each kind. */
enum { SCENE_QUEUE, SCENE_WORK, SCENE_BROADCAST, SCENE_CHANNELS };

struct scene;

struct player {
	struct scene *scene;
	struct member member;
	uint32_t slot;
	uint32_t n, n_borrowed;
	void *blocks[SCENE_ROOM]; /* what it believes to have */
	const void *borrowed[SCENE_ROOM];
	bool subscribed;
	struct mp_subscriber subscriber;
	uint64_t heard[SCENE_SLOTS]; /* the last number, by sender */
	uint64_t since[SCENE_SLOTS]; /* what it was when the player joined */
};

struct mp_channel *player_channel(const struct player *player, uint32_t number);

/* Each gets, puts, sends ... up to @n blocks, and brings the player's lists up to date. */
void player_get(struct player *player, uint32_t n);
void player_put(struct player *player, uint32_t n);
void player_send(struct player *player, uint32_t channel, uint32_t n);
void player_receive(struct player *player, uint32_t n); /* from the queue */
void player_work(struct player *player, uint32_t n);    /* receives from work */
void player_broadcast(struct player *player, uint32_t n);
void player_borrow(struct player *player, uint32_t n);
void player_return(struct player *player, uint32_t n);

/* Posts as many to the broadcast, and leaves them undecided, as who dies in the midst of it. */
void player_post(struct player *player, uint32_t n);

/* Makes what it has borrowed last its own, if it may. */
void player_own(struct player *player);

void player_join(struct player *player, bool lossy);
void player_leave(struct player *player);

/* Receives what there is of work; if it is a subscriber, borrows and returns all, and leaves. */
void player_settle(struct player *player);

#endif
