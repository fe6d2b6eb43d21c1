/* SPDX-License-Identifier: MIT */
/*
 * A control segment as the library meets it when a peer scribbles on it, at any time: attach, get,
 * put, bulk, flush, gifts, channels of all kinds, waiting, recovery, counting, audit. An input is a
 * sequence of calls and scribbles. Whatever is in the segment, each call returns, touches nothing
 * outside, and hands out nothing but whole blocks.
 *
 * The locks of the shards are not scribbled on: a pool is a trust domain, and what pthread does
 * with a mutex of garbage is not ours to mend. Their owners do die.
 */
#include <assert.h>
#include <stdlib.h>

#include "lib/core/broadcast.h"
#include "lib/core/drain.h"
#include "lib/core/ends.h"
#include "lib/core/grow.h"
#include "lib/core/quota.h"
#include "lib/core/stats.h"
#include "lib/core/work.h"
#include "tests/fuzz/scribble.h"
#include "tests/fuzz/world.h"
#include "tests/support/arena.h"

enum {
	MEMBERS = 4,
	BULK = 12, /* more than a magazine */
	HELD = 64,
	CALLS = 200, /* an input */
	DEATHS = 2,  /* with a lock; a thread each, which takes time */
};

#define TICK_NS 1000000u
#define POOL_ID 1 /* of an arena */

/* Two threads of one process, and two processes more; of the four one finds no free cache. */
static const uint32_t slot_of[MEMBERS] = {0, 1, 0, 2};

struct play {
	struct bytes in;
	struct member member[MEMBERS];
	bool seated[MEMBERS];
	void *held[HELD]; /* what the application believes to have */
	unsigned n_held;
	uint64_t token[HELD];
	unsigned n_tokens;
	uint64_t claim[MEMBERS]; /* as a consumer of a channel */
	struct mp_subscriber subscriber[MEMBERS];
	bool subscribed[MEMBERS];
	uint32_t laid;
	unsigned n_deaths;
};

static struct arena arena;
static void *pristine;
static size_t control_size;

static bool is_block(const struct member *m, const void *address)
{
	return mp_pool_index(&m->pool, address) < m->pool.max_blocks;
}

/* A call has handed out a block: it must be one, to its last byte. */
static void note(struct play *play, const struct member *m, void *block)
{
	assert(is_block(m, block));
	memset(block, 0x55, scribble_shape.block_size);
	play->held[play->n_held++ % HELD] = block;
}

/* A block somebody got, or any address in the data or near it. */
static void *some_block(struct play *play)
{
	uint8_t which = bytes_u8(&play->in);
	unsigned n = play->n_held < HELD ? play->n_held : HELD;

	if (which < 200 && n > 0) {
		return play->held[which % n];
	}
	uint16_t at = bytes_u16(&play->in);
	return (char *)arena.data + (at & 1 ? at : (at % 300) * scribble_shape.block_size);
}

static struct member *some_member(struct play *play)
{
	unsigned k = bytes_u8(&play->in) % MEMBERS;

	return play->seated[k] ? &play->member[k] : NULL;
}

static struct mp_channel *some_channel(struct play *play, const struct member *member)
{
	return mp_pool_channel(&member->pool, (member - play->member) % scribble_shape.n_channels);
}

static void leave(struct member *m)
{
	mp_leave(m->local.cache);
	if (mp_is_pressed(&m->pool)) {
		mp_relieve(&m->pool, &m->local);
	}
}

/* ---- calls ---- */

static void do_scribble(struct play *play)
{
	scribble(&play->in, &arena.daemon.shape, arena.daemon.header, true);
}

static void do_attach(struct play *play)
{
	unsigned k = bytes_u8(&play->in) % MEMBERS;

	if (play->seated[k] ||
	    !mp_layout_matches(arena.daemon.header, &arena.daemon.shape, POOL_ID)) {
		return;
	}
	arena_seat(&arena, slot_of[k], &play->member[k]);
	play->member[k].pool.quota = k == 3 ? 10 : 0;
	play->seated[k] = true;
	play->claim[k] = 0;
	play->subscribed[k] = false;
}

static void do_get(struct play *play)
{
	struct member *m = some_member(play);
	uint32_t index;

	if (m && mp_quota_charge(&m->pool, 1)) {
		if (member_get(m, &index) == 0) {
			note(play, m, mp_pool_address(&m->pool, index));
		} else {
			mp_quota_return(&m->pool, 1);
		}
	}
}

