/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "daemon/base/loop.h"
#include "daemon/base/manager.h"

#define BEAT_US 1000000u /* the longest time between two beats, and the greatest age of STATUS */
#define START_EXTENSION_US 30000000u

struct stored {
	char name[MANAGER_NAME];
	int fd;
};

static bool manager_is_pidfd(const char *name)
{
	return !strncmp(name, "pid-", 4);
}

/* ---- libsystemd ---- */

#ifdef HAVE_LIBSYSTEMD

static void manager_tell(const char *text)
{
	sd_notify(0, text);
}

static void manager_tell_with(const char *text, const int *fds, unsigned n)
{
	sd_pid_notify_with_fds(0, 0, text, fds, n);
}

/* Takes systemd's descriptors: one to listen on, the others for manager_take(). */
static void manager_take_descriptors(struct manager *manager)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	manager->stored = n > 0 ? calloc((size_t)n, sizeof *manager->stored) : NULL;
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;
		struct stored *stored = &manager->stored[manager->n_stored];
		if (manager->listen_fd < 0 &&
		    sd_is_socket_unix(fd, SOCK_SEQPACKET, 1, NULL, 0) > 0) {
			manager->listen_fd = fd;
		} else if (manager->stored) {
			snprintf(stored->name, sizeof stored->name, "%s", names[i]);
			stored->fd = fd;
			manager->n_stored++;
			manager->n_pidfds += manager_is_pidfd(stored->name);
		} else {
			close(fd);
		}
		free(names[i]);
	}
	free(names);
}

static uint64_t manager_watchdog_us(void)
{
	uint64_t us = 0;

	return sd_watchdog_enabled(1, &us) > 0 ? us : 0;
}

#else

static void manager_tell(const char *text)
{
	(void)text;
}

static void manager_tell_with(const char *text, const int *fds, unsigned n)
{
	(void)text;
	(void)fds;
	(void)n;
}

static void manager_take_descriptors(struct manager *manager)
{
	(void)manager;
}

static uint64_t manager_watchdog_us(void)
{
	return 0;
}

#endif

/* ---- what we tell systemd ---- */

void manager_init(struct manager *manager)
{
	const char *store = secure_getenv("FDSTORE");

#ifdef HAVE_LIBSYSTEMD
	manager->present = secure_getenv("NOTIFY_SOCKET") != NULL;
#endif
	manager->keeps = manager->present && store && strtoul(store, NULL, 10) >= MANAGER_PLACES;
	manager->listen_fd = -1;
	manager_take_descriptors(manager);
	manager->watchdog_us = manager_watchdog_us();
}

static bool manager_compose_status(const struct manager *manager, char text[64])
{
	manager->describe(manager->described, text, 64);
	return strcmp(text, manager->status) != 0;
}

static void manager_tell_status(struct manager *manager, const char *first)
{
	char text[64], message[128];

	if (manager_compose_status(manager, text) || *first) {
		snprintf(message, sizeof message, "%sSTATUS=%s", first, text);
		manager_tell(message);
		memcpy(manager->status, text, sizeof text);
	}
}

static void manager_schedule(struct manager *manager)
{
	uint64_t us = manager->watchdog_us / 2;

	us = us > 0 && us < BEAT_US ? us : BEAT_US;
	struct timeval after = {(time_t)(us / 1000000), (suseconds_t)(us % 1000000)};
	evtimer_add(&manager->beat, &after);
}

static void manager_on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct manager *manager = arg;
	char text[64];

	(void)fd;
	(void)what;
	if (manager->ready) {
		manager_tell_status(manager, manager->watchdog_us ? "WATCHDOG=1\n" : "");
	} else {
		/* The daemon still makes the presets: ask for more time. */
		snprintf(text, sizeof text, "EXTEND_TIMEOUT_USEC=%u", START_EXTENSION_US);
		manager_tell(text);
	}
	manager_schedule(manager);
}

/* Closes a stored descriptor that nobody took, and removes it from systemd's store. */
static void manager_drop(struct manager *manager, struct stored *stored)
{
	manager_forget(manager, stored->name);
	manager->n_pidfds -= manager_is_pidfd(stored->name);
	close(stored->fd);
	stored->fd = -1;
}

