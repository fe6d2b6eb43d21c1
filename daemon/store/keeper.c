/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/store/keeper.h"

#define KEEPER_NAME "mempoold-keep"
#define PROGRAM "/proc/self/exe"
#define DYING_MS 500

enum {
	AT_CONTROL = 3,
	AT_DATA,
	AT_LOCK,
	AT_STAY,
	AT_COOKIE,
	N_HANDED = AT_COOKIE - AT_CONTROL + 1,
	ABOVE = 16, /* where descriptors wait to be moved to those */
};

static bool allowed;

void keeper_allow(void)
{
	allowed = true;
}

/* ---- in the keeper ---- */

bool keeper_is_called(char **argv)
{
	return argv[0] && !strcmp(argv[0], KEEPER_NAME) && argv[1] && argv[2];
}

/* Whether the file at that path is still the one with that inode. */
static bool keeper_is_there(const char *path, ino_t inode)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_ino == inode;
}

/* What it looks for. */
struct keeper_watches {
	int fd;       /* -1: inotify cannot be had */
	int registry; /* watches */
	int cookie;   /* -1: there is none */
};

/* Whether the file at that path holds the name of the registry's instance. A doubt is a yes. */
static bool keeper_is_named(const char *cookie, const char *registry)
{
	const char *name = registry + strlen("/dev/shm/mempool.");
	char text[NAME_MAX];
	int fd = open(cookie, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0) {
		return errno != ENOENT && errno != ENOTDIR;
	}
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n < 0 ? 0 : n] = 0;
	text[strcspn(text, "\n")] = 0;
	return n < 0 || (!strncmp(name, text, strlen(text)) && name[strlen(text)] == '.');
}

static void keeper_init_watches(struct keeper_watches *watches, char **argv)
{
	char cookie[64];

	*watches = (struct keeper_watches){inotify_init1(IN_CLOEXEC), -1, -1};
	if (watches->fd < 0) {
		return;
	}
	watches->registry = inotify_add_watch(watches->fd, argv[1], IN_ATTRIB | IN_DELETE_SELF);
	if (argv[3]) {
		/* By the descriptor: it may have lost its name already. */
		snprintf(cookie, sizeof cookie, "/proc/self/fd/%d", AT_COOKIE);
		watches->cookie = inotify_add_watch(watches->fd, cookie, IN_DELETE_SELF);
		close(AT_COOKIE);
	}
}

/* Waits for something to happen. Returns whether the cookie may have gone. */
static bool keeper_wait(const struct keeper_watches *watches)
{
	char events[sizeof(struct inotify_event) + NAME_MAX + 1]
		__attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = -1;
	bool gone = false;

	if (watches->registry >= 0) {
		n = read(watches->fd, events, sizeof events);
	}
	if (n < 0) {
		sleep(1);
	}
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *event = (const struct inotify_event *)(events + at);
		gone = gone || (event->wd == watches->cookie && event->mask & IN_DELETE_SELF);
		at += (ssize_t)(sizeof *event + event->len);
	}
	return gone;
}

_Noreturn void keeper_run(char **argv)
{
	const char *registry = argv[1], *cookie = argv[3];
	ino_t inode = strtoull(argv[2], NULL, 10);
	struct keeper_watches watches;
	char told;

	prctl(PR_SET_NAME, KEEPER_NAME);
	close_range(AT_COOKIE + 1, ~0u, 0);
	if (chdir("/") < 0 || read(AT_STAY, &told, 1) != 1) {
		_exit(EXIT_FAILURE); /* not told to stay */
	}
	close(AT_STAY);
	keeper_init_watches(&watches, argv);
	while (keeper_is_there(registry, inode)) {
		if (!keeper_wait(&watches)) {
			continue;
		}
		if (!keeper_is_named(cookie, registry)) {
			break;
		}
		watches.cookie = inotify_add_watch(watches.fd, cookie, IN_DELETE_SELF);
	}
	_exit(EXIT_SUCCESS);
}

/* ---- in the daemon ---- */

/* Executes the keeper, with all it needs already above the numbers it will have. */
static int keeper_spawn(pid_t *pid, const int above[N_HANDED], char *const argv[])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	char *environment[] = {NULL};
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&actions, 0, 1);
	posix_spawn_file_actions_adddup2(&actions, 0, 2);
	for (int i = 0; i < N_HANDED && above[i] >= 0; i++) {
		posix_spawn_file_actions_adddup2(&actions, above[i], AT_CONTROL + i);
	}
	error = posix_spawn(pid, PROGRAM, &actions, &attr, argv, environment);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

