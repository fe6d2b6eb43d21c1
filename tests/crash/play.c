/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/crash/play.h"

#define TOLD 10   /* faults that are printed */
#define ENOUGH 50 /* faults after which a test ends */
#define HANGS 3   /* the same, of processes that hung */

unsigned long play_faults;

void play_fault(const char *format, ...)
{
	va_list args;

	if (++play_faults <= TOLD) {
		va_start(args, format);
		vfprintf(stderr, format, args);
		va_end(args);
		fputc('\n', stderr);
	}
	/* Each fault costs an audit that looks many times; so many leave no doubt. */
	if (play_faults == ENOUGH) {
		errx(1, "%d faults, no more are looked for", ENOUGH);
	}
}

static void play_hang(void)
{
	static int hangs;

	play_fault("hung for %d s or more", HUNG_S);
	if (++hangs == HANGS) {
		errx(1, "%d hung, no more are looked for", HANGS);
	}
}

/* SIGALRM ends a child that hangs. */
static pid_t play_begin(void)
{
	pid_t pid = fork();

	if (pid < 0) {
		err(99, "fork");
	}
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGALRM, SIG_DFL);
		alarm(HUNG_S);
	}
	return pid;
}

static int play_end_of(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
		play_hang();
	} else if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
		play_fault("died of signal %d", WTERMSIG(status));
	}
	return status;
}

static bool play_was_killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

void play_trace(struct part part, struct trace *trace)
{
	const struct arena *arena = &part.player->scene->arena;

	pid_t pid = play_begin();
	if (pid == 0) {
		alarm(TRACE_S);
		trace_record(trace, part.act, part.player, arena->daemon.header,
			     arena->daemon.shape.control_size);
		_exit(0);
	}
	if (play_end_of(pid) != 0 || trace->n == 0) {
		errx(1, "an operation cannot be traced");
	}
}

bool play_kill(struct part part, const struct trace *trace, uint32_t k, bool slowly)
{
	pid_t pid = play_begin();
	if (pid == 0) {
		step_to(trace, k, slowly, part.act, part.player, step_die);
		_exit(0);
	}
	return play_was_killed(play_end_of(pid));
}

/* ---- stopping ---- */

static int here, go_on; /* pipe ends of the child */

/* Runs in a signal handler of the child. */
static void play_wait_here(void)
{
	char byte = 0;

	syscall(SYS_write, here, &byte, 1);
	syscall(SYS_read, go_on, &byte, 1);
}

bool play_stop(struct part part, const struct trace *trace, uint32_t k, bool slowly,
	       struct stopped *stopped)
{
	int up[2], down[2];
	char byte;

	if (pipe(up) != 0 || pipe(down) != 0) {
		err(99, "pipe");
	}
	pid_t pid = play_begin();
	if (pid == 0) {
		here = up[1];
		go_on = down[0];
		close(up[0]);
		close(down[1]);
		step_to(trace, k, slowly, part.act, part.player, play_wait_here);
		_exit(0);
	}
	close(up[1]);
	close(down[0]);
	bool came = read(up[0], &byte, 1) == 1;
	close(up[0]);
	*stopped = (struct stopped){.pid = pid, .go = down[1]};
	if (!came) {
		play_go_on(stopped);
	}
	return came;
}

void play_end(struct stopped *stopped)
{
	kill(stopped->pid, SIGKILL);
	play_end_of(stopped->pid);
	close(stopped->go);
}

void play_go_on(struct stopped *stopped)
{
	(void)!write(stopped->go, "", 1);
	close(stopped->go);
	play_end_of(stopped->pid);
}

void play(struct part part)
{
	pid_t pid = play_begin();
	if (pid == 0) {
		part.act(part.player);
		_exit(0);
	}
	play_end_of(pid);
}
