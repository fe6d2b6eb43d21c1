/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
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

#include <mempool/mempool.h>

#include "tests/bench/service.h"

#define START_MS 5000
#define STOP_MS 3000

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	interrupted = number;
}

void service_guard(void)
{
	const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = on_signal};

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		sigaction(signals[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
}

bool service_interrupted(void)
{
	return interrupted != 0;
}

const char *service_program(const char *option)
{
	const char *named = option != NULL ? option : getenv("MEMPOOLD");
	return named != NULL ? named : BENCH_MEMPOOLD;
}

static void nap_ms(long ms)
{
	struct timespec t = {.tv_nsec = ms * 1000000};
	nanosleep(&t, NULL);
}

/* In the child. Its own session, so that ctrl-C reaches it only through service_stop(). */
static void exec_daemon(const struct service *service, const char *program, pid_t parent)
{
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent) {
		execl(program, program, "--runtime-dir", service->dir, "--socket", service->socket,
		      "--instance", service->instance, "--log-level", "error", (char *)NULL);
		fprintf(stderr, "%s: %s\n", program, strerror(errno));
	}
	_exit(127);
}

static bool answers(struct service *service)
{
	for (int ms = 0; ms < START_MS && !interrupted; ms++) {
		struct mempool_conn *conn;
		if (mempool_connect(&conn, service->socket) == 0) {
			mempool_disconnect(conn);
			return true;
		}
		if (waitpid(service->pid, NULL, WNOHANG) == service->pid) {
			service->pid = 0;
			snprintf(service->why, sizeof service->why, "mempoold ended at once");
			return false;
		}
		nap_ms(1);
	}
	snprintf(service->why, sizeof service->why, "mempoold: %s", mempool_errmsg());
	return false;
}

bool service_start(struct service *service, const char *program)
{
	*service = (struct service){.dir = "/tmp/mempool-bench-XXXXXX"};
	if (mkdtemp(service->dir) == NULL) {
		snprintf(service->why, sizeof service->why, "mkdtemp: %s", strerror(errno));
		service->dir[0] = '\0';
		return false;
	}
	if (program[0] == '\0' || access(program, X_OK) < 0) {
		snprintf(service->why, sizeof service->why, "no mempoold at '%.100s'", program);
		return false;
	}
	pid_t self = getpid();
	snprintf(service->socket, sizeof service->socket, "%s/socket", service->dir);
	snprintf(service->instance, sizeof service->instance, "bench-%d", (int)self);
	setenv("MEMPOOL_SOCKET", service->socket, 1);
	service->pid = fork();
	if (service->pid == 0) {
		exec_daemon(service, program, self);
	}
	if (service->pid < 0) {
		service->pid = 0;
		snprintf(service->why, sizeof service->why, "fork: %s", strerror(errno));
		return false;
	}
	return answers(service);
}

static void end_daemon(struct service *service)
{
	kill(service->pid, SIGTERM);
	for (int ms = 0; ms < STOP_MS; ms++) {
		if (waitpid(service->pid, NULL, WNOHANG) != 0) {
			return;
		}
		nap_ms(1);
	}
	kill(service->pid, SIGKILL);
	while (waitpid(service->pid, NULL, 0) < 0 && errno == EINTR) {
	}
}

/* A daemon leaves its pools for its successor; there is none. */
static void unlink_segments(const char *instance)
{
	char prefix[64], name[NAME_MAX + 2];
	struct dirent *entry;

	DIR *shm = opendir("/dev/shm");
	if (shm == NULL) {
		return;
	}
	snprintf(prefix, sizeof prefix, "mempool.%s.", instance);
	while ((entry = readdir(shm)) != NULL) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
			snprintf(name, sizeof name, "/%s", entry->d_name);
			shm_unlink(name);
		}
	}
	closedir(shm);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

void service_stop(struct service *service)
{
	if (service->pid > 0) {
		end_daemon(service);
		service->pid = 0;
	}
	if (service->dir[0] != '\0') {
		unlink_segments(service->instance);
		nftw(service->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
		service->dir[0] = '\0';
	}
}
