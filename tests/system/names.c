/* SPDX-License-Identifier: MIT */
/*
 * Names that vanish while they are in use, as by a script that cleans up, or by logind's RemoveIPC:
 * of pools, of the registry, of the socket. Who has a pool open goes on, new clients come, and the
 * next daemon finds all.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/system/story.h"

/* Removes the instance's names that end like that. Returns how many. */
static size_t remove_names(const char *end_of_name)
{
	char pattern[160];
	glob_t found;
	snprintf(pattern, sizeof pattern, "/dev/shm/mempool.%s.%s", service.instance, end_of_name);
	size_t n = glob(pattern, 0, NULL, &found) == 0 ? found.gl_pathc : 0;
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(unlink(found.gl_pathv[i]), 0);
	}
	if (n > 0) {
		globfree(&found);
	}
	return n;
}

static bool is_registry_there(void *unused)
{
	char path[160];
	(void)unused;
	snprintf(path, sizeof path, "/dev/shm/mempool.%s.registry", service.instance);
	return access(path, F_OK) == 0;
}

/* Starts with its log in DIR/log. */
static void begin_logged(void)
{
	service_prepare(&service);
	service.configured = true;
	char path[100];
	snprintf(path, sizeof path, "%s/mempoold.conf", service.dir);
	fclose(fopen(path, "w"));
	service_restart(&service);
	conn = service_connect();
	pool = service_pool(conn, "frames", 100, BLOCKS);
}

/* How many lines of the log have that. */
static int times_logged(const char *text)
{
	char path[100], line[600];
	int n = 0;
	snprintf(path, sizeof path, "%s/log", service.dir);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file)) {
		n += strstr(line, text) != NULL;
	}
	if (file) {
		fclose(file);
	}
	return n;
}

static bool is_logged(void *text)
{
	return times_logged(text) > 0;
}

static void open_and_use_elsewhere(void)
{
	struct actor a = holder(10);
	actor_kill(&a);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
}

/* Gives the registry's name to a copy of it. */
static void move_registry(void)
{
	char command[400];
	snprintf(command, sizeof command,
		 "cd /dev/shm && cp --sparse=always mempool.%s.registry mempool.%s.copied && "
		 "chmod 600 mempool.%s.copied && mv mempool.%s.copied mempool.%s.registry",
		 service.instance, service.instance, service.instance, service.instance,
		 service.instance);
	ck_assert_int_eq(system(command), 0);
}

/*
 * Without its liveness file a close must be told to the daemon, which a first request after a
 * restart makes possible; else the seat is free when the process ends.
 */
static void reconnect(void)
{
	ck_assert_uint_ge(count_clients(), 1);
}

START_TEST(a_pool_without_names_goes_on_and_lets_new_clients_in)
{
	struct mempool_report report;
	struct mempool_info info;
	struct mempool *seen;
	begin();
	ck_assert_uint_gt(remove_names("*"), 2);
	open_and_use_elsewhere();
	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_OBSERVE, &seen), 0);
	ck_assert_int_eq(mempool_check(seen, &report), 0);
	ck_assert_int_eq(mempool_close(seen), 0);
	ck_assert_int_eq(mempool_find_pool(conn, "frames", &info), 0);
	ck_assert(!info.broken);
	end();
}
END_TEST

START_TEST(a_pool_without_names_grows)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *growing;
	begin();
	attr.block_size = 4096;
	attr.blocks = 10;
	attr.max_blocks = 1000;
	ck_assert_int_eq(mempool_create(conn, "growing", &attr, &growing), 0);
	ck_assert_uint_gt(remove_names("*"), 2);
	ck_assert_int_eq(mempool_grow(conn, "growing", 1000), 0);
	ck_assert_int_eq(mempool_close(growing), 0);
	ck_assert_int_eq(mempool_destroy(conn, "growing"), 0);
	end();
}
END_TEST

/* The status is told in a turn of the loop: pools that lost their names are kept by then. */
static bool is_kept(void *unused)
{
	struct mempool_status status;
	(void)unused;
	ck_assert_int_eq(mempool_status(conn, &status, sizeof status), 0);
	return status.nameless == 1 && status.unkept == 0;
}

