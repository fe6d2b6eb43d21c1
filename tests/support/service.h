/* SPDX-License-Identifier: MIT */
/*
 * A private mempoold for a test, with its own directory, socket and instance, and so its own names
 * in /dev/shm. service_stop() leaves nothing of it. When the test is killed, a janitor, which is a
 * child of the test, cleans up. The name of the instance begins with $MEMPOOL_TEST_TAG.
 */
#ifndef TESTS_SUPPORT_SERVICE_H
#define TESTS_SUPPORT_SERVICE_H

#include <mempool/mempool.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * How long a test waits for what is to happen at once. What has not happened by then never will: a
 * loaded machine is slow, but not that slow.
 */
#define HANG_MS 30000

struct service {
	pid_t pid;
	pid_t janitor;
	int janitor_pipe; /* the kernel closes it when the test dies */
	char dir[64];
	char socket[108]; /* also in $MEMPOOL_SOCKET */
	char instance[33];
	bool configured; /* by DIR/mempoold.conf; then its log goes to DIR/log. Before the start */
};

/* Does what service_start() does, the directory included, but starts no daemon. */
void service_prepare(struct service *service);

/* Starts a daemon ($MEMPOOLD, else the one of this build) and waits until it answers. */
void service_start(struct service *service);

/* Sends the daemon SIGKILL and waits until it is gone. */
void service_kill(struct service *service);

/* Starts another daemon of the same instance. */
void service_restart(struct service *service);

/* Counts the objects in /dev/shm whose names begin as the instance's do. */
unsigned service_objects(const struct service *service);

/* Ends the daemon and removes all it left. Returns how many objects in /dev/shm that were. */
unsigned service_stop(struct service *service);

/* Connects; exits the test when that fails. */
struct mempool_conn *service_connect(void);

/* Makes and opens a pool of @blocks blocks of @size bytes; exits the test when that fails. */
struct mempool *service_pool(struct mempool_conn *conn, const char *name, size_t size,
			     uint32_t blocks);

/* Milliseconds on a clock that only goes forward. */
int64_t now_ms(void);
int64_t now_ns(void);
void sleep_ms(long ms);

/* Asks every millisecond until the answer is yes. False: it was no for @ms milliseconds. */
bool wait_until(bool (*question)(void *), void *data, long ms);

#endif
