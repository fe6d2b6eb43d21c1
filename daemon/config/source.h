/* SPDX-License-Identifier: MIT */
/*
 * Where the configuration is.
 *
 *				main file			pools
 *	root			/etc/mempoold/mempoold.conf	/etc/mempoold/pools.d/
 *	others			$XDG_CONFIG_HOME/mempoold/...	... (~/.config without that)
 *	--config DIR/FILE	DIR/FILE			DIR/pools.d/
 *	--runtime-dir alone	none: a private instance	none
 *
 * For root, and for whoever names root's main file by --config, there are the vendor's defaults in
 * /usr/lib/mempoold/ besides: a file of the same name in /etc goes before, and one that is empty or
 * a link to /dev/null only hides it. (Both folders are those the build was told.)
 *
 * Files are read only when nobody but root and the daemon's own user can have written them: they,
 * and all folders on the way, belong to one of the two and are not writable by others; a folder may
 * be when it is sticky.
 */
#ifndef MP_DAEMON_SOURCE_H
#define MP_DAEMON_SOURCE_H

#include <limits.h>
#include <stdbool.h>

#include "daemon/config/fault.h"
#include "daemon/config/config.h"

struct source {
	char main[PATH_MAX];   /* "": nothing is read */
	char vendor[PATH_MAX]; /* the folder of the defaults; "": there is none */
	bool required;         /* the main file was named, and has to be there */
};

/*
 * Works out where to look. @named: --config, or NULL. @is_private: --runtime-dir was given. Returns
 * 0, or -ENAMETOOLONG.
 */
int source_find(struct source *source, const char *named, bool is_private);

/* Reads the main file into a config that was initialised. */
void source_read_main(const struct source *source, struct config *config, struct faults *faults);

/* Reads the pools into it, in the order of the files' names. */
void source_read_pools(const struct source *source, struct config *config, struct faults *faults);

#endif
