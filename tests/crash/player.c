/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "lib/core/ring.h"
#include "lib/core/word.h"
#include "lib/core/work.h"
#include "tests/crash/scene.h"

/* What is written into a block that is broadcast. */
struct message {
	uint64_t slot, number;
};

struct mp_channel *player_channel(const struct player *p, uint32_t number)
{
	return mp_pool_channel(&p->member.pool, number);
}

static void player_complain(const struct player *p, const char *what)
{
	struct scene *s = p->scene;

	if (!s->complaint[0]) {
		snprintf(s->complaint, sizeof s->complaint, "slot %u: %s", p->slot, what);
	}
}

void player_get(struct player *p, uint32_t n)
{
	uint32_t index;

	for (; n > 0 && p->n < SCENE_ROOM && member_get(&p->member, &index) == 0; n--) {
		p->blocks[p->n++] = mp_pool_address(&p->member.pool, index);
	}
}

void player_put(struct player *p, uint32_t n)
{
	for (; n > 0 && p->n > 0; n--) {
		const void *block = p->blocks[--p->n];
		member_put(&p->member, (uint32_t)mp_pool_index(&p->member.pool, block));
	}
}

static uint32_t player_at_most(const struct player *p, uint32_t n)
{
	return n < p->n ? n : p->n;
}

/* Takes the first @sent of its last @n blocks off its list. */
static void player_let_go(struct player *p, uint32_t n, uint32_t sent)
{
	void **first = p->blocks + p->n - n;

	memmove(first, first + sent, (n - sent) * sizeof *first);
	p->n -= sent;
}

void player_send(struct player *p, uint32_t channel, uint32_t n)
{
	int error;

	n = player_at_most(p, n);
	player_let_go(p, n,
		      mp_channel_send(&p->member.pool, player_channel(p, channel),
				      p->blocks + p->n - n, n, &error));
}

void player_receive(struct player *p, uint32_t n)
{
	int error;

	p->n += mp_channel_receive(&p->member.pool, player_channel(p, SCENE_QUEUE),
				   p->blocks + p->n, n, &error);
}

void player_work(struct player *p, uint32_t n)
{
	int error;

	p->n += mp_work_receive(&p->member.pool, player_channel(p, SCENE_WORK), p->blocks + p->n, n,
				&error);
}

/* ---- broadcasts ---- */

/* Numbers the last @n blocks, from the one on that was not posted yet. */
static void player_number(struct player *p, uint32_t n)
{
	struct scene *s = p->scene;

	for (uint32_t i = 0; i < n; i++) {
		*(struct message *)p->blocks[p->n - n + i] =
			(struct message){.slot = p->slot, .number = s->posted[p->slot] + 1 + i};
	}
	s->said[p->slot] = s->posted[p->slot] + n;
}

static void player_note_posted(struct player *p, uint32_t sent)
{
	struct scene *s = p->scene;

	s->posted[p->slot] += sent;
	s->said[p->slot] = s->posted[p->slot];
}

void player_broadcast(struct player *p, uint32_t n)
{
	int error;

	n = player_at_most(p, n);
	player_number(p, n);
	uint32_t sent = mp_broadcast_send(&p->member.pool, &p->member.local, SCENE_BROADCAST,
					  p->blocks + p->n - n, n, &error);
	player_let_go(p, n, sent);
	player_note_posted(p, sent);
}

void player_post(struct player *p, uint32_t n)
{
	struct mp_pool *pool = &p->member.pool;
	struct mp_channel *channel = player_channel(p, SCENE_BROADCAST);
	uint64_t at = mp_load(&channel->tail), token;

	for (; n > 0 && p->n > 0; n--) {
		player_number(p, 1);
		if (mp_word_give(pool, mp_pool_index(pool, p->blocks[p->n - 1]), &token) == 0 &&
		    mp_ring_post(pool, channel, &at, token)) {
			player_let_go(p, 1, 1);
			player_note_posted(p, 1);
		}
	}
	mp_store(&channel->tail, at);
}

/* What it hears first may have been sent before it joined: then somebody decided it later. */
static void player_hear(struct player *p, const struct message *m)
{
	uint32_t by = m->slot % SCENE_SLOTS;
	uint64_t last = p->heard[by];

	if (last != 0 && m->number <= last) {
		player_complain(p, "a broadcast came again, or too late");
	}
	last = last ? last : p->since[by];
	if (m->number > last + 1 && !p->subscriber.lossy) {
		player_complain(p, "a broadcast is missing");
	}
	p->heard[by] = m->number;
}

void player_borrow(struct player *p, uint32_t n)
{
	int error;

	if (!p->subscribed) {
		return;
	}
	uint32_t got = mp_broadcast_borrow(&p->member.pool, &p->member.local, &p->subscriber,
					   p->borrowed + p->n_borrowed, n, &error);
	for (uint32_t i = 0; i < got; i++) {
		player_hear(p, p->borrowed[p->n_borrowed++]);
	}
	if (error) {
		player_complain(p, "the ring is scribbled");
	}
}

void player_return(struct player *p, uint32_t n)
{
	struct mp_pool *pool = &p->member.pool;

	for (; n > 0 && p->n_borrowed > 0; n--) {
		const void *block = p->borrowed[--p->n_borrowed];
		if (mp_broadcast_return(pool, &p->member.local, &p->subscriber,
					mp_pool_index(pool, block)) != 0) {
			player_complain(p, "what it has borrowed cannot be returned");
		}
	}
}

void player_own(struct player *p)
{
	struct mp_pool *pool = &p->member.pool;

	if (p->n_borrowed == 0) {
		return;
	}
	uint64_t index = mp_pool_index(pool, p->borrowed[p->n_borrowed - 1]);
	if (mp_broadcast_own(pool, &p->subscriber, index) == 0) {
		p->n_borrowed--;
		p->blocks[p->n++] = mp_pool_address(pool, index);
	}
}

void player_join(struct player *p, bool lossy)
{
	if (p->subscribed || mp_broadcast_join(&p->member.pool, &p->member.local, SCENE_BROADCAST,
					       lossy, &p->subscriber) != 0) {
		return;
	}
	memset(p->heard, 0, sizeof p->heard);
	memcpy(p->since, p->scene->said, sizeof p->since);
	p->subscribed = true;
}

void player_leave(struct player *p)
{
	if (p->subscribed) {
		player_return(p, p->n_borrowed);
		mp_broadcast_leave(&p->member.pool, &p->member.local, &p->subscriber);
		p->subscribed = false;
	}
}

/* Whether it has heard the last that was sent since it joined, or rather loses some. */
static bool player_is_up_to_date(const struct player *p)
{
	const struct scene *s = p->scene;

	for (uint32_t i = 0; i < SCENE_SLOTS; i++) {
		if (s->posted[i] > p->since[i] && p->heard[i] < s->posted[i]) {
			return p->subscriber.lossy;
		}
	}
	return true;
}

void player_settle(struct player *p)
{
	player_work(p, SCENE_DEPTH);
	if (!p->subscribed) {
		return;
	}
	player_borrow(p, SCENE_DEPTH);
	if (!player_is_up_to_date(p)) {
		player_complain(p, "what was broadcast did not come");
	}
	player_leave(p);
}