/* One file of a pool, and of the registry, at a time; then all. */
START_TEST(pools_whose_names_vanished_survive_restarts)
{
	static const char *const ends[] = {"frames.*.ctl", "frames.*.dat", "registry", "*"};
	begin_logged();
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		void *block = mempool_get(pool);
		ck_assert_ptr_nonnull(block);
		ck_assert_uint_gt(remove_names(ends[i]), 0);
		ck_assert(wait_until(is_registry_there, NULL, HANG_MS));
		ck_assert(!strcmp(ends[i], "registry") || wait_until(is_kept, NULL, HANG_MS));
		sleep_ms(100);
		service_kill(&service);
		service_restart(&service);
		ck_assert_int_eq(mempool_put(pool, block), 0);
		open_and_use_elsewhere();
		ck_assert(is_sound());
		/* Once more with names. */
		reconnect();
		ck_assert_int_eq(mempool_close(pool), 0);
		ck_assert_int_eq(mempool_destroy(conn, "frames"), 0);
		pool = service_pool(conn, "frames", 100, BLOCKS);
	}
	end();
}
END_TEST

START_TEST(what_is_made_after_the_registry_vanished_survives_a_restart)
{
	struct mempool *later;
	struct mempool_info info;
	begin();
	ck_assert_uint_eq(remove_names("registry"), 1);
	later = service_pool(conn, "later", 64, 10);
	service_kill(&service);
	service_restart(&service);
	ck_assert_int_eq(mempool_find_pool(conn, "later", &info), 0);
	ck_assert_int_eq(mempool_close(later), 0);
	ck_assert_int_eq(mempool_destroy(conn, "later"), 0);
	end();
}
END_TEST

/* As after a death between the copy and its name; then an old copy beside the registry. */
START_TEST(a_copy_of_the_registry_that_was_not_named_yet_is_found)
{
	char path[160], draft[170];
	begin();
	snprintf(path, sizeof path, "/dev/shm/mempool.%s.registry", service.instance);
	snprintf(draft, sizeof draft, "%s.draft", path);
	service_kill(&service);
	ck_assert_int_eq(rename(path, draft), 0);
	service_restart(&service);
	ck_assert_int_eq(access(draft, F_OK), -1);
	open_and_use_elsewhere();
	service_kill(&service);
	close(open(draft, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	service_restart(&service);
	ck_assert_int_eq(access(draft, F_OK), -1);
	open_and_use_elsewhere();
	end();
}
END_TEST

/* A keeper ends with the registry's name, and gets a successor. */
START_TEST(memfds_survive_a_registry_that_vanished)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool_info info;
	struct mempool *kept;
	begin_logged();
	attr.block_size = 64;
	attr.blocks = 10;
	attr.backing = MEMPOOL_BACKING_MEMFD;
	ck_assert_int_eq(mempool_create(conn, "kept", &attr, &kept), 0);
	ck_assert_uint_eq(remove_names("registry"), 1);
	ck_assert(wait_until(is_logged, "mempoold starts another", HANG_MS));
	ck_assert_int_eq(mempool_find_pool(conn, "kept", &info), 0); /* it has it by now */
	service_kill(&service);
	service_restart(&service);
	ck_assert_int_eq(mempool_find_pool(conn, "kept", &info), 0);
	ck_assert_int_eq(mempool_close(kept), 0);
	ck_assert_int_eq(mempool_destroy(conn, "kept"), 0);
	end();
}
END_TEST

/* Has the shell do that before it executes the daemon. */
static void begin_after(const char *commands)
{
	static char path[100];
	service_prepare(&service);
	snprintf(path, sizeof path, "%s/start", service.dir);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "#!/bin/sh\n%s\n", commands);
	ck_assert_int_eq(fchmod(fileno(file), 0700), 0);
	fclose(file);
	setenv("REAL_MEMPOOLD", getenv("MEMPOOLD") ? getenv("MEMPOOLD") : TEST_MEMPOOLD, 1);
	setenv("MEMPOOLD", path, 1);
	service_restart(&service);
	conn = service_connect();
	pool = service_pool(conn, "frames", 100, BLOCKS);
}

