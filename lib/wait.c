/* SPDX-License-Identifier: MIT */
/*
 * Waiting for a block. Between two gets the thread is inside no call, so thieves may take what it
 * caches, and its signal handlers may get. local.waiting keeps close away meanwhile.
 */
#include "lib/call.h"
#include "lib/core/futex.h"
#include "lib/core/pressure.h"
#include "lib/export.h"

#define LOOK_AGAIN_MS 1

/* Whether another try may succeed. */
static bool wait_is_worth_it(int error)
{
	return error == ENOMEM || error == EAGAIN;
}

/*
 * Sleeps after a get that said @error. EAGAIN: somebody has a free block and is inside a call; he
 * may leave it without waking anybody, so we look again soon.
 */
static void wait_sleep(struct mp_pool *core, uint32_t raised, int error,
		       const struct timespec *deadline)
{
	struct timespec soon;

	mp_deadline(&soon, LOOK_AGAIN_MS);
	if (error == EAGAIN && mp_is_before(&soon, deadline)) {
		deadline = &soon;
	}
	mp_pressure_sleep(core, raised, deadline);
}

/* Tries and sleeps until there is a block, another error, or the deadline. */
static void *wait_get_until(struct mempool *pool, const struct timespec *deadline)
{
	void *block = NULL;

	for (bool again = true; again;) {
		uint32_t raised = mp_pressure_raise(&pool->core);
		block = mempool_get(pool);
		again = !block && wait_is_worth_it(errno);
		if (again && mp_is_late(deadline)) {
			return call_nothing(-ETIMEDOUT);
		}
		if (again) {
			wait_sleep(&pool->core, raised, errno, deadline);
			block = mempool_get(pool); /* without raising: often there is a block now */
			again = !block && wait_is_worth_it(errno);
		}
	}
	return block;
}

EXPORT void *mempool_get_wait(struct mempool *pool, int timeout_ms)
{
	struct timespec deadline;

	if (timeout_ms < -1) {
		return call_nothing(-EINVAL);
	}
	void *block = mempool_get(pool);
	if (block || !wait_is_worth_it(errno)) {
		return block;
	}
	struct mp_local *local = call_local(pool);
	if (timeout_ms == 0 || local->handle != pool->tag) {
		/* There is no memory for a part, without which close would not see us wait. */
		return call_nothing(timeout_ms == 0 ? -ETIMEDOUT : -EAGAIN);
	}
	mp_deadline(&deadline, timeout_ms);
	mp_add(&pool->core.slots[pool->core.slot].waits, 1);
	mp_store(&local->waiting, 1);
	block = wait_get_until(pool, timeout_ms < 0 ? NULL : &deadline);
	int error = errno;
	mp_pressure_calm(&pool->core);
	mp_store(&local->waiting, 0);
	errno = error;
	return block;
}
