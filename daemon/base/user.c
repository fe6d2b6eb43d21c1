/* SPDX-License-Identifier: MIT */
#include <pwd.h>
#include <stdio.h>

#include "daemon/base/user.h"

struct user_text user_describe(uid_t uid)
{
	const struct passwd *entry = getpwuid(uid);
	struct user_text user;

	if (entry) {
		snprintf(user.text, sizeof user.text, "user '%.32s' (uid %u)", entry->pw_name, uid);
	} else {
		snprintf(user.text, sizeof user.text, "uid %u", uid);
	}
	return user;
}
