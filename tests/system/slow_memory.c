/* SPDX-License-Identifier: MIT */
/*
 * Memory that takes its time, for a daemon that is started with this in LD_PRELOAD and without
 * io_uring: as long as the file $SLOW_MEMORY is there, its thread reserves no pages; once it is
 * gone there are none left, if the file $FULL_MEMORY is there. Pages are given back slowly as long
 * as the file $SLOW_RETURN is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Whether the environment names that file and it is there. */
static int is_there(const char *variable)
{
	const char *file = getenv(variable);

	return file && access(file, F_OK) == 0;
}

__attribute__((visibility("default"))) int fallocate(int fd, int mode, off_t at, off_t size)
{
	if (mode == 0 && gettid() != getpid()) {
		while (is_there("SLOW_MEMORY")) {
			usleep(1000);
		}
		if (is_there("FULL_MEMORY")) {
			errno = ENOSPC;
			return -1;
		}
	}
	if (mode != 0 && is_there("SLOW_RETURN")) {
		usleep(30000);
	}
	return (int)syscall(SYS_fallocate, fd, mode, at, size);
}
