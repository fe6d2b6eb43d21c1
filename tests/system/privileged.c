/* SPDX-License-Identifier: MIT */
/*
 * privileged PID: to be run as a set-user-ID program. Exit status 1 when the environment leads it
 * to the daemon of that pid, 77 when it is not privileged.
 */
#include <stdlib.h>
#include <sys/auxv.h>

#include <mempool/admin.h>

int main(int argc, char **argv)
{
	struct mempool_conn *conn;
	struct mempool_daemon info;

	if (argc < 2 || !getauxval(AT_SECURE)) {
		return 77;
	}
	return mempool_connect(&conn, NULL) == 0 && mempool_daemon(conn, &info) == 0 &&
	       info.pid == atoi(argv[1]);
}
