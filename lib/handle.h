/* SPDX-License-Identifier: MIT */
/*
 * An open pool: what this process has mapped of it, and its seat in it.
 *
 * Mappings are MADV_DONTFORK: a child does not have them, and its copy of the handle is told by the
 * epoch. The liveness page is part of a file on which the daemon took a lock for us; the lock lives
 * as long as the mapping, so as long as this address space.
 */
#ifndef MP_HANDLE_H
#define MP_HANDLE_H

#include <mempool/mempool.h>

#include "lib/core/layout.h"
#include "lib/process.h"
#include "lib/wire/protocol.h"

struct mempool_conn;

struct mempool {
	struct mp_pool core; /* first: the hot fields are at its begin */
	size_t local_at;     /* bytes from a thread's part to its local for this pool */
	uint64_t epoch;
	const void *tag; /* what locals of this pool say; see call.h */
	enum wire_access access;
	int place; /* in threads' parts */

	struct mempool_channel *channels; /* open ones; with process.mutex held */
	struct mempool *next;             /* process.pools */
	struct mempool_conn *conn;
	uint32_t opens; /* less closes; with process.opening held */
	uint64_t id;
	uint64_t schema;
	uint32_t schema_version;
	uint64_t attachment;
	bool poisoned; /* AddressSanitizer or Memcheck is told of its blocks; see poison.h */
	void *control, *data, *liveness;
};

/* Whether the handle is another process's, this one's parent. */
static inline bool pool_is_foreign(const struct mempool *pool)
{
	return pool->epoch != process_epoch();
}

#endif
