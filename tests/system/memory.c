/* SPDX-License-Identifier: MIT */
/* Pools backed by memfds, and pages touched beforehand: what outlives whom, and who may do what. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/handle.h"
#include "tests/system/raw.h"

#define OTHER 65534 /* a user that is neither root nor the daemon's */
#define BIG (64u << 20)

static struct mempool *kept;

static int make(const char *name, uint32_t backing, uint32_t mode, uint64_t size)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	attr.block_size = size;
	attr.blocks = 100;
	attr.max_blocks = 200;
	attr.backing = backing;
	attr.mode = mode;
	return mempool_create(conn, name, &attr, &kept);
}

static uint32_t backing_of(const char *name)
{
	struct mempool_info info;
	ck_assert_int_eq(mempool_find_pool(conn, name, &info), 0);
	return info.backing;
}

static void remove_kept(void)
{
	ck_assert_int_eq(mempool_close_force(kept), 0);
	ck_assert_int_eq(mempool_destroy(conn, "kept"), 0);
}

/* ---- keepers ---- */

/* The first process after @after that keeps memory for this instance. 0: there is none. */
static pid_t find_keeper(pid_t after)
{
	char path[64], line[300], own[80];
	DIR *proc = opendir("/proc");
	pid_t least = 0;
	ck_assert_ptr_nonnull(proc);
	snprintf(own, sizeof own, "/dev/shm/mempool.%s.registry", service.instance);
	for (struct dirent *e; (e = readdir(proc));) {
		pid_t pid = atoi(e->d_name);
		snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
		FILE *file = pid > after ? fopen(path, "r") : NULL;
		size_t n = file ? fread(line, 1, sizeof line - 1, file) : 0;
		line[n] = 0;
		if (n > 14 && !strcmp(line, "mempoold-keep") && !strcmp(line + 14, own) &&
		    (least == 0 || pid < least)) {
			least = pid;
		}
		if (file) {
			fclose(file);
		}
	}
	closedir(proc);
	return least;
}

static bool is_without_keepers(void *unused)
{
	(void)unused;
	return find_keeper(0) == 0;
}

/* Whether there is one keeper, another than that, and it was told to stay. */
static bool is_kept_by_another(void *pid)
{
	char path[64], link[64] = "";
	pid_t found = find_keeper(0);
	snprintf(path, sizeof path, "/proc/%d/fd/6", found);
	return found != 0 && found != *(pid_t *)pid && find_keeper(found) == 0 &&
	       readlink(path, link, sizeof link - 1) > 0 && !strcmp(link, "anon_inode:inotify");
}

/* A keeper that was just executed has no name for a moment. */
static pid_t await_keeper(void)
{
	pid_t none = 0;
	ck_assert(wait_until(is_kept_by_another, &none, HANG_MS));
	return find_keeper(0);
}

static bool is_all_in_kept(void *n)
{
	struct mempool_stats s;
	ck_assert_int_eq(mempool_stat(kept, &s), 0);
	return s.used == *(uint64_t *)n;
}

START_TEST(a_memfd_outlives_the_daemon_with_who_has_blocks)
{
	begin();
	ck_assert_int_eq(make("kept", MEMPOOL_BACKING_MEMFD, 0600, 1000), 0);
	ck_assert_uint_eq(backing_of("kept"), MEMPOOL_BACKING_MEMFD);
	ck_assert_uint_eq(backing_of("frames"), MEMPOOL_BACKING_SHM);
	unsigned objects = service_objects(&service);
	struct actor a;
	actor_start(&a);
	ck_assert_int_eq(actor_ask(&a, "open kept"), 0);
	ck_assert_int_eq(actor_ask(&a, "get 40"), 0);
	char *mine = mempool_get(kept);
	strcpy(mine, "still here");
	service_kill(&service);
	service_restart(&service);
	ck_assert_uint_eq(service_objects(&service), objects + 1); /* the actor's liveness file */
	ck_assert_str_eq(mine, "still here");
	struct mempool_stats s;
	ck_assert_int_eq(mempool_stat(kept, &s), 0);
	ck_assert_uint_eq(s.used, 41);
	/* Who comes now gets the same memory; who dies now is noticed. */
	struct actor b;
	actor_start(&b);
	ck_assert_int_eq(actor_ask(&b, "open kept"), 0);
	ck_assert_int_eq(actor_ask(&b, "get 50"), 0);
	actor_kill(&a);
	actor_kill(&b);
	uint64_t one = 1;
	ck_assert(wait_until(is_all_in_kept, &one, HANG_MS));
	ck_assert_int_eq(mempool_put(kept, mine), 0);
	ck_assert_int_eq(mempool_grow(conn, "kept", 200), 0);
	ck_assert_uint_eq(mempool_blocks(kept), 200);
	remove_kept();
	ck_assert(wait_until(is_without_keepers, NULL, HANG_MS));
	end();
}
END_TEST