void manager_watch(struct manager *manager, struct loop *loop, manager_describe *describe,
		   const void *arg)
{
	manager->describe = describe;
	manager->described = arg;
	for (size_t i = 0; i < manager->n_stored; i++) {
		if (manager->stored[i].fd >= 0) {
			manager_drop(manager, &manager->stored[i]);
		}
	}
	if (manager->present) {
		evtimer_assign(&manager->beat, loop->base, manager_on_beat, manager);
		manager_schedule(manager);
	}
}

void manager_finish(struct manager *manager)
{
	if (manager->describe && manager->present) {
		evtimer_del(&manager->beat);
	}
	for (size_t i = 0; i < manager->n_stored; i++) {
		if (manager->stored[i].fd >= 0) {
			close(manager->stored[i].fd);
		}
	}
	free(manager->stored);
	manager->stored = NULL;
	manager->n_stored = 0;
	if (manager->listen_fd >= 0) {
		close(manager->listen_fd);
		manager->listen_fd = -1;
	}
}

void manager_ready(struct manager *manager)
{
	if (manager->present) {
		manager->ready = true;
		manager_tell_status(manager, "READY=1\n");
	}
}

void manager_reloading(struct manager *manager)
{
	struct timespec now;
	char text[64];

	if (manager->present) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld%06ld",
			 (long long)now.tv_sec, now.tv_nsec / 1000);
		manager_tell(text);
	}
}

void manager_stopping(struct manager *manager)
{
	if (manager->present) {
		manager_tell("STOPPING=1");
	}
}

void manager_failed(struct manager *manager, int error)
{
	char text[64];

	if (manager->present) {
		snprintf(text, sizeof text, "STATUS=failed, the log says why\nERRNO=%d", -error);
		manager_tell(text);
	}
}

/* ---- what systemd keeps ---- */

int manager_listen_fd(struct manager *manager)
{
	int fd = manager->listen_fd;

	manager->listen_fd = -1;
	return fd;
}

bool manager_keeps(const struct manager *manager)
{
	return manager->keeps;
}

int manager_store(struct manager *manager, const char *name, const int *fds, unsigned n)
{
	char text[MANAGER_NAME + 32];

	if (!manager->keeps) {
		return -EOPNOTSUPP;
	}
	snprintf(text, sizeof text, "FDSTORE=1\nFDNAME=%s", name);
	manager_tell_with(text, fds, n);
	return 0;
}

void manager_forget(struct manager *manager, const char *name)
{
	char text[MANAGER_NAME + 32];

	if (manager->keeps) {
		snprintf(text, sizeof text, "FDSTOREREMOVE=1\nFDNAME=%s", name);
		manager_tell(text);
	}
}

int manager_take(struct manager *manager, const char *name)
{
	for (size_t i = 0; i < manager->n_stored; i++) {
		struct stored *stored = &manager->stored[i];
		if (stored->fd >= 0 && !strcmp(stored->name, name)) {
			int fd = stored->fd;
			stored->fd = -1;
			return fd;
		}
	}
	return -1;
}

static void manager_name_pidfd(char name[MANAGER_NAME], int pid, uint64_t identity)
{
	snprintf(name, MANAGER_NAME, "pid-%d-%" PRIu64, pid, identity);
}

void manager_store_pidfd(struct manager *manager, int pid, uint64_t identity, int pidfd)
{
	char name[MANAGER_NAME];

	if (manager->keeps && manager->n_pidfds < MANAGER_PIDFDS) {
		manager_name_pidfd(name, pid, identity);
		manager->n_pidfds += manager_store(manager, name, &pidfd, 1) == 0;
	}
}

void manager_forget_pidfd(struct manager *manager, int pid, uint64_t identity)
{
	char name[MANAGER_NAME];

	if (manager->n_pidfds > 0) {
		manager_name_pidfd(name, pid, identity);
		manager_forget(manager, name);
		manager->n_pidfds--;
	}
}

int manager_take_pidfd(struct manager *manager, int pid, uint64_t identity)
{
	char name[MANAGER_NAME];

	manager_name_pidfd(name, pid, identity);
	return manager_take(manager, name);
}
