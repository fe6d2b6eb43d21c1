/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "lib/core/word.h"
#include "tests/crash/scene.h"

enum { SLOT_A, SLOT_B, SLOT_THIRD, SLOT_UNBURIED };

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

static void scene_open(struct scene *s, uint32_t number, enum mp_channel_kind kind)
{
	if (!mp_channel_is_of_kind(mp_pool_channel(&s->arena.daemon, number), kind)) {
		errx(99, "channel %u is of a kind", number);
	}
}

void scene_make(struct scene *s)
{
	struct mp_shape wish = {.blocks = SCENE_BLOCKS,
				.capacity = SCENE_CAPACITY,
				.n_caches = 4,
				.n_slots = SCENE_SLOTS,
				.n_channels = SCENE_CHANNELS,
				.depth = SCENE_DEPTH};

	*s = (struct scene){0};
	arena_make(&s->arena, wish);
	scene_open(s, SCENE_QUEUE, MP_CHANNEL_QUEUE);
	scene_open(s, SCENE_WORK, MP_CHANNEL_WORK);
	scene_open(s, SCENE_BROADCAST, MP_CHANNEL_BROADCAST);
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
}

void scene_call_busy(struct scene *s)
{
	scene_call_unburied(s);
	player_get(&s->unburied, 1);
	player_put(&s->unburied, 1);
	mp_enter(s->unburied.member.local.cache);
}

void scene_watch(struct scene *s)
{
	const char *found = s->alarm[0] ? NULL : arena_audit_live(&s->arena);

	if (found) {
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
	struct mp_channel *channel = player_channel(p, SCENE_QUEUE);
	void *blocks[SCENE_DEPTH];
	int error;

	mp_channel_claim(&p->member.pool, channel); /* it may have the seat already */
	uint32_t n = mp_channel_receive(&p->member.pool, channel, blocks, SCENE_DEPTH, &error);
	for (uint32_t i = 0; i < n && p->n < SCENE_ROOM; i++) {
		p->blocks[p->n++] = blocks[i];
	}
	player_settle(p);
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

/* Whether no channel has senders, receivers of work, or subscribers. */
static bool scene_is_deserted(const struct scene *s)
{
	const struct mp_pool *pool = &s->arena.daemon;
	uint64_t found = 0;

	for (uint32_t i = 0; i < SCENE_CHANNELS; i++) {
		struct mp_channel *channel = mp_pool_channel(pool, i);
		found |= mp_load(mp_ends_senders(pool, channel, 0));
		found |= mp_load(mp_ends_receivers(pool, channel, 0));
		found |= mp_load(&channel->members);
		for (uint32_t k = 0; k < MP_SEATS_MAX; k++) {
			found |= (uint32_t)mp_load(&channel->seat[k].owner);
		}
	}
	return found == 0;
}

/* Whether what the player sends comes back to it, more than once round each ring. */
static bool scene_goes_round(struct player *p)
{
	uint32_t n = p->n;

	player_join(p, false);
	for (uint32_t i = 0; i <= SCENE_DEPTH && p->n == n; i++) {
		player_send(p, SCENE_QUEUE, 1);
		player_receive(p, 1);
		player_send(p, SCENE_WORK, 1);
		player_work(p, 1);
		player_broadcast(p, 1);
		player_borrow(p, 1);
		player_own(p);
	}
	player_leave(p);
	return p->n == n;
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
	if (s->complaint[0]) {
		return s->complaint;
	}
	if (!scene_is_deserted(s)) {
		return "somebody is left in a channel";
	}
	if (!scene_enter(by, owners)) {
		return "a block was handed out twice";
	}
	if (by->n != SCENE_BLOCKS) {
		snprintf(text, sizeof text, "%u of %d blocks", by->n, SCENE_BLOCKS);
		return text;
	}
	if (!scene_goes_round(by)) {
		return "a channel has stopped";
	}
	return s->complaint[0] ? s->complaint : arena_audit(&s->arena);
}

/* Whether the word says that it is the player's, or borrowed by it. */
static bool scene_is_its(const struct player *p, uint64_t word)
{
	return (uint32_t)word == p->member.pool.used;
}

static bool scene_is_borrowed(const struct player *p, uint64_t word)
{
	return p->subscribed && mp_word_state(word) == MP_SHARED &&
	       mp_share_held(word) >> p->subscriber.seat & 1;
}

/* Whether the words say that of exactly the @n blocks. */
static bool scene_agrees(const struct player *p, const void *const *blocks, uint32_t n,
			 bool (*is_so)(const struct player *, uint64_t))
{
	const struct mp_pool *pool = &p->member.pool;
	uint32_t all = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t index = mp_pool_index(pool, blocks[i]);
		if (index >= SCENE_BLOCKS || !is_so(p, mp_load(&pool->words[index].whole))) {
			return false;
		}
	}
	for (uint32_t i = 0; i < SCENE_BLOCKS; i++) {
		all += is_so(p, mp_load(&pool->words[i].whole));
	}
	return all == n;
}

static bool scene_has_what_it_believes(const struct player *p)
{
	return scene_agrees(p, (const void *const *)p->blocks, p->n, scene_is_its) &&
	       scene_agrees(p, p->borrowed, p->n_borrowed, scene_is_borrowed);
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
