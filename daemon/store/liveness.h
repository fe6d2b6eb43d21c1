/* SPDX-License-Identifier: MIT */
/*
 * Liveness files tell whether an address space still lives.
 *
 * At attach the daemon makes an empty file, takes flock(LOCK_SH) on it, sends the descriptor and
 * closes its own. The client maps a page of the file without access and closes the descriptor. The
 * lock belongs to the open file description, which the mapping alone keeps open: exec, exit and
 * munmap() release the lock, closing descriptors does not. So the lock lives as long as the
 * mapping.
 */
#ifndef MP_DAEMON_LIVENESS_H
#define MP_DAEMON_LIVENESS_H

#include <stdint.h>
#include <sys/types.h>

enum liveness {
	LIVENESS_HELD,    /* somebody has it mapped, or its descriptor is on the way */
	LIVENESS_LOST,    /* nobody has */
	LIVENESS_UNKNOWN, /* cannot be told: no file of ours of that name, or no descriptor free */
};

/* Makes the file and locks it. Returns the descriptor, for the client, or -errno. */
int liveness_create(const char *instance, uint64_t pool_id, uint64_t attachment);

/* Whether the lock is held. */
enum liveness liveness_test(const char *instance, uint64_t pool_id, uint64_t attachment);

/* The same of the file at @path, if it belongs to @owner. */
enum liveness liveness_test_file(const char *path, uid_t owner);

/* Removes the name; harmless when there is none. */
void liveness_remove(const char *instance, uint64_t pool_id, uint64_t attachment);

#endif
