/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl shows and manages the pools of mempoold. This file has the table of commands; each
 * command has a file of its own.
 */
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <mempool/mempool.h>

#include "client/call.h"
#include "client/complain.h"
#include "client/options.h"
#include "client/out.h"
#include "client/refusal.h"

static const struct command *const commands[] = {
	&list_command,
	&show_command,
	&clients_command,
	&blocks_command,
	&channels_command,
	&create_command,
	&grow_command,
	&purge_command,
	&destroy_command,
	&check_command,
	&mpstat_command,
	&status_command,
	NULL,
};

bool call_connect(struct call *call)
{
	int r = mempool_connect(&call->conn, call->socket);

	if (r < 0) {
		refusal_complain(r, "cannot reach mempoold");
	}
	return r == 0;
}

static const struct command *main_find_command(const char *name)
{
	for (int i = 0; commands[i] != NULL; i++) {
		if (strcmp(commands[i]->name, name) == 0) {
			return commands[i];
		}
	}
	complain("there is no command \"%s\"; see mempoolctl --help", name);
	return NULL;
}

/* Answers --version, and --help of mempoolctl or of a command. */
static enum status main_print_about(const struct call *call)
{
	if (call->version) {
		out_print("mempoolctl %s\n", mempool_version());
	} else if (call->command != NULL) {
		options_print_command_help(call->command);
	} else {
		options_print_help(commands);
	}
	return STATUS_DONE;
}

static enum status main_run(struct call *call, int argc, char **argv)
{
	int at = options_parse(call, argc, argv);

	if (at < 0) {
		return STATUS_USAGE;
	}
	if (call->help || call->version) {
		return main_print_about(call);
	}
	if (at >= argc) {
		complain("a command is missing; see mempoolctl --help");
		return STATUS_USAGE;
	}
	call->command = main_find_command(argv[at]);
	if (call->command == NULL || !options_parse_command(call, argc - at, argv + at)) {
		return STATUS_USAGE;
	}
	return call->help || call->version ? main_print_about(call) : call->command->run(call);
}

/*
 * Opens descriptors 0, 1 and 2 if the caller left them closed. Otherwise the socket or a pool would
 * get such a number, and output would be written to it. /dev/null is opened read-only, so that a
 * write still fails.
 */
static void main_fill_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0) {
		close(fd);
	}
}

int main(int argc, char **argv)
{
	static char program[] = "mempoolctl";
	struct call call = {0};

	main_fill_standard_fds();
	signal(SIGPIPE, SIG_IGN);
	if (argc > 0) {
		argv[0] = program;
	}

	enum status status = main_run(&call, argc, argv);

	mempool_disconnect(call.conn);
	if (!out_finish() && status == STATUS_DONE) {
		status = STATUS_FAILED;
	}
	return status;
}
