/* SPDX-License-Identifier: MIT */
/*
 * Squatters: anybody may put something of a registry's name into /dev/shm before the daemon does.
 * The folder is sticky, so only its owner and root can take it away again. The names of pools and
 * of liveness files cannot be taken so, as they hold random numbers.
 */
#ifndef MP_DAEMON_SQUAT_H
#define MP_DAEMON_SQUAT_H

#include <stdbool.h>

#include "daemon/store/object.h"

struct squat {
	char path[sizeof "/dev/shm" + OBJECT_NAME];
	uid_t uid;
	bool is_directory;
};

/* Whether what has that name belongs to another user, and to whom. */
bool squat_look(struct squat *squat, const char *name);

/* Removes what another user put there under that name, where that is root's to do. */
void squat_end(const char *name);

/* Logs who sits there and what an administrator can do. */
void squat_tell(const struct squat *squat);

#endif
