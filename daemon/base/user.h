/* SPDX-License-Identifier: MIT */
/*
 * Users, as messages name them.
 */
#ifndef MP_DAEMON_USER_H
#define MP_DAEMON_USER_H

#include <sys/types.h>

struct user_text {
	char text[96];
};

/*
 * "user 'NAME' (uid N)", or "uid N" when it has no name. Asks the user database, which may take
 * long: for the start and for --list-instances, and not while clients are served.
 */
struct user_text user_describe(uid_t uid);

#endif