START_TEST(a_keeper_that_dies_is_replaced)
{
	begin();
	ck_assert_int_eq(make("kept", MEMPOOL_BACKING_MEMFD, 0600, 1000), 0);
	for (int i = 0; i < 3; i++) {
		pid_t pid = await_keeper();
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert(wait_until(is_kept_by_another, &pid, HANG_MS));
		service_kill(&service);
		service_restart(&service);
		ck_assert_uint_eq(backing_of("kept"), MEMPOOL_BACKING_MEMFD);
	}
	remove_kept();
	end();
}
END_TEST

/* When both die there is nothing left to find: the pool has gone, and its users go on. */
START_TEST(a_pool_nobody_kept_is_gone_and_can_be_made_anew)
{
	begin();
	ck_assert_int_eq(make("kept", MEMPOOL_BACKING_MEMFD, 0600, 1000), 0);
	char *mine = mempool_get(kept);
	pid_t pid = await_keeper();
	service_kill(&service);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert(wait_until(is_without_keepers, NULL, HANG_MS));
	service_restart(&service);
	struct mempool *again;
	ck_assert_int_eq(mempool_open(conn, "kept", MEMPOOL_OBSERVE, &again), -ENOENT);
	ck_assert_int_eq(mempool_put(kept, mine), 0);
	ck_assert_ptr_nonnull(mempool_get(kept));
	ck_assert_int_eq(mempool_close_force(kept), 0);
	ck_assert_int_eq(make("kept", MEMPOOL_BACKING_MEMFD, 0600, 1000), 0);
	remove_kept();
	end();
}
END_TEST

static bool is_quiet(void *unused)
{
	(void)unused;
	return service_objects(&service) == 3 && find_keeper(0) == 0;
}

/* The daemon is killed at some moment of a creation: all or nothing of the pool is there. */
START_TEST(a_daemon_killed_while_it_makes_a_memfd_leaves_nothing)
{
	begin();
	mempool_close_force(pool);
	for (int i = 0; i < 30; i++) {
		struct actor a;
		struct mempool_info info;
		actor_start(&a);
		actor_tell(&a, i % 2 ? "large kept 300 2" : "large kept 1 2");
		struct timespec t = {.tv_nsec = i * 400000};
		nanosleep(&t, NULL);
		service_kill(&service);
		actor_kill(&a);
		service_restart(&service);
		bool made = mempool_find_pool(conn, "kept", &info) == 0;
		if (made) {
			await_keeper();
			ck_assert_int_eq(mempool_destroy(conn, "kept"), 0);
		}
		ck_assert(wait_until(is_quiet, NULL, HANG_MS));
	}
	ck_assert_int_eq(mempool_open(conn, "frames", 0, &pool), 0);
	end();
}
END_TEST

START_TEST(keepers_end_when_everything_is_removed_by_hand)
{
	char name[80];
	begin();
	ck_assert_int_eq(make("kept", MEMPOOL_BACKING_MEMFD, 0600, 1000), 0);
	await_keeper();
	service_kill(&service);
	ck_assert(!is_without_keepers(NULL));
	snprintf(name, sizeof name, "/mempool.%s.registry", service.instance);
	ck_assert_int_eq(shm_unlink(name), 0);
	ck_assert(wait_until(is_without_keepers, NULL, HANG_MS));
	ck_assert_int_eq(mempool_close_force(kept), 0);
	ck_assert_int_eq(mempool_close_force(pool), 0);
	service_restart(&service);
	mempool_disconnect(conn);
	service_stop(&service);
}
END_TEST

/* ---- rights ---- */

