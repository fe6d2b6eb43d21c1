/* SPDX-License-Identifier: MIT */
/*
 * Parsing: from the text of configuration files to a struct config.
 *
 * The files are INI files, which inih reads: [section], key = value, comments behind # or ; at the
 * start of a line, or behind a blank and ; further on. A key may stand once; but a key of an access
 * rule may stand again, and adds to the list.
 */
#ifndef MP_DAEMON_PARSE_H
#define MP_DAEMON_PARSE_H

#include <stddef.h>

#include "daemon/config/config.h"
#include "daemon/config/fault.h"

/* Sets everything to its default. */
void parse_init(struct config *config);

/*
 * Reads the main file, @n bytes at @text, into a config that parse_init() has seen. @file is its
 * name in messages about it. Pure but for looking up users and groups.
 */
void parse_main(struct config *config, const char *text, size_t n, const char *file,
		struct faults *faults);

/*
 * Reads a *.pool file likewise, and adds the pool unless the file has faults. The pool has the
 * file's name, without folder and suffix, unless the file says another.
 */
void parse_pool(struct config *config, const char *text, size_t n, const char *file,
		struct faults *faults);

#endif
