/* SPDX-License-Identifier: MIT */
/*
 * The calls on blocks: get, put, give, take, and their bulk forms. The fast path is in
 * lib/core/cache.h; here is what leads to it, and what happens when something is in the way.
 */
#include <errno.h>
#include <stdlib.h>

#include "lib/export.h"
#include "lib/pool.h"
#include "lib/thread.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

static inline struct mp_local *local_of(const struct mempool *pool)
{
	return (struct mp_local *)(void *)((char *)thread_self + pool->local_at);
}

/* Whether the process may move blocks. 0 or a negative errno. */
static int check_handle(const struct mempool *pool)
{
	return pool_is_foreign(pool) ? -ECHILD : pool->access == WIRE_OBSERVER ? -EACCES : 0;
}

/* The thread's first call on this pool. 0 or a negative errno. */
static __attribute__((noinline)) int begin_local(struct mempool *pool)
{
	struct calm calm;

	int error = check_handle(pool);
	if (error) {
		return error;
	}
	if (!thread_get()) {
		return -ENOMEM;
	}
	struct mp_local *local = local_of(pool);
	calm_begin(&calm);
	if (local->handle != pool) { /* else a signal handler was here first */
		mp_local_init(&pool->core, local);
		local->handle = pool;
	}
	calm_end(&calm);
	return 0;
}

/* Enters a call, whatever it takes. 0 and the local, or a negative errno. */
static int enter(struct mempool *pool, struct mp_local **local)
{
	if (unlikely(local_of(pool)->handle != pool)) {
		int error = begin_local(pool);
		if (error) {
			return error;
		}
	}
	*local = local_of(pool);
	return likely(mp_enter((*local)->cache)) ? 0 : -EDEADLK;
}

/* Whether this thread can enter at once; then it has, and there is the record. */
static inline bool try_enter(const struct mempool *pool, struct mp_local *local,
			     struct mp_cache **cache)
{
	*cache = local->cache;
	return likely(local->handle == pool) && likely(mp_enter(*cache));
}

static __attribute__((noinline, cold)) void *nothing(int error)
{
	errno = -error;
	return NULL;
}

/* The rest of a get that has entered and found its magazine empty. */
static __attribute__((noinline)) void *get_entered(struct mempool *pool, struct mp_local *local)
{
	uint32_t index;

	int error = mp_get(&pool->core, local, &index);
	mp_leave(local->cache);
	return error ? nothing(error) : mp_pool_address(&pool->core, index);
}

/* A get that cannot enter at once: the thread's first, or one that is wrong. */
static __attribute__((noinline)) void *get_entering(struct mempool *pool)
{
	struct mp_local *local;

	int error = enter(pool, &local);
	return error ? nothing(error) : get_entered(pool, local);
}

/* Fast paths call nothing but at their end, so that they need no stack. */
EXPORT void *mempool_get(struct mempool *pool)
{
	struct mp_local *local = local_of(pool);
	struct mp_cache *cache;

	if (!try_enter(pool, local, &cache)) {
		return get_entering(pool);
	}
	uint32_t index = mp_try_get(&pool->core, local, cache);
	if (unlikely(index == MP_NONE)) {
		return get_entered(pool, local);
	}
	mp_leave(cache);
	return mp_pool_address(&pool->core, index);
}

static __attribute__((noinline)) int put_entered(struct mempool *pool, struct mp_local *local,
						 void *block)
{
	int error = mp_put(&pool->core, local, block);
	mp_leave(local->cache);
	return error;
}

/* Put must not fail for want of memory for the thread's part: it does without. */
static int put_alone(struct mempool *pool, void *block)
{
	struct mp_local local;

	mp_local_init_bare(&local);
	return mp_put(&pool->core, &local, block);
}

static __attribute__((noinline)) int put_entering(struct mempool *pool, void *block)
{
	struct mp_local *local;

	int error = enter(pool, &local);
	if (error == -ENOMEM) {
		return put_alone(pool, block);
	}
	return error ? error : put_entered(pool, local, block);
}

EXPORT int mempool_put(struct mempool *pool, void *block)
{
	struct mp_local *local = local_of(pool);
	struct mp_cache *cache;

	if (!try_enter(pool, local, &cache)) {
		return put_entering(pool, block);
	}
	if (unlikely(!mp_try_put(&pool->core, local, cache, block))) {
		return put_entered(pool, local, block);
	}
	mp_leave(cache);
	return 0;
}

/* A bulk that cannot enter at once, or has entered and needs more than the loaded magazine. */
static __attribute__((noinline)) int get_bulk(struct mempool *pool, void **blocks, size_t n,
					      struct mp_local *local)
{
	int error = local ? 0 : enter(pool, &local);
	if (error) {
		return error;
	}
	error = n <= pool->core.blocks ? mp_get_bulk(&pool->core, local, blocks, (uint32_t)n)
				       : -ENOMEM;
	mp_leave(local->cache);
	return error;
}

