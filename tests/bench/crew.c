/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/crew.h"

#define PATIENCE_S 20

unsigned crew_cpus(unsigned cpus[2])
{
	cpu_set_t set;
	unsigned n = 0;

	CPU_ZERO(&set);
	sched_getaffinity(0, sizeof set, &set);
	for (unsigned i = 0; i < CPU_SETSIZE && n < 2; i++) {
		if (CPU_ISSET(i, &set)) {
			cpus[n++] = i;
		}
	}
	if (n < 2) {
		cpus[1] = cpus[0];
	}
	return n;
}

static void say_absent(struct crew *crew, const char *why)
{
	if (crew->absent[0] == '\0') {
		snprintf(crew->absent, sizeof crew->absent, "%s", why);
	}
}

/* In the child: another program takes over. Returns only when it could not. */
static void exec_program(const struct peer *peer, const int lines[2], const unsigned cpus[2])
{
	char first[16], second[16];
	const int spare[2] = {fcntl(lines[0], F_DUPFD, 16), fcntl(lines[1], F_DUPFD, 16)};

	snprintf(first, sizeof first, "%u", cpus[0]);
	snprintf(second, sizeof second, "%u", cpus[1]);
	dup2(spare[0], WORKER_LINE);
	dup2(spare[1], WORKER_LINE + 1);
	closefrom(WORKER_LINE + 2);
	execl(peer->program, peer->program, first, second, peer->name, (char *)NULL);
	fprintf(stderr, "%s: %s\n", peer->program, strerror(errno));
}

static void be_first_worker(const struct peer *peer, crew_part *part, const int lines[2],
			    const unsigned cpus[2], pid_t driver)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != driver) {
		return;
	}
	if (peer->program != NULL) {
		exec_program(peer, lines, cpus);
	} else {
		part(peer, lines, cpus);
	}
}

/* Whether there is such a program; else says why not. */
static bool has_program(struct crew *crew, const char *program)
{
	if (program[0] == '\0') {
		say_absent(crew, "it was not there when this was built");
	} else if (access(program, X_OK) < 0) {
		snprintf(crew->absent, sizeof crew->absent, "%.100s: %s", program, strerror(errno));
	}
	return crew->absent[0] == '\0';
}

void crew_start(struct crew *crew, const struct peer *peer, crew_part *part, const unsigned cpus[2])
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	int a[2], b[2];

	*crew = (struct crew){.peer = peer, .lines = {-1, -1}};
	if (peer->program != NULL && !has_program(crew, peer->program)) {
		return;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, a) < 0) {
		say_absent(crew, strerror(errno));
		return;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, b) < 0) {
		say_absent(crew, strerror(errno));
		close(a[0]);
		close(a[1]);
		return;
	}
	fflush(stdout);
	pid_t driver = getpid();
	crew->pid = fork();
	if (crew->pid == 0) {
		close(a[0]);
		close(b[0]);
		be_first_worker(peer, part, (int[2]){a[1], b[1]}, cpus, driver);
		_exit(0);
	}
	close(a[1]);
	close(b[1]);
	crew->lines[0] = a[0];
	crew->lines[1] = b[0];
	setsockopt(a[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(b[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (crew->pid < 0) {
		say_absent(crew, strerror(errno));
		crew->pid = 0;
	}
}

void crew_skip(struct crew *crew, const struct peer *peer)
{
	*crew = (struct crew){.peer = peer, .lines = {-1, -1}, .absent = "not asked for"};
}

static double hear(struct crew *crew, unsigned seat)
{
	struct result result;

	ssize_t n = recv(crew->lines[seat], &result, sizeof result, 0);
	if (n != sizeof result) {
		say_absent(crew, n < 0 ? "its worker does not answer" : "its worker ended");
		return 0;
	}
	if (result.ns == 0) {
		say_absent(crew, result.why);
	}
	crew->cpu_ns = result.cpu_ns;
	return result.ns;
}

double crew_run(struct crew *crew, unsigned n_cpus, struct slice slice)
{
	double sum = 0;

	if (crew->absent[0] != '\0') {
		return 0;
	}
	if (n_cpus == 2) {
		slice.round = ++crew->rounds;
	}
	for (unsigned i = 0; i < n_cpus; i++) {
		if (send(crew->lines[i], &slice, sizeof slice, MSG_NOSIGNAL) < 0) {
			say_absent(crew, "its worker ended");
			return 0;
		}
	}
	for (unsigned i = 0; i < n_cpus; i++) {
		sum += hear(crew, i);
	}
	if (crew->absent[0] != '\0') {
		crew_stop(crew); /* one of them may be spinning, waiting for the other */
		return 0;
	}
	return sum / n_cpus;
}

void crew_stop(struct crew *crew)
{
	for (unsigned i = 0; i < 2; i++) {
		if (crew->lines[i] >= 0) {
			close(crew->lines[i]);
			crew->lines[i] = -1;
		}
	}
	if (crew->pid > 0) {
		kill(crew->pid, SIGKILL); /* takes the second with it */
		while (waitpid(crew->pid, NULL, 0) < 0 && errno == EINTR) {
		}
		crew->pid = 0;
	}
}
