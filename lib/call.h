/* SPDX-License-Identifier: MIT */
/*
 * What leads into a call on blocks: the thread's local for the pool, and its busy mark.
 *
 * The fast paths of block.c go in by call_try_enter() alone, which compares the local's handle with
 * the pool's address. A local's handle is the pool's tag: that address, or one byte beyond it when
 * the pool has a quota or is poisoned (poison.h), or the process has to fence (steal.h in
 * lib/core). So calls that must be charged, told to a tool, or fenced always take the slow path.
 */
#ifndef MP_CALL_H
#define MP_CALL_H

#include <errno.h>

#include "lib/handle.h"
#include "lib/thread.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

static inline struct mp_local *call_local(const struct mempool *pool)
{
	return (struct mp_local *)(void *)((char *)thread_self + pool->local_at);
}

/* Refuses with a sentence what one of the following has found: -ECHILD or -EACCES. */
int call_refuse(const struct mempool *pool);

/* Whether the process may move blocks: 0, or a negative errno with its sentence. */
static inline int call_check(const struct mempool *pool)
{
	return unlikely(pool_is_foreign(pool)) || unlikely(pool->access == WIRE_OBSERVER)
		       ? call_refuse(pool)
		       : 0;
}

/* Whether the handle is this process's own: 0, or -ECHILD with its sentence. */
static inline int call_check_own(const struct mempool *pool)
{
	return unlikely(pool_is_foreign(pool)) ? call_refuse(pool) : 0;
}

/* Enters, if this thread can at once, and gives its record. False: call_enter() has to. */
static inline bool call_try_enter(const struct mempool *pool, struct mp_local *local,
				  struct mp_cache **cache)
{
	*cache = local->cache;
	return likely(local->handle == pool) && likely(mp_enter(*cache));
}

/*
 * Enters, and begins the thread's local if need be: 0 and the local, or a negative errno with its
 * sentence.
 */
int call_enter(struct mempool *pool, struct mp_local **local);

/* The thread's local, begun if need be, for who need not enter it. NULL: no memory. */
struct mp_local *call_find_local(struct mempool *pool);

/* Returns NULL, with errno set to -@error. */
void *call_nothing(int error);

#endif