START_TEST(a_client_cannot_change_the_size_of_a_memfd)
{
	struct stat st;
	union wire_message m;
	int fds[WIRE_FDS], n = WIRE_FDS;
	begin();
	ck_assert_int_eq(make("kept", MEMPOOL_BACKING_MEMFD, 0600, 1000), 0);
	int fd = greeted();
	wire_init(&m, WIRE_OPEN, 2);
	strcpy(m.open.name, "kept");
	ck_assert(ask(fd, &m, fds, &n));
	ck_assert_int_eq(m.head.error, 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(fstat(fds[i], &st), 0);
		ck_assert_uint_eq(st.st_mode & 0777, 0600);
		ck_assert_int_eq(ftruncate(fds[i], 0), -1);
		ck_assert_int_eq(errno, EPERM);
		ck_assert_int_eq(ftruncate(fds[i], st.st_size * 2), -1);
		ck_assert_int_eq(fcntl(fds[i], F_ADD_SEALS, F_SEAL_WRITE), -1);
	}
	for (int i = 0; i < n; i++) {
		close(fds[i]);
	}
	close(fd);
	remove_kept();
	end();
}
END_TEST

START_TEST(what_others_may_open_is_a_memfd)
{
	begin();
	ck_assert_int_eq(make("kept", MEMPOOL_BACKING_AUTO, 0640, 1000), 0);
	ck_assert_uint_eq(backing_of("kept"), MEMPOOL_BACKING_MEMFD);
	remove_kept();
	ck_assert_int_eq(make("kept", MEMPOOL_BACKING_SHM, 0602, 1000), -EINVAL);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "require_memfd"));
	ck_assert_int_eq(make("kept", 7, 0600, 1000), -EINVAL);
	ck_assert_int_eq(make("kept", MEMPOOL_BACKING_SHM, 0600, 1000), 0);
	ck_assert_uint_eq(backing_of("kept"), MEMPOOL_BACKING_SHM);
	remove_kept();
	end();
}
END_TEST

/* Writes the daemon's configuration, and has it read again if there is a daemon. */
static void configure(const char *text)
{
	char path[200];
	snprintf(path, sizeof path, "%s/mempoold.conf", service.dir);
	FILE *to = fopen(path, "w");
	ck_assert_ptr_nonnull(to);
	fputs(text, to);
	fclose(to);
	if (service.pid > 0) {
		kill(service.pid, SIGHUP);
	}
}

static bool may_open(void *actor)
{
	return actor_ask(actor, "open kept") == 0;
}

static bool may_observe(void *actor)
{
	return actor_ask(actor, "open kept observer") == 0;
}

/* A rule that comes later opens what is in /dev/shm to others: not unless that is wanted. */
START_TEST(others_keep_out_of_dev_shm_unless_the_configuration_says_so)
{
	if (getuid() != 0) {
		return; /* the other user can only be had by root */
	}
	service.configured = true;
	service_prepare(&service);
	ck_assert_int_eq(chmod(service.dir, 0755), 0);
	configure("");
	service_restart(&service);
	conn = service_connect();
	ck_assert_int_eq(make("kept", MEMPOOL_BACKING_AUTO, 0600, 1000), 0);
	ck_assert_uint_eq(backing_of("kept"), MEMPOOL_BACKING_SHM);
	struct actor a;
	actor_start_as(&a, OTHER);
	configure("[access kept]\nwrite = 65534\n[limits]\npools = 7\n");
	ck_assert(wait_until(may_observe, &a, HANG_MS));
	ck_assert_int_eq(actor_ask(&a, "close"), 0);
	ck_assert_int_eq(actor_ask(&a, "open kept"), -EACCES);
	configure("[pools]\nrequire_memfd = no\n[access kept]\nwrite = 65534\n");
	ck_assert(wait_until(may_open, &a, HANG_MS));
	actor_kill(&a);
	remove_kept();
	mempool_disconnect(conn);
	ck_assert_uint_eq(service_stop(&service), 0);
}
END_TEST

/* ---- pages ---- */

static long faults(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

/* Makes a pool of BIG bytes, and counts the faults it takes to touch it all. */
static long faults_of(uint32_t prefault, uint32_t backing)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	void *blocks[BIG / 65536];
	attr.block_size = 65536;
	attr.blocks = BIG / 65536;
	attr.prefault = prefault;
	attr.backing = backing;
	ck_assert_int_eq(mempool_create(conn, "kept", &attr, &kept), 0);
	ck_assert_int_eq(mempool_get_bulk(kept, blocks, attr.blocks), 0);
	long before = faults();
	for (size_t i = 0; i < attr.blocks; i++) {
		for (size_t at = 0; at < 65536; at += 4096) {
			((volatile char *)blocks[i])[at] = 1;
		}
	}
	long n = faults() - before;
	remove_kept();
	return n;
}