static void do_put(struct play *play)
{
	struct member *m = some_member(play);

	if (m && mp_enter(m->local.cache)) {
		const void *block = some_block(play);
		if (mp_try_put(&m->pool, &m->local, m->local.cache, block) ||
		    mp_put(&m->pool, &m->local, block) == 0) {
			assert(is_block(m, block));
			mp_quota_return(&m->pool, 1);
		}
		leave(m);
	}
}

static void do_get_bulk(struct play *play)
{
	struct member *m = some_member(play);
	uint32_t n = 1 + bytes_u8(&play->in) % BULK;
	void *blocks[BULK];

	if (m && member_get_bulk(m, blocks, n) == 0) {
		for (uint32_t i = 0; i < n; i++) {
			note(play, m, blocks[i]);
		}
	}
}

/* As the library does: what does not fit into the thread's magazines goes block by block. */
static void do_put_bulk(struct play *play)
{
	struct member *m = some_member(play);
	uint32_t n = bytes_u8(&play->in) % (BULK + 1);
	void *blocks[BULK];

	for (uint32_t i = 0; i < n; i++) {
		blocks[i] = some_block(play);
	}
	if (!m) {
		return;
	}
	int result = n <= scribble_shape.capacity ? member_put_bulk(m, blocks, n) : MP_E_EMPTY;
	if (result == MP_E_EMPTY && mp_enter(m->local.cache)) {
		result = mp_put_each(&m->pool, &m->local, blocks, n);
		leave(m);
	}
	for (uint32_t i = 0; i < n && result == 0; i++) {
		assert(is_block(m, blocks[i]));
	}
}

static void do_flush(struct play *play)
{
	struct member *m = some_member(play);

	if (m && mp_enter(m->local.cache)) {
		mp_flush(&m->pool, &m->local);
		leave(m);
	}
}

static void do_wait(struct play *play)
{
	struct member *m = some_member(play);
	struct timespec deadline;

	if (m) {
		mp_deadline(&deadline, 10);
		mp_pressure_sleep(&m->pool, mp_pressure_raise(&m->pool), &deadline);
		mp_pressure_calm(&m->pool);
	}
}

static void do_give(struct play *play)
{
	struct member *m = some_member(play);
	uint64_t token;

	if (m) {
		const void *block = some_block(play);
		if (mp_word_give(&m->pool, mp_pool_index(&m->pool, block), &token) == 0) {
			assert(is_block(m, block));
			play->token[play->n_tokens++ % HELD] = token;
		}
	}
}

static void do_take(struct play *play)
{
	struct member *m = some_member(play);
	uint8_t which = bytes_u8(&play->in);
	unsigned n = play->n_tokens < HELD ? play->n_tokens : HELD;
	uint64_t token = which < 200 && n > 0 ? play->token[which % n] : bytes_u64(&play->in);

	if (m) {
		int64_t index = mp_word_take(&m->pool, token, which & 1);
		if (index >= 0) {
			note(play, m, mp_pool_address(&m->pool, (uint64_t)index));
		}
	}
}

static void do_send(struct play *play)
{
	struct member *m = some_member(play);
	uint32_t n = bytes_u8(&play->in) % (BULK + 1);
	void *blocks[BULK];
	int error;

	for (uint32_t i = 0; i < n; i++) {
		blocks[i] = some_block(play);
	}
	if (m) {
		struct mp_channel *channel = some_channel(play, m);
		assert(mp_channel_send(&m->pool, channel, blocks, n, &error) <= n);
		mp_channel_await_room(&m->pool, channel, NULL, &(struct mp_wait){0});
	}
}

static void do_receive(struct play *play)
{
	struct member *m = some_member(play);
	uint32_t n = bytes_u8(&play->in) % (BULK + 1);
	void *blocks[BULK];
	int error;

	if (!m) {
		return;
	}
	struct mp_channel *channel = some_channel(play, m);
	uint64_t *claim = &play->claim[m - play->member];
	*claim = *claim ? *claim : mp_channel_claim(&m->pool, channel);
	if (*claim) {
		uint32_t got = mp_channel_receive(&m->pool, channel, blocks, n, &error);
		for (uint32_t i = 0; i < got; i++) {
			note(play, m, blocks[i]);
		}
		mp_channel_await_token(&m->pool, channel, NULL, &(struct mp_wait){0});
	}
}

static void do_stop_receiving(struct play *play)
{
	const struct member *m = some_member(play);

	if (m) {
		mp_channel_leave(some_channel(play, m), play->claim[m - play->member]);
		play->claim[m - play->member] = 0;
	}
}

static void do_work(struct play *play)
{
	struct member *m = some_member(play);
	uint32_t n = bytes_u8(&play->in) % (BULK + 1);
	void *blocks[BULK];
	int error;

	if (m) {
		struct mp_channel *channel = some_channel(play, m);
		uint32_t got = mp_work_receive(&m->pool, channel, blocks, n, &error);
		assert(got <= n);
		for (uint32_t i = 0; i < got; i++) {
			note(play, m, blocks[i]);
		}
	}
}

