/* SPDX-License-Identifier: MIT */
/*
 * Configuring: the files are read at the start and on SIGHUP, and what they say is done.
 */
#ifndef MP_DAEMON_CONFIGURE_H
#define MP_DAEMON_CONFIGURE_H

#include <stdbool.h>

#include "daemon/config/config.h"
#include "daemon/config/options.h"
#include "daemon/config/source.h"
#include "daemon/reading.h"

struct pools;

struct configuration {
	struct source source;
	struct config config; /* what holds now */
	bool log_level_said;  /* on the command line: the files do not change it */
};

/*
 * Reads the files for the first time; they say where @options say nothing. Logs faults. Returns 0,
 * or -errno and the daemon must not start.
 */
int configure(struct configuration *configuration, struct options *options);

/* Whether there are no files that could be read again. */
bool configure_is_fixed(const struct configuration *configuration);

/*
 * The files have been read again: all of it holds, or with faults nothing changes. Makes missing
 * pools.
 */
void configure_again(struct configuration *configuration, struct pools *pools,
		     struct reading_result *result);

#endif
