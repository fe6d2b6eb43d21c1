/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/error.h"
#include "lib/look.h"
#include "lib/map.h"
#include "lib/poison.h"

enum { CONTROL, DATA, LIVENESS }; /* the order of descriptors in ATTACHED */

static void *map_one(int fd, uint64_t size, int protection)
{
	struct stat st;

	/* A missing page would mean SIGBUS later, but nobody touches PROT_NONE pages. */
	if (protection != PROT_NONE && (fstat(fd, &st) != 0 || (uint64_t)st.st_size < size)) {
		errno = EIO;
		return NULL;
	}
	void *at = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		return NULL;
	}
	if (madvise(at, size, MADV_DONTFORK) != 0) {
		munmap(at, size);
		return NULL;
	}
	return at;
}

void map_close(struct mempool *pool)
{
	if (pool->access == WIRE_OBSERVER) {
		look_close(pool);
	} else if (pool->control) {
		munmap(pool->control, pool->core.shape.control_size);
	}
	if (pool->poisoned) {
		poison_close(pool);
	}
	if (pool->data) {
		munmap(pool->data, pool->core.shape.data_size);
	}
	if (pool->liveness) {
		munmap(pool->liveness, pool->core.shape.page);
	}
}

/* After mlockall(MCL_FUTURE) mappings are locked; the kernel says EAGAIN beyond the limit. */
static int map_refused_to_lock(const struct mempool *pool)
{
	const struct mp_shape *shape = &pool->core.shape;
	struct rlimit limit = {0};

	getrlimit(RLIMIT_MEMLOCK, &limit);
	return fail(ENOMEM,
		    "cannot map %s: after mlockall(MCL_FUTURE) its %" PRIu64 " KiB are locked, and "
		    "RLIMIT_MEMLOCK lets this process lock %" PRIu64 " KiB: raise it (ulimit -l, "
		    "LimitMEMLOCK=), or open the pool before mlockall()",
		    pool->name, (shape->control_size + shape->data_size) / 1024,
		    (uint64_t)limit.rlim_cur / 1024);
}

static int map_failed(const struct mempool *pool)
{
	switch (errno) {
	case EIO:
		return fail(EIO,
			    "%s is broken: its memory was cut short, by somebody who may write to "
			    "it; destroy it",
			    pool->name);
	case EAGAIN:
		return map_refused_to_lock(pool);
	default:
		return fail(errno, "cannot map %s: %s", pool->name, strerror(errno));
	}
}

/*
 * Maps a writer's or reader's control. The lock on our life first: from here on the daemon can tell
 * exec from living on.
 */
static int map_control(struct mempool *pool, const int *fds)
{
	uint64_t size = pool->core.shape.control_size;

	pool->liveness = map_one(fds[LIVENESS], pool->core.shape.page, PROT_NONE);
	pool->control = pool->liveness ? map_one(fds[CONTROL], size, PROT_READ | PROT_WRITE) : NULL;
	return pool->control ? 0 : map_failed(pool);
}

/*
 * Leaves the blocks out of core files: they are everybody's, may be many, and the blocks of a dead
 * process come back only when its core is written. Whoever looks for an error in them asks for them
 * in the environment, as it is the one who debugs that knows, not the one who made the pool.
 */
static void map_hide_from_core(const struct mempool *pool)
{
	const char *wanted = secure_getenv("MEMPOOL_CORE_BLOCKS");

	if (!wanted || strcmp(wanted, "1") != 0) {
		madvise(pool->data, pool->core.shape.data_size, MADV_DONTDUMP);
	}
}

int map_open(struct mempool *pool, int *fds)
{
	const struct mp_shape *shape = &pool->core.shape;
	int error;

	if (pool->access == WIRE_OBSERVER) {
		error = look_open(pool, fds[CONTROL]);
		fds[CONTROL] = error ? fds[CONTROL] : -1;
	} else {
		error = map_control(pool, fds);
	}
	if (error) {
		return error;
	}
	pool->data = map_one(fds[DATA], shape->data_size,
			     pool->access == WIRE_WRITER ? PROT_READ | PROT_WRITE : PROT_READ);
	if (!pool->data) {
		return map_failed(pool);
	}
	map_hide_from_core(pool);
	if (!mp_layout_matches(pool->control, shape, pool->id)) {
		return fail(EPROTONOSUPPORT, "%s is laid out by another version of mempool",
			    pool->name);
	}
	return 0;
}

/* The kernel's, which older headers of libc do not name, nor do musl's. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

/*
 * Puts the pages into this process's page tables. The daemon has reserved them, so this fails only
 * for want of memory for the tables, or because the kernel is older than 5.14.
 */
static int map_prefault(void *at, uint64_t size, bool writable)
{
	int r;

	do {
		r = madvise(at, size, writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
	} while (r != 0 && errno == EINTR);
	return r == 0 ? 0 : errno == EINVAL ? -EOPNOTSUPP : -ENOMEM;
}

int map_prepare(const struct mempool *pool, const struct wire_terms *terms)
{
	const struct mp_shape *shape = &pool->core.shape;
	uint64_t data = mp_shape_data(shape, shape->blocks);
	int error = 0;

	if (terms->huge_pages != WIRE_NO) {
		madvise(pool->data, shape->data_size,
			MADV_HUGEPAGE); /* the kernel uses huge pages where it has them */
	}
	if (terms->prefault != WIRE_NO && pool->access != WIRE_OBSERVER) {
		error = map_prefault(pool->control, shape->control_size, true);
		error = error ? error : map_prefault(pool->data, data, pool->access == WIRE_WRITER);
	}
	if (error && terms->prefault == WIRE_REQUIRE) {
		return fail(-error,
			    "%s requires prefault, which fails: %s; make it with "
			    "prefault try, or no",
			    pool->name,
			    error == -EOPNOTSUPP ? "it takes Linux 5.14" : strerror(-error));
	}
	return 0;
}