static void do_broadcast(struct play *play)
{
	struct member *m = some_member(play);
	uint8_t how = bytes_u8(&play->in);
	uint32_t n = how % (BULK + 1), number = how & 1;
	void *blocks[BULK];
	int error;

	for (uint32_t i = 0; i < n; i++) {
		blocks[i] = some_block(play);
	}
	if (m) {
		mp_channel_is_of_kind(mp_pool_channel(&m->pool, number), MP_CHANNEL_BROADCAST);
		assert(mp_broadcast_send(&m->pool, &m->local, number, blocks, n, &error) <= n);
		mp_broadcast_await_room(&m->pool, number, NULL, &(struct mp_wait){0});
	}
}

static void do_subscribe(struct play *play)
{
	struct member *m = some_member(play);
	uint8_t how = bytes_u8(&play->in);

	if (m && !play->subscribed[m - play->member]) {
		mp_channel_is_of_kind(mp_pool_channel(&m->pool, how & 1), MP_CHANNEL_BROADCAST);
		play->subscribed[m - play->member] =
			mp_broadcast_join(&m->pool, &m->local, how & 1, how & 2,
					  &play->subscriber[m - play->member]) == 0;
	}
}

/* A member's subscriber, or NULL. */
static struct mp_subscriber *subscriber_of(struct play *play, const struct member *m)
{
	return m && play->subscribed[m - play->member] ? &play->subscriber[m - play->member] : NULL;
}

static void do_unsubscribe(struct play *play)
{
	struct member *m = some_member(play);
	struct mp_subscriber *s = subscriber_of(play, m);

	if (s) {
		mp_broadcast_leave(&m->pool, &m->local, s);
		play->subscribed[m - play->member] = false;
	}
}

static void do_borrow(struct play *play)
{
	struct member *m = some_member(play);
	struct mp_subscriber *s = subscriber_of(play, m);
	uint32_t n = bytes_u8(&play->in) % (BULK + 1);
	const void *blocks[BULK];
	int error;

	if (s) {
		uint32_t got = mp_broadcast_borrow(&m->pool, &m->local, s, blocks, n, &error);
		assert(got <= n);
		for (uint32_t i = 0; i < got; i++) {
			assert(is_block(m, blocks[i]));
			play->held[play->n_held++ % HELD] = (void *)blocks[i];
		}
		mp_broadcast_await_token(&m->pool, s, NULL, &(struct mp_wait){0});
	}
}

/* Returns what was borrowed, or has it for good. */
static void do_return(struct play *play)
{
	struct member *m = some_member(play);
	struct mp_subscriber *s = subscriber_of(play, m);
	bool own = bytes_u8(&play->in) & 1;
	void *block = some_block(play);

	if (s) {
		uint64_t index = mp_pool_index(&m->pool, block);
		int error = own ? mp_broadcast_own(&m->pool, s, index)
				: mp_broadcast_return(&m->pool, &m->local, s, index);
		if (error == 0) {
			assert(is_block(m, block));
		}
	}
}

static void do_drain(struct play *play)
{
	struct member *m = some_member(play);

	if (m) {
		uint8_t how = bytes_u8(&play->in);
		struct mp_drain drain = mp_drain_begin(&m->pool, how & 1);
		if (how & 2) {
			do_scribble(play);
		}
		assert(mp_drain_look(&m->pool, &m->local, &drain) <= 1);
		mp_drain_await(&m->pool, &m->local, &drain, &(struct mp_wait){0});
	}
}

/* Opens or closes an end, and asks after the other. */
static void do_end(struct play *play)
{
	struct member *m = some_member(play);
	uint8_t how = bytes_u8(&play->in);

	if (!m) {
		return;
	}
	struct mp_channel *channel = mp_pool_channel(&m->pool, how & 1);
	struct mp_ends senders = mp_ends_note_senders(&m->pool, channel);
	struct mp_ends receivers = mp_ends_note_receivers(&m->pool, channel);
	switch (how >> 1 & 3) {
	case 0:
		mp_ends_begin(&m->pool, channel);
		break;
	case 1:
		mp_ends_begin_receiving(&m->pool, channel);
		break;
	case 2:
		mp_ends_stop(&m->pool, channel, m->pool.slot);
		break;
	default:
		mp_ends_stop_receiving(&m->pool, channel, m->pool.slot);
	}
	mp_channel_is_over(&m->pool, channel, &senders);
	mp_ends_is_deserted(&m->pool, channel, &receivers);
}

