/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include "lib/core/depot.h"
#include "lib/core/futex.h"
#include "lib/core/magazine.h"
#include "lib/core/pressure.h"

/*
 * How long to wait for a lock when all shards are locked. A get has nothing else to turn to, and an
 * owner that was only preempted comes back within a scheduler's turn or two; a put can leave the
 * block RECLAIMED instead, and a thread in mempool_get_wait() looks again later.
 */
#define GET_WAIT_MS 20
#define PUT_WAIT_MS 1

#define HURRY_NS 10000000u /* after a put has waited in vain */

/* ---- lists: heads and links are magazine indices ---- */

static uint32_t *depot_list_for(struct mp_pool *pool, struct mp_shard *s, uint32_t count)
{
	return count == 0 ? &s->empty : count == pool->shape.capacity ? &s->full : &s->partial;
}

static void depot_push(struct mp_pool *pool, uint32_t *head, uint32_t m)
{
	mp_magazine(pool, m)->next = *head;
	*head = m;
}

/* The first magazine of the list that this shard holds; drops others. MP_NONE: there is none. */
static uint32_t depot_peek(struct mp_pool *pool, uint32_t shard, uint32_t *head)
{
	for (uint32_t n = pool->shape.n_magazines; *head < pool->shape.n_magazines && n > 0; n--) {
		struct mp_magazine *m = mp_magazine(pool, *head);
		if (mp_holder_is(mp_load_acquire(&m->holder), MP_HOLDER_DEPOT, shard)) {
			return *head;
		}
		*head = m->next;
	}
	*head = MP_NONE; /* the end, or links that somebody has scribbled on */
	return MP_NONE;
}

/* Takes the magazine, which is the head, off its list. */
static void depot_unlink_head(struct mp_pool *pool, uint32_t *head)
{
	*head = mp_magazine(pool, *head)->next;
}

static void depot_add_free(struct mp_shard *s, uint32_t n)
{
	mp_store(&s->n_free, mp_load(&s->n_free) + n);
}

/*
 * Links a magazine this shard holds. A partial one is merged into the one at the head of the
 * partial list, if any; one of the two is full or empty then.
 */
static void depot_insert(struct mp_pool *pool, uint32_t shard, uint32_t m)
{
	struct mp_shard *s = &pool->shards[shard];
	struct mp_magazine *in = mp_magazine(pool, m);
	uint32_t count = mp_magazine_count(pool, in), other;

	depot_add_free(s, count);
	if (count > 0 && count < pool->shape.capacity &&
	    (other = depot_peek(pool, shard, &s->partial)) != MP_NONE && other != m) {
		struct mp_magazine *to = mp_magazine(pool, other);
		depot_add_free(s, -mp_magazine_merge(pool, to, in));
		if (mp_magazine_count(pool, to) == pool->shape.capacity) {
			depot_unlink_head(pool, &s->partial);
			depot_push(pool, &s->full, other);
		}
	}
	depot_push(pool, depot_list_for(pool, s, mp_magazine_count(pool, in)), m);
}

/* ---- locks ---- */

static void depot_rebuild(struct mp_pool *pool, uint32_t shard)
{
	struct mp_shard *s = &pool->shards[shard];

	s->full = s->partial = s->empty = MP_NONE;
	mp_store(&s->n_free, 0);
	for (uint32_t m = 0; m < pool->shape.n_magazines; m++) {
		struct mp_magazine *magazine = mp_magazine(pool, m);
		if (mp_holder_is(mp_load_acquire(&magazine->holder), MP_HOLDER_DEPOT, shard)) {
			mp_magazine_trim(pool, magazine, mp_word_low(MP_FREE, m));
			depot_insert(pool, shard, m);
		}
	}
	mp_add(&pool->header->repairs, 1);
}

/*
 * Tells a census that it cannot go by what it sees of the shard; see census.h. Whoever sees one of
 * the stores that follow sees this one.
 */
static void depot_begin_changes(struct mp_shard *s)
{
	mp_store(&s->changes, mp_load(&s->changes) | 1);
	mp_write_fence();
}

static void depot_end_changes(struct mp_shard *s)
{
	mp_store_release(&s->changes, (mp_load(&s->changes) | 1) + 1);
}

/*
 * musl has no lock with an end on the monotonic clock. One on the wall clock would wait for as long
 * as that is set back.
 */
