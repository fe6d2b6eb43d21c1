/* SPDX-License-Identifier: MIT */
/*
 * The service manager, systemd: what it gives the daemon at the start, what the daemon tells it,
 * and which descriptors it keeps for the next daemon. The only file that knows libsystemd;
 * without the library, or started from a shell, there is no manager and all of this does nothing.
 *
 *	given	the socket to listen on; descriptors that an earlier daemon stored, by name
 *	told	READY, RELOADING, STOPPING; STATUS, "3 pools, 12 clients"; WATCHDOG
 *	kept	memfds of pools, both under the name pool-ID; pidfds of clients, pid-PID-IDENTITY
 *
 * A timer of the loop sends WATCHDOG. When the daemon hangs in a callback, the timer does not fire,
 * and systemd aborts and restarts the daemon.
 *
 * Systemd's store has MANAGER_PLACES places, as the unit's FileDescriptorStoreMax= says: enough for
 * the memfds of as many pools as there may be, and MANAGER_PIDFDS. Systemd does not answer whether
 * it stored a descriptor; we believe it when $FDSTORE says that there is a store. Systemd sets
 * $FDSTORE from 254 on, and our unit sets it for older ones.
 */
#ifndef MP_DAEMON_MANAGER_H
#define MP_DAEMON_MANAGER_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MANAGER_NAME 64 /* bytes that hold any name of a stored descriptor */

enum {
	MANAGER_PLACES = 4096,
	MANAGER_PIDFDS = 2048,
};

struct loop;

/* Writes the text that systemd shows as the service's status. */
typedef void manager_describe(const void *arg, char *text, size_t size);

struct manager {
	manager_describe *describe; /* NULL: not watched yet */
	const void *described;
	bool present;
	bool keeps;            /* it has a store for descriptors */
	bool ready;            /* we sent READY */
	uint64_t watchdog_us;  /* 0: there is none */
	int listen_fd;         /* -1: none */
	struct stored *stored; /* descriptors from systemd, fd -1 once taken */
	size_t n_stored;
	uint32_t n_pidfds; /* of ours in systemd's store */
	char status[64];   /* the last STATUS we sent */
	struct event beat; /* watchdog and status */
};

/* Takes the descriptors that systemd handed over, if any. */
void manager_init(struct manager *manager);

/*
 * Starts the timer that sends status and watchdog. Call it after adoption: it closes descriptors
 * that nobody took, and removes them from systemd's store.
 */
void manager_watch(struct manager *manager, struct loop *loop, manager_describe *describe,
		   const void *arg);

/* Stops the timer, and closes the descriptors that nobody took; systemd keeps its copies. */
void manager_finish(struct manager *manager);

/* Sends READY, RELOADING, STOPPING; or that the start failed with -errno @error. */
void manager_ready(struct manager *manager);
void manager_reloading(struct manager *manager);
void manager_stopping(struct manager *manager);
void manager_failed(struct manager *manager, int error);

/* Gives the caller the socket to listen on; -1: systemd handed over none. */
int manager_listen_fd(struct manager *manager);

/* Whether systemd keeps descriptors for us. */
bool manager_keeps(const struct manager *manager);

/* Sends systemd copies of @fds, to keep under @name. Returns 0 or -EOPNOTSUPP. */
int manager_store(struct manager *manager, const char *name, const int *fds, unsigned n);

/* Tells systemd to close what it keeps under @name. */
void manager_forget(struct manager *manager, const char *name);

/* Gives the caller a descriptor stored as @name; -1: none left. Systemd's copy stays stored. */
int manager_take(struct manager *manager, const char *name);

/* The same for a client's pidfd; beyond MANAGER_PIDFDS, none is stored. */
void manager_store_pidfd(struct manager *manager, int pid, uint64_t identity, int pidfd);
void manager_forget_pidfd(struct manager *manager, int pid, uint64_t identity);
int manager_take_pidfd(struct manager *manager, int pid, uint64_t identity);

#endif