/* What a process does with all that it has sent, before it closes the pool. */
static void do_keep(struct play *play)
{
	struct member *m = some_member(play);

	if (m) {
		mp_channel_keep_all(&m->pool);
	}
}

/* The thread exits. */
static void do_exit(struct play *play)
{
	struct member *m = some_member(play);

	if (m) {
		mp_local_finish(&m->pool, &m->local);
		mp_local_init(&m->pool, &m->local);
	}
}

/* The process in a slot dies, and is passed over by the daemon. */
static void do_die(struct play *play)
{
	uint32_t slot = slot_of[bytes_u8(&play->in) % MEMBERS];

	for (unsigned k = 0; k < MEMBERS; k++) {
		play->seated[k] &= slot_of[k] != slot;
	}
	arena_bury(&arena, slot, bytes_u8(&play->in) & 1);
}

static void *lock_and_exit(void *mutex)
{
	pthread_mutex_trylock(mutex);
	return NULL;
}

/* Somebody dies with a shard's lock: the next who takes it mends the shard. */
static void do_die_locked(struct play *play)
{
	struct mp_shard *shard =
		&arena.daemon.shards[bytes_u8(&play->in) % scribble_shape.n_shards];
	pthread_t thread;

	if (play->n_deaths++ < DEATHS &&
	    pthread_create(&thread, NULL, lock_and_exit, &shard->lock) == 0) {
		pthread_join(thread, NULL);
	}
}

static void do_grow(struct play *play)
{
	uint32_t to = play->laid + bytes_u8(&play->in);
	struct mp_growth growth;

	to = to < scribble_shape.max_blocks ? to : scribble_shape.max_blocks;
	mp_grow_init(&growth, play->laid, to);
	while (!mp_grow_step(&arena.daemon, &growth, 100, 7)) {
	}
	play->laid = to;
	arena.daemon.shape.blocks = to;
}

static void look_at_channels(void)
{
	for (uint32_t i = 0; i < scribble_shape.n_channels; i++) {
		struct mp_channel_tally tally;
		mp_tally_channel(&arena.daemon, i, &tally);
		assert(tally.sent - tally.retired <= arena.daemon.shape.depth);
		for (uint32_t n = 0; n < MP_SEATS_MAX; n++) {
			struct mp_seat_tally seat;
			mp_tally_seat(&arena.daemon, i, n, &seat);
		}
	}
}

static void do_look(struct play *play)
{
	struct mp_tally total, by_slot[3];
	uint32_t slot;

	mp_tally(&arena.daemon, &total, by_slot, 3);
	mp_place_of(&arena.daemon, bytes_u64(&play->in), &slot);
	mp_share_slot(&arena.daemon, bytes_u64(&play->in), bytes_u8(&play->in));
	look_at_channels();
	arena_audit(&arena);
}

static void (*const calls[])(struct play *) = {
	do_scribble, do_attach,    do_get,       do_put,         do_get_bulk, do_put_bulk,
	do_flush,    do_wait,      do_give,      do_take,        do_send,     do_receive,
	do_exit,     do_die,       do_grow,      do_die_locked,  do_look,     do_stop_receiving,
	do_work,     do_broadcast, do_subscribe, do_unsubscribe, do_borrow,   do_return,
	do_drain,    do_end,       do_keep,
};

/* ---- the whole ---- */

/* No call leaves a lock behind. */
static void check_locks(void)
{
	for (uint32_t s = 0; s < scribble_shape.n_shards; s++) {
		pthread_mutex_t *lock = &arena.daemon.shards[s].lock;
		int error = pthread_mutex_trylock(lock);
		if (error == EOWNERDEAD) {
			error = pthread_mutex_consistent(lock);
		}
		assert(error == 0);
		pthread_mutex_unlock(lock);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	arena_make(&arena, scribble_shape);
	const struct mp_shape *s = &arena.daemon.shape;
	assert(s->magazines_at + (uint64_t)s->n_magazines * s->magazine_size == s->control_size);
	control_size = s->control_size;
	pristine = malloc(control_size);
	assert(pristine);
	memcpy(pristine, arena.daemon.header, control_size);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play play = {.in = {data, size}, .laid = scribble_shape.blocks};

	world_begin(TICK_NS);
	memcpy(arena.daemon.header, pristine, control_size);
	arena.daemon.shape.blocks = scribble_shape.blocks;
	for (int i = 0; i < CALLS && play.in.left > 0; i++) {
		calls[bytes_u8(&play.in) % (sizeof calls / sizeof *calls)](&play);
	}
	check_locks();
	return 0;
}
