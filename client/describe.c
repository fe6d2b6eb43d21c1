/* SPDX-License-Identifier: MIT */
/*
 * Prints what mempoolctl --help and mempoolctl COMMAND --help do, for the manual page. A program of
 * the machine that builds: mempoolctl may be for another. It links libc alone.
 */
#include <stdio.h>
#include <string.h>

#include "client/commands.h"
#include "client/complain.h"
#include "client/options.h"
#include "client/out.h"

int main(int argc, char **argv)
{
	const struct command *command = argc == 3 ? commands_find(argv[1]) : NULL;

	if (argc < 2 || argc > 3 || strcmp(argv[argc - 1], "--help") != 0 ||
	    (argc == 3 && command == NULL)) {
		complain("usage: describe [COMMAND] --help");
		return STATUS_USAGE;
	}
	if (command != NULL) {
		options_print_command_help(command);
	} else {
		options_print_help();
	}
	return out_finish() ? STATUS_DONE : STATUS_FAILED;
}
