/* SPDX-License-Identifier: MIT */
/*
 * For a daemon that is started with this in LD_PRELOAD: each step between the socket's file and a
 * socket that listens takes its time, and the last one as long as the file $HELD_LISTENER is there.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VISIBLE __attribute__((visibility("default")))

VISIBLE int chmod(const char *path, mode_t mode)
{
	usleep(100000);
	return (int)syscall(SYS_fchmodat, AT_FDCWD, path, mode);
}

VISIBLE int listen(int fd, int backlog)
{
	const char *file = getenv("HELD_LISTENER");

	usleep(100000);
	while (file && access(file, F_OK) == 0) {
		usleep(1000);
	}
	return (int)syscall(SYS_listen, fd, backlog);
}