EXPORT int mempool_get_bulk(struct mempool *pool, void **blocks, size_t n)
{
	struct mp_local *local = local_of(pool);
	struct mp_cache *cache;

	if (!try_enter(pool, local, &cache)) {
		return get_bulk(pool, blocks, n, NULL);
	}
	if (unlikely(n > pool->core.shape.capacity) ||
	    unlikely(!mp_try_get_bulk(&pool->core, local, cache, blocks, (uint32_t)n))) {
		return get_bulk(pool, blocks, n, local);
	}
	mp_leave(cache);
	return 0;
}

/* ---- a bulk too large to be checked and put in one go ---- */

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

/* Whether all are ours; their indices, unsorted. 0 or a negative errno. */
static int check_owned(const struct mp_pool *core, void *const *blocks, size_t n, uint32_t *indices)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t index = mp_pool_index(core, blocks[i]);
		if (index >= core->blocks) {
			return -EINVAL;
		}
		uint64_t word = mp_load(&core->words[index].whole);
		if ((uint32_t)word != core->used) {
			return mp_word_refusal(word);
		}
		indices[i] = (uint32_t)index;
	}
	return 0;
}

static int check_distinct(uint32_t *indices, size_t n)
{
	qsort(indices, n, sizeof *indices, compare);
	for (size_t i = 1; i < n; i++) {
		if (indices[i] == indices[i - 1]) {
			return -EALREADY;
		}
	}
	return 0;
}

static int put_many(struct mp_pool *core, struct mp_local *local, void *const *blocks, size_t n)
{
	if (n > core->blocks) {
		return -EINVAL; /* there are not so many */
	}
	uint32_t *indices = malloc(n * sizeof *indices);
	if (!indices) {
		return -ENOMEM;
	}
	int error = check_owned(core, blocks, n, indices);
	error = error ? error : check_distinct(indices, n);
	free(indices);
	return error ? error : mp_put_each(core, local, blocks, (uint32_t)n);
}

static __attribute__((noinline)) int put_bulk(struct mempool *pool, void *const *blocks, size_t n,
					      struct mp_local *local)
{
	int result = local ? 0 : enter(pool, &local);
	if (result) {
		return result;
	}
	result = n <= pool->core.shape.capacity
			 ? mp_put_bulk(&pool->core, local, blocks, (uint32_t)n)
			 : MP_E_EMPTY;
	if (result == MP_E_EMPTY) {
		result = put_many(&pool->core, local, blocks, n);
	}
	mp_leave(local->cache);
	return result;
}

EXPORT int mempool_put_bulk(struct mempool *pool, void *const *blocks, size_t n)
{
	struct mp_local *local = local_of(pool);
	struct mp_cache *cache;

	if (!try_enter(pool, local, &cache)) {
		return put_bulk(pool, blocks, n, NULL);
	}
	if (unlikely(n > pool->core.shape.capacity) ||
	    unlikely(!mp_try_put_bulk(&pool->core, local, cache, blocks, (uint32_t)n))) {
		return put_bulk(pool, blocks, n, local);
	}
	mp_leave(cache);
	return 0;
}

/* ---- to other processes ---- */

EXPORT struct mempool_token mempool_give(struct mempool *pool, void *block)
{
	struct mempool_token token = {0};

	int error = check_handle(pool);
	if (error == 0) {
		error = mp_word_give(&pool->core, mp_pool_index(&pool->core, block), &token.v);
	}
	if (error) {
		errno = -error;
	}
	return token;
}

static void *take(struct mempool *pool, struct mempool_token token, bool own)
{
	int64_t index = check_handle(pool);
	if (index == 0) {
		index = mp_word_take(&pool->core, token.v, own);
	}
	return index < 0 ? nothing((int)index) : mp_pool_address(&pool->core, (uint64_t)index);
}

EXPORT void *mempool_take(struct mempool *pool, struct mempool_token token)
{
	return take(pool, token, false);
}

EXPORT void *mempool_withdraw(struct mempool *pool, struct mempool_token token)
{
	return take(pool, token, true);
}

EXPORT int mempool_flush(struct mempool *pool)
{
	struct mp_local *local = local_of(pool);

	int error = check_handle(pool);
	if (error || local->handle != pool) {
		return error; /* a thread that has not begun caches nothing */
	}
	if (!mp_enter(local->cache)) {
		return -EDEADLK;
	}
	mp_flush(&pool->core, local);
	mp_leave(local->cache);
	return 0;
}
