/* SPDX-License-Identifier: MIT */
/*
 * A keeper: a process that holds the two memfds of a pool and sleeps, so that the next daemon can
 * open them when this one was killed. Daemons have keepers when no service manager keeps
 * descriptors for them.
 *
 *	mempoold --fork, exec--> mempoold-keep	3 control, 4 data, 5 liveness lock,
 *						6 pipe until it is told to stay,
 *						7 the cookie, if one names the instance
 *	next mempoold --pidfd_getfd(3, 4), or open /proc/PID/fd/3, 4--> the same memory
 *
 * A daemon in another PID namespace cannot see the keeper: the liveness lock tells it that the
 * keeper lives.
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

/* Allows this process to start keepers, which execute its own program. */
void keeper_allow(void);

/* What a keeper ends with. */
struct keeper_bond {
	const char *registry; /* the object's name in /dev/shm */
	ino_t inode;          /* of that object */
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
 * Opens the keeper's two memfds. Returns 0, -ENOENT when the keeper has died, -EREMOTE when this
 * process cannot reach it, or -errno.
 */
int keeper_open(const struct identity *keeper, int fds[2]);

/*
 * The inode of the registry that the keeper was started for, with whose name it ends; 0: not known.
 * @keeper must be known to live.
 */
ino_t keeper_inode(const struct identity *keeper);

/* Opens a pidfd of the keeper. Returns it; -ESRCH: it has died; -EREMOTE: we cannot see it. */
int keeper_watch(const struct identity *keeper);

/* Kills the keeper, if it lives. */
void keeper_end(const struct identity *keeper);

#endif
