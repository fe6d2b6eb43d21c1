/* SPDX-License-Identifier: MIT */
/*
 * A build: a pool being made. Pages are reserved off the loop (reserve.h), the control segment is
 * laid by a task in steps of less than a millisecond. The build tells its askers of each step: the
 * one that began it, and those who came later and wait for the pool. When none of them wants the
 * pool any more, or /dev/shm fills up, it removes what it made.
 *
 * A build ends in its own callbacks, or by build_cancel() or build_stop().
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
 * have both functions and stay where it is, hears the end later; or -errno, and nothing was begun:
 * -EDQUOT when no record is free, -ENOSPC, -ENOMEM.
 */
int build_start(struct pools *pools, const struct registry_pool *record, struct pool_asker *asker);

/* Adds an asker that came later, or takes it away; it must have both functions. */
void build_add_asker(struct build *build, struct pool_asker *asker);
void build_remove_asker(struct build *build, struct pool_asker *asker);

/* Ends the build: its askers hear @error, and what was made is removed. */
void build_cancel(struct build *build, int error);

/* For the daemon's end: frees the build, and makes the pool GONE. Its memory stays for now. */
void build_stop(struct build *build);

/* The asker that began the build. */
struct pool_asker *build_asker(const struct build *build);

/* Bytes of memory that the build has yet to reserve. */
uint64_t build_needs(const struct build *build);

#endif
