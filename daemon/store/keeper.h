/* SPDX-License-Identifier: MIT */
/*
 * A keeper: a process that holds the two descriptors of a pool backed by memfds and sleeps, so that
 * the next daemon can have them when this one was killed. For daemons without a service manager
 * that keeps descriptors.
 *
 *	mempoold --fork, exec--> mempoold-keep	3 control, 4 data, 5 liveness lock,
 *						6 pipe until it is told to stay,
 *						7 the cookie, if one names the instance
 *	next mempoold --pidfd_getfd(3, 4), or open /proc/PID/fd/3, 4--> the same memory
 *
 * The lock tells a daemon that cannot see the keeper, as from another PID namespace, that it lives.
 *
 * It is the daemon's own program, executed: a fork alone would keep the registry mapped, and with
 * it the lock that makes one daemon an instance. A keeper that is not told to stay ends with the
 * daemon that made it. One that was told ends by keeper_end(), or when nobody can find the pool any
 * more: the registry is unlinked; or the cookie (config/cookie.h) is, no daemon has it open either,
 * and no file with its text is in its place. A directory that is moved takes its cookie along.
 */
#ifndef MP_DAEMON_KEEPER_H
#define MP_DAEMON_KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/base/identity.h"

/* Whether this process was executed to be a keeper. */
bool keeper_is_called(char **argv);

/* Runs as a keeper. */
_Noreturn void keeper_run(char **argv);

/* From now on keepers may be made, of the program of this process. */
void keeper_allow(void);

/* Whose end is its own. */
struct keeper_bond {
	const char *registry; /* the object's name in /dev/shm */
	const char *cookie;   /* the path of the file that names the instance */
	int cookie_fd;        /* that file; -1: none does */
};

/*
 * Makes a keeper of control, data and liveness lock. It ends at once unless keeper_stay() is
 * called. Returns a descriptor for that, or -errno.
 */
int keeper_start(struct identity *keeper, const int fds[3], const struct keeper_bond *bond);

/* Tells the keeper to stay. Closes @fd, which keeper_start() returned. */
void keeper_stay(int fd);

/*
 * Opens what it keeps. Returns 0, -ENOENT when there is no such process any more, -EREMOTE when it
 * cannot be reached from here, or -errno.
 */
int keeper_open(const struct identity *keeper, int fds[2]);

/* A pidfd of the keeper, or -ESRCH when it has gone, -EREMOTE when it cannot be seen from here. */
int keeper_watch(const struct identity *keeper);

/* Ends it, if it is there. */
void keeper_end(const struct identity *keeper);

#endif
