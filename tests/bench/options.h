/* SPDX-License-Identifier: MIT */
/*
 * Options: those that bench, handoff and spread have in common.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>

enum { OPTIONS_ONLY_MAX = 8 };

struct options {
	unsigned repeats;
	unsigned slice_ms;
	const char *only[OPTIONS_ONLY_MAX]; /* contestants; none: all */
	unsigned n_only;
};

/* What --help says of them. */
#define OPTIONS_USAGE                                                           \
	"  --repeats N       slices of each figure, 1 to 99 (7)\n"              \
	"  --slice MS        length of a slice, about (30)\n"                   \
	"  --quick           3 repeats of 10 ms\n"                              \
	"  --only NAME       of the contestants, not all; as often as wanted\n" \
	"  --mempoold PATH   the daemon to start ($MEMPOOLD, or the one of this build)\n"

/* Reads them, defaults included; prints @usage and exits when that is asked for, or needed. */
void options_parse(struct options *options, int argc, char **argv, const char *usage);

/* Whether the contestant @name is to be measured. */
bool options_ask_for(const struct options *options, const char *name);

#endif
