/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/service.h"

#define STOP_MS HANG_MS /* as TimeoutStopSec= of the units: what was destroyed is given back */

int64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t now_ms(void)
{
	return now_ns() / 1000000;
}

void sleep_ms(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	nanosleep(&t, NULL);
}

bool wait_until(bool (*question)(void *), void *data, long ms)
{
	int64_t deadline = now_ms() + ms;

	while (!question(data)) {
		if (now_ms() > deadline) {
			return false;
		}
		sleep_ms(1);
	}
	return true;
}

/* ---- what it leaves ---- */

/* Counts the objects of the instance, and removes them if asked. */
static unsigned service_each_object(const char *instance, bool remove_it)
{
	char prefix[64], name[NAME_MAX + 2];
	unsigned n = 0;

	DIR *shm = opendir("/dev/shm");
	if (!shm) {
		return 0;
	}
	snprintf(prefix, sizeof prefix, "mempool.%s.", instance);
	for (struct dirent *e; (e = readdir(shm));) {
		if (strncmp(e->d_name, prefix, strlen(prefix)) == 0) {
			snprintf(name, sizeof name, "/%s", e->d_name);
			n++;
			if (remove_it) {
				shm_unlink(name);
			}
		}
	}
	closedir(shm);
	return n;
}

unsigned service_objects(const struct service *s)
{
	return service_each_object(s->instance, false);
}

static int service_remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

/* Waits until the test has stopped the service, or has died; after a death it cleans up. */
static void service_be_janitor(struct service *s, int from)
{
	char stopped;

	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	if (read(from, &stopped, 1) == 0) {
		sleep_ms(300); /* the kernel ends the daemon with its parent, a moment later */
		service_each_object(s->instance, true);
		nftw(s->dir, service_remove_one, 8, FTW_DEPTH | FTW_PHYS);
	}
	_exit(0);
}

static void service_start_janitor(struct service *s)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) != 0) {
		err(99, "pipe");
	}
	s->janitor = fork();
	if (s->janitor == 0) {
		close(ends[1]);
		service_be_janitor(s, ends[0]);
	}
	close(ends[0]);
	s->janitor_pipe = ends[1];
}

static void service_dismiss_janitor(struct service *s)
{
	(void)!write(s->janitor_pipe, "", 1);
	close(s->janitor_pipe);
	waitpid(s->janitor, NULL, 0);
}

/* ---- the daemon ---- */

static void service_exec_daemon(const struct service *s, pid_t parent)
{
	const char *program = getenv("MEMPOOLD") ? getenv("MEMPOOLD") : TEST_MEMPOOLD;
	const char *level = getenv("MEMPOOL_TEST_LOG") ? getenv("MEMPOOL_TEST_LOG") : "error";
	char config[80], log[80];

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent && s->configured) {
		snprintf(config, sizeof config, "%s/mempoold.conf", s->dir);
		snprintf(log, sizeof log, "%s/log", s->dir);
		dup2(open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644), STDERR_FILENO);
		execl(program, "mempoold", "--runtime-dir", s->dir, "--instance", s->instance,
		      "--config", config, (char *)NULL);
	} else if (getppid() == parent) {
		execl(program, "mempoold", "--runtime-dir", s->dir, "--instance", s->instance,
		      "--log-level", level, (char *)NULL);
	}
	_exit(127);
}

static bool service_answers(void *data)
{
	struct service *s = data;
	struct mempool_conn *conn;
	int status;

	if (waitpid(s->pid, &status, WNOHANG) == s->pid) {
		errx(99, "mempoold ended at once, with status %#x", (unsigned)status);
	}
	if (mempool_connect(&conn, s->socket) != 0) {
		return false;
	}
	mempool_disconnect(conn);
	return true;
}

void service_restart(struct service *s)
{
	pid_t self = getpid();

	s->pid = fork();
	if (s->pid == 0) {
		service_exec_daemon(s, self);
	}
	if (s->pid < 0) {
		err(99, "fork");
	}
	if (!wait_until(service_answers, s, HANG_MS)) {
		errx(99, "mempoold does not answer: %s", mempool_errmsg());
	}
}

void service_prepare(struct service *s)
{
	const char *tag = getenv("MEMPOOL_TEST_TAG");

	signal(SIGPIPE, SIG_IGN);
	strcpy(s->dir, "/tmp/mempool-test-XXXXXX");
	if (!mkdtemp(s->dir)) {
		err(99, "%s", s->dir);
	}
	snprintf(s->socket, sizeof s->socket, "%s/socket", s->dir);
	snprintf(s->instance, sizeof s->instance, "%.16s-%s", tag ? tag : "test",
		 s->dir + strlen("/tmp/mempool-test-"));
	for (char *c = s->instance; *c; c++) {
		*c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
	}
	setenv("MEMPOOL_SOCKET", s->socket, 1);
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* to reap keepers of daemons that were killed */
	service_start_janitor(s);
}

void service_start(struct service *s)
{
	service_prepare(s);
	service_restart(s);
}

void service_kill(struct service *s)
{
	kill(s->pid, SIGKILL);
	while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR) {
	}
}

static bool service_has_ended(void *data)
{
	const struct service *s = data;
	return waitpid(s->pid, NULL, WNOHANG) == s->pid;
}

unsigned service_stop(struct service *s)
{
	kill(s->pid, SIGTERM);
	if (!wait_until(service_has_ended, s, STOP_MS)) {
		service_kill(s);
		errx(99, "mempoold did not end on SIGTERM");
	}
	unsigned left = service_each_object(s->instance, true);
	nftw(s->dir, service_remove_one, 8, FTW_DEPTH | FTW_PHYS);
	service_dismiss_janitor(s);
	while (waitpid(-1, NULL, WNOHANG) > 0) {
	}
	return left;
}

/* ---- clients ---- */

struct mempool_conn *service_connect(void)
{
	struct mempool_conn *conn;

	if (mempool_connect(&conn, NULL) != 0) {
		errx(99, "%s", mempool_errmsg());
	}
	return conn;
}

struct mempool *service_pool(struct mempool_conn *conn, const char *name, size_t size,
			     uint32_t blocks)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *pool;

	attr.block_size = size;
	attr.blocks = blocks;
	attr.gift_grace_ms = 200;
	if (mempool_create(conn, name, &attr, &pool) != 0) {
		errx(99, "%s", mempool_errmsg());
	}
	return pool;
}
