/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/seat/attachment.h"
#include "daemon/base/log.h"
#include "daemon/base/procfs.h"
#include "daemon/server.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

#define BACKOFF_MAX_MS 1000u
#define TESTS_A_LOOK 32u /* at the clock */

static void process_destroy(struct process *process)
{
	LIST_REMOVE(process, of_bucket);
	evtimer_del(&process->test);
	if (process->pidfd >= 0) {
		event_del(&process->death);
		close(process->pidfd);
	}
	if (process->stored && !process->server->loop.ended) {
		manager_forget_pidfd(&process->server->manager, process->pid, process->start_time);
	}
	free(process);
}

/* The process has gone: so have its attachments, and nobody may speak for it any more. */
static void process_die(struct process *process)
{
	process->ending = true;
	log_debug("pid %d: died", (int)process->pid);
	while (!LIST_EMPTY(&process->attachments)) {
		attachment_die(LIST_FIRST(&process->attachments));
	}
	while (!LIST_EMPTY(&process->sessions)) {
		session_close(LIST_FIRST(&process->sessions));
	}
	process_destroy(process);
}

static void on_death(evutil_socket_t fd, short what, void *arg)
{
	struct process *process = arg;
	struct server *server = process->server;

	(void)fd;
	(void)what;
	slice_begin(&server->loop.slice);
	process_die(process);
	reclaim_run(&server->reclaim);
	slice_end(&server->loop.slice);
}

/*
 * Buries the attachments whose lock is free. When there are more than can be tested in a slice, the
 * sweep comes to the others.
 */
static void test_locks(struct process *process)
{
	const struct slice *slice = &process->server->loop.slice;
	struct attachment *a = LIST_FIRST(&process->attachments), *next;

	for (uint32_t i = 0; a; a = next, i++) {
		if (i % TESTS_A_LOOK == 0 && (slice_over(slice) || slice_turn_over(slice))) {
			break;
		}
		next = LIST_NEXT(a, of_process);
		attachment_test(a);
	}
}

static void on_test(evutil_socket_t fd, short what, void *arg)
{
	struct process *process = arg;
	struct server *server = process->server;

	(void)fd;
	(void)what;
	slice_begin(&server->loop.slice);
	test_locks(process);
	if (LIST_EMPTY(&process->sessions) && LIST_EMPTY(&process->attachments)) {
		process_destroy(process);
	} else {
		process_settle(process);
	}
	reclaim_run(&server->reclaim);
	slice_end(&server->loop.slice);
}

void process_settle(struct process *process)
{
	uint32_t ms = process->backoff_ms;

	if (process->ending) {
		return;
	}
	if (!LIST_EMPTY(&process->sessions)) {
		evtimer_del(&process->test);
		process->backoff_ms = 0;
	} else if (LIST_EMPTY(&process->attachments)) {
		evtimer_add(&process->test, &(struct timeval){0}); /* on_test() frees it */
	} else if (!evtimer_pending(&process->test, NULL)) {
		struct timeval after = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
		evtimer_add(&process->test, &after);
		ms = ms == 0 ? 1 : 2 * ms;
		process->backoff_ms = ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
	}
}

static struct process *process_find(struct server *server, pid_t pid, uint64_t start_time)
{
	struct process *p;

	LIST_FOREACH(p, &server->processes.buckets[pid % PROCESS_BUCKETS], of_bucket)
	{
		if (p->pid == pid && p->start_time == start_time && !p->ending) {
			return p;
		}
	}
	return NULL;
}

/* @pidfd becomes the process's. */
static struct process *process_create(struct server *server, pid_t pid, uint64_t start_time,
				      int pidfd)
{
	struct process *process = calloc(1, sizeof *process);

	if (!process) {
		return NULL;
	}
	process->server = server;
	process->pid = pid;
	process->start_time = start_time;
	process->pidfd = pidfd;
	evtimer_assign(&process->test, server->loop.base, on_test, process);
	event_assign(&process->death, server->loop.base, pidfd, EV_READ | EV_PERSIST, on_death,
		     process);
	if (pidfd >= 0 && event_add(&process->death, NULL) < 0) {
		free(process);
		return NULL;
	}
	LIST_INSERT_HEAD(&server->processes.buckets[pid % PROCESS_BUCKETS], process, of_bucket);
	return process;
}

/* Finds or makes. @pidfd is used or closed. */
static int process_get(struct server *server, pid_t pid, uint64_t start_time, int pidfd,
		       struct process **process)
{
	*process = process_find(server, pid, start_time);
	if (*process) {
		if (pidfd >= 0) {
			close(pidfd);
		}
		return 0;
	}
	*process = process_create(server, pid, start_time, pidfd);
	if (!*process) {
		if (pidfd >= 0) {
			close(pidfd);
		}
		return -ENOMEM;
	}
	return 0;
}

static bool has_died(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	return poll(&p, 1, 0) != 0;
}

static int open_pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0u);

	if (fd >= 0) {
		return fd;
	}
	/* EINVAL, ENOENT: the number is a mere thread's by now. */
	return errno == EINVAL || errno == ENOENT ? -ESRCH : -errno;
}

/* The pidfd of a socket's peer; by its number where the kernel is older than 6.5. */
static int open_peer_pidfd(int socket, pid_t pid)
{
	int fd;
	socklen_t size = sizeof fd;

	if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0) {
		return fd;
	}
	return errno == ENOPROTOOPT ? open_pidfd(pid) : -errno;
}

int process_of_peer(struct server *server, int socket, pid_t pid, struct process **process)
{
	uint64_t start_time;
	int pidfd, r;

	if (pid == 0) {
		return process_get(server, 0, 0, -1, process);
	}
	pidfd = open_peer_pidfd(socket, pid);
	if (pidfd < 0) {
		return pidfd;
	}
	r = procfs_start_time(pid, &start_time);
	/* Alive after /proc was read: then what was read is this process's. */
	if (r == 0 && has_died(pidfd)) {
		r = -ESRCH;
	}
	if (r < 0) {
		close(pidfd);
		return r;
	}
	return process_get(server, pid, start_time, pidfd, process);
}

void process_store(struct process *process)
{
	if (!process->stored && process->pidfd >= 0) {
		process->stored = true;
		manager_store_pidfd(&process->server->manager, process->pid, process->start_time,
				    process->pidfd);
	}
}

/* The watch of a process whose pidfd the service manager had. */
static int process_restore(struct server *server, pid_t pid, uint64_t start_time, int pidfd,
			   struct process **process)
{
	int r;

	if (has_died(pidfd)) {
		close(pidfd);
		manager_forget_pidfd(&server->manager, pid, start_time);
		return -ESRCH;
	}
	r = process_get(server, pid, start_time, pidfd, process);
	if (r == 0) {
		(*process)->stored = true;
	}
	return r;
}

int process_of_record(struct server *server, pid_t pid, uint64_t start_time,
		      struct process **process)
{
	uint64_t found;
	int pidfd = manager_take_pidfd(&server->manager, pid, start_time);
	int r;

	if (pidfd >= 0) {
		/* Of that process and no other, whatever became of its number. */
		return process_restore(server, pid, start_time, pidfd, process);
	}
	pidfd = open_pidfd(pid);
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
	return process_get(server, pid, start_time, pidfd < 0 ? -1 : pidfd, process);
}

void process_table_finish(struct process_table *table)
{
	for (int i = 0; i < PROCESS_BUCKETS; i++) {
		while (!LIST_EMPTY(&table->buckets[i])) {
			process_destroy(LIST_FIRST(&table->buckets[i]));
		}
	}
}
