/* SPDX-License-Identifier: MIT */
/*
 * Prints what mempoold --help and mempoold --print-config do, for manual pages and samples. A
 * program of the machine that builds: mempoold may be for another. It links libc alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config/options.h"

int main(int argc, char **argv)
{
	struct options options;

	if (options_parse(&options, argc, argv) != OPTIONS_DONE) {
		fputs("usage: describe --help | --print-config[=pool]\n", stderr);
		return EXIT_FAILURE;
	}
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
