/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/procfs.h"

#define START_TIME_FIELD 22 /* of /proc/PID/stat, counted from 1 */

/* Reads a small file into a terminated buffer. Returns its length or -errno. */
static ssize_t procfs_read(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

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

static ssize_t procfs_read_of(pid_t pid, const char *file, char *buffer, size_t size)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	return procfs_read(path, buffer, size);
}

int procfs_start_time(pid_t pid, uint64_t *start_time)
{
	char text[1024];
	ssize_t n = procfs_read_of(pid, "stat", text, sizeof text);
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

unsigned procfs_count_numbers(int pidfd)
{
	char path[48], text[1024];
	const char *at;
	unsigned n = 0;

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pidfd);
	at = procfs_read(path, text, sizeof text) < 0 ? NULL : strstr(text, "\nNSpid:\t");
	if (!at || strtol(at + strlen("\nNSpid:\t"), NULL, 10) <= 0) {
		return 0; /* it has died, or is in none of those namespaces */
	}
	for (at += strlen("\nNSpid:"); *at == '\t'; n++) {
		at += 1 + strspn(at + 1, "0123456789");
	}
	return n;
}

void procfs_comm(pid_t pid, char *comm, size_t size)
{
	if (procfs_read_of(pid, "comm", comm, size) < 0) {
		comm[0] = 0;
	}
	comm[strcspn(comm, "\n")] = 0;
}
