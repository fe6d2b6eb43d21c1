/* SPDX-License-Identifier: MIT */
/*
 * Measures how long the blocks of a dead process are away: from the kernel's notice of its death
 * until a survivor, who has all other blocks, has got the last of them. And how long one piece of
 * that work keeps the daemon's loop busy.
 *
 *	recovery [--tries N]
 *
 * Prints figures; fails only when blocks do not come back.
 */
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mempool/admin.h>

#include "tests/support/service.h"

static void **blocks;

/* A client that holds @held blocks until it is killed. */
static pid_t recovery_start_holder(const char *name, uint32_t held)
{
	int ready[2];
	char byte;

	if (pipe(ready) != 0) {
		err(99, "pipe");
	}
	pid_t pid = fork();
	if (pid == 0) {
		struct mempool *pool;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (mempool_open(service_connect(), name, 0, &pool) != 0 ||
		    mempool_get_bulk(pool, blocks, held) != 0) {
			errx(99, "holder: %s", mempool_errmsg());
		}
		(void)!write(ready[1], "", 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1) {
		errx(99, "the holder died");
	}
	close(ready[0]);
	return pid;
}

static int64_t recovery_kill_and_notice(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	kill(pid, SIGKILL);
	poll(&p, 1, -1);
	int64_t at = now_ns();
	close(pidfd);
	return at;
}

static uint32_t recovery_get_up_to(struct mempool *pool, uint32_t have, uint32_t want)
{
	int64_t deadline = now_ms() + HANG_MS;
	void *block;

	while (have < want) {
		if ((block = mempool_get(pool))) {
			blocks[have++] = block;
		} else if (now_ms() > deadline) {
			errx(1, "only %u of %u blocks came back", have, want);
		}
	}
	return have;
}

static int64_t recovery_try_once(struct mempool *pool, const char *name, uint32_t n, uint32_t held)
{
	pid_t pid = recovery_start_holder(name, held);
	uint32_t have = 0;
	void *block;

	while ((block = mempool_get(pool))) {
		blocks[have++] = block;
	}
	uint32_t cached = n - held - have; /* in the dead holder's cache; they come back too */
	int64_t died = recovery_kill_and_notice(pid);
	have = recovery_get_up_to(pool, have, have + held + cached);
	int64_t took = now_ns() - died;
	waitpid(pid, NULL, 0);
	if (mempool_put_bulk(pool, blocks, have) != 0 || mempool_flush(pool) != 0) {
		errx(1, "the survivor cannot put");
	}
	return took;
}

static int recovery_compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

static void recovery_measure(struct mempool_conn *conn, uint32_t n, uint32_t held, unsigned tries)
{
	static int64_t took[1000];
	struct mempool_daemon info;
	struct mempool *pool = service_pool(conn, "recovery", 16, n);

	for (unsigned i = 0; i < tries; i++) {
		took[i] = recovery_try_once(pool, "recovery", n, held);
	}
	qsort(took, tries, sizeof *took, recovery_compare);
	mempool_daemon(conn, &info);
	printf("%9u blocks, %9u held: median %8.3f ms, worst %8.3f ms; longest slice %.3f ms\n", n,
	       held, (double)took[tries / 2] / 1e6, (double)took[tries - 1] / 1e6,
	       (double)info.longest_slice_ns / 1e6);
	fflush(stdout);
	mempool_close(pool);
	mempool_destroy(conn, "recovery");
}

int main(int argc, char **argv)
{
	struct service service = {0};
	unsigned tries = argc == 3 && !strcmp(argv[1], "--tries") ? (unsigned)atoi(argv[2]) : 15;

	if ((argc != 1 && argc != 3) || tries < 1 || tries > 1000) {
		errx(2, "usage: recovery [--tries N]    (1 to 1000)");
	}
	blocks = calloc(1 << 24, sizeof *blocks);
	service_start(&service);
	struct mempool_conn *conn = service_connect();
	recovery_measure(conn, 1 << 16, 10000, tries);
	recovery_measure(conn, 1 << 16, 60000, tries);
	recovery_measure(conn, 1 << 20, 10000, tries);
	recovery_measure(conn, 1 << 24, (1 << 24) - 1000, 3);
	mempool_disconnect(conn);
	free(blocks);
	return service_stop(&service) != 0;
}
