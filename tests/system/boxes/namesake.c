/* SPDX-License-Identifier: MIT */
/*
 * Runs a program in a new PID namespace, as a process that has a number there that its caller
 * chose: that of another process, or the number that it has here, too. Ends as the program does;
 * SIGTERM kills the program.
 *
 * usage: namesake NUMBER|same PROGRAM [ARGUMENT...]
 */
#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Forks a child with numbers in its namespace and, when there are two, in the one above. */
static pid_t fork_numbered(const pid_t *numbers, size_t n)
{
	struct clone_args args = {
		.exit_signal = SIGCHLD,
		.set_tid = (uint64_t)(uintptr_t)numbers,
		.set_tid_size = n,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

static pid_t fork_namesake(const char *number)
{
	pid_t child = -1;

	if (strcmp(number, "same") != 0) {
		return fork_numbered(&(pid_t){atoi(number)}, 1);
	}
	/* Processes have the low numbers. */
	for (pid_t n = 30000; n > 20000 && child < 0; n--) {
		child = fork_numbered((pid_t[]){n, n}, 2);
		if (child < 0 && errno != EEXIST) {
			break;
		}
	}
	return child;
}

static int wait_for(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR) {
			return 2;
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The first process of the namespace, with which all others in it end. */
static int be_first(char **argv)
{
	pid_t child;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* lest the other is killed */
	child = fork_namesake(argv[1]);
	if (child == 0) {
		execv(argv[2], argv + 2);
		_exit(127);
	}
	if (child < 0) {
		perror("namesake: clone3");
		return 77;
	}
	return wait_for(child);
}

static pid_t first;

static void on_end(int signal)
{
	(void)signal;
	kill(first, SIGKILL); /* and with it all of its namespace */
}

int main(int argc, char **argv)
{
	if (argc < 3 || unshare(CLONE_NEWPID) != 0) {
		perror("namesake: unshare");
		return 77;
	}
	first = fork();
	if (first == 0) {
		_exit(be_first(argv));
	}
	if (first < 0) {
		perror("namesake: fork");
		return 77;
	}
	signal(SIGTERM, on_end);
	return wait_for(first);
}
