/* SPDX-License-Identifier: MIT */
/*
 * Whoever cannot connect is told why, and what to do about it.
 */
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/system/raw.h"

/* Somebody who listens where a daemon should, and does not behave as one. */
struct impostor {
	char path[64];
	int fd;
	union wire_message says; /* size 0: nothing */
	bool listens;            /* to what is asked, before it says something */
};

static void *play(void *arg)
{
	struct impostor *impostor = arg;
	union wire_message m;
	int fd = accept(impostor->fd, NULL, NULL);
	if (impostor->listens) {
		recv(fd, &m, sizeof m, 0);
	}
	if (impostor->says.head.size) {
		send(fd, &impostor->says, impostor->says.head.size, MSG_NOSIGNAL);
	}
	close(fd);
	return NULL;
}

/* What connecting to it says; its sentence is in mempool_errmsg(). */
static int connect_to(struct impostor *impostor, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct mempool_conn *c;
	pthread_t thread;
	snprintf(impostor->path, sizeof impostor->path, "/tmp/mempool-impostor.%d", (int)getpid());
	unlink(impostor->path);
	strcpy(address.sun_path, impostor->path);
	impostor->fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(impostor->fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(listen(impostor->fd, 4), 0);
	bool answers = type == SOCK_SEQPACKET;
	if (answers) {
		ck_assert_int_eq(pthread_create(&thread, NULL, play, impostor), 0);
	}
	int error = mempool_connect(&c, impostor->path);
	if (answers) {
		pthread_join(thread, NULL);
	}
	close(impostor->fd);
	unlink(impostor->path);
	return error;
}

static void assert_told(const char *words)
{
	ck_assert_msg(strstr(mempool_errmsg(), words) != NULL, "'%s' is not in: %s", words,
		      mempool_errmsg());
}

START_TEST(who_is_hung_up_on_hears_of_the_likely_causes)
{
	struct impostor silent = {.listens = true};
	ck_assert_int_eq(connect_to(&silent, SOCK_SEQPACKET), -ECONNRESET);
	assert_told("LimitNOFILE");
	assert_told(silent.path);
}
END_TEST

START_TEST(what_a_daemon_says_before_it_hangs_up_is_heard)
{
	for (int listens = 0; listens < 2; listens++) {
		struct impostor full = {.listens = listens};
		wire_init(&full.says, WIRE_ERROR, 0);
		full.says.head.error = ENFILE;
		strcpy(full.says.error.text, "no room at the inn");
		ck_assert_int_eq(connect_to(&full, SOCK_SEQPACKET), -ENFILE);
		assert_told("no room at the inn");
	}
}
END_TEST

/* Also when its messages are laid out otherwise. */
START_TEST(a_daemon_of_another_version_is_named_so)
{
	struct impostor later = {.listens = true};
	char words[32];
	wire_init(&later.says, WIRE_ERROR, 0);
	later.says.head.version = WIRE_VERSION + 1;
	memset(later.says.error.text, 'x', sizeof later.says.error.text);
	ck_assert_int_eq(connect_to(&later, SOCK_SEQPACKET), -EPROTONOSUPPORT);
	wire_init(&later.says, WIRE_ERROR, 1);
	later.says.head.version = WIRE_VERSION + 1;
	later.says.head.error = EPROTONOSUPPORT;
	ck_assert_int_eq(connect_to(&later, SOCK_SEQPACKET), -EPROTONOSUPPORT);
	snprintf(words, sizeof words, "version %u", WIRE_VERSION + 1);
	assert_told(words);
	assert_told("one release");
}
END_TEST

START_TEST(what_is_no_daemon_is_named_so)
{
	struct impostor other = {.listens = true};
	wire_init(&other.says, WIRE_DONE, 7);
	ck_assert_int_eq(connect_to(&other, SOCK_SEQPACKET), -EPROTO);
	assert_told("no mempoold");
	ck_assert_int_eq(connect_to(&other, SOCK_STREAM), -EPROTOTYPE);
	assert_told("no mempoold");
}
END_TEST

/* The lowest number that no descriptor of the daemon has. */
static rlim_t free_number_of_the_daemon(void)
{
	char path[64];
	rlim_t n = 0;
	do {
		snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)service.pid, (int)n++);
	} while (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	return n - 1;
}

START_TEST(a_daemon_out_of_descriptors_says_so)
{
	struct mempool_conn *c;
	struct rlimit before, few;
	begin();
	ck_assert_int_eq(prlimit(service.pid, RLIMIT_NOFILE, NULL, &before), 0);
	few = before;
	/* It may just have closed one that it had when we looked. */
	int error = 0;
	for (int i = 0; i < 50 && error == 0; i++) {
		few.rlim_cur = free_number_of_the_daemon();
		ck_assert_int_eq(prlimit(service.pid, RLIMIT_NOFILE, &few, NULL), 0);
		error = mempool_connect(&c, NULL);
		if (error == 0) {
			mempool_disconnect(c);
		}
	}
	ck_assert_int_eq(error, -ENFILE);
	assert_told("LimitNOFILE");
	few.rlim_cur += 8;
	ck_assert_int_eq(prlimit(service.pid, RLIMIT_NOFILE, &few, NULL), 0);
	ck_assert_int_eq(mempool_connect(&c, NULL), 0);
	mempool_disconnect(c);
	end();
}
END_TEST