/* It opens nothing anew then. Who is not root cannot hide it, and then this is any daemon. */
START_TEST(without_proc_writers_readers_and_observers_come_in)
{
	struct mempool_report report;
	struct mempool *other;
	begin_after("unshare -m true || exec \"$REAL_MEMPOOLD\" \"$@\"\n"
		    "exec unshare -m sh -c 'mount --bind /proc/$$/task /proc/$$/fd; "
		    "exec \"$REAL_MEMPOOLD\" \"$@\"' sh \"$@\"");
	ck_assert_uint_gt(remove_names("frames.*"), 1);
	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_OBSERVE, &other), 0);
	ck_assert_int_eq(mempool_check(other, &report), 0);
	ck_assert_int_eq(mempool_close(other), 0);
	open_and_use_elsewhere();
	ck_assert_int_eq(mempool_close(pool), 0);
	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_RDONLY, &pool), 0);
	end();
}
END_TEST

/* A pool takes two. What was there works on. */
START_TEST(one_pool_more_than_there_are_descriptors_is_refused_with_the_remedy)
{
	char name[20];
	struct mempool *more[40];
	int n = 0, r = 0;
	begin_after("ulimit -n 60; exec \"$REAL_MEMPOOLD\" \"$@\"");
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	attr.block_size = 64;
	attr.blocks = 10;
	for (; n < 40 && r == 0; n += r == 0) {
		snprintf(name, sizeof name, "more.%d", n);
		r = mempool_create(conn, name, &attr, &more[n]);
	}
	ck_assert_int_eq(r, -EMFILE);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "LimitNOFILE"));
	ck_assert_int_eq(obtainable(), BLOCKS);
	while (n-- > 0) {
		snprintf(name, sizeof name, "more.%d", n);
		ck_assert_int_eq(mempool_close(more[n]), 0);
		ck_assert_int_eq(mempool_destroy(conn, name), 0);
	}
	end();
}
END_TEST

/* Removed in the daemon's last moments. */
START_TEST(names_that_vanish_before_a_stop_are_made_good)
{
	begin();
	ck_assert_uint_gt(remove_names("*"), 2);
	kill(service.pid, SIGTERM);
	waitpid(service.pid, NULL, 0);
	service_restart(&service);
	open_and_use_elsewhere();
	reconnect();
	end();
}
END_TEST

