/* SPDX-License-Identifier: MIT */
/*
 * The memory cgroups this process is in, of version 2 and of version 1. A process that takes more
 * than one of them allows is killed, so the daemon looks before it takes. What counts is the
 * tightest of the process's own cgroup and all above it: its limit, less what is used there and
 * cannot be given back at once.
 *
 *	version 2	memory.max, memory.high; memory.current, memory.stat
 *	version 1	memory.limit_in_bytes; memory.usage_in_bytes, memory.stat
 *
 * What cannot be read limits nothing, as far as is known.
 */
#ifndef MP_DAEMON_CGROUP_H
#define MP_DAEMON_CGROUP_H

#include <stdint.h>

enum {
	CGROUP_NAME = 64,
};

struct cgroup_limit {
	uint64_t limit, left;    /* bytes; UINT64_MAX: there is none */
	const char *file;        /* which says so; NULL: none */
	const char *setting;     /* of a unit, that is written there */
	char group[CGROUP_NAME]; /* the last part of its name */
};

/* Looks at the files below @root, "" but for tests. */
void cgroup_look(const char *root, struct cgroup_limit *tightest);

#endif
