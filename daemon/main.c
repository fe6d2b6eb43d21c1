/* SPDX-License-Identifier: MIT */
/*
 * mempoold: makes, names and watches over memory pools. Where to start reading: server.h for the
 * parts, store/registry.c for what survives a daemon, request/request.c for what clients may ask,
 * session/death.c and seat/reclaim.c for what happens when they die.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/check.h"
#include "daemon/store/keeper.h"
#include "daemon/config/options.h"
#include "daemon/instances.h"
#include "daemon/remove.h"
#include "daemon/server.h"

#define EXIT_USAGE 2

/*
 * Opens /dev/null for 0, 1 and 2 where they are closed: else registry or socket would get such a
 * number, and log lines would go there.
 */
static void fill_standard_fds(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0) {
		close(fd);
	}
}

int main(int argc, char **argv)
{
	static struct server server;
	struct options options;
	int r;

	if (keeper_is_called(argv)) {
		keeper_run(argv);
	}
	fill_standard_fds();
	keeper_allow();
	switch (options_parse(&options, argc, argv)) {
	case OPTIONS_DONE:
		return EXIT_SUCCESS;
	case OPTIONS_CHECK:
		return check_config(&options);
	case OPTIONS_LIST:
		return instances_print(options.json);
	case OPTIONS_REMOVE:
		return remove_instance(options.remove);
	case OPTIONS_USAGE:
		return EXIT_USAGE;
	case OPTIONS_RUN:
	default:
		break;
	}
	log_set_level(options.log_level);
	r = server_start(&server, &options);
	if (r == 0) {
		r = server_run(&server);
	}
	if (r < 0) {
		manager_failed(&server.manager, r);
	}
	server_stop(&server);
	if (!server.is_quiet) {
		_exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS); /* at once, whatever a thread is at */
	}
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