/* The first process that keeps memory for this instance; 0: there is none. */
static pid_t find_keeper(void)
{
	char line[300], own[100], path[300];
	glob_t found;
	pid_t pid = 0;
	snprintf(own, sizeof own, "/dev/shm/mempool.%s.registry", service.instance);
	ck_assert_int_eq(glob("/proc/[0-9]*/cmdline", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc && pid == 0; i++) {
		snprintf(path, sizeof path, "%s", found.gl_pathv[i]);
		FILE *file = fopen(path, "r");
		size_t n = file ? fread(line, 1, sizeof line - 1, file) : 0;
		line[n] = 0;
		if (n > 14 && !strcmp(line, "mempoold-keep") && !strcmp(line + 14, own)) {
			pid = atoi(path + strlen("/proc/"));
		}
		if (file) {
			fclose(file);
		}
	}
	globfree(&found);
	return pid;
}

static bool has_keeper(void *unused)
{
	(void)unused;
	return find_keeper() != 0;
}

/* A keeper that was just executed has no name for a moment. */
static pid_t await_keeper(void)
{
	ck_assert(wait_until(has_keeper, NULL, HANG_MS));
	return find_keeper();
}

static bool has_died(void *pid)
{
	return kill(*(pid_t *)pid, 0) != 0 || waitpid(*(pid_t *)pid, NULL, WNOHANG) > 0;
}

/*
 * Such a keeper ends with the registry's name, and died in vain when the daemon had ended before
 * it: the daemon stops while the keeper does not get to run, and nothing tells that it is to end.
 */
START_TEST(a_keeper_that_is_about_to_end_is_replaced_before_a_stop)
{
	begin();
	ck_assert_uint_eq(remove_names("frames.*.dat"), 1);
	ck_assert(wait_until(is_kept, NULL, HANG_MS));
	pid_t keeper = await_keeper();
	kill(keeper, SIGSTOP);
	kill(service.pid, SIGSTOP);
	ck_assert_uint_eq(remove_names("registry"), 1);
	kill(service.pid, SIGTERM);
	kill(service.pid, SIGCONT);
	waitpid(service.pid, NULL, 0);
	kill(keeper, SIGCONT);
	ck_assert(wait_until(has_died, &keeper, HANG_MS));
	service_restart(&service);
	open_and_use_elsewhere();
	reconnect();
	end();
}
END_TEST

/* The next daemon has a keeper that waits for its end since before. */
START_TEST(a_keeper_of_an_earlier_daemon_that_is_about_to_end_is_replaced)
{
	begin_logged();
	ck_assert_uint_eq(remove_names("frames.*.dat"), 1);
	ck_assert(wait_until(is_kept, NULL, HANG_MS));
	pid_t keeper = await_keeper();
	kill(keeper, SIGSTOP);
	kill(service.pid, SIGSTOP);
	/* As by a daemon that was killed as soon as it had made the registry again. */
	service_kill(&service);
	move_registry();
	service_restart(&service);
	ck_assert(wait_until(is_logged, "mempoold starts another", HANG_MS));
	ck_assert_int_ge(count_clients(), 1); /* it has it by now */
	service_kill(&service);
	kill(keeper, SIGCONT);
	ck_assert(wait_until(has_died, &keeper, HANG_MS));
	service_restart(&service);
	open_and_use_elsewhere();
	reconnect();
	end();
}
END_TEST

START_TEST(a_vanished_name_is_told_once_a_pool)
{
	begin_logged();
	ck_assert_uint_gt(remove_names("*"), 2);
	ck_assert(wait_until(is_logged, "frames", HANG_MS));
	ck_assert(wait_until(is_logged, ".registry; made again", HANG_MS));
	sleep_ms(3500); /* another look */
	ck_assert_int_eq(times_logged("all who may open it still can"), 1);
	ck_assert_int_eq(times_logged(".registry; made again"), 1);
	end();
}
END_TEST

#define TAKEN "something else has that name"

static bool is_told_of_registry(void *unused)
{
	(void)unused;
	return is_logged(TAKEN) || is_logged(".registry; made again");
}

/* Somebody else's object is never taken for ours, nor removed. */
START_TEST(a_registry_whose_name_is_taken_is_told)
{
	char path[160];
	begin_logged();
	ck_assert_uint_eq(remove_names("registry"), 1);
	snprintf(path, sizeof path, "/dev/shm/mempool.%s.registry", service.instance);
	/* Before the next look, or else after it. */
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fclose(file);
	ck_assert(wait_until(is_told_of_registry, NULL, HANG_MS));
	if (!is_logged(TAKEN)) {
		ck_assert_int_eq(times_logged(".registry; made again"), 1);
	} else {
		struct stat st;
		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_int_eq(st.st_size, 0);
		ck_assert_int_eq(unlink(path), 0);
		ck_assert(wait_until(is_logged, ".registry; made again", HANG_MS));
	}
	end();
}
END_TEST

/* The object itself is what counts. */
START_TEST(a_pool_whose_data_was_cut_off_is_broken)
{
	char pattern[160];
	glob_t found;
	struct mempool *other;
	begin();
	snprintf(pattern, sizeof pattern, "/dev/shm/mempool.%s.frames.*.dat", service.instance);
	ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
	ck_assert_int_eq(truncate(found.gl_pathv[0], 4096), 0);
	globfree(&found);
	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_OBSERVE, &other), -EIO);
	end();
}
END_TEST

START_TEST(the_status_says_what_vanished_and_what_is_used)
{
	struct mempool_status status;
	begin();
	ck_assert_int_eq(mempool_status(conn, &status, sizeof status), 0);
	ck_assert_int_eq(status.pid, service.pid);
	ck_assert_str_eq(status.instance, service.instance);
	ck_assert_uint_eq(status.own_pools, 1);
	ck_assert_uint_eq(status.own_clients, 1);
	ck_assert_uint_eq(status.own_blocks, BLOCKS);
	ck_assert_uint_eq(status.bytes, status.shm_bytes);
	ck_assert_uint_eq(status.nameless + status.broken + status.unkept, 0);
	ck_assert_uint_eq(remove_names("frames.*.dat"), 1);
	ck_assert(wait_until(is_kept, NULL, HANG_MS));
	ck_assert_int_eq(mempool_status(conn, &status, sizeof status), 0);
	ck_assert_uint_eq(status.nameless, 1);
	ck_assert_uint_eq(status.unkept + status.broken, 0);
	ck_assert_uint_eq(status.faults & MEMPOOL_FAULT_REGISTRY, 0);
	service_kill(&service);
	service_restart(&service);
	ck_assert_int_eq(mempool_status(conn, &status, sizeof status), 0);
	ck_assert_uint_eq(status.adopted, 1);
	ck_assert_uint_eq(status.nameless, 1);
	end();
}
END_TEST

