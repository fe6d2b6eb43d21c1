/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/figures.h"
#include "tests/bench/options.h"

static unsigned number(const char *text, unsigned max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end != '\0' || value < 1 || value > max) {
		fprintf(stderr, "%s: '%s' is no number from 1 to %u\n",
			program_invocation_short_name, text, max);
		exit(2);
	}
	return (unsigned)value;
}

static void add_only(struct options *options, const char *name)
{
	if (options->n_only == OPTIONS_ONLY_MAX) {
		fprintf(stderr, "%s: --only up to %d times\n", program_invocation_short_name,
			OPTIONS_ONLY_MAX);
		exit(2);
	}
	options->only[options->n_only++] = name;
}

void options_parse(struct options *options, int argc, char **argv, const char *usage)
{
	static const struct option known[] = {
		{"repeats", required_argument, NULL, 'r'},
		{"slice", required_argument, NULL, 's'},
		{"quick", no_argument, NULL, 'q'},
		{"help", no_argument, NULL, 'h'},
		{"mempoold", required_argument, NULL, 'm'},
		{"only", required_argument, NULL, 'o'},
		{0},
	};
	int c;

	*options = (struct options){.repeats = 7, .slice_ms = 30};
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'r':
			options->repeats = number(optarg, FIGURES_MAX);
			break;
		case 's':
			options->slice_ms = number(optarg, 10000);
			break;
		case 'q':
			options->repeats = 3;
			options->slice_ms = 10;
			break;
		case 'o':
			add_only(options, optarg);
			break;
		case 'm':
			setenv("MEMPOOLD", optarg, 1);
			break;
		default:
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
}

bool options_ask_for(const struct options *options, const char *name)
{
	bool found = options->n_only == 0;

	for (unsigned i = 0; i < options->n_only; i++) {
		found = found || strcmp(options->only[i], name) == 0;
	}
	return found;
}
