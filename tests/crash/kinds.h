/* SPDX-License-Identifier: MIT */
/*
 * Scenes and acts of the kinds work and broadcast. In many of the scenes somebody has died who was
 * a subscriber, and is not buried yet.
 */
#ifndef TESTS_CRASH_KINDS_H
#define TESTS_CRASH_KINDS_H

#include "tests/crash/scene.h"

/* Who sends: A has three blocks and B is a subscriber, */
void with_subscribers(struct scene *scene);         /* which sleeps, */
void with_reliable_subscriber(struct scene *scene); /* and A has more blocks than fit, */
void with_lossy_subscriber(struct scene *scene);    /* lossy; the ring is full, and it reads one, */
void with_all_returned(struct scene *scene);        /* who has returned all that fills the ring */

/* Who borrows: A and B are subscribers, */
void with_blocks_to_borrow(struct scene *scene); /* and B has sent five, and sleeps for room; */
void with_undecided(struct scene *scene);        /* or a sender has died before it decided; */
void with_blocks_to_lose(struct scene *scene);   /* or A alone is, lossy, and B has sent five */

/* Who returns: A has borrowed three blocks, */
void with_blocks_borrowed(struct scene *scene); /* as B has, */
void with_last_shares(struct scene *scene);     /* alone */

/* Who joins: there are decided and undecided blocks in the ring. */
void with_blocks_of_the_past(struct scene *scene);

/* Who leaves: A is to get three blocks and an undecided one, */
void with_blocks_pending(struct scene *scene);      /* as B is, */
void with_last_blocks_pending(struct scene *scene); /* alone */

/* Who works: B has sent five jobs, */
void with_jobs(struct scene *scene);      /* and sleeps for room; */
void with_stale_job(struct scene *scene); /* who took the first has died in the midst of it */

/* Who closes: A has sent by all kinds of channels, */
void with_all_kinds_sent(struct scene *scene); /* to B, */
void with_nobody_there(struct scene *scene);   /* the broadcasts to nobody any more */

/*
 * The daemon: somebody has died who had borrowed a block, was to get another, had sent by all kinds
 * of channels, and taken a job; B is a subscriber, or nobody is.
 */
void with_dead_of_all_kinds(struct scene *scene);
void with_dead_alone(struct scene *scene);

/* The same, and it is the third; B is a subscriber. */
void with_dead_third_of_all_kinds(struct scene *scene);

void act_broadcast(void *player);
void act_borrow(void *player);
void act_return(void *player);
void act_own(void *player);
void act_join(void *player);
void act_leave(void *player);
void act_work(void *player);
void act_look_whether_drained(void *player);

/* The daemon's pass over who is dead and not buried, if there is one. */
void act_pass_over_unburied(void *player);

void act_settle(void *player);
void act_broadcast_and_settle(void *player);

/* What B does. */
void act_broadcast_one(void *player);
void act_broadcast_for_long(void *player); /* twice round the ring, with what it gets back */
void act_work_for_long(void *player);
void act_borrow_and_return(void *player); /* as a new subscriber, if it is none */
void act_join_and_leave(void *player);

#endif
