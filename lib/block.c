/* SPDX-License-Identifier: MIT */
/*
 * Get and put, single and bulk. The fast path is in lib/core/cache.h; here is what leads to it, and
 * what happens when a call cannot take it.
 *
 * A call that has put, or has brought blocks into its cache, looks at the pressure after it has
 * left: threads that wait for a block rely on that order, see lib/core/pressure.h.
 */
#include "lib/bulk.h"
#include "lib/call.h"
#include "lib/core/cache.h"
#include "lib/core/pressure.h"
#include "lib/core/quota.h"
#include "lib/descriptor.h"
#include "lib/export.h"
#include "lib/poison.h"
#include "lib/why.h"

/* Leaves the call, and gives what this thread caches to those who wait, if any. */
static void block_leave(struct mempool *pool, struct mp_local *local)
{
	if (unlikely(mp_local_looks_next(local))) {
		thread_finish_vanished();
	}
	mp_leave(local->cache);
	mp_pressure_order(&pool->core);
	if (mp_is_pressed(&pool->core)) {
		mp_relieve(&pool->core, local);
	}
}

/* The same for a fast path that has left and has seen pressure. */
static __attribute__((noinline, cold)) int block_relieve(struct mempool *pool,
							 struct mp_local *local)
{
	mp_relieve(&pool->core, local);
	return 0;
}

/* The rest of a get that has entered and could not take the loaded magazine's top block. */
static __attribute__((noinline)) void *block_get_entered(struct mempool *pool,
							 struct mp_local *local)
{
	uint32_t index;

	if (!mp_quota_charge(&pool->core, 1)) {
		mp_leave(local->cache);
		return call_nothing(why_not_got(pool, 1, -EDQUOT));
	}
	int error = mp_get(&pool->core, local, &index);
	if (error) {
		mp_quota_return(&pool->core, 1);
		mp_count_failure(&pool->core, local);
		descriptor_settle_pool(pool, error);
		mp_leave(local->cache); /* without relieving: we have nothing for those who wait */
		return call_nothing(why_not_got(pool, 1, error));
	}
	block_leave(pool, local);
	void *block = mp_pool_address(&pool->core, index);
	poison_show_all(pool, &block, 1, false);
	return block;
}

/*
 * Enters: 0 and the local, or a negative errno with its sentence. When there is no memory for the
 * thread's part, calls do without one, with @bare, as threads without a record do: ENOMEM would say
 * that the pool has no block.
 */
static int block_enter(struct mempool *pool, struct mp_local **local, struct mp_local *bare)
{
	int error = call_enter(pool, local);

	if (unlikely(error == -ENOMEM)) {
		mp_local_init_bare(bare);
		mp_enter(bare->cache);
		*local = bare;
		return 0;
	}
	return error;
}

/* A get that cannot enter at once: the thread's first, or one that is wrong. */
static __attribute__((noinline)) void *block_get_entering(struct mempool *pool)
{
	struct mp_local *local, bare;

	int error = block_enter(pool, &local, &bare);
	return error ? call_nothing(error) : block_get_entered(pool, local);
}

/* Fast paths call functions only at their end, so that they need no stack frame. */
EXPORT void *mempool_get(struct mempool *pool)
{
	struct mp_local *local = call_local(pool);
	struct mp_cache *cache;

	if (!call_try_enter(pool, local, &cache)) {
		return block_get_entering(pool);
	}
	uint32_t index = mp_try_get(&pool->core, local, cache);
	if (unlikely(index == MP_NONE)) {
		return block_get_entered(pool, local);
	}
	mp_leave(cache);
	return mp_pool_address(&pool->core, index);
}

static __attribute__((noinline)) int block_put_entered(struct mempool *pool, struct mp_local *local,
						       void *block)
{
	poison_hide_all(pool, &block, 1);
	int error = mp_put(&pool->core, local, block);
	if (error == 0) {
		mp_quota_return(&pool->core, 1);
	} else {
		poison_show_all(pool, &block, 1, true);
		why_refused(pool, block, error);
	}
	block_leave(pool, local);
	return error;
}

static __attribute__((noinline)) int block_put_entering(struct mempool *pool, void *block)
{
	struct mp_local *local, bare;

	int error = block_enter(pool, &local, &bare);
	return error ? error : block_put_entered(pool, local, block);
}

EXPORT int mempool_put(struct mempool *pool, void *block)
{
	struct mp_local *local = call_local(pool);
	struct mp_cache *cache;

	if (!call_try_enter(pool, local, &cache)) {
		return block_put_entering(pool, block);
	}
	if (unlikely(!mp_try_put(&pool->core, local, cache, block))) {
		return block_put_entered(pool, local, block);
	}
	mp_leave(cache);
	return mp_is_pressed(&pool->core) ? block_relieve(pool, local) : 0;
}

