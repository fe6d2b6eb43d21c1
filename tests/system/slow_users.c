/* SPDX-License-Identifier: MIT */
/*
 * A user database that takes its time, for a daemon that is started with it in LD_PRELOAD: it knows
 * user 65534 as sloth and, as long as the file $SLOW_USERS is there, does not answer.
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The name, which the caller has, is not said. */
static struct passwd *answer(int known)
{
	static struct passwd sloth = {.pw_uid = 65534, .pw_gid = 65533};
	const char *file = getenv("SLOW_USERS");

	while (file && access(file, F_OK) == 0) {
		usleep(10000);
	}
	return known ? &sloth : NULL;
}

__attribute__((visibility("default"))) struct passwd *getpwnam(const char *name)
{
	return answer(strcmp(name, "sloth") == 0);
}

__attribute__((visibility("default"))) struct passwd *getpwuid(uid_t uid)
{
	return answer(uid == 65534);
}
