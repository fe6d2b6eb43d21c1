/* SPDX-License-Identifier: MIT */
/*
 * Configuring: reads the files at the start and on SIGHUP, and does what they say.
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
	struct config config; /* in force */
	bool log_level_said;  /* the command line sets it: the files do not change it */
};

/*
 * Reads the files for the first time, and fills in @options that the command line does not set.
 * Logs faults. Returns 0, or -errno: the daemon must not start.
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
