/* SPDX-License-Identifier: MIT */
/*
 * Threads of two processes' seats on one mapping, for ThreadSanitizer above all: it sees races
 * between threads only, and on one mapping. Whoever has a block writes all of it, plainly; so each
 * way a block can go from one to the other must order what was written.
 */
#include <pthread.h>

#include "tests/support/arena.h"
#include "tests/unit/suite.h"

#define BLOCKS 200
#define THREADS 4
#define ROUNDS 30000
#define HELD 60
#define MAIL 8

#if defined(__SANITIZE_THREAD__)
/* The sanitizer knows no lock that is taken by this call; it knows those of trylock. */
int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock,
			    const struct timespec *deadline)
{
	int error;

	(void)clock;
	while ((error = pthread_mutex_trylock(mutex)) == EBUSY && !mp_is_late(deadline)) {
		mp_pause();
	}
	return error == EBUSY ? ETIMEDOUT : error;
}
#endif

static struct arena arena;
static struct member members[THREADS];
static mp_atomic64 mail[MAIL];
static mp_atomic32 wrong;

struct hands {
	struct member *member;
	unsigned seed;
	void *blocks[HELD + 8];
	uint32_t n;
};

/* Nothing here may order what the threads do but the engine. */
static void note(bool good)
{
	if (!good) {
		mp_add(&wrong, 1);
	}
}

static void keep(struct hands *h, void *block)
{
	uint64_t *words = block;

	for (unsigned i = 0; i < 8; i++) {
		words[i] = h->seed + i; /* by stores of ours: a memset is not seen */
	}
	h->blocks[h->n++] = block;
}

static void get_some(struct hands *h)
{
	void *blocks[8];
	uint32_t index, many = 1 + (uint32_t)rand_r(&h->seed) % 8;

	if (h->n >= HELD) {
		return;
	}
	if (many == 1 && member_get(h->member, &index) == 0) {
		keep(h, mp_pool_address(&h->member->pool, index));
	} else if (many > 1 && member_get_bulk(h->member, blocks, many) == 0) {
		for (uint32_t i = 0; i < many; i++) {
			keep(h, blocks[i]);
		}
	}
}

static void put_some(struct hands *h)
{
	uint32_t many = 1 + (uint32_t)rand_r(&h->seed) % 8;

	if (h->n >= many) {
		h->n -= many;
		for (uint32_t i = 0; i < many; i++) {
			const struct mp_pool *pool = &h->member->pool;
			uint64_t index = mp_pool_index(pool, h->blocks[h->n + i]);
			note(member_put(h->member, (uint32_t)index) == 0);
		}
	}
}

/* By a word all see, as any program may pass a token. */
static void pass_on(struct hands *h)
{
	mp_atomic64 *place = &mail[(uint32_t)rand_r(&h->seed) % MAIL];
	struct mp_pool *pool = &h->member->pool;
	uint64_t token = 0;

	if (h->n > 0) {
		uint64_t mine = mp_pool_index(pool, h->blocks[--h->n]);
		note(mp_word_give(pool, mine, &token) == 0);
	}
	token = atomic_exchange_explicit(place, token, memory_order_relaxed);
	int64_t index = token ? mp_word_take(pool, token, false) : -1;
	if (index >= 0) {
		keep(h, mp_pool_address(pool, (uint64_t)index));
	}
}

static void send_and_receive(struct hands *h)
{
	struct mp_pool *pool = &h->member->pool;
	struct mp_channel *channel = mp_pool_channel(pool, 0);
	void *blocks[8];
	int error;

	if (h->n > 0) {
		h->n -= mp_channel_send(pool, channel, &h->blocks[h->n - 1], 1, &error);
	}
	uint64_t claim = h->n < HELD ? mp_channel_claim(pool, channel) : 0;
	if (claim) {
		uint32_t n = mp_channel_receive(pool, channel, blocks, 8, &error);
		for (uint32_t i = 0; i < n; i++) {
			keep(h, blocks[i]);
		}
		mp_channel_leave(channel, claim);
	}
}

static void *work(void *arg)
{
	struct hands *h = arg;

	for (int i = 0; i < ROUNDS; i++) {
		unsigned what = (unsigned)rand_r(&h->seed) % 100;
		if (what < 40) {
			get_some(h);
		} else if (what < 75) {
			put_some(h);
		} else if (what < 85) {
			pass_on(h);
		} else if (what < 95) {
			send_and_receive(h);
		} else if (what < 96) {
			member_flush(h->member);
		}
	}
	return NULL;
}

/* All that is on its way, or held; then everything is drained. */
static size_t count_all(struct hands *hands)
{
	static unsigned char owners[BLOCKS];
	struct mp_pool *pool = &members[0].pool;
	void *blocks[BLOCKS];
	int error;
	size_t n =
		mp_channel_claim(pool, mp_pool_channel(pool, 0))
			? mp_channel_receive(pool, mp_pool_channel(pool, 0), blocks, BLOCKS, &error)
			: 0;

	for (int i = 0; i < MAIL; i++) {
		n += mail[i] && mp_word_take(pool, mail[i], false) >= 0;
	}
	for (int i = 0; i < THREADS; i++) {
		n += hands[i].n;
		if (i > 0) {
			mp_local_finish(&members[i].pool, &members[i].local);
		}
	}
	return n + member_drain(&members[0], owners, 1);
}

START_TEST(what_was_written_into_a_block_goes_with_it)
{
	static struct hands hands[THREADS];
	pthread_t threads[THREADS];
	struct mp_shape wish = {.blocks = BLOCKS, .capacity = 8, .n_caches = THREADS, .depth = 16};

	arena_make(&arena, wish);
	arena_seat(&arena, 0, &members[0]);
	arena_seat(&arena, 1, &members[1]);
	arena_thread(&members[0], &members[2]);
	arena_thread(&members[1], &members[3]);
	for (int i = 0; i < THREADS; i++) {
		hands[i].member = &members[i];
		hands[i].seed = (unsigned)i + 1;
		pthread_create(&threads[i], NULL, work, &hands[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
	}
	ck_assert_uint_eq(mp_load(&wrong), 0);
	ck_assert_uint_eq(count_all(hands), BLOCKS);
	arena_free(&arena);
}
END_TEST

SUITE("threads", what_was_written_into_a_block_goes_with_it)
