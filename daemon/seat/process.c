/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/base/procfs.h"
#include "daemon/base/loop.h"
#include "daemon/base/manager.h"
#include "daemon/seat/process.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define BACKOFF_MAX_MS 1000u

void process_destroy(struct process *process)
{
	LIST_REMOVE(process, of_bucket);
	evtimer_del(&process->test);
	if (process->pidfd >= 0) {
		event_del(&process->death);
		close(process->pidfd);
	}
	if (process->stored && !process->seats->loop->ended) {
		manager_forget_pidfd(process->seats->manager, process->pid, process->start_time);
	}
	free(process);
}

void process_settle(struct process *process)
{
	uint32_t ms = process->backoff_ms;

	if (process->dying) {
		return;
	}
	if (!LIST_EMPTY(&process->sessions)) {
		evtimer_del(&process->test);
		process->backoff_ms = 0;
	} else if (LIST_EMPTY(&process->attachments)) {
		evtimer_add(&process->test, &(struct timeval){0}); /* which frees it */
	} else if (!evtimer_pending(&process->test, NULL)) {
		struct timeval after = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
		evtimer_add(&process->test, &after);
		ms = ms == 0 ? 1 : 2 * ms;
		process->backoff_ms = ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
	}
}

static struct process *process_find(struct seats *seats, pid_t pid, uint64_t start_time)
{
	struct process *p;

	LIST_FOREACH(p, &seats->processes[pid % SEATS_PROCESS_BUCKETS], of_bucket)
	{
		if (p->pid == pid && p->start_time == start_time && !p->dying) {
			return p;
		}
	}
	return NULL;
}

/* @pidfd becomes the process's. */
static struct process *process_create(struct seats *seats, pid_t pid, uint64_t start_time,
				      int pidfd)
{
	struct process *process = calloc(1, sizeof *process);

	if (!process) {
		return NULL;
	}
	process->seats = seats;
	process->pid = pid;
	process->start_time = start_time;
	process->pidfd = pidfd;
	evtimer_assign(&process->test, seats->loop->base, seats->on_process_test, process);
	event_assign(&process->death, seats->loop->base, pidfd, EV_READ | EV_PERSIST,
		     seats->on_process_death, process);
	if (pidfd >= 0 && event_add(&process->death, NULL) < 0) {
		free(process);
		return NULL;
	}
	LIST_INSERT_HEAD(&seats->processes[pid % SEATS_PROCESS_BUCKETS], process, of_bucket);
	return process;
}

/* Finds or makes. @pidfd is used or closed. */
static int process_get(struct seats *seats, pid_t pid, uint64_t start_time, int pidfd,
		       struct process **process)
{
	*process = process_find(seats, pid, start_time);
	if (*process) {
		if (pidfd >= 0) {
			close(pidfd);
		}
		return 0;
	}
	*process = process_create(seats, pid, start_time, pidfd);
	if (!*process) {
		if (pidfd >= 0) {
			close(pidfd);
		}
		return -ENOMEM;
	}
	return 0;
}

static bool process_has_died(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	return poll(&p, 1, 0) != 0;
}

static int process_open_pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0u);

	if (fd >= 0) {
		return fd;
	}
	/* EINVAL, ENOENT: the number is a mere thread's by now. */
	return errno == EINVAL || errno == ENOENT ? -ESRCH : -errno;
}

/* The pidfd of a socket's peer; by its number where the kernel is older than 6.5. */
static int process_open_peer_pidfd(int socket, pid_t pid)
{
	int fd;
	socklen_t size = sizeof fd;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0) {
		return fd;
	}
	return errno == ENOPROTOOPT ? process_open_pidfd(pid) : -errno;
}

int process_of_peer(struct seats *seats, int socket, pid_t pid, struct process **process)
{
	uint64_t start_time;
	int pidfd, r;

	if (pid == 0) {
		return process_get(seats, 0, 0, -1, process);
	}
	pidfd = process_open_peer_pidfd(socket, pid);
	if (pidfd < 0) {
		return pidfd;
	}
	r = procfs_start_time(pid, &start_time);
	/* Alive after /proc was read: then what was read is this process's. */
	if (r == 0 && process_has_died(pidfd)) {
		r = -ESRCH;
	}
	if (r < 0) {
		close(pidfd);
		return r;
	}
	return process_get(seats, pid, start_time, pidfd, process);
}

void process_store(struct process *process)
{
	if (!process->stored && process->pidfd >= 0) {
		process->stored = true;
		manager_store_pidfd(process->seats->manager, process->pid, process->start_time,
				    process->pidfd);
	}
}

/* The watch of a process whose pidfd the service manager had. */
static int process_restore(struct seats *seats, pid_t pid, uint64_t start_time, int pidfd,
			   struct process **process)
{
	int r;

	if (process_has_died(pidfd)) {
		close(pidfd);
		manager_forget_pidfd(seats->manager, pid, start_time);
		return -ESRCH;
	}
	r = process_get(seats, pid, start_time, pidfd, process);
	if (r == 0) {
		(*process)->stored = true;
	}
	return r;
}

int process_of_record(struct seats *seats, pid_t pid, uint64_t start_time, struct process **process)
{
	uint64_t found;
	int pidfd = manager_take_pidfd(seats->manager, pid, start_time);
	int r;

	if (pidfd >= 0) {
		/* Of that process and no other, whatever became of its number. */
		return process_restore(seats, pid, start_time, pidfd, process);
	}
	pidfd = process_open_pidfd(pid);
	if (pidfd == -ESRCH) {
		return pidfd;
	}
	r = procfs_start_time(pid, &found);
	if (r == -ENOENT || r == -ESRCH || (r == 0 && found != start_time)) {
		r = -ESRCH;
	} else {
		/* Alive, or not to be told: then its locks will tell. */
		r = 0;
	}
	if (r < 0) {
		if (pidfd >= 0) {
			close(pidfd);
		}
		return r;
	}
	return process_get(seats, pid, start_time, pidfd < 0 ? -1 : pidfd, process);
}

void process_finish(struct seats *seats)
{
	for (int i = 0; i < SEATS_PROCESS_BUCKETS; i++) {
		while (!LIST_EMPTY(&seats->processes[i])) {
			process_destroy(LIST_FIRST(&seats->processes[i]));
		}
	}
}
