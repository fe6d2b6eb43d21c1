/* SPDX-License-Identifier: MIT */
/*
 * A build: a pool being made. Pages are reserved off the loop (reserve.h), the control segment is
 * laid by a task in steps of less than a millisecond. The build tells its asker of each step. When
 * nobody wants the pool any more, or /dev/shm fills up, it removes what it made.
 *
 * A build ends in its own callbacks, or by build_stop().
 */
#ifndef MP_DAEMON_BUILD_H
#define MP_DAEMON_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/pool/pool.h"

struct build;
struct pools;

/*
 * Begins to make a pool of that record (its state is ignored). Returns 0: the asker, which must
 * have both functions, hears the end later; or -errno, and nothing was begun: -EDQUOT when no
 * record is free, -ENOSPC, -ENOMEM.
 */
int build_start(struct pools *pools, const struct registry_pool *record,
		const struct pool_asker *asker);

/* For the daemon's end: frees the build, and makes the pool GONE. Its memory stays for now. */
void build_stop(struct build *build);

/* The asker, whom the build tells of its progress and its end. */
const struct pool_asker *build_asker(const struct build *build);

/* Bytes of memory that the build has yet to reserve. */
uint64_t build_needs(const struct build *build);

/* Whether the build makes the pool that this request asks for. */
bool build_is_of(const struct build *build, uint64_t cookie, uint32_t uid);

#endif
