/* SPDX-License-Identifier: MIT */
/*
 * The command line.
 */
#ifndef MP_DAEMON_OPTIONS_H
#define MP_DAEMON_OPTIONS_H

#include "daemon/log.h"

enum options_outcome {
	OPTIONS_RUN,
	OPTIONS_DONE,  /* --help or --version was answered */
	OPTIONS_USAGE, /* wrong, and said so */
};

/* What was asked for; NULL where nothing was. */
struct options {
	const char *socket;
	const char *runtime_dir;
	const char *instance;
	enum log_level log_level;
};

enum options_outcome options_parse(struct options *options, int argc, char **argv);

#endif