START_TEST(an_open_that_finds_the_daemon_out_of_descriptors_says_so)
{
	struct rlimit before, few;
	begin();
	ck_assert_int_eq(mempool_close(pool), 0); /* else this process need not ask */
	ck_assert_int_eq(prlimit(service.pid, RLIMIT_NOFILE, NULL, &before), 0);
	few = before;
	few.rlim_cur = free_number_of_the_daemon();
	ck_assert_int_eq(prlimit(service.pid, RLIMIT_NOFILE, &few, NULL), 0);
	ck_assert_int_eq(mempool_open(conn, "frames", 0, &pool), -EMFILE);
	assert_told("LimitNOFILE");
	ck_assert_int_eq(prlimit(service.pid, RLIMIT_NOFILE, &before, NULL), 0);
	ck_assert_int_eq(mempool_open(conn, "frames", 0, &pool), 0);
	end();
}
END_TEST

/* A sandbox that maps no user, or where the system allows no namespace: then nothing is tried. */
START_TEST(who_has_no_number_in_a_user_namespace_is_served)
{
	int status;
	begin();
	pid_t child = fork();
	if (child == 0) {
		struct mempool_conn *c;
		struct mempool *frames;
		bool good = unshare(CLONE_NEWUSER) != 0 ||
			    (mempool_connect(&c, NULL) == 0 &&
			     mempool_open(c, "frames", 0, &frames) == 0 && mempool_get(frames));
		_exit(good ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	end();
}
END_TEST

/* ---- the environment ---- */

static char runtime[40], runtime_sub[60], runtime_socket[80];

/* A $XDG_RUNTIME_DIR that leads to the service, and nothing else that does. */
static void begin_by_runtime_dir(void)
{
	begin();
	strcpy(runtime, "/tmp/mempool-runtime.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(runtime));
	snprintf(runtime_sub, sizeof runtime_sub, "%s/mempoold", runtime);
	snprintf(runtime_socket, sizeof runtime_socket, "%s/socket", runtime_sub);
	ck_assert_int_eq(mkdir(runtime_sub, 0755), 0);
	ck_assert_int_eq(symlink(service.socket, runtime_socket), 0);
	setenv("XDG_RUNTIME_DIR", runtime, 1);
	unsetenv("MEMPOOL_SOCKET");
}

static void end_by_runtime_dir(void)
{
	setenv("MEMPOOL_SOCKET", service.socket, 1);
	unlink(runtime_socket);
	rmdir(runtime_sub);
	rmdir(runtime);
	end();
}

/* What `privileged` says as a set-user-ID program of root that an ordinary user starts. */
static int run_privileged(void)
{
	char copy[64], command[600], pid[16];
	int status;
	snprintf(copy, sizeof copy, "/tmp/mempool-privileged.%d", (int)getpid());
	snprintf(command, sizeof command, "cp '%s' %s && chmod 4755 %s", TEST_PRIVILEGED, copy,
		 copy);
	ck_assert_int_eq(system(command), 0);
	snprintf(pid, sizeof pid, "%d", (int)service.pid);
	pid_t child = fork();
	if (child == 0) {
		if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0) {
			_exit(77);
		}
		execl(copy, copy, pid, NULL);
		_exit(77);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	unlink(copy);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Only root can try; and not where set-user-ID programs get nothing. */
START_TEST(a_set_user_id_program_ignores_its_environment)
{
	begin();
	int by_socket = run_privileged();
	ck_assert_int_ne(by_socket, 1);
	end();
	begin_by_runtime_dir();
	ck_assert_int_eq(run_privileged(), by_socket);
	end_by_runtime_dir();
}
END_TEST

/* Only root can give a directory away. */
START_TEST(the_runtime_directory_of_another_user_is_not_followed)
{
	struct mempool_conn *c;
	begin_by_runtime_dir();
	ck_assert_int_eq(mempool_connect(&c, NULL), 0);
	mempool_disconnect(c);
	if (getuid() == 0 && chown(runtime, 65534, 65534) == 0) {
		struct mempool_daemon info;
		int error = mempool_connect(&c, NULL); /* to the system's, if there is one */
		if (error == 0) {
			ck_assert_int_eq(mempool_daemon(c, &info), 0);
			ck_assert_int_ne(info.pid, service.pid);
			mempool_disconnect(c);
		}
	}
	end_by_runtime_dir();
}
END_TEST

SUITE("connecting", who_is_hung_up_on_hears_of_the_likely_causes,
      what_a_daemon_says_before_it_hangs_up_is_heard, a_daemon_of_another_version_is_named_so,
      what_is_no_daemon_is_named_so, a_daemon_out_of_descriptors_says_so,
      an_open_that_finds_the_daemon_out_of_descriptors_says_so,
      who_has_no_number_in_a_user_namespace_is_served,
      a_set_user_id_program_ignores_its_environment,
      the_runtime_directory_of_another_user_is_not_followed)
