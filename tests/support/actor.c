/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/actor.h"

#define ANSWER_MS 40000 /* more than HANG_MS, for which it may be told to wait */

static void actor_become(uid_t uid)
{
	if (uid != getuid() && (setgroups(0, NULL) != 0 || setgid(uid) != 0 || setuid(uid) != 0)) {
		_exit(126);
	}
}

void actor_start_as(struct actor *actor, uid_t uid)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		err(99, "socketpair");
	}
	actor->pid = fork();
	if (actor->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ends[1], 0);
		dup2(ends[1], 1);
		actor_become(uid);
		execl(TEST_ACTOR, "actor", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	actor->to = actor->from = ends[0];
}

void actor_start(struct actor *actor)
{
	actor_start_as(actor, getuid());
}

void actor_tell(struct actor *actor, const char *command)
{
	if (write(actor->to, command, strlen(command)) < 0 || write(actor->to, "\n", 1) < 0) {
		warn("actor %d", actor->pid);
	}
}

/* Reads one line of the answer. False: the actor died. */
static bool actor_read_line(struct actor *actor, char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size) {
		struct pollfd p = {.fd = actor->from, .events = POLLIN};
		if (poll(&p, 1, ANSWER_MS) == 0) {
			errx(99, "actor %d does not answer", actor->pid);
		}
		if (read(actor->from, line + n, 1) <= 0) {
			return false;
		}
		if (line[n] == '\n') {
			break;
		}
		n++;
	}
	line[n] = 0;
	return true;
}

int64_t actor_hear(struct actor *actor)
{
	char line[40];

	return actor_read_line(actor, line, sizeof line) ? strtoll(line, NULL, 10) : INT64_MIN;
}

int64_t actor_ask(struct actor *actor, const char *format, ...)
{
	char line[200];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	actor_tell(actor, line);
	return actor_hear(actor);
}

void actor_kill(struct actor *actor)
{
	kill(actor->pid, SIGKILL);
	while (waitpid(actor->pid, NULL, 0) < 0 && errno == EINTR) {
	}
	close(actor->to);
}