/* Leaves a bulk, which without a part may have come by a record: one call in some looks for one. */
static void block_leave_bulk(struct mempool *pool, struct mp_local *local, struct mp_local *bare)
{
	block_leave(pool, local);
	if (unlikely(local == bare)) {
		mp_local_finish(&pool->core, bare);
	}
}

/* A bulk that cannot enter at once, or has entered and needs more than the loaded magazine. */
static __attribute__((noinline)) int block_get_bulk(struct mempool *pool, void **blocks, size_t n,
						    struct mp_local *local)
{
	struct mp_local bare;
	int error = local ? 0 : block_enter(pool, &local, &bare);

	if (error) {
		return error;
	}
	if (n > pool->core.max_blocks) {
		error = -ENOMEM; /* the pool has not so many */
	} else if (!mp_quota_charge(&pool->core, (uint32_t)n)) {
		error = -EDQUOT;
	} else {
		error = mp_get_bulk(&pool->core, local, blocks, (uint32_t)n);
		if (error) {
			mp_quota_return(&pool->core, (uint32_t)n);
			mp_count_failure(&pool->core, local);
			descriptor_settle_pool(pool, error);
		} else {
			poison_show_all(pool, blocks, n, false);
		}
	}
	block_leave_bulk(pool, local, &bare);
	return error ? why_not_got(pool, n, error) : 0;
}

EXPORT int mempool_get_bulk(struct mempool *pool, void **blocks, size_t n)
{
	struct mp_local *local = call_local(pool);
	struct mp_cache *cache;

	if (!call_try_enter(pool, local, &cache)) {
		return block_get_bulk(pool, blocks, n, NULL);
	}
	if (unlikely(n > pool->core.shape.capacity) ||
	    unlikely(!mp_try_get_bulk(&pool->core, local, cache, blocks, (uint32_t)n))) {
		return block_get_bulk(pool, blocks, n, local);
	}
	mp_leave(cache);
	return 0;
}

/* ---- a bulk that has no room in this thread's magazines ---- */

/*
 * Puts blocks that bulk_check() has let through. Only a block that another thread puts or gives at
 * this moment can be refused: the others are put all the same. 0, or the last refusal with its
 * sentence.
 */
static int block_put_each(struct mempool *pool, struct mp_local *local, void *const *blocks,
			  size_t n)
{
	uint32_t put = 0;
	int result = 0;

	for (size_t i = 0; i < n; i++) {
		int error = mp_put(&pool->core, local, blocks[i]);
		put += error == 0;
		result = error ? why_refused(pool, blocks[i], error) : result;
	}
	mp_quota_return(&pool->core, put);
	return result;
}

/* Puts any number, one by one; also to find out which block of a bulk was refused. */
static int block_put_many(struct mempool *pool, struct mp_local *local, void *const *blocks,
			  size_t n)
{
	int error = bulk_check(pool, blocks, n, -EALREADY);

	return error ? error : block_put_each(pool, local, blocks, n);
}

static int block_put_bulk_entered(struct mempool *pool, struct mp_local *local, void *const *blocks,
				  size_t n)
{
	if (n <= pool->core.shape.capacity &&
	    mp_put_bulk(&pool->core, local, blocks, (uint32_t)n) == 0) {
		mp_quota_return(&pool->core, (uint32_t)n);
		return 0;
	}
	return block_put_many(pool, local, blocks, n);
}

static __attribute__((noinline)) int block_put_bulk(struct mempool *pool, void *const *blocks,
						    size_t n, struct mp_local *local)
{
	struct mp_local bare;
	int error = local ? 0 : block_enter(pool, &local, &bare);

	if (error) {
		return error;
	}
	poison_hide_all(pool, blocks, n);
	error = block_put_bulk_entered(pool, local, blocks, n);
	if (error) {
		poison_show_all(pool, blocks, n, true);
	}
	block_leave_bulk(pool, local, &bare);
	return error;
}

EXPORT int mempool_put_bulk(struct mempool *pool, void *const *blocks, size_t n)
{
	struct mp_local *local = call_local(pool);
	struct mp_cache *cache;

	if (!call_try_enter(pool, local, &cache)) {
		return block_put_bulk(pool, blocks, n, NULL);
	}
	if (unlikely(n > pool->core.shape.capacity) ||
	    unlikely(!mp_try_put_bulk(&pool->core, local, cache, blocks, (uint32_t)n))) {
		return block_put_bulk(pool, blocks, n, local);
	}
	mp_leave(cache);
	return mp_is_pressed(&pool->core) ? block_relieve(pool, local) : 0;
}

EXPORT int mempool_flush(struct mempool *pool)
{
	struct mp_local *local = call_local(pool);

	int error = call_check(pool);
	if (error || local->handle != pool->tag) {
		return error; /* a thread that has not begun caches nothing */
	}
	if (!mp_enter(local->cache)) {
		return why_not_begun(pool, -EDEADLK);
	}
	mp_flush(&pool->core, local);
	block_leave(pool, local);
	return 0;
}
