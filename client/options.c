/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/complain.h"
#include "client/options.h"
#include "client/out.h"

#define COMMON 4        /* options every command takes */
#define FIRST_FLAG 1000 /* what getopt returns for a command's first flag */
#define OPTIONS_MAX (COMMON + 2 * CALL_FLAGS_MAX + 1)

static const struct option common[COMMON] = {
	{"socket", required_argument, NULL, 's'},
	{"json", no_argument, NULL, 'j'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
};

/*
 * Takes an option that every command has. Returns false for any other, of which getopt has
 * complained, and for a path that is none.
 */
static bool options_take_common(struct call *call, int option)
{
	switch (option) {
	case 's':
		call->socket = optarg;
		if (*optarg == '\0') {
			complain("--socket needs a path");
		}
		return *optarg != '\0';
	case 'j':
		call->json = true;
		return true;
	case 'h':
		call->help = true;
		return true;
	case 'V':
		call->version = true;
		return true;
	default:
		return false;
	}
}

int options_parse(struct call *call, int argc, char **argv)
{
	struct option options[COMMON + 1] = {0};
	int option;

	memcpy(options, common, sizeof(common));
	while ((option = getopt_long(argc, argv, "+hV", options, NULL)) != -1) {
		if (!options_take_common(call, option)) {
			complain("see mempoolctl --help");
			return -1;
		}
	}
	return optind;
}

static void options_list(const struct command *command, struct option options[OPTIONS_MAX])
{
	struct option *option = options + COMMON;

	memcpy(options, common, sizeof(common));
	for (const struct flag *flag = command->flags; flag != NULL && flag->name != NULL; flag++) {
		*option = (struct option){
			.name = flag->name,
			.has_arg = flag->value != NULL ? required_argument : no_argument,
			.val = FIRST_FLAG + (int)(flag - command->flags),
		};
		option++;
		if (flag->also != NULL) {
			*option = option[-1];
			option->name = flag->also;
			option++;
		}
	}
}

static bool options_check_names(const struct call *call)
{
	const struct command *command = call->command;

	if (call->help || call->version) {
		return true;
	}
	if (call->n_names > command->max_names) {
		complain("%s: \"%s\" is one argument too many; see mempoolctl %s --help",
			 command->name, call->names[command->max_names], command->name);
		return false;
	}
	if (call->n_names < command->min_names) {
		complain("%s: the pool's name is missing; see mempoolctl %s --help", command->name,
			 command->name);
		return false;
	}
	return true;
}

/*
 * With "-", getopt returns each argument that is no option, in order, whatever POSIXLY_CORRECT
 * says. They are collected at the front of @argv, over what has been read already.
 */
bool options_parse_command(struct call *call, int argc, char **argv)
{
	static char program[] = "mempoolctl";
	struct option options[OPTIONS_MAX] = {0};
	int option;

	argv[0] = program;
	optind = 0;
	options_list(call->command, options);
	call->names = argv + 1;
	while ((option = getopt_long(argc, argv, "-hV", options, NULL)) != -1) {
		if (option == 1) {
			call->names[call->n_names++] = optarg;
		} else if (option >= FIRST_FLAG) {
			call->values[option - FIRST_FLAG] = optarg != NULL ? optarg : "";
		} else if (!options_take_common(call, option)) {
			complain("see mempoolctl %s --help", call->command->name);
			return false;
		}
	}
	while (optind < argc) {
		call->names[call->n_names++] = argv[optind++];
	}
	return options_check_names(call);
}

static void options_print_flag(const char *name, const char *value, const char *help)
{
	char left[40];

	snprintf(left, sizeof(left), "--%s%s%s", name, value != NULL ? " " : "",
		 value != NULL ? value : "");
	out_print("  %-24s %s\n", left, help);
}

static void options_print_common(void)
{
	options_print_flag("socket", "PATH",
			   "the daemon's socket (default: $MEMPOOL_SOCKET, else the");
	out_print("  %-24s %s\n", "", "user's daemon's, else the system's)");
	options_print_flag("json", NULL, "print JSON, for programs");
	options_print_flag("help", NULL, "print this and exit");
	options_print_flag("version", NULL, "print the version and exit");
}

void options_print_help(void)
{
	out_print("Usage: mempoolctl [--socket PATH] [--json] COMMAND [ARGUMENT...]\n"
		  "Show and manage the memory pools of mempoold.\n\n"
		  "Commands:\n");
	for (int i = 0; i < COMMANDS_N; i++) {
		const struct command *command = &commands[i];
		char left[40];

		snprintf(left, sizeof(left), "%s %s", command->name, command->arguments);
		out_print("  %-24s %s\n", left, command->about);
	}
	out_print("\nOptions:\n");
	options_print_common();
	out_print("\nEach command has its own --help. Exit status: 0: the command did its work; 1: "
		  "the\ndaemon refused, or a check found a fault; 2: the command line is wrong.\n");
}

void options_print_command_help(const struct command *command)
{
	out_print("Usage: mempoolctl %s", command->name);
	if (command->arguments[0] != '\0') {
		out_print(" %s", command->arguments);
	}
	if (command->required != NULL) {
		out_print(" %s", command->required);
	}
	out_print("%s\n%c%s.\n\nOptions:\n", command->flags != NULL ? " [OPTION...]" : "",
		  toupper(command->about[0]), command->about + 1);
	for (const struct flag *flag = command->flags; flag != NULL && flag->name != NULL; flag++) {
		options_print_flag(flag->name, flag->value, flag->help);
	}
	options_print_common();
}
