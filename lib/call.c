/* SPDX-License-Identifier: MIT */
#include "lib/call.h"
#include "lib/why.h"

__attribute__((noinline, cold)) int call_refuse(const struct mempool *pool)
{
	return why_not_begun(pool, pool_is_foreign(pool) ? -ECHILD : -EACCES);
}

/* Begins with a record, if any is free or is a vanished thread's. */
static void call_init_local(struct mempool *pool, struct mp_local *local)
{
	mp_local_init(&pool->core, local);
	if (mp_local_lacks_record(&pool->core, local) && thread_finish_vanished()) {
		mp_local_init(&pool->core, local);
	}
}

/* The thread's first call on this pool. 0 or a negative errno. */
static __attribute__((noinline)) int call_begin(struct mempool *pool)
{
	struct calm calm;

	int error = call_check(pool);
	if (error) {
		return error;
	}
	if (!thread_get()) {
		return -ENOMEM;
	}
	struct mp_local *local = call_local(pool);
	calm_begin(&calm);
	if (local->handle != pool->tag) { /* else a signal handler was here first */
		call_init_local(pool, local);
		local->handle = pool->tag;
	}
	calm_end(&calm);
	return 0;
}

int call_enter(struct mempool *pool, struct mp_local **local)
{
	if (unlikely(call_local(pool)->handle != pool->tag)) {
		int error = call_begin(pool);
		if (error) {
			return error;
		}
	}
	*local = call_local(pool);
	return likely(mp_enter((*local)->cache)) ? 0 : why_not_begun(pool, -EDEADLK);
}

struct mp_local *call_find_local(struct mempool *pool)
{
	return call_local(pool)->handle == pool->tag || call_begin(pool) == 0 ? call_local(pool)
									      : NULL;
}

__attribute__((noinline, cold)) void *call_nothing(int error)
{
	errno = -error;
	return NULL;
}
