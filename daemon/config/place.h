/* SPDX-License-Identifier: MIT */
/*
 * The place of a daemon: its instance (a name space in /dev/shm) and its socket.
 *
 *			instance		socket
 *	root		system			/run/mempoold/socket
 *	others		user-<uid>		$XDG_RUNTIME_DIR/mempoold/socket
 *	--runtime-dir	dir-<16 hex digits>	DIR/socket
 *
 * mempoold.conf may say the same as --socket, --runtime-dir and --instance. The digits are a hash
 * of the directory's device and inode: the same directory is the same instance by whatever path it
 * is reached.
 */
#ifndef MP_DAEMON_PLACE_H
#define MP_DAEMON_PLACE_H

#include <stdbool.h>
#include <sys/un.h>

#include "daemon/config/options.h"
#include "daemon/config/setting.h"

#define PLACE_INSTANCE (SETTING_INSTANCE_LENGTH + 1) /* bytes, with the terminator */

struct place {
	char instance[PLACE_INSTANCE];
	char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* Works out the place and makes its directory where needed; logs. Returns 0 or -errno. */
int place_resolve(struct place *place, const struct options *options);

#endif
