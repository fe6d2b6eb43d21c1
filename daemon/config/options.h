/* SPDX-License-Identifier: MIT */
/*
 * The command line. Its options override the keys of configuration files.
 */
#ifndef MP_DAEMON_OPTIONS_H
#define MP_DAEMON_OPTIONS_H

#include <stdbool.h>

#include "daemon/base/log.h"

enum options_outcome {
	OPTIONS_RUN,
	OPTIONS_CHECK,  /* --check-config */
	OPTIONS_LIST,   /* --list-instances */
	OPTIONS_REMOVE, /* --remove-instance */
	OPTIONS_DONE,   /* --help, --version or --print-config was answered */
	OPTIONS_USAGE,  /* wrong, and said so */
};

/* What the command line says; NULL where it says nothing. */
struct options {
	const char *socket;
	const char *runtime_dir;
	const char *instance;
	const char *config;
	enum log_level log_level;
	bool log_level_said;
	bool check;
	bool verbose;
	bool list;
	bool json;
	const char *remove;
};

enum options_outcome options_parse(struct options *options, int argc, char **argv);

#endif