static void check_prefault(const char *no_uring)
{
	setenv("MEMPOOLD_NO_URING", no_uring, 1);
	begin();
	for (uint32_t backing = MEMPOOL_BACKING_SHM; backing <= MEMPOOL_BACKING_MEMFD; backing++) {
		long many = faults_of(MEMPOOL_NO, backing);
		ck_assert_int_gt(many, 500);
		ck_assert_int_lt(faults_of(MEMPOOL_TRY, backing), many / 20);
		ck_assert_int_lt(faults_of(MEMPOOL_REQUIRE, backing), many / 20);
	}
	end();
}

START_TEST(prefaulted_blocks_take_no_faults)
{
	check_prefault("0");
}
END_TEST

START_TEST(prefault_works_without_io_uring)
{
	check_prefault("1");
}
END_TEST

struct told {
	int n;
	uint64_t last, total;
};

static void tell(void *arg, uint64_t done, uint64_t total)
{
	struct told *told = arg;
	ck_assert_uint_le(done, total);
	ck_assert_uint_ge(done, told->last);
	told->n++;
	told->last = done;
	told->total = total;
}

START_TEST(progress_is_told_while_pages_are_touched)
{
	struct told told = {0};
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	begin();
	mempool_set_progress(conn, tell, &told);
	attr.block_size = 1 << 20;
	attr.blocks = 100;
	/* However fast the machine: more, until it takes long enough to be told of. */
	do {
		attr.blocks *= 2;
		attr.prefault = MEMPOOL_REQUIRE;
		ck_assert_int_eq(mempool_create(conn, "kept", &attr, &kept), 0);
		remove_kept();
	} while (told.n == 0 && attr.blocks < 3200);
	ck_assert_int_gt(told.n, 0);
	ck_assert_uint_gt(told.total, (uint64_t)attr.blocks << 20);
	mempool_set_progress(conn, NULL, NULL);
	end();
}
END_TEST

/* ---- core files ---- */

/* Whether the mapping at @at is left out of core files. */
static bool is_left_out(const void *at)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	char line[512];
	unsigned long from, to;
	bool is_it = false, is_out = false;
	ck_assert_ptr_nonnull(file);
	while (fgets(line, sizeof line, file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
			is_it = (unsigned long)at >= from && (unsigned long)at < to;
		} else if (is_it && strncmp(line, "VmFlags:", 8) == 0) {
			is_out = strstr(line, " dd") != NULL;
		}
	}
	fclose(file);
	return is_out;
}

START_TEST(blocks_are_left_out_of_core_files_unless_asked_for)
{
	static const struct {
		const char *wish;
		bool is_out;
	} tries[] = {{NULL, true}, {"1", false}, {"0", true}};
	begin();
	for (uint32_t backing = MEMPOOL_BACKING_SHM; backing <= MEMPOOL_BACKING_MEMFD; backing++) {
		for (size_t i = 0; i < 3; i++) {
			unsetenv("MEMPOOL_CORE_BLOCKS");
			if (tries[i].wish) {
				setenv("MEMPOOL_CORE_BLOCKS", tries[i].wish, 1);
			}
			ck_assert_int_eq(make("kept", backing, 0600, 4096), 0);
			ck_assert_int_eq(is_left_out(mempool_block_at(kept, 0)), tries[i].is_out);
			ck_assert_int_eq(is_left_out(mempool_block_at(kept, 99)), tries[i].is_out);
			ck_assert(!is_left_out(kept->core.header)); /* bookkeeping is kept */
			remove_kept();
		}
	}
	unsetenv("MEMPOOL_CORE_BLOCKS");
	end();
}
END_TEST

SUITE("memory", blocks_are_left_out_of_core_files_unless_asked_for,
      a_memfd_outlives_the_daemon_with_who_has_blocks, a_keeper_that_dies_is_replaced,
      a_pool_nobody_kept_is_gone_and_can_be_made_anew,
      a_daemon_killed_while_it_makes_a_memfd_leaves_nothing,
      keepers_end_when_everything_is_removed_by_hand, a_client_cannot_change_the_size_of_a_memfd,
      what_others_may_open_is_a_memfd, others_keep_out_of_dev_shm_unless_the_configuration_says_so,
      prefaulted_blocks_take_no_faults, prefault_works_without_io_uring,
      progress_is_told_while_pages_are_touched)