/* The last of the descriptors may be -1. */
static int keeper_spawn_with(struct identity *keeper, const int fds[N_HANDED], char *const argv[])
{
	int above[N_HANDED], r = 0;

	for (int i = 0; i < N_HANDED; i++) {
		above[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, ABOVE);
		r = fds[i] >= 0 && above[i] < 0 ? -errno : r;
	}
	if (r == 0) {
		r = keeper_spawn(&keeper->pid, above, argv);
	}
	for (int i = 0; i < N_HANDED; i++) {
		if (above[i] >= 0) {
			close(above[i]);
		}
	}
	return r;
}

/* Notes the identity of the new child. Returns 0, or -errno when it is not to be had. */
static int keeper_note(struct identity *keeper)
{
	int pidfd = identity_open(keeper->pid);

	if (pidfd < 0) {
		return pidfd;
	}
	keeper->where = identity_here();
	keeper->number = identity_number(pidfd, keeper->pid);
	close(pidfd);
	return keeper->number ? 0 : -ESRCH;
}

int keeper_start(struct identity *keeper, const int fds[3], const struct keeper_bond *bond)
{
	char path[PATH_MAX], inode[24], cookie[PATH_MAX];
	char *argv[] = {(char[]){KEEPER_NAME}, path, inode, bond->cookie_fd >= 0 ? cookie : NULL,
			NULL};
	int stay[2], r;

	snprintf(path, sizeof path, "/dev/shm%s", bond->registry);
	snprintf(cookie, sizeof cookie, "%s", bond->cookie_fd >= 0 ? bond->cookie : "");
	if (!allowed) {
		return -EOPNOTSUPP;
	}
	snprintf(inode, sizeof inode, "%llu", (unsigned long long)bond->inode);
	if (pipe2(stay, O_CLOEXEC) < 0) {
		return -errno;
	}
	r = keeper_spawn_with(
		keeper, (const int[]){fds[0], fds[1], fds[2], stay[0], bond->cookie_fd}, argv);
	close(stay[0]);
	if (r == 0) {
		r = keeper_note(keeper);
	}
	if (r < 0) {
		close(stay[1]);
		return r;
	}
	return stay[1];
}

void keeper_stay(int fd)
{
	(void)!write(fd, "", 1); /* if the keeper has died, its pidfd says so */
	close(fd);
}

ino_t keeper_inode(const struct identity *keeper)
{
	char path[64], line[PATH_MAX + 64] = "";
	const char *registry = line + sizeof KEEPER_NAME;
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/cmdline", (int)keeper->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, line, sizeof line - 1);
		close(fd);
	}
	/* The name, the registry's path, and the inode, each with its terminator. */
	if (n <= (ssize_t)sizeof KEEPER_NAME || strcmp(line, KEEPER_NAME) != 0) {
		return 0;
	}
	return strtoull(registry + strnlen(registry, PATH_MAX) + 1, NULL, 10);
}

int keeper_watch(const struct identity *keeper)
{
	int fd;

	if (keeper->pid == 0) {
		return -ESRCH;
	}
	switch (identity_look(keeper, &fd)) {
	case IDENTITY_GONE:
		return -ESRCH;
	case IDENTITY_HIDDEN:
		return -EREMOTE;
	case IDENTITY_FOUND:
	default:
		break;
	}
	if (identity_has_died(fd)) { /* it is a zombie, which has a pidfd still */
		close(fd);
		return -ESRCH;
	}
	return fd;
}

/*
 * Opens descriptor @number of the keeper: by pidfd_getfd(), from Linux 5.6 on; else, or where
 * ptrace is restricted, by way of /proc.
 */
static int keeper_open_of(const struct identity *keeper, int pidfd, int number)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	char path[64];
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0u);

	if (fd >= 0) {
		return fd;
	}
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)keeper->pid, number);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		return fd;
	}
	/* A dying keeper closes its descriptors a moment before its pidfd says that it has died. */
	poll(&p, 1, DYING_MS);
	return p.revents ? -ENOENT : -EREMOTE;
}

int keeper_open(const struct identity *keeper, int fds[2])
{
	int r = 0, watch = keeper_watch(keeper);

	if (watch < 0) {
		return watch == -ESRCH ? -ENOENT : watch;
	}
	fds[0] = keeper_open_of(keeper, watch, AT_CONTROL);
	fds[1] = fds[0] < 0 ? fds[0] : keeper_open_of(keeper, watch, AT_DATA);
	if (fds[1] < 0) {
		r = fds[1];
		if (fds[0] >= 0) {
			close(fds[0]);
		}
	}
	close(watch);
	return r;
}

void keeper_end(const struct identity *keeper)
{
	int fd = keeper_watch(keeper);

	if (fd >= 0) {
		syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0u);
		close(fd);
	}
}
