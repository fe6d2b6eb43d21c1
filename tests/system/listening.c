/* SPDX-License-Identifier: MIT */
/* Who sees the socket's file can connect: it is not there before the daemon listens. */
#include <glob.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/system/configured.h"

/* The folder, and the script that starts a daemon whose steps take their time. */
static void prepare_slow(void)
{
	char script[600], path[200];

	prepare("");
	snprintf(script, sizeof script,
		 "#!/bin/bash\nexport HELD_LISTENER=%s/held\nLD_PRELOAD=%s exec %s \"$@\"\n",
		 service.dir, TEST_PRELOADED, TEST_MEMPOOLD);
	put("mempoold", script);
	snprintf(path, sizeof path, "%s/mempoold", service.dir);
	ck_assert_int_eq(chmod(path, 0755), 0);
	setenv("MEMPOOLD", path, 1);
}

static int connect_once(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r, fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, service.socket, strlen(service.socket) + 1);
	r = connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? errno : 0;
	close(fd);
	return r;
}

/* Another user, if there may be one, who connects as soon as there is a socket file. */
static pid_t watcher(void)
{
	pid_t pid = fork();
	struct stat st;

	if (pid == 0) {
		if (geteuid() == 0 && setuid(OTHER) != 0) {
			_exit(99);
		}
		while (lstat(service.socket, &st) != 0) {
		}
		_exit(connect_once());
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

/* The error with which it could not connect; 0: it could. */
static int outcome(pid_t watcher)
{
	int status;
	ck_assert_int_eq(waitpid(watcher, &status, 0), watcher);
	return WEXITSTATUS(status);
}

/* Files beside the socket by which it has gone before. */
static size_t drafts(void)
{
	char pattern[120];
	glob_t found;
	size_t n = 0;

	snprintf(pattern, sizeof pattern, "%s/*~*", service.dir);
	if (glob(pattern, 0, NULL, &found) == 0) {
		n = found.gl_pathc;
		globfree(&found);
	}
	return n;
}

static bool has_draft(void *unused)
{
	(void)unused;
	return drafts() == 1;
}

START_TEST(who_sees_the_socket_can_connect)
{
	prepare_slow();
	pid_t pid = watcher();
	start();
	ck_assert_int_eq(outcome(pid), 0);
	ck_assert_uint_eq(drafts(), 0);
	stop();
}
END_TEST

START_TEST(who_sees_a_socket_that_was_made_again_can_connect)
{
	prepare_slow();
	start();
	ck_assert_int_eq(unlink(service.socket), 0);
	ck_assert_int_eq(outcome(watcher()), 0);
	ck_assert_uint_eq(drafts(), 0);
	stop();
}
END_TEST

/* As it leaves a socket of its own that nobody listens on. */
/* In the process that starts a daemon: kills it, also while it does not answer yet, and ends. */
static void kill_started(int signal)
{
	(void)signal;
	kill(service.pid, SIGKILL);
	waitpid(service.pid, NULL, 0);
	_exit(0);
}

START_TEST(what_a_killed_daemon_had_begun_is_not_in_the_way)
{
	prepare_slow();
	put("held", "");
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGUSR1, kill_started);
		service_restart(&service);
		_exit(1);
	}
	ck_assert(wait_until(has_draft, NULL, HANG_MS));
	ck_assert_int_eq(kill(pid, SIGUSR1), 0);
	ck_assert_int_eq(outcome(pid), 0);
	ck_assert_uint_eq(drafts(), 1);
	ck_assert_int_eq(access(service.socket, F_OK), -1);
	take_away("held");
	start();
	ck_assert_uint_eq(drafts(), 0);
	stop();
}
END_TEST

/* Somebody else, who has no lock of this instance, takes the path meanwhile, and keeps it. */
START_TEST(a_socket_that_appears_meanwhile_is_left_alone)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct stat before, after;

	prepare_slow();
	start();
	put("held", "");
	ck_assert_int_eq(unlink(service.socket), 0);
	ck_assert(wait_until(has_draft, NULL, HANG_MS));
	memcpy(address.sun_path, service.socket, strlen(service.socket) + 1);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(fd, 5), 0);
	ck_assert_int_eq(stat(service.socket, &before), 0);
	take_away("held");
	expect_log("somebody else listens there");
	ck_assert_int_eq(stat(service.socket, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_uint_eq(drafts(), 0);
	close(fd);
	ck_assert_int_eq(unlink(service.socket), 0);
	ck_assert_int_eq(outcome(watcher()), 0);
	stop();
}
END_TEST

/* A path of @length bytes that ends in /@base; its folders are made. */
static void lengthen(size_t length, const char *base)
{
	char *path = service.socket;
	size_t at = (size_t)snprintf(path, sizeof service.socket, "%s/", service.dir);

	while (at + strlen(base) < length) {
		size_t left = length - strlen(base) - at - 1;
		size_t n = left > 40 ? 20 : left;
		memset(path + at, 'd', n);
		path[at + n] = 0;
		ck_assert_int_eq(mkdir(path, 0755), 0);
		strcpy(path + at + n, "/");
		at += n + 1;
	}
	strcpy(path + at, base);
	ck_assert_uint_eq(strlen(path), length);
}

START_TEST(a_path_may_be_as_long_as_an_address)
{
	static const char *const bases[] = {"socket", "s", "~", "-", "a~12345"};
	const size_t longest = sizeof((struct sockaddr_un *)0)->sun_path - 1;

	for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
		char text[300];
		prepare_slow();
		lengthen(longest, bases[i]);
		snprintf(text, sizeof text, "[daemon]\nsocket = %s\n", service.socket);
		put("mempoold.conf", text);
		setenv("MEMPOOL_SOCKET", service.socket, 1);
		pid_t pid = watcher();
		start();
		ck_assert_int_eq(outcome(pid), 0);
		stop();
	}
}
END_TEST

SUITE("listening", who_sees_the_socket_can_connect,
      who_sees_a_socket_that_was_made_again_can_connect,
      what_a_killed_daemon_had_begun_is_not_in_the_way,
      a_socket_that_appears_meanwhile_is_left_alone, a_path_may_be_as_long_as_an_address)
