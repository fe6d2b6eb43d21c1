/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/procfs.h"

#define START_TIME_FIELD 22 /* of /proc/PID/stat, counted from 1 */

/* Reads a small file of a process into a terminated buffer. Returns its length or -errno. */
static ssize_t procfs_read_file(pid_t pid, const char *file, char *buffer, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	n = read(fd, buffer, size - 1);
	if (n < 0) {
		n = -errno;
	}
	close(fd);
	buffer[n < 0 ? 0 : n] = 0;
	return n;
}

int procfs_start_time(pid_t pid, uint64_t *start_time)
{
	char text[1024];
	ssize_t n = procfs_read_file(pid, "stat", text, sizeof text);
	/* The second field is the name in parentheses, and may hold anything. */
	const char *at = n < 0 ? NULL : strrchr(text, ')');

	if (n < 0) {
		return (int)n;
	}
	for (int field = 2; at && field < START_TIME_FIELD; field++) {
		at = strchr(at + 1, ' ');
	}
	if (!at) {
		return -ESRCH;
	}
	*start_time = strtoull(at + 1, NULL, 10);
	return 0;
}

void procfs_comm(pid_t pid, char *comm, size_t size)
{
	if (procfs_read_file(pid, "comm", comm, size) < 0) {
		comm[0] = 0;
	}
	comm[strcspn(comm, "\n")] = 0;
}
