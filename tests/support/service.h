/* SPDX-License-Identifier: MIT */
/*
 * A private mempoold for a test: its own directory, socket, instance and so its own names in
 * /dev/shm. Nothing of it is left after service_stop(); nor when the test is killed, as a janitor,
 * a child of its own, then cleans up. The instance begins with $MEMPOOL_TEST_TAG.
 */
#ifndef TESTS_SUPPORT_SERVICE_H
#define TESTS_SUPPORT_SERVICE_H

#include <mempool/mempool.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct service {
	pid_t pid;
	pid_t janitor;
	int janitor_pipe; /* closed by our death */
	char dir[64];
	char socket[80]; /* also in $MEMPOOL_SOCKET */
	char instance[33];
	bool configured; /* by DIR/mempoold.conf; then its log goes to DIR/log */
};

/* Makes the directory and all that service_start() does but for starting. */
void service_prepare(struct service *service);

/* Starts a daemon ($MEMPOOLD, else the one of this build) and waits until it answers. */
void service_start(struct service *service);

/* SIGKILL, and wait until it is gone. */
void service_kill(struct service *service);

/* Starts the next daemon of the instance. */
void service_restart(struct service *service);

/* Objects in /dev/shm whose names begin as the instance's do. */
unsigned service_objects(const struct service *service);

/* Ends the daemon and removes all that is left. Returns how many objects that were. */
unsigned service_stop(struct service *service);

/* A connection; exits the test when there is none. */
struct mempool_conn *service_connect(void);

/* A pool of @blocks blocks of @size bytes, opened; exits the test when it cannot be had. */
struct mempool *service_pool(struct mempool_conn *conn, const char *name, size_t size,
			     uint32_t blocks);

/* Milliseconds on a clock that only goes forward. */
int64_t now_ms(void);
int64_t now_ns(void);
void sleep_ms(long ms);

/* Asks every millisecond until the answer is yes. False: it was no for @ms. */
bool wait_until(bool (*question)(void *), void *data, long ms);

#endif
