/* SPDX-License-Identifier: MIT */
/*
 * What /proc says about a process. A pid alone is no identity, a pid and its start time are.
 */
#ifndef MP_DAEMON_PROCFS_H
#define MP_DAEMON_PROCFS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* When the process began, in clock ticks since boot. Returns 0 or -errno. */
int procfs_start_time(pid_t pid, uint64_t *start_time);

/*
 * How many numbers the process of a pidfd of ours has: one in the PID namespace of our /proc, and
 * one in each below that it is in. 0: /proc does not tell, or the process has died.
 */
unsigned procfs_count_numbers(int pidfd);

/* The process's name; empty when it has gone. */
void procfs_comm(pid_t pid, char *comm, size_t size);

#endif
