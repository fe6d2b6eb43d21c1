/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/roudi.h"

#define START_MS 10000
#define FORGET_US 2500000

static bool write_config(const char *path, uint32_t size, uint32_t count)
{
	FILE *file = fopen(path, "w");

	if (file == NULL) {
		return false;
	}
	fprintf(file, "[general]\nversion = 1\n[[segment]]\n[[segment.mempool]]\n");
	fprintf(file, "size = %u\ncount = %u\n", size, count);
	return fclose(file) == 0;
}

static void be_roudi(const char *config, const char *log)
{
	if (freopen(log, "w", stdout) != NULL) {
		dup2(1, 2);
		execlp("iox-roudi", "iox-roudi", "-l", "error", "-c", config, (char *)NULL);
	}
	_exit(127);
}

/*
 * Lives as long as the daemon, which it ends some time after the last worker, whose end of the pipe
 * is closed by its death: a daemon that finds clients missing as it ends aborts and leaves its
 * memory behind; after a second and a half it knows that they are dead.
 */
static void be_keeper(const char *config, const char *log, int from)
{
	char nothing;

	setsid();
	pid_t roudi = fork();
	if (roudi == 0) {
		be_roudi(config, log);
	}
	while (waitpid(roudi, NULL, WNOHANG) == 0) {
		struct pollfd p = {.fd = from, .events = POLLIN};
		if (poll(&p, 1, 10) == 1 && read(from, &nothing, 1) == 0) {
			usleep(FORGET_US);
			kill(roudi, SIGTERM);
			waitpid(roudi, NULL, 0);
			break;
		}
	}
	_exit(0);
}

static bool says_ready(const char *log)
{
	char said[4096];
	FILE *file = fopen(log, "r");
	size_t n = file != NULL ? fread(said, 1, sizeof said - 1, file) : 0;

	if (file != NULL) {
		fclose(file);
	}
	said[n] = '\0';
	return strstr(said, "ready") != NULL;
}

/* Whether it gets ready before it ends or the time is over. */
static bool gets_ready(pid_t keeper, const char *log)
{
	for (int ms = 0; ms < START_MS && waitpid(keeper, NULL, WNOHANG) == 0; ms++) {
		if (says_ready(log)) {
			return true;
		}
		usleep(1000);
	}
	return false;
}

bool roudi_start(uint32_t size, uint32_t count, char why[BENCH_WHY])
{
	const char *dir = getenv("RUNTIME_DIRECTORY");
	char config[100], log[100];
	int life[2];

	snprintf(config, sizeof config, "%.80s/roudi.toml", dir != NULL ? dir : "/tmp");
	snprintf(log, sizeof log, "%.80s/roudi.log", dir != NULL ? dir : "/tmp");
	if (!write_config(config, size, count)) {
		snprintf(why, BENCH_WHY, "%s: %s", config, strerror(errno));
		return false;
	}
	if (pipe2(life, O_CLOEXEC) < 0) {
		snprintf(why, BENCH_WHY, "pipe: %s", strerror(errno));
		return false;
	}
	pid_t keeper = fork();
	if (keeper == 0) {
		close(life[1]);
		be_keeper(config, log, life[0]);
	}
	close(life[0]);
	if (keeper < 0 || !gets_ready(keeper, log)) {
		snprintf(why, BENCH_WHY, "iox-roudi does not start; is there one already?");
		return false;
	}
	return true;
}