/* Programs built against an older or a newer header. */
START_TEST(a_status_of_another_size_is_filled_as_far_as_it_goes)
{
	struct {
		struct mempool_status status;
		char beyond[64];
	} more;
	begin();
	memset(&more, 0x55, sizeof more);
	ck_assert_int_eq(mempool_status(conn, &more.status, offsetof(struct mempool_status, uid)),
			 0);
	ck_assert_int_eq(more.status.pid, service.pid);
	ck_assert_uint_eq(more.status.uid, 0x55555555);
	ck_assert_int_eq(mempool_status(conn, &more.status, sizeof more), 0);
	ck_assert_uint_eq(more.status.uid, geteuid());
	ck_assert_int_eq(more.beyond[0] | more.beyond[63], 0);
	end();
}
END_TEST

/* ---- the socket ---- */

static bool can_connect(void *unused)
{
	struct mempool_conn *another;
	(void)unused;
	if (mempool_connect(&another, NULL) != 0) {
		return false;
	}
	mempool_disconnect(another);
	return true;
}

START_TEST(the_socket_is_made_again)
{
	struct stat before, after;
	begin();
	ck_assert_int_eq(stat(service.socket, &before), 0);
	ck_assert_int_eq(unlink(service.socket), 0);
	ck_assert(wait_until(can_connect, NULL, HANG_MS));
	ck_assert_int_eq(stat(service.socket, &after), 0);
	ck_assert_uint_eq(before.st_mode, after.st_mode);
	open_and_use_elsewhere();
	end();
}
END_TEST

/* Its folder too: who makes that again has the socket again. */
START_TEST(the_socket_comes_back_with_its_folder)
{
	char moved[100];
	begin_logged();
	snprintf(moved, sizeof moved, "%s-moved", service.dir);
	ck_assert_int_eq(unlink(service.socket), 0);
	ck_assert_int_eq(rename(service.dir, moved), 0);
	sleep_ms(300);
	ck_assert_int_eq(rename(moved, service.dir), 0);
	ck_assert(wait_until(can_connect, NULL, HANG_MS));
	end();
}
END_TEST

START_TEST(what_is_in_the_sockets_place_is_left_alone)
{
	begin_logged();
	ck_assert_int_eq(unlink(service.socket), 0);
	while (mkdir(service.socket, 0700) != 0) {
		unlink(service.socket);
	}
	ck_assert(wait_until(is_logged, "something that is no socket is in the way", HANG_MS));
	ck_assert_int_eq(rmdir(service.socket), 0);
	kill(service.pid, SIGHUP);
	ck_assert(wait_until(can_connect, NULL, HANG_MS));
	end();
}
END_TEST

SUITE("names", a_pool_without_names_goes_on_and_lets_new_clients_in, a_pool_without_names_grows,
      pools_whose_names_vanished_survive_restarts,
      what_is_made_after_the_registry_vanished_survives_a_restart,
      a_copy_of_the_registry_that_was_not_named_yet_is_found,
      memfds_survive_a_registry_that_vanished, without_proc_writers_readers_and_observers_come_in,
      one_pool_more_than_there_are_descriptors_is_refused_with_the_remedy,
      names_that_vanish_before_a_stop_are_made_good,
      a_keeper_that_is_about_to_end_is_replaced_before_a_stop,
      a_keeper_of_an_earlier_daemon_that_is_about_to_end_is_replaced,
      a_vanished_name_is_told_once_a_pool, a_registry_whose_name_is_taken_is_told,
      a_pool_whose_data_was_cut_off_is_broken, the_status_says_what_vanished_and_what_is_used,
      a_status_of_another_size_is_filled_as_far_as_it_goes, the_socket_is_made_again,
      the_socket_comes_back_with_its_folder, what_is_in_the_sockets_place_is_left_alone)
