/* SPDX-License-Identifier: MIT */
#include "lib/core/drain.h"
#include "lib/core/word.h"
#include "tests/crash/kinds.h"

/* ---- scenes ---- */

static struct mp_channel *kinds_broadcast(const struct scene *s)
{
	return player_channel(&s->b, SCENE_BROADCAST);
}

/* @p gets blocks and broadcasts them. */
static void kinds_send(struct player *p, uint32_t n)
{
	player_get(p, n);
	player_broadcast(p, n);
}

/* Seats a subscriber that is dead. */
static void kinds_call_dead(struct scene *s, bool lossy)
{
	scene_call_unburied(s);
	player_join(&s->unburied, lossy);
}

void with_subscribers(struct scene *s)
{
	kinds_call_dead(s, false);
	player_join(&s->b, false);
	mp_futex_prepare(&kinds_broadcast(s)->hungry);
	player_get(&s->a, 3);
}

void with_reliable_subscriber(struct scene *s)
{
	player_join(&s->b, false);
	player_get(&s->a, SCENE_DEPTH + 2);
}

void with_lossy_subscriber(struct scene *s)
{
	kinds_call_dead(s, true);
	player_join(&s->b, true);
	kinds_send(&s->a, SCENE_DEPTH);
	player_borrow(&s->b, 1);
	player_get(&s->a, 3);
}

void with_all_returned(struct scene *s)
{
	player_join(&s->b, false);
	kinds_send(&s->a, SCENE_DEPTH);
	player_borrow(&s->b, SCENE_DEPTH);
	player_return(&s->b, SCENE_DEPTH);
	player_get(&s->a, 3);
}

void with_blocks_to_borrow(struct scene *s)
{
	kinds_call_dead(s, false);
	player_join(&s->a, false);
	player_join(&s->b, false);
	kinds_send(&s->b, 5);
	mp_futex_prepare(&kinds_broadcast(s)->crowded);
}

/* A dead sender has posted two blocks, and decided nothing. */
static void kinds_leave_undecided(struct scene *s)
{
	scene_call_unburied(s);
	player_get(&s->unburied, 3);
	player_post(&s->unburied, 2);
}

void with_undecided(struct scene *s)
{
	player_join(&s->a, false);
	player_join(&s->b, false);
	kinds_leave_undecided(s);
}

void with_blocks_to_lose(struct scene *s)
{
	player_join(&s->a, true);
	kinds_send(&s->b, 5);
}

void with_blocks_borrowed(struct scene *s)
{
	with_blocks_to_borrow(s);
	player_borrow(&s->a, 3);
	player_borrow(&s->b, 3);
}

void with_last_shares(struct scene *s)
{
	player_join(&s->a, false);
	kinds_send(&s->b, 3);
	player_borrow(&s->a, 3);
}

void with_blocks_of_the_past(struct scene *s)
{
	player_join(&s->b, false);
	kinds_send(&s->b, 2);
	kinds_leave_undecided(s);
}

void with_blocks_pending(struct scene *s)
{
	player_join(&s->a, false);
	player_join(&s->b, false);
	kinds_send(&s->b, 3);
	kinds_leave_undecided(s);
	mp_futex_prepare(&kinds_broadcast(s)->crowded);
}

void with_last_blocks_pending(struct scene *s)
{
	player_join(&s->a, false);
	kinds_send(&s->b, 3);
	kinds_leave_undecided(s);
}

void with_jobs(struct scene *s)
{
	player_get(&s->b, 5);
	player_send(&s->b, SCENE_WORK, 5);
	mp_futex_prepare(&player_channel(&s->b, SCENE_WORK)->crowded);
}

/* @p takes the first job, and does not empty its cell. */
static void kinds_take_first_job(struct player *p)
{
	struct mp_channel *channel = player_channel(p, SCENE_WORK);

	mp_word_take(&p->member.pool, mp_load(&channel->cell[0]), false);
}

void with_stale_job(struct scene *s)
{
	with_jobs(s);
	scene_call_unburied(s);
	kinds_take_first_job(&s->unburied);
}

