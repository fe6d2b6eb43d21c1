/* SPDX-License-Identifier: MIT */
/*
 * A cookie: a file in a daemon's directory that holds the name of the directory's instance, which
 * ends in a random number. Device and inode would not do for a name: file systems give the inode of
 * a directory that was removed to the next one, which would find the first one's pools.
 *
 *	DIR/instance	dir-0123456789abcdef
 *
 * A cookie is believed when it is a plain file, belongs to the daemon's user and nobody else may
 * write it. It is made under another name and then renamed, so that it is never seen half written,
 * and of two daemons that make one at once both have the one that was first.
 *
 * A directory that is moved, or comes back from a backup, is the same instance. A copy of a
 * directory is the same instance too: the registry's lock lets one of the two daemons run, and
 * whoever wants two instances removes the cookie from the copy.
 */
#ifndef MP_DAEMON_COOKIE_H
#define MP_DAEMON_COOKIE_H

#include "daemon/config/setting.h"

#define COOKIE_NAME (SETTING_INSTANCE_LENGTH + 1) /* bytes of a name, with the terminator */
#define COOKIE_DIGITS 16

/*
 * Reads the cookie at @path, which has to be @prefix and 16 hex digits. Logs what is wrong with it.
 * Returns a descriptor, -ENOENT when there is none, or -errno.
 */
int cookie_open(const char *path, const char *prefix, char name[COOKIE_NAME]);

/* Opens the cookie, or makes one with a new number when there is none. Returns likewise. */
int cookie_open_or_make(const char *path, const char *prefix, char name[COOKIE_NAME]);

/* Puts one with a new number in the place of whatever is there. Returns likewise. */
int cookie_replace(const char *path, const char *prefix, char name[COOKIE_NAME]);

/* Makes it again, with that name, when it has vanished. Returns 1 when it had, 0, or -errno. */
int cookie_restore(const char *path, const char *name);

#endif
