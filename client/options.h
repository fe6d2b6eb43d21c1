/* SPDX-License-Identifier: MIT */
/*
 * The command line: options of the whole tool, then a command, then that command's arguments and
 * options in any order. The help texts come from the same tables.
 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <stdbool.h>

struct call;
struct command;

/*
 * Parses what stands before the command. Returns the command's place in @argv (@argc when there is
 * none), or -1 after complaining.
 */
int options_parse(struct call *call, int argc, char **argv);

/* Parses what follows the command, which is argv[0]. Returns false after complaining. */
bool options_parse_command(struct call *call, int argc, char **argv);

/* @commands ends with NULL. */
void options_print_help(const struct command *const *commands);
void options_print_command_help(const struct command *command);

#endif
