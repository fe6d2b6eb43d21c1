/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "daemon/options.h"
#include "daemon/place.h"

static const char help[] =
	"usage: mempoold [--socket PATH] [--runtime-dir DIR] [--instance NAME] [--log-level "
	"LEVEL]\n"
	"\n"
	"Names, places and watches over memory pools in POSIX shared memory. Runs in the "
	"foreground.\n"
	"\n"
	"  --socket PATH       listen there; default DIR/socket\n"
	"  --runtime-dir DIR   default /run/mempoold for root, else $XDG_RUNTIME_DIR/mempoold;\n"
	"                      given alone, the instance is one of its own for that directory\n"
	"  --instance NAME     [a-z0-9_-]{1,32}; default `system` for root, else `user-UID`\n"
	"  --log-level LEVEL   error, warning, info (default) or debug; lines go to stderr\n"
	"  --version           print the version and exit\n"
	"  --help              print this and exit\n"
	"\n"
	"Ends with 0 after SIGTERM or SIGINT, 1 on failure, 2 on wrong usage.\n";

static const struct option long_options[] = {
	{"socket", required_argument, NULL, 's'},
	{"runtime-dir", required_argument, NULL, 'r'},
	{"instance", required_argument, NULL, 'i'},
	{"log-level", required_argument, NULL, 'l'},
	{"version", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static enum options_outcome usage(const char *what, const char *value)
{
	fprintf(stderr, "mempoold: %s%s; see mempoold --help\n", what, value);
	return OPTIONS_USAGE;
}

static enum options_outcome take(struct options *options, int option)
{
	switch (option) {
	case 's':
		options->socket = optarg;
		return *optarg ? OPTIONS_RUN : usage("--socket needs a path", "");
	case 'r':
		options->runtime_dir = optarg;
		return *optarg ? OPTIONS_RUN : usage("--runtime-dir needs a directory", "");
	case 'i':
		options->instance = optarg;
		return place_instance_valid(optarg)
			       ? OPTIONS_RUN
			       : usage("an instance is [a-z0-9_-]{1,32}, not ", optarg);
	case 'l':
		return log_parse_level(optarg, &options->log_level)
			       ? OPTIONS_RUN
			       : usage("no such log level: ", optarg);
	case 'v':
		puts("mempoold " MP_VERSION);
		return OPTIONS_DONE;
	case 'h':
		fputs(help, stdout);
		return OPTIONS_DONE;
	default:
		return usage("wrong usage", "");
	}
}

enum options_outcome options_parse(struct options *options, int argc, char **argv)
{
	int option;

	*options = (struct options){.log_level = LOG_LEVEL_INFO};
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		enum options_outcome outcome = take(options, option);
		if (outcome != OPTIONS_RUN) {
			return outcome;
		}
	}
	if (optind < argc) {
		return usage("unexpected argument ", argv[optind]);
	}
	return OPTIONS_RUN;
}
