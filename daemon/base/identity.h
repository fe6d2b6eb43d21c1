/* SPDX-License-Identifier: MIT */
/*
 * Identity: a number that tells a process from all others that have, had or will have its pid.
 *
 *	Linux 6.9 and later	the inode of its pidfd, which no other process of this boot gets;
 *				with IDENTITY_PIDFD set. Needs no /proc
 *	before			when it began, as /proc/PID/stat says
 *	/proc hides it		0: not known
 *
 * A pid, and when a process began, mean something only in the PID and time namespaces in which
 * they were read: identity_here() is a number for these two. Neither number is evidence that a
 * process has died; they only tell whether a pidfd is that of the process that was meant.
 */
#ifndef MP_DAEMON_IDENTITY_H
#define MP_DAEMON_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define IDENTITY_PIDFD (1ull << 63)

/* What is noted of a process, for a later daemon to find it again. */
struct identity {
	pid_t pid;
	uint32_t where;  /* identity_here() of who noted it; 0: not known */
	uint64_t number; /* 0: not known */
};

/* What a look for a process finds. */
enum identity_look {
	IDENTITY_FOUND,  /* it lives, and the pidfd is its */
	IDENTITY_GONE,   /* no process has that pid any more, or another one has it */
	IDENTITY_HIDDEN, /* that cannot be told from here */
};

/* The number of these PID and time namespaces; 0 when the kernel does not tell. */
uint32_t identity_here(void);

/* The number of the process with that pidfd and pid. 0: not known, or it has died meanwhile. */
uint64_t identity_number(int pidfd, pid_t pid);

/* Looks for the process. @pidfd is set when it was found, and is the caller's then. */
enum identity_look identity_look(const struct identity *identity, int *pidfd);

/* A pidfd by number. Returns it, -ESRCH when no process has that pid, or -errno. */
int identity_open(pid_t pid);

/*
 * Whether the kernel says that the process of that pidfd, to which it gave us a pid, is in a PID
 * namespace below ours. False, too, when it does not tell.
 */
bool identity_is_below(int pidfd);

/* Whether the process of that pidfd has died. */
bool identity_has_died(int pidfd);

#endif
