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
 * Root, and whoever names root's main file by --config, also gets the vendor's defaults from
 * /usr/lib/mempoold/. A file in /etc replaces the vendor's file of the same name; if it is empty,
 * or a link to /dev/null, it only hides that one. (The build may set other folders than these two.)
 *
 * The daemon reads a file only when nobody but root and its own user can have written it: the file,
 * and all folders on the way, belong to one of the two, and others cannot write them. Others may
 * write to a folder that is sticky.
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
	bool required;         /* --config named the main file: it must be there */
};

/*
 * Works out where to look. @named: --config, or NULL. @is_private: --runtime-dir was given. Returns
 * 0, or -ENAMETOOLONG.
 */
int source_find(struct source *source, const char *named, bool is_private);

/* Reads the main file into a config that parse_init() has seen. */
void source_read_main(const struct source *source, struct config *config, struct faults *faults);

/* Reads the pools into it, in the order of the files' names. */
void source_read_pools(const struct source *source, struct config *config, struct faults *faults);

#endif
