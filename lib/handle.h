/* SPDX-License-Identifier: MIT */
/*
 * An open pool: what this process has mapped of it, and its slot in it.
 *
 * Mappings are MADV_DONTFORK: a forked child does not have them, and recognizes its copy of the
 * handle by the epoch. The liveness page is of a file that the daemon locked for us; the lock lasts
 * as long as the mapping, and so as long as this address space.
 */
#ifndef MP_HANDLE_H
#define MP_HANDLE_H

#include <pthread.h>
#include <sys/types.h>

#include <mempool/mempool.h>

#include "lib/bell.h"
#include "lib/core/layout.h"
#include "lib/process.h"
#include "lib/wire/protocol.h"

struct mempool_conn;

struct mempool {
	struct mp_pool core; /* first, as the hot fields are at its beginning */
	size_t local_at;     /* bytes from a thread's part to its local for this pool */
	uint64_t epoch;
	const void *tag; /* the handle field of this pool's locals; see call.h */
	enum wire_access access;
	int place; /* index of this pool's local in each thread's part */

	struct mempool_channel *channels; /* open ones; with process.mutex held */
	struct mempool *next;             /* process.pools */
	struct mempool_conn *conn;
	uint32_t opens; /* opens minus closes; with process.opening held */
	uint64_t id;
	char name[WIRE_NAME];    /* it was opened by; private memory, which nobody scribbles on */
	struct wire_terms terms; /* that it was made with */
	uint64_t attachment;
	mp_atomic32 bare_waits; /* threads in mempool_get_wait() that have no part */
	bool poisoned; /* we tell AddressSanitizer or Memcheck about its blocks; see poison.h */
	mp_atomic32 cancelled;     /* see cancel.h */
	mp_atomic32 heeds_signals; /* waits end with EINTR after a signal handler */
	void *control, *data, *liveness;

	struct bell bell; /* see descriptor.h */
	bool is_held;     /* the ringer's: a block is free, and cannot be had now */

	/* Of an observer alone, whose control is a copy; see look.h. */
	pthread_mutex_t looking; /* guards the copy */
	int control_fd;
	dev_t control_device;
	ino_t control_inode;
};

/* Whether an ancestor made the handle, before a fork. */
static inline bool pool_is_foreign(const struct mempool *pool)
{
	return pool->epoch != process_epoch();
}

#endif
