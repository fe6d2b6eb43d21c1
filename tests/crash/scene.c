/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/crash/scene.h"

enum { SLOT_A, SLOT_B, SLOT_THIRD, SLOT_UNBURIED, SLOTS };

struct scene *scene_new(void)
{
	struct scene *s =
		mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED) {
		err(99, "mmap");
	}
	return s;
}

static void scene_seat(struct scene *s, struct player *p, uint32_t slot)
{
	*p = (struct player){.scene = s, .slot = slot};
	arena_seat(&s->arena, slot, &p->member);
}

/* Likewise; its gets do not search for long, as whoever has what it looks for stands still. */
static void scene_seat_hasty(struct scene *s, struct player *p, uint32_t slot)
{
	scene_seat(s, p, slot);
	mp_store(&p->member.local.waiting, MP_WAITING_SOON);
}

void scene_make(struct scene *s)
{
	struct mp_shape wish = {.blocks = SCENE_BLOCKS,
				.capacity = SCENE_CAPACITY,
				.n_caches = 4,
				.n_slots = SLOTS,
				.depth = SCENE_DEPTH};

	*s = (struct scene){0};
	arena_make(&s->arena, wish);
	scene_seat_hasty(s, &s->b, SLOT_B);
	scene_seat(s, &s->a, SLOT_A);
}

void scene_free(struct scene *s)
{
	arena_free(&s->arena);
}

void scene_call_third(struct scene *s)
{
	scene_seat_hasty(s, &s->third, SLOT_THIRD);
}

void scene_call_unburied(struct scene *s)
{
	scene_seat(s, &s->unburied, SLOT_UNBURIED);
	player_get(&s->unburied, 1);
	player_put(&s->unburied, 1);
	mp_enter(s->unburied.member.local.cache);
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

struct mp_channel *player_channel(const struct player *p)
{
	return mp_pool_channel(&p->member.pool, 0);
}

void scene_watch(struct scene *s)
{
	const char *found = arena_audit_live(&s->arena);

	if (found && !s->alarm[0]) {
		snprintf(s->alarm, sizeof s->alarm, "%s", found);
	}
}

static void scene_on_step(void *scene)
{
	scene_watch(scene);
}

void scene_bury(struct scene *s, struct player *p, bool grace_over)
{
	arena_bury_watched(&s->arena, p->slot, grace_over, scene_on_step, s);
}

void scene_clear(struct scene *s)
{
	if (s->locker) {
		kill(s->locker, SIGKILL);
		waitpid(s->locker, NULL, 0);
		s->locker = 0;
	}
	if (s->unburied.scene) {
		scene_bury(s, &s->unburied, true);
		s->unburied.scene = NULL;
	}
}

/* Notes the blocks that @by believes to have. False: a block was noted before. */
static bool scene_enter(const struct player *by, unsigned char *owners)
{
	for (uint32_t i = 0; i < by->n; i++) {
		uint64_t index = mp_pool_index(&by->member.pool, by->blocks[i]);
		if (index >= SCENE_BLOCKS || owners[index]) {
			return false;
		}
		owners[index] = 1;
	}
	return true;
}

/* Receives what the dead had sent, which they keep while their grace lasts. */
static void scene_receive_all(struct player *p)
{
	struct mp_channel *channel = player_channel(p);
	void *blocks[SCENE_DEPTH];
	int error;

	mp_channel_claim(&p->member.pool, channel); /* it may have the seat already */
	uint32_t n = mp_channel_receive(&p->member.pool, channel, blocks, SCENE_DEPTH, &error);
	for (uint32_t i = 0; i < n && p->n < SCENE_ROOM; i++) {
		p->blocks[p->n++] = blocks[i];
	}
}

static void scene_bury_all(struct scene *s, struct player *const *dead, bool grace_over)
{
	for (; *dead; dead++) {
		scene_bury(s, *dead, grace_over);
	}
}

/* Withdraws the player's own gift, if nobody took it. */
static void scene_take_back(struct player *p, uint64_t token)
{
	int64_t own = token ? mp_word_take(&p->member.pool, token, true) : -1;

	if (own >= 0) {
		p->blocks[p->n++] = mp_pool_address(&p->member.pool, (uint64_t)own);
	}
}

const char *scene_recover(struct scene *s, struct player *by, struct player *const *dead)
{
	static char text[256];
	unsigned char owners[SCENE_BLOCKS] = {0};

	scene_watch(s);
	scene_clear(s);
	scene_take_back(by, s->token);
	scene_bury_all(s, dead, false);
	scene_receive_all(by);
	scene_bury_all(s, dead, true);
	player_get(by, SCENE_ROOM);
	if (s->alarm[0]) {
		snprintf(text, sizeof text, "a false alarm: %s", s->alarm);
		return text;
	}
	if (!scene_enter(by, owners)) {
		return "a block was handed out twice";
	}
	if (by->n != SCENE_BLOCKS) {
		snprintf(text, sizeof text, "%u of %d blocks", by->n, SCENE_BLOCKS);
		return text;
	}
	return arena_audit(&s->arena);
}

/* Whether the words say that it has exactly the blocks it believes to have. */
static bool scene_has_what_it_believes(const struct player *p)
{
	const struct mp_pool *pool = &p->member.pool;
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->n; i++) {
		uint64_t index = mp_pool_index(pool, p->blocks[i]);
		if (index >= SCENE_BLOCKS || mp_load(&pool->words[index].low) != pool->used) {
			return false;
		}
	}
	for (uint32_t i = 0; i < SCENE_BLOCKS; i++) {
		n += mp_load(&pool->words[i].low) == pool->used;
	}
	return n == p->n;
}

const char *scene_compare(const struct scene *s)
{
	unsigned char owners[SCENE_BLOCKS] = {0};

	if (!scene_enter(&s->a, owners) || !scene_enter(&s->b, owners)) {
		return "both have the same block";
	}
	if (!scene_has_what_it_believes(&s->a)) {
		return "A has not what it got and did not put";
	}
	return scene_has_what_it_believes(&s->b) ? NULL : "B has not what it got and did not put";
}
