/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a block. Between two gets the thread is inside no call, so thieves may take what it
 * caches, and its signal handlers may get. local.waiting keeps close away meanwhile, and tells gets
 * not to search for long. A thread for whose part there is no memory is counted in pool.bare_waits
 * instead; its gets search as long as any, so it may come back some 40 ms late.
 */
#include "lib/call.h"
#include "lib/core/futex.h"
#include "lib/core/pressure.h"
#include "lib/export.h"
#include "lib/why.h"

#define LOOK_AGAIN_MS 1

/* Whether another try may succeed. */
static bool wait_is_worth_it(int error)
{
	return error == ENOMEM || error == EAGAIN;
}

/*
 * Sleeps after a get that said @error. EAGAIN: somebody has a free block and is inside a call; he
 * may leave it without waking anybody, so we look again soon. Returns whether a signal handler ran.
 */
static bool wait_sleep(struct mp_pool *core, uint32_t raised, int error,
		       const struct timespec *deadline)
{
	struct timespec soon;

	mp_deadline(&soon, LOOK_AGAIN_MS);
	if (error == EAGAIN && mp_is_before(&soon, deadline)) {
		deadline = &soon;
	}
	return mp_pressure_sleep(core, raised, deadline);
}

static int wait_end(const struct mempool *pool, int timeout_ms)
{
	return why(pool, -ETIMEDOUT, WHY_LATE, (uint64_t)timeout_ms, 0, 0);
}

/*
 * Why the wait must end before its next sleep: a negative errno with its sentence. 0: it need not.
 * To be asked after the pressure was raised, see cancel.h.
 */
static int wait_must_end(const struct mempool *pool, int timeout_ms,
			 const struct timespec *deadline)
{
	if (mp_load_acquire(&pool->cancelled)) {
		return why(pool, -ECANCELED, WHY_CANCELLED, 0, 0, 0);
	}
	return mp_is_late(deadline) ? wait_end(pool, timeout_ms) : 0;
}

/* Whether a handler that ran during the sleep ends the wait. */
static bool wait_heeds(const struct mempool *pool, bool is_interrupted)
{
	return is_interrupted && mp_load(&pool->heeds_signals);
}

/* Tries and sleeps until there is a block, another error, or the wait must end. */
static void *wait_get_until(struct mempool *pool, int timeout_ms, const struct timespec *deadline)
{
	void *block = NULL;

	for (bool again = true; again;) {
		uint32_t raised = mp_pressure_raise(&pool->core);
		block = mempool_get(pool);
		again = !block && wait_is_worth_it(errno);
		if (!again) {
			return block;
		}
		int error = errno, end = wait_must_end(pool, timeout_ms, deadline);
		if (end) {
			return call_nothing(end);
		}
		bool is_interrupted = wait_sleep(&pool->core, raised, error, deadline);
		block = mempool_get(pool); /* without raising: often there is a block now */
		again = !block && wait_is_worth_it(errno);
		if (again && wait_heeds(pool, is_interrupted)) {
			return call_nothing(why(pool, -EINTR, WHY_SIGNAL, 0, 0, 0));
		}
	}
	return block;
}

/* Waits, after a get that found nothing. */
static void *wait_get_later(struct mempool *pool, int timeout_ms)
{
	struct timespec deadline;

	mp_deadline(&deadline, timeout_ms);
	mp_add(&pool->core.slots[pool->core.slot].waits, 1);
	void *block = wait_get_until(pool, timeout_ms, timeout_ms < 0 ? NULL : &deadline);
	int error = errno;
	mp_pressure_calm(&pool->core);
	errno = error;
	return block;
}

/* Gets, and if need be waits. @local NULL: the thread has no part. */
static void *wait_get(struct mempool *pool, struct mp_local *local, int timeout_ms)
{
	void *block = mempool_get(pool);

	if (block || !wait_is_worth_it(errno)) {
		return block;
	}
	if (timeout_ms == 0) {
		return call_nothing(wait_end(pool, 0));
	}
	if (local) {
		mp_store(&local->waiting, MP_WAITING);
	}
	return wait_get_later(pool, timeout_ms);
}

/* This thread's local for the pool, which it begins if need be. NULL: no memory for its part. */
static struct mp_local *wait_local(struct mempool *pool, int *error)
{
	struct mp_local *local = call_local(pool);

	*error = 0;
	if (likely(local->handle == pool->tag)) {
		return local;
	}
	*error = call_enter(pool, &local);
	if (*error) {
		return NULL;
	}
	mp_leave(local->cache);
	return local;
}

EXPORT void *mempool_get_wait(struct mempool *pool, int timeout_ms)
{
	int error;

	if (timeout_ms < -1) {
		return call_nothing(why(pool, -EINVAL, WHY_TIMEOUT, 0, 0, 0));
	}
	struct mp_local *local = wait_local(pool, &error);
	if (error && error != -ENOMEM) {
		return call_nothing(error);
	}
	void *block;
	if (local) {
		uint32_t before = mp_load(&local->waiting);
		mp_store(&local->waiting, MP_WAITING_SOON);
		block = wait_get(pool, local, timeout_ms);
		/* In a signal handler: the wait that it interrupted goes on. */
		mp_store_release(&local->waiting, before); /* for close, which acquires it */
	} else {
		mp_add(&pool->bare_waits, 1);
		block = wait_get(pool, NULL, timeout_ms);
		mp_add(&pool->bare_waits, -1);
	}
	return block;
}