/* @p sends one by each kind of channel, by the broadcast without deciding. */
static void kinds_send_all_kinds(struct player *p)
{
	player_get(p, 5);
	player_send(p, SCENE_QUEUE, 1);
	player_send(p, SCENE_WORK, 1);
	player_post(p, 2);
}

void with_all_kinds_sent(struct scene *s)
{
	player_join(&s->b, false);
	kinds_send_all_kinds(&s->a);
}

void with_nobody_there(struct scene *s)
{
	kinds_send_all_kinds(&s->a);
}

/* Who dies has a mark as a sender, and as a receiver of work. */
static void kinds_die(struct scene *s, struct player *dead)
{
	struct mp_pool *pool = &dead->member.pool;

	mp_ends_begin(pool, player_channel(dead, SCENE_BROADCAST));
	mp_ends_begin_receiving(pool, player_channel(dead, SCENE_WORK));
	kinds_send(&s->b, 2);
	player_borrow(dead, 1);
	kinds_send_all_kinds(dead);
	kinds_take_first_job(dead);
}

void with_dead_of_all_kinds(struct scene *s)
{
	kinds_call_dead(s, false);
	player_join(&s->b, false);
	kinds_die(s, &s->unburied);
}

void with_dead_alone(struct scene *s)
{
	kinds_call_dead(s, false);
	kinds_die(s, &s->unburied);
}

void with_dead_third_of_all_kinds(struct scene *s)
{
	scene_call_third(s);
	player_join(&s->third, false);
	player_join(&s->b, false);
	kinds_die(s, &s->third);
}

/* ---- acts ---- */

void act_broadcast(void *player)
{
	struct player *p = player;

	player_broadcast(p, p->n);
}

void act_borrow(void *player)
{
	player_borrow(player, 2);
	player_borrow(player, SCENE_DEPTH);
}

void act_return(void *player)
{
	player_return(player, SCENE_DEPTH);
}

void act_own(void *player)
{
	player_own(player);
}

void act_join(void *player)
{
	player_join(player, false);
}

void act_leave(void *player)
{
	player_leave(player);
}

void act_work(void *player)
{
	struct player *p = player;
	struct mp_pool *pool = &p->member.pool;
	struct mp_channel *channel = player_channel(p, SCENE_WORK);

	mp_ends_begin_receiving(pool, channel);
	player_work(p, 2);
	player_work(p, SCENE_DEPTH);
	mp_ends_stop_receiving(pool, channel, p->slot);
}

/* Looks whether all is received; what is undecided it has to decide for that. */
void act_look_whether_drained(void *player)
{
	struct player *p = player;
	struct mp_drain drain = mp_drain_begin(&p->member.pool, SCENE_BROADCAST);

	mp_drain_look(&p->member.pool, &p->member.local, &drain);
}

void act_pass_over_unburied(void *player)
{
	struct scene *s = ((struct player *)player)->scene;

	if (s->unburied.scene) {
		arena_bury(&s->arena, s->unburied.slot, true);
	}
}

void act_settle(void *player)
{
	player_settle(player);
}

void act_broadcast_and_settle(void *player)
{
	kinds_send(player, 1);
	player_settle(player);
}

/* ---- what B does ---- */

void act_broadcast_one(void *player)
{
	player_broadcast(player, 1);
}

void act_broadcast_for_long(void *player)
{
	struct player *p = player;

	for (uint32_t i = 0; i < 2 * SCENE_DEPTH + 1; i++) {
		kinds_send(p, 1);
		player_borrow(p, 1);
		player_return(p, 1);
	}
}

void act_borrow_and_return(void *player)
{
	player_join(player, false);
	player_borrow(player, SCENE_DEPTH);
	player_return(player, SCENE_DEPTH);
}

void act_work_for_long(void *player)
{
	struct player *p = player;

	for (uint32_t i = 0; i < 2 * SCENE_DEPTH + 1; i++) {
		player_get(p, 1);
		player_send(p, SCENE_WORK, 1);
		player_work(p, 1);
	}
}

void act_join_and_leave(void *player)
{
	player_join(player, true);
	player_leave(player);
}
