/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/identity.h"
#include "daemon/base/procfs.h"

#ifndef PID_FS_MAGIC
#define PID_FS_MAGIC 0x50494446
#endif
/* Linux 6.11. */
#ifndef PIDFD_GET_PID_NAMESPACE
#define PIDFD_GET_PID_NAMESPACE _IO(0xFF, 5)
#endif
#ifndef PIDFD_GET_TIME_NAMESPACE
#define PIDFD_GET_TIME_NAMESPACE _IO(0xFF, 7)
#endif

bool identity_has_died(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return poll(&p, 1, 0) > 0; /* a poll that fails says nothing */
}

int identity_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0u);

	if (fd >= 0) {
		return fd;
	}
	/* EINVAL, ENOENT: the number is a mere thread's by now. */
	return errno == EINVAL || errno == ENOENT ? -ESRCH : -errno;
}

/* How many numbers we have ourselves, as procfs_count_numbers() counts them. */
static unsigned identity_count_own(void)
{
	static unsigned count;
	int pidfd = count == 0 ? identity_open(getpid()) : -1;

	if (pidfd >= 0) {
		count = procfs_count_numbers(pidfd);
		close(pidfd);
	}
	return count;
}

bool identity_is_below(int pidfd)
{
	unsigned own = identity_count_own(), n = procfs_count_numbers(pidfd);

	return own != 0 && n > own;
}

/* The inode of one of our namespaces, by /proc or by our own pidfd. 0: the kernel does not tell. */
static uint64_t identity_namespace(const char *path, unsigned long request)
{
	struct stat st;
	int pidfd, fd;
	bool told;

	if (stat(path, &st) == 0) {
		return st.st_ino;
	}
	pidfd = identity_open(getpid());
	fd = pidfd < 0 ? -1 : ioctl(pidfd, request, 0);
	told = fd >= 0 && fstat(fd, &st) == 0;
	if (fd >= 0) {
		close(fd);
	}
	if (pidfd >= 0) {
		close(pidfd);
	}
	return told ? st.st_ino : 0;
}

uint32_t identity_here(void)
{
	static uint32_t here;
	uint64_t pids, times;

	if (here == 0) {
		pids = identity_namespace("/proc/self/ns/pid", PIDFD_GET_PID_NAMESPACE);
		times = identity_namespace("/proc/self/ns/time", PIDFD_GET_TIME_NAMESPACE);
		if (pids != 0) { /* there are no time namespaces before Linux 5.6 */
			here = (uint32_t)((pids * 0x9e3779b97f4a7c15u + times) *
						  0x9e3779b97f4a7c15u >>
					  32) |
			       1;
		}
	}
	return here;
}

uint64_t identity_number(int pidfd, pid_t pid)
{
	uint64_t number;
	struct statfs fs;
	struct stat st;

	if (fstatfs(pidfd, &fs) == 0 && fs.f_type == PID_FS_MAGIC && fstat(pidfd, &st) == 0) {
		return st.st_ino | IDENTITY_PIDFD;
	}
	/* Alive after /proc was read: then what was read is this process's. */
	if (procfs_start_time(pid, &number) < 0 || identity_has_died(pidfd)) {
		return 0;
	}
	return number;
}

enum identity_look identity_look(const struct identity *identity, int *pidfd)
{
	bool here = identity->where != 0 && identity->where == identity_here();
	int fd = identity->pid > 0 ? identity_open(identity->pid) : -ESRCH;
	uint64_t number;

	if (fd < 0) {
		return fd == -ESRCH && here ? IDENTITY_GONE : IDENTITY_HIDDEN;
	}
	number = identity_number(fd, identity->pid);
	/* The inode of a pidfd is the same in all namespaces; when a process began is not. */
	if (number != 0 && number == identity->number && (here || number & IDENTITY_PIDFD)) {
		*pidfd = fd;
		return IDENTITY_FOUND;
	}
	close(fd);
	/* Both are known, and of one kind. */
	return here && number != 0 && identity->number != 0 &&
			       !((number ^ identity->number) & IDENTITY_PIDFD)
		       ? IDENTITY_GONE
		       : IDENTITY_HIDDEN;
}