static int depot_lock_until(pthread_mutex_t *mutex, const struct timespec *deadline)
{
#ifdef __GLIBC__
	return pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, deadline);
#else
	const struct timespec pause = {.tv_nsec = 50000};
	int error;

	while ((error = pthread_mutex_trylock(mutex)) == EBUSY && !mp_is_late(deadline)) {
		nanosleep(&pause, NULL);
	}
	return error == EBUSY ? ETIMEDOUT : error;
#endif
}

/* Locks the shard, and repairs it if need be. @deadline NULL: only tries. */
static bool depot_lock(struct mp_pool *pool, uint32_t shard, const struct timespec *deadline)
{
	pthread_mutex_t *mutex = &pool->shards[shard].lock;
	int error = deadline ? depot_lock_until(mutex, deadline) : pthread_mutex_trylock(mutex);

	if (error == EOWNERDEAD) {
		depot_begin_changes(&pool->shards[shard]);
		depot_rebuild(pool, shard);
		error = pthread_mutex_consistent(mutex);
	} else if (error == 0) {
		depot_begin_changes(&pool->shards[shard]);
	}
	return error == 0;
}

static void depot_unlock(struct mp_pool *pool, uint32_t shard)
{
	depot_end_changes(&pool->shards[shard]);
	pthread_mutex_unlock(&pool->shards[shard].lock);
}

/* What to do in a locked shard; act() returns 0 when it is done, MP_E_EMPTY to try the next. */
struct visit {
	int (*act)(struct mp_pool *pool, uint32_t shard, struct visit *visit);
	long wait_ms;
	uint32_t record;
	uint32_t magazine; /* in or out */
	uint64_t holder;   /* of the magazine, as its robber saw it */
	uint32_t index;    /* block, in or out */
	enum mp_want want;
	uint32_t back;
};

/* One round over the shards in @mask. Those that could not be locked stay in it. */
static int depot_visit_round(struct mp_pool *pool, uint32_t home, struct visit *visit,
			     uint32_t *mask, const struct timespec *deadline)
{
	for (uint32_t i = 0; i < pool->shape.n_shards; i++) {
		uint32_t shard = (home + i) & (pool->shape.n_shards - 1);
		if (!(*mask & 1u << shard) || !depot_lock(pool, shard, deadline)) {
			continue;
		}
		*mask &= ~(1u << shard);
		int outcome = visit->act(pool, shard, visit);
		depot_unlock(pool, shard);
		if (outcome == 0) {
			return 0;
		}
	}
	return *mask ? MP_E_BUSY : MP_E_EMPTY;
}

