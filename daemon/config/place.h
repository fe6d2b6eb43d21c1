/* SPDX-License-Identifier: MIT */
/*
 * The place of a daemon: its instance (a name space in /dev/shm) and its socket.
 *
 *			instance		socket
 *	root		system			/run/mempoold/socket
 *	others		user-<uid>		$XDG_RUNTIME_DIR/mempoold/socket
 *	--runtime-dir	dir-<16 hex digits>	DIR/socket
 *
 * mempoold.conf may say the same as --socket, --runtime-dir and --instance. The digits are in the
 * directory's cookie (cookie.h), DIR/instance. Should another user have the name user-<uid> in
 * /dev/shm, the instance is called user-<uid>-<16 hex digits>, which are in a cookie in the
 * directory of the socket, instance.user; it keeps that name until the cookie is removed.
 *
 * What $XDG_RUNTIME_DIR names is used only when it belongs to the daemon's user.
 */
#ifndef MP_DAEMON_PLACE_H
#define MP_DAEMON_PLACE_H

#include <limits.h>
#include <sys/un.h>

#include "daemon/config/options.h"
#include "daemon/config/setting.h"

#define PLACE_INSTANCE (SETTING_INSTANCE_LENGTH + 1) /* bytes, with the terminator */

struct place {
	char instance[PLACE_INSTANCE];
	char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char dir[PATH_MAX];    /* the socket's, from the root; "": none is needed */
	char cookie[PATH_MAX]; /* which may name the instance; "": none does */
	char prefix[PLACE_INSTANCE];
	int cookie_fd; /* -1: none names it now */
	int lost;      /* why it has vanished and cannot be made again: -errno; 0: it is there */
};

/* Works out the place and makes its directory if need be; logs errors. Returns 0 or -errno. */
int place_resolve(struct place *place, const struct options *options);

/*
 * Another user has the instance's name in /dev/shm: chooses another and logs it. Returns 0, -EEXIST
 * when the name was said or is fixed, or -errno.
 */
int place_choose_another(struct place *place);

/* Makes the cookie again when it has vanished; logs that, and once why it cannot be done. */
void place_keep(struct place *place);

/* Closes what is open. */
void place_finish(struct place *place);

#endif
