/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/base/identity.h"
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
		manager_forget_pidfd(process->seats->manager, process->pid, process->identity);
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
		evtimer_add(&process->test, &(struct timeval){0}); /* the timer frees it */
	} else if (!evtimer_pending(&process->test, NULL)) {
		struct timeval after = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
		evtimer_add(&process->test, &after);
		ms = ms == 0 ? 1 : 2 * ms;
		process->backoff_ms = ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
	}
}

/*
 * The object of a living process, or NULL. When its identity is not known, it is the same process
 * only if its pidfd says that it still lives.
 */
static struct process *process_find(struct seats *seats, pid_t pid, uint64_t identity)
{
	struct process *p;

	LIST_FOREACH(p, &seats->processes[pid % SEATS_PROCESS_BUCKETS], of_bucket)
	{
		if (p->pid != pid || p->identity != identity || p->dying) {
			continue;
		}
		if (identity != 0 || (p->pidfd >= 0 && !identity_has_died(p->pidfd))) {
			return p;
		}
	}
	return NULL;
}

/* Watches @pidfd, which the process closes from now on. -ENOMEM: the caller still closes it. */
static int process_watch(struct process *process, int pidfd)
{
	event_assign(&process->death, process->seats->loop->base, pidfd, EV_READ | EV_PERSIST,
		     process->seats->on_process_death, process);
	if (event_add(&process->death, NULL) < 0) {
		return -ENOMEM;
	}
	process->pidfd = pidfd;
	return 0;
}

/* Makes the object; NULL: there is no memory, and the caller still closes @pidfd. */
static struct process *process_create(struct seats *seats, pid_t pid, uint64_t identity, int pidfd)
{
	struct process *process = calloc(1, sizeof *process);

	if (!process) {
		return NULL;
	}
	process->seats = seats;
	process->pid = pid;
	process->identity = identity;
	process->pidfd = -1;
	if (pidfd >= 0 && process_watch(process, pidfd) < 0) {
		free(process);
		return NULL;
	}
	evtimer_assign(&process->test, seats->loop->base, seats->on_process_test, process);
	LIST_INSERT_HEAD(&seats->processes[pid % SEATS_PROCESS_BUCKETS], process, of_bucket);
	return process;
}

/* Finds or makes the object. Uses or closes @pidfd, unless that is -1. Returns 0 or -errno. */
static int process_get(struct seats *seats, pid_t pid, uint64_t identity, int pidfd,
		       struct process **process)
{
	struct process *p = process_find(seats, pid, identity);
	bool used = false;

	if (p) {
		used = p->pidfd < 0 && pidfd >= 0 && process_watch(p, pidfd) == 0;
	} else {
		p = process_create(seats, pid, identity, pidfd);
		used = p;
	}
	if (pidfd >= 0 && !used) {
		close(pidfd);
	}
	*process = p;
	return p ? 0 : -ENOMEM;
}

/* Opens a pidfd of a socket's peer; before Linux 6.5 by its pid, and sets *@by_number. */
static int process_open_peer(int socket, pid_t pid, bool *by_number)
{
	int fd;
	socklen_t size = sizeof fd;

	*by_number = false;
	if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0) {
		return fd;
	}
	*by_number = errno == ENOPROTOOPT;
	return *by_number ? identity_open(pid) : -errno;
}

int process_of_peer(struct seats *seats, int socket, pid_t pid, struct process **process)
{
	bool by_number;
	uint64_t identity;
	int pidfd, r = 0;

	if (pid == 0) {
		return process_get(seats, 0, 0, -1, process);
	}
	pidfd = process_open_peer(socket, pid, &by_number);
	if (pidfd < 0) {
		return pidfd;
	}
	identity = identity_number(pidfd, pid);
	if (identity_has_died(pidfd)) {
		r = -ESRCH;
	} else if (identity == 0 && by_number) {
		r = -EACCES; /* the pid may be another process's by now, and we cannot tell */
	}
	if (r < 0) {
		close(pidfd);
		return r;
	}
	return process_get(seats, pid, identity, pidfd, process);
}

bool process_is_below(const struct process *process)
{
	return process->pidfd >= 0 && identity_is_below(process->pidfd);
}

void process_store(struct process *process)
{
	if (!process->stored && process->pidfd >= 0 && process->identity != 0) {
		process->stored = true;
		manager_store_pidfd(process->seats->manager, process->pid, process->identity,
				    process->pidfd);
	}
}

/* Makes the object of a process whose pidfd the service manager kept. */
static int process_restore(struct seats *seats, const struct registry_slot *slot, int pidfd,
			   struct process **process)
{
	int r;

	if (identity_has_died(pidfd)) {
		close(pidfd);
		manager_forget_pidfd(seats->manager, slot->pid, slot->identity);
		return -ESRCH;
	}
	r = process_get(seats, slot->pid, slot->identity, pidfd, process);
	if (r == 0) {
		(*process)->stored = true;
	}
	return r;
}

/*
 *	lock \ look	FOUND		GONE		HIDDEN
 *	HELD		lives		lives		lives; the lock alone is watched
 *	LOST		dead		dead		dead
 *	UNKNOWN		lives		dead		cannot be told
 *
 * LOST, while the process lives: it has exec'd or closed the pool. HELD, while it is GONE: another
 * process has its address space, and keeps the attachment until it loses the lock.
 */
int process_of_slot(struct seats *seats, const struct registry_slot *slot, enum liveness lock,
		    struct process **process)
{
	const struct identity noted = {slot->pid, slot->where, slot->identity};
	int pidfd = slot->identity == 0
			    ? -1
			    : manager_take_pidfd(seats->manager, slot->pid, slot->identity);
	uint64_t number = slot->identity;
	enum identity_look look;

	if (pidfd >= 0) {
		/* This pidfd is of that process, even if another process has its pid by now. */
		return process_restore(seats, slot, pidfd, process);
	}
	if (lock == LIVENESS_LOST) {
		return -ESRCH;
	}
	look = identity_look(&noted, &pidfd);
	if (lock == LIVENESS_UNKNOWN && look != IDENTITY_FOUND) {
		return look == IDENTITY_GONE ? -ESRCH : -EREMOTE;
	}
	if (look != IDENTITY_FOUND) {
		pidfd = -1;
		/* Start times of another namespace mean nothing here: no other slot may match. */
		number = number & IDENTITY_PIDFD ? number : 0;
	}
	return process_get(seats, slot->pid, number, pidfd, process);
}

void process_finish(struct seats *seats)
{
	for (int i = 0; i < SEATS_PROCESS_BUCKETS; i++) {
		while (!LIST_EMPTY(&seats->processes[i])) {
			process_destroy(LIST_FIRST(&seats->processes[i]));
		}
	}
}