static uint64_t depot_now_ns(void)
{
	struct timespec now;

	mp_deadline(&now, 0);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Waits for the shards in @mask, which were locked, unless this process has done so just now. */
static int depot_wait_for_shards(struct mp_pool *pool, uint32_t home, struct visit *visit,
				 uint32_t mask)
{
	bool can_hurry = visit->wait_ms <= PUT_WAIT_MS;
	struct timespec deadline;

	if (can_hurry && depot_now_ns() < mp_load(&pool->hurry_until)) {
		return MP_E_BUSY;
	}
	mp_deadline(&deadline, visit->wait_ms);
	int outcome = depot_visit_round(pool, home, visit, &mask, &deadline);
	if (can_hurry && outcome == MP_E_BUSY) {
		mp_store(&pool->hurry_until, depot_now_ns() + HURRY_NS);
	}
	return outcome;
}

/* Visits all shards by trylock, then waits for those that were locked. */
static int depot_visit_shards(struct mp_pool *pool, uint32_t home, struct visit *visit)
{
	uint32_t mask = (1u << pool->shape.n_shards) - 1;
	int outcome = depot_visit_round(pool, home, visit, &mask, NULL);

	return outcome == MP_E_BUSY ? depot_wait_for_shards(pool, home, visit, mask) : outcome;
}

/* ---- what visits do ---- */

/* Lowers min_free if the depot has never had so few. */
static void depot_sample_free(struct mp_pool *pool)
{
	uint64_t now = mp_depot_free(pool), least = mp_load(&pool->header->min_free);
	while (now < least && !mp_cas(&pool->header->min_free, least, now)) {
		least = mp_load(&pool->header->min_free);
	}
}

static void depot_take_back(struct mp_pool *pool, uint32_t shard, uint32_t record, uint32_t m)
{
	if (m != MP_NONE && mp_magazine_hand(mp_magazine(pool, m), MP_HOLDER_CACHE, record,
					     MP_HOLDER_DEPOT, shard)) {
		depot_insert(pool, shard, m);
	}
}

/* Hands the list's first magazine to the visiting cache. False: the list is empty. */
static bool depot_hand_out(struct mp_pool *pool, uint32_t shard, uint32_t *list,
			   struct visit *visit)
{
	uint32_t m = depot_peek(pool, shard, list);
	if (m == MP_NONE) {
		return false;
	}
	struct mp_magazine *magazine = mp_magazine(pool, m);
	uint32_t count = mp_magazine_count(pool, magazine);
	/* Noted before we have it: if we die here, a census finds its blocks until the pass. */
	mp_store_release(&pool->caches[visit->record].taking, m);
	if (!mp_magazine_hand(magazine, MP_HOLDER_DEPOT, shard, MP_HOLDER_CACHE, visit->record)) {
		return false;
	}
	depot_unlink_head(pool, list);
	depot_add_free(&pool->shards[shard], -count);
	visit->magazine = m;
	return true;
}

static int depot_exchange(struct mp_pool *pool, uint32_t shard, struct visit *visit)
{
	struct mp_shard *s = &pool->shards[shard];
	uint32_t *first = visit->want == MP_WANT_ROOM ? &s->empty : &s->full;

	if (!depot_hand_out(pool, shard, first, visit) &&
	    !depot_hand_out(pool, shard, &s->partial, visit)) {
		return MP_E_EMPTY;
	}
	depot_take_back(pool, shard, visit->record, visit->back);
	/* Noted before the lock is free: a census finds its blocks here as soon as not there. */
	mp_cache_note_previous(&pool->caches[visit->record], visit->magazine);
	depot_sample_free(pool);
	return 0;
}

static int depot_give(struct mp_pool *pool, uint32_t shard, struct visit *visit)
{
	depot_take_back(pool, shard, visit->record, visit->magazine);
	return 0;
}

static int depot_rob(struct mp_pool *pool, uint32_t shard, struct visit *visit)
{
	if (!mp_cas(&mp_magazine(pool, visit->magazine)->holder, visit->holder,
		    mp_holder_after(visit->holder, MP_HOLDER_DEPOT, shard))) {
		visit->index = MP_NONE; /* the owner settled, or somebody else was faster */
		return 0;
	}
	depot_insert(pool, shard, visit->magazine);
	visit->index = visit->magazine;
	return 0;
}

static int depot_adopt(struct mp_pool *pool, uint32_t shard, struct visit *visit)
{
	struct mp_magazine *m = mp_magazine(pool, visit->magazine);

	if (mp_magazine_hand(m, MP_HOLDER_ORPHAN, 0, MP_HOLDER_DEPOT, shard)) {
		mp_magazine_trim(pool, m, mp_word_low(MP_FREE, visit->magazine));
		depot_insert(pool, shard, visit->magazine);
	}
	return 0;
}

/* Moves the magazine, head of @list, to the list for its new count. */
static void depot_refile(struct mp_pool *pool, struct mp_shard *s, uint32_t *list, uint32_t m)
{
	uint32_t *right = depot_list_for(pool, s, mp_magazine_count(pool, mp_magazine(pool, m)));
	if (right != list) {
		depot_unlink_head(pool, list);
		depot_push(pool, right, m);
	}
}

static int depot_get_one(struct mp_pool *pool, uint32_t shard, struct visit *visit)
{
	struct mp_shard *s = &pool->shards[shard];

	for (uint32_t n = pool->shape.n_magazines; n > 0; n--) {
		uint32_t *list = &s->partial, m = depot_peek(pool, shard, list);
		if (m == MP_NONE) {
			list = &s->full;
			m = depot_peek(pool, shard, list);
		}
		if (m == MP_NONE) {
			return MP_E_EMPTY;
		}
		struct mp_magazine *magazine = mp_magazine(pool, m);
		uint32_t before = mp_magazine_count(pool, magazine);
		visit->index = mp_magazine_pop(pool, magazine, mp_word_low(MP_FREE, m));
		depot_add_free(s, mp_load(&magazine->count) - before);
		depot_refile(pool, s, list, m);
		if (visit->index != MP_NONE) {
			depot_sample_free(pool);
			return 0;
		}
	}
	return MP_E_EMPTY;
}

static int depot_put_one(struct mp_pool *pool, uint32_t shard, struct visit *visit)
{
	struct mp_shard *s = &pool->shards[shard];
	uint32_t *list = &s->partial, m = depot_peek(pool, shard, list);

	if (m == MP_NONE) {
		list = &s->empty;
		m = depot_peek(pool, shard, list);
	}
	if (m == MP_NONE || mp_load(&mp_magazine(pool, m)->count) >= pool->shape.capacity) {
		return MP_E_EMPTY;
	}
	mp_magazine_push(pool, mp_magazine(pool, m), mp_word_low(MP_FREE, m), visit->index);
	depot_add_free(s, 1);
	depot_refile(pool, s, list, m);
	return 0;
}

/* ---- verbs ---- */

void mp_depot_init(struct mp_pool *pool, uint32_t shard)
{
	struct mp_shard *s = &pool->shards[shard];
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&s->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	s->full = s->partial = s->empty = MP_NONE;
}

void mp_depot_lay(struct mp_pool *pool, uint32_t shard, uint32_t magazine)
{
	struct mp_magazine *m = mp_magazine(pool, magazine);
	uint32_t count = mp_load(&m->count);

	mp_store(&m->holder, mp_holder_after(0, MP_HOLDER_DEPOT, shard));
	depot_push(pool, depot_list_for(pool, &pool->shards[shard], count), magazine);
	depot_add_free(&pool->shards[shard], count);
}

static long depot_wait_ms(enum mp_want want)
{
	return want == MP_WANT_BLOCKS ? GET_WAIT_MS : PUT_WAIT_MS;
}

int mp_depot_exchange(struct mp_pool *pool, uint32_t home, uint32_t record, enum mp_want want,
		      uint32_t back, uint32_t *taken)
{
	struct visit visit = {.act = depot_exchange, .record = record, .want = want, .back = back};

	visit.wait_ms = depot_wait_ms(want);

	int outcome = depot_visit_shards(pool, home, &visit);
	*taken = visit.magazine;
	return outcome;
}

int mp_depot_give(struct mp_pool *pool, uint32_t home, uint32_t record, uint32_t magazine)
{
	struct visit visit = {
		.act = depot_give, .wait_ms = PUT_WAIT_MS, .record = record, .magazine = magazine};

	if (depot_visit_shards(pool, home, &visit) == 0) {
		return 0;
	}
	mp_announce_begin(pool);
	bool left = mp_magazine_hand(mp_magazine(pool, magazine), MP_HOLDER_CACHE, record,
				     MP_HOLDER_ORPHAN, 0);
	mp_announce_end(pool, left);
	return MP_E_BUSY;
}

bool mp_depot_rob(struct mp_pool *pool, uint32_t home, uint32_t magazine, uint64_t holder)
{
	struct visit visit = {.act = depot_rob,
			      .wait_ms = PUT_WAIT_MS,
			      .magazine = magazine,
			      .holder = holder,
			      .index = MP_NONE};

	return depot_visit_shards(pool, home, &visit) == 0 && visit.index != MP_NONE;
}

int mp_depot_adopt(struct mp_pool *pool, uint32_t home, uint32_t magazine)
{
	struct visit visit = {.act = depot_adopt, .wait_ms = PUT_WAIT_MS, .magazine = magazine};

	return depot_visit_shards(pool, home, &visit);
}

int mp_depot_get(struct mp_pool *pool, uint32_t home, enum mp_want want, uint32_t *index)
{
	struct visit visit = {.act = depot_get_one, .wait_ms = depot_wait_ms(want)};

	int outcome = depot_visit_shards(pool, home, &visit);
	*index = visit.index;
	return outcome;
}

int mp_depot_put(struct mp_pool *pool, uint32_t home, uint32_t index)
{
	struct visit visit = {.act = depot_put_one, .wait_ms = PUT_WAIT_MS, .index = index};

	return depot_visit_shards(pool, home, &visit);
}

uint64_t mp_depot_free(const struct mp_pool *pool)
{
	uint64_t n = 0;
	for (uint32_t s = 0; s < pool->shape.n_shards; s++) {
		n += mp_load(&pool->shards[s].n_free);
	}
	return n;
}
