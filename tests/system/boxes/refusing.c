/* SPDX-License-Identifier: MIT */
/*
 * Executes a program to which the kernel refuses system calls, as containers' filters do.
 *
 * usage: refusing CALL... -- PROGRAM [ARGUMENT...]
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/refuse.h"

static const struct {
	const char *name;
	unsigned number, error;
} calls[] = {
	{"clone3", SYS_clone3, ENOSYS},
	{"io_uring_setup", SYS_io_uring_setup, EPERM},
	{"mbind", SYS_mbind, EPERM},
	{"membarrier", SYS_membarrier, EPERM},
	{"memfd_create", SYS_memfd_create, EPERM},
	{"mount", SYS_mount, EPERM},
	{"pidfd_getfd", SYS_pidfd_getfd, EPERM},
	{"pidfd_open", SYS_pidfd_open, EPERM},
	{"ptrace", SYS_ptrace, EPERM},
	{"setns", SYS_setns, EPERM},
	{"unshare", SYS_unshare, EPERM},
};

static int refuse_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		if (!strcmp(name, calls[i].name)) {
			return refuse_call(calls[i].number, calls[i].error);
		}
	}
	errno = EINVAL;
	return -1;
}

int main(int argc, char **argv)
{
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (refuse_by_name(argv[i]) != 0) {
			fprintf(stderr, "refusing: %s: %s\n", argv[i], strerror(errno));
			return 2;
		}
	}
	if (i + 1 >= argc) {
		fprintf(stderr, "refusing: there is no program\n");
		return 2;
	}
	execv(argv[i + 1], argv + i + 1);
	fprintf(stderr, "refusing: %s: %s\n", argv[i + 1], strerror(errno));
	return 2;
}
