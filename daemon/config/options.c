/* SPDX-License-Identifier: MIT */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/table.h"
#include "daemon/config/options.h"
#include "daemon/config/setting.h"

static const char usage_line[] = "usage: mempoold [OPTION...]\n"
				 "\n"
				 "Names, places and watches over memory pools in POSIX shared "
				 "memory. Runs in the foreground.\n"
				 "\n";

/* Options of the same meaning as a key of mempoold.conf come from the table of settings. */
static const char rest[] =
	"  --config FILE\n"
	"      Configuration file, with pools.d/*.pool beside it. When not said, "
	"" MP_CONFIG_DIR "/mempoold.conf for\n"
	"      root, else $XDG_CONFIG_HOME/mempoold/mempoold.conf; with --runtime-dir alone, "
	"none.\n"
	"  --check-config [--verbose]\n"
	"      Print the faults of the configuration and exit: with 0 when it has none. With "
	"--verbose, print\n"
	"      also all settings that hold.\n"
	"  --print-config[=pool]\n"
	"      Print a mempoold.conf, or a *.pool file, with all keys and defaults, and end.\n"
	"  --list-instances [--json]\n"
	"      Print the instances that have something in /dev/shm, also what dead ones left, and "
	"end.\n"
	"  --remove-instance NAME\n"
	"      Remove what a dead instance left: its objects and its keepers. Refused when its "
	"daemon or\n"
	"      a client lives.\n"
	"  --version, --help\n"
	"\n"
	"Log lines go to stderr. SIGHUP makes mempoold read its configuration again. SIGTERM and\n"
	"SIGINT end it with status 0. Status 1: failure; 2: wrong usage.\n";

static const struct option long_options[] = {
	{"socket", required_argument, NULL, 's'},
	{"runtime-dir", required_argument, NULL, 'r'},
	{"instance", required_argument, NULL, 'i'},
	{"log-level", required_argument, NULL, 'l'},
	{"config", required_argument, NULL, 'c'},
	{"check-config", no_argument, NULL, 'C'},
	{"verbose", no_argument, NULL, 'V'},
	{"print-config", optional_argument, NULL, 'p'},
	{"list-instances", no_argument, NULL, 'L'},
	{"json", no_argument, NULL, 'j'},
	{"remove-instance", required_argument, NULL, 'R'},
	{"version", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static enum options_outcome options_usage(const char *what, const char *value)
{
	fprintf(stderr, "mempoold: %s%s; see mempoold --help\n", what, value);
	return OPTIONS_USAGE;
}

static enum options_outcome options_print_help(void)
{
	char range[160];

	fputs(usage_line, stdout);
	for (size_t i = 0; i < table_main.n; i++) {
		const struct setting *s = &table_main.settings[i];
		if (!s->option) {
			continue;
		}
		fputs("  --", stdout);
		for (const char *c = s->name; *c; c++) {
			putchar(*c == '_' ? '-' : *c);
		}
		setting_range(s, range, sizeof range);
		printf(" %s\n      %s", s->option, s->about);
		if (*s->standard) {
			printf(" One of: %s; default %s.", range, s->standard);
		}
		putchar('\n');
	}
	fputs(rest, stdout);
	return OPTIONS_DONE;
}

static enum options_outcome options_print_config(const char *which)
{
	if (!which) {
		fputs("# mempoold.conf: what mempoold does. mempoold --check-config checks it.\n",
		      stdout);
		setting_print(&table_main, stdout);
		fputs("\n# Who may do what with pools whose names begin with camera.: users by "
		      "name or number, groups\n"
		      "# behind an @, * for anybody. Of the sections that name a pool and an "
		      "action, the one with the\n"
		      "# longest name decides. Where none does, the mode of the pool says who "
		      "opens it, its owner\n"
		      "# destroys it, and anybody creates it.\n"
		      "#[access camera.*]\n#create = root @video\n#write = @video\n#read = *\n"
		      "#observe = *\n#destroy = root\n",
		      stdout);
		return OPTIONS_DONE;
	}
	if (strcmp(which, "pool") != 0) {
		return options_usage("--print-config prints nothing called ", which);
	}
	fputs("# NAME.pool: a pool that mempoold makes when it starts.\n", stdout);
	setting_print(&table_pool, stdout);
	return OPTIONS_DONE;
}

static enum options_outcome options_check_instance(const char *name)
{
	return setting_is_instance(name)
		       ? OPTIONS_RUN
		       : options_usage("an instance is [a-z0-9_-]{1,32}, not ", name);
}

static enum options_outcome options_take(struct options *options, int option)
{
	switch (option) {
	case 's':
		options->socket = optarg;
		return *optarg ? OPTIONS_RUN : options_usage("--socket needs a path", "");
	case 'r':
		options->runtime_dir = optarg;
		return *optarg ? OPTIONS_RUN : options_usage("--runtime-dir needs a directory", "");
	case 'i':
		options->instance = optarg;
		return options_check_instance(optarg);
	case 'l':
		options->log_level_said = true;
		return log_parse_level(optarg, &options->log_level)
			       ? OPTIONS_RUN
			       : options_usage("no such log level: ", optarg);
	case 'c':
		options->config = optarg;
		return *optarg ? OPTIONS_RUN : options_usage("--config needs a file", "");
	case 'C':
		options->check = true;
		return OPTIONS_RUN;
	case 'V':
		options->verbose = true;
		return OPTIONS_RUN;
	case 'p':
		return options_print_config(optarg);
	case 'L':
		options->list = true;
		return OPTIONS_RUN;
	case 'j':
		options->json = true;
		return OPTIONS_RUN;
	case 'R':
		options->remove = optarg;
		return options_check_instance(optarg);
	case 'v':
		puts("mempoold " MP_VERSION);
		return OPTIONS_DONE;
	case 'h':
		return options_print_help();
	default:
		return options_usage("wrong usage", "");
	}
}

enum options_outcome options_parse(struct options *options, int argc, char **argv)
{
	int option;

	*options = (struct options){.log_level = LOG_LEVEL_INFO};
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		enum options_outcome outcome = options_take(options, option);
		if (outcome != OPTIONS_RUN) {
			return outcome;
		}
	}
	if (optind < argc) {
		return options_usage("unexpected argument ", argv[optind]);
	}
	if (options->verbose && !options->check) {
		return options_usage("--verbose goes with --check-config", "");
	}
	if (options->json && !options->list) {
		return options_usage("--json goes with --list-instances", "");
	}
	if (options->check + options->list + (options->remove != NULL) > 1) {
		return options_usage("it is either --check-config, --list-instances or "
				     "--remove-instance",
				     "");
	}
	return options->check    ? OPTIONS_CHECK
	       : options->list   ? OPTIONS_LIST
	       : options->remove ? OPTIONS_REMOVE
				 : OPTIONS_RUN;
}
