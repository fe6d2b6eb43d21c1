/* SPDX-License-Identifier: MIT */
/*
 * The command line: options of mempoolctl, then a command, then arguments and options of that
 * command in any order. Parser and help texts read the same tables.
 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <stdbool.h>

struct call;
struct command;

/*
 * Parses the options before the command. Returns the index of the command in @argv, or @argc if
 * there is none. When an option is wrong, complains and returns -1.
 */
int options_parse(struct call *call, int argc, char **argv);

/*
 * Parses what follows the command, which is argv[0]. When something is wrong, complains and returns
 * false.
 */
bool options_parse_command(struct call *call, int argc, char **argv);

void options_print_help(void);
void options_print_command_help(const struct command *command);

#endif
