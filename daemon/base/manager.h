/* SPDX-License-Identifier: MIT */
/*
 * The service manager, systemd: what it hands over at the start, what it is told meanwhile, and
 * which descriptors it keeps for the next daemon. The only file that knows libsystemd; without the
 * library, or started from a shell, there is no manager and all of this does nothing.
 *
 *	given	the socket to listen on; descriptors that an earlier daemon stored, by name
 *	told	READY, RELOADING, STOPPING; STATUS, "3 pools, 12 clients"; that the loop goes round
 *	kept	memfds of pools, both under the name pool-ID; pidfds of clients, pid-PID-IDENTITY
 *
 * The watchdog is told by a timer of the loop, which comes round only if all that the loop calls
 * comes back: a daemon that hangs in a callback misses it, and is aborted and restarted.
 *
 * A store has MANAGER_PLACES, as the unit's FileDescriptorStoreMax= says; memfds of all pools there
 * may be fit beside MANAGER_PIDFDS. That it keeps them is believed when $FDSTORE is set, which
 * systemd does from 254 on and our unit for older ones: who stores a memfd is not told of success.
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

/* Writes what the manager shall show as the status of the service. */
typedef void manager_describe(const void *arg, char *text, size_t size);

struct manager {
	manager_describe *describe; /* NULL: not watched yet */
	const void *described;
	bool present;
	bool keeps;            /* descriptors */
	bool ready;            /* it was told so */
	uint64_t watchdog_us;  /* 0: there is none */
	int listen_fd;         /* -1: none */
	struct stored *stored; /* given, not yet taken */
	size_t n_stored;
	uint32_t n_pidfds; /* in the store */
	char status[64];   /* as last told */
	struct event beat; /* watchdog and status */
};

/* Takes what was handed over. Without a manager that is nothing. */
void manager_init(struct manager *manager);

/*
 * Starts the timer that tells it status and watchdog. Call it after adoption: descriptors that
 * nobody took are dropped, from the store too.
 */
void manager_watch(struct manager *manager, struct loop *loop, manager_describe *describe,
		   const void *arg);

/* Closes what nobody took. */
void manager_finish(struct manager *manager);

/* Tells it. */
void manager_ready(struct manager *manager);
void manager_reloading(struct manager *manager);
void manager_stopping(struct manager *manager);
void manager_failed(struct manager *manager, int error);

/* The socket to listen on, the caller's then; -1: there is none. */
int manager_listen_fd(struct manager *manager);

/* Whether it keeps descriptors. */
bool manager_keeps(const struct manager *manager);

/* Has it keep copies of the descriptors under that name. Returns 0 or -errno. */
int manager_store(struct manager *manager, const char *name, const int *fds, unsigned n);

/* Has it close what it keeps under that name. */
void manager_forget(struct manager *manager, const char *name);

/* A descriptor stored under that name, the caller's then; -1: none is left. It stays in store. */
int manager_take(struct manager *manager, const char *name);

/* Likewise for the pidfd of a client, as far as there is a place. */
void manager_store_pidfd(struct manager *manager, int pid, uint64_t identity, int pidfd);
void manager_forget_pidfd(struct manager *manager, int pid, uint64_t identity);
int manager_take_pidfd(struct manager *manager, int pid, uint64_t identity);

#endif
