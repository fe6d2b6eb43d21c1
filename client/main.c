/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl shows and manages the pools of mempoold. The table of commands is in commands.c; each
 * command has a file of its own.
 */
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <mempool/mempool.h>

#include "client/call.h"
#include "client/commands.h"
#include "client/complain.h"
#include "client/options.h"
#include "client/out.h"
#include "client/refusal.h"

static enum status (*const runs[COMMANDS_N])(struct call *call) = {
	[COMMAND_LIST] = list_run,         [COMMAND_SHOW] = show_run,
	[COMMAND_CLIENTS] = clients_run,   [COMMAND_BLOCKS] = blocks_run,
	[COMMAND_CHANNELS] = channels_run, [COMMAND_CREATE] = create_run,
	[COMMAND_GROW] = grow_run,         [COMMAND_PURGE] = purge_run,
	[COMMAND_DESTROY] = destroy_run,   [COMMAND_CHECK] = check_run,
	[COMMAND_MPSTAT] = mpstat_run,     [COMMAND_STATUS] = status_run,
};

bool call_connect(struct call *call)
{
	int r = mempool_connect(&call->conn, call->socket);

	if (r < 0) {
		refusal_complain(r, "cannot reach mempoold");
	}
	return r == 0;
}

/* Answers --version, and --help of mempoolctl or of a command. */
static enum status main_print_about(const struct call *call)
{
	if (call->version) {
		out_print("mempoolctl %s\n", mempool_version());
	} else if (call->command != NULL) {
		options_print_command_help(call->command);
	} else {
		options_print_help();
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
	call->command = commands_find(argv[at]);
	if (call->command == NULL) {
		complain("there is no command \"%s\"; see mempoolctl --help", argv[at]);
		return STATUS_USAGE;
	}
	if (!options_parse_command(call, argc - at, argv + at)) {
		return STATUS_USAGE;
	}
	return call->help || call->version ? main_print_about(call)
					   : runs[call->command - commands](call);
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
