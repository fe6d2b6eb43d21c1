/* SPDX-License-Identifier: MIT */
/* A pool grows while it is in use: every newborn block is had once, whoever is killed meanwhile. */
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/story.h"

#define FEW 100
#define MOST 20000
#define KILLS 12
#define TRIES 50 /* on a busy machine a growth may be over before we get to do anything */

static struct mempool *growing;
static struct mempool_info info;

static uint32_t blocks_now(void)
{
	ck_assert_int_eq(mempool_find_pool(conn, "growing", &info), 0);
	return info.blocks;
}

static void make_growing(uint64_t block_size, uint32_t most)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	attr.block_size = block_size;
	attr.blocks = FEW;
	attr.max_blocks = most;
	ck_assert_int_eq(mempool_create(conn, "growing", &attr, &growing), 0);
}

static bool has_ring(pid_t pid)
{
	char pattern[40], link[40];
	glob_t fds;
	bool has = false;
	snprintf(pattern, sizeof pattern, "/proc/%d/fd/*", (int)pid);
	ck_assert_int_eq(glob(pattern, 0, NULL, &fds), 0);
	for (size_t i = 0; i < fds.gl_pathc; i++) {
		ssize_t length = readlink(fds.gl_pathv[i], link, sizeof link - 1);
		link[length > 0 ? length : 0] = 0;
		has = has || !strcmp(link, "anon_inode:[io_uring]");
	}
	globfree(&fds);
	return has;
}

/* @no_uring: the daemon is to do without io_uring. Else it may have to. */
static void begin_growing(const char *no_uring, uint64_t block_size)
{
	setenv("MEMPOOLD_NO_URING", no_uring, 1);
	begin();
	ck_assert(!has_ring(service.pid) || strcmp(no_uring, "1") != 0);
	make_growing(block_size, MOST);
}

static void unmake_growing(void)
{
	mempool_close_force(growing);
	ck_assert_int_eq(mempool_destroy(conn, "growing"), 0);
}

static void end_growing(void)
{
	unmake_growing();
	end();
}

/* Gets all there is of it, each block once; they go back. */
static uint32_t count_all(void)
{
	static void *all[MOST + 1];
	static bool seen[MOST];
	uint32_t n = 0;

	while (n <= MOST && (all[n] = mempool_get(growing))) {
		int64_t index = mempool_block_index(growing, all[n++]);
		ck_assert_int_ge(index, 0);
		ck_assert(!seen[index]);
		seen[index] = true;
	}
	for (uint32_t i = 0; i < n; i++) {
		*(char *)all[i] = 1; /* the page is there */
		seen[mempool_block_index(growing, all[i])] = false;
	}
	ck_assert_int_eq(mempool_put_bulk(growing, all, n), 0);
	return n;
}

/* The object of that kind, "ctl" or "dat". */
static int open_object(const char *kind)
{
	char pattern[120];
	glob_t found;
	snprintf(pattern, sizeof pattern, "/dev/shm/mempool.%s.growing.*.%s", service.instance,
		 kind);
	ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
	int fd = open(found.gl_pathv[0], O_RDWR | O_CLOEXEC);
	globfree(&found);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Bytes of data that have pages. */
static uint64_t reserved(void)
{
	struct stat st;
	int fd = open_object("dat");
	ck_assert_int_eq(fstat(fd, &st), 0);
	close(fd);
	return (uint64_t)st.st_blocks * 512;
}

static bool is_reserving(void *least)
{
	return reserved() > *(uint64_t *)least;
}

static bool is_given_back(void *most)
{
	return reserved() <= *(uint64_t *)most;
}

#define MIB (1ull << 20)

/* Lets somebody else ask for @blocks, and waits until there are @mib of them, and seldom all. */
static struct actor asker(uint32_t blocks, uint64_t mib)
{
	struct actor a;
	char line[40];
	uint64_t least = mib * MIB;
	snprintf(line, sizeof line, "grow growing %u", blocks);
	actor_start(&a);
	actor_tell(&a, line);
	ck_assert(wait_until(is_reserving, &least, HANG_MS));
	return a;
}

static bool is_growing_sound(void)
{
	struct mempool_report report;
	return mempool_check(growing, &report) == 0;
}

static void grow_in_use(const char *no_uring)
{
	begin_growing(no_uring, 4096);
	struct actor users[2];
	for (int i = 0; i < 2; i++) {
		actor_start(&users[i]);
		ck_assert_int_eq(actor_ask(&users[i], "open growing"), 0);
		actor_tell(&users[i], "churn");
	}
	for (uint32_t n = FEW + 1; n < MOST; n += n / 3) {
		ck_assert_int_eq(mempool_grow(conn, "growing", n), 0);
		ck_assert_uint_eq(mempool_blocks(growing), n);
		ck_assert_uint_eq(blocks_now(), n);
		ck_assert_uint_ge(count_all() + 2 * 17, n); /* what they have at hand, each */
	}
	for (int i = 0; i < 2; i++) {
		actor_kill(&users[i]);
	}
	ck_assert_int_eq(mempool_grow(conn, "growing", MOST), 0);
	int64_t deadline = now_ms() + HANG_MS;
	while (count_all() < MOST) {
		ck_assert_int_lt(now_ms(), deadline);
	}
	ck_assert(is_growing_sound());
	end_growing();
}

START_TEST(newborn_blocks_are_had_once_while_others_work)
{
	grow_in_use("0");
}
END_TEST

START_TEST(the_same_where_io_uring_is_not_allowed)
{
	grow_in_use("1");
}
END_TEST

START_TEST(what_cannot_be_is_refused_and_changes_nothing)
{
	begin_growing("0", 64);
	ck_assert_int_eq(mempool_grow(conn, "growing", MOST + 1), -EINVAL);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "20000 blocks at most"));
	ck_assert_int_eq(mempool_grow(conn, "nosuch", 5), -ENOENT);
	ck_assert_int_eq(mempool_grow(conn, "No Such", 5), -EINVAL);
	ck_assert_int_eq(mempool_grow(conn, "frames", BLOCKS + 1), -EINVAL);
	ck_assert_int_eq(mempool_grow(conn, "growing", FEW), 0);
	ck_assert_int_eq(mempool_grow(conn, "growing", 1), 0);
	ck_assert_int_eq(mempool_grow(conn, "growing", 0), 0);
	ck_assert_uint_eq(blocks_now(), FEW);
	ck_assert_uint_eq(count_all(), FEW);
	end_growing();
}
END_TEST

START_TEST(a_full_dev_shm_is_an_error_and_no_signal)
{
	begin();
	struct statvfs fs;
	ck_assert_int_eq(statvfs("/dev/shm", &fs), 0);
	uint64_t size = 1ull << 28, n = (uint64_t)fs.f_bavail * fs.f_frsize / size + 2;
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	attr.block_size = size;
	attr.blocks = 1;
	attr.max_blocks = (uint32_t)n;
	ck_assert_int_eq(mempool_create(conn, "growing", &attr, &growing), 0);
	uint64_t before = (blocks_now(), info.memory);
	ck_assert_int_eq(mempool_grow(conn, "growing", (uint32_t)n), -ENOSPC);
	ck_assert_uint_eq(blocks_now(), 1);
	ck_assert_uint_eq(info.memory, before);
	ck_assert_int_eq(mempool_grow(conn, "growing", 2), 0);
	end_growing();
}
END_TEST

START_TEST(only_the_owner_lets_it_grow)
{
	begin_growing("0", 64);
	if (getuid() == 0) {
		struct mempool_attr attr = MEMPOOL_ATTR_INIT;
		struct mempool *theirs;
		struct actor other;
		attr.block_size = 64;
		attr.blocks = FEW;
		attr.max_blocks = MOST;
		attr.uid = 65534;
		ck_assert_int_eq(mempool_create(conn, "theirs", &attr, &theirs), 0);
		ck_assert_int_eq(mempool_close(theirs), 0);
		ck_assert_int_eq(chmod(service.dir, 0755), 0);
		ck_assert_int_eq(chmod(service.socket, 0666), 0);
		actor_start_as(&other, 65534);
		ck_assert_int_eq(actor_ask(&other, "grow theirs 200"), 0);
		ck_assert_int_eq(actor_ask(&other, "grow growing 200"), -EACCES);
		ck_assert_int_eq(actor_ask(&other, "grow growing 1"), -EACCES);
		actor_kill(&other);
		ck_assert_uint_eq(blocks_now(), FEW);
		ck_assert_int_eq(mempool_destroy(conn, "theirs"), 0);
	}
	end_growing();
}
END_TEST

/* The old number of blocks, whole, or the new: nothing between. Also of daemons that end. */
static void kill_daemon_while_growing(const char *no_uring)
{
	begin_growing(no_uring, 16384);
	for (int i = 0; i < KILLS; i++) {
		struct actor a;
		uint32_t before = blocks_now(), after = before + MOST / KILLS - 10;
		actor_start(&a);
		char line[40];
		snprintf(line, sizeof line, "grow growing %u", after);
		actor_tell(&a, line);
		sleep_ms(i * 2);
		if (i % 3 == 2) {
			siginfo_t unused;
			kill(service.pid, SIGTERM);
			waitid(P_PID, (id_t)service.pid, &unused, WEXITED | WNOWAIT);
		}
		service_kill(&service);
		actor_kill(&a);
		service_restart(&service);
		uint32_t now = blocks_now();
		ck_assert(now == before || now == after);
		ck_assert_uint_eq(reserved(), now * 16384ull);
		int64_t deadline = now_ms() + HANG_MS;
		while (count_all() < now) {
			ck_assert_int_lt(now_ms(), deadline);
		}
		ck_assert_uint_eq(count_all(), now);
		ck_assert(is_growing_sound());
		ck_assert_int_eq(mempool_grow(conn, "growing", after), 0);
		ck_assert_uint_eq(count_all(), after);
	}
	end_growing();
}

START_TEST(a_killed_daemon_leaves_the_old_number_or_the_new)
{
	kill_daemon_while_growing("0");
}
END_TEST

START_TEST(the_same_with_a_thread)
{
	kill_daemon_while_growing("1");
}
END_TEST

#define MILLIONS 3000000

static bool is_all_born(void *unused)
{
	struct mempool_stats s;
	(void)unused;
	ck_assert_int_eq(mempool_stat(growing, &s), 0);
	return s.used + s.cached + s.free + s.moving + s.shared + s.reclaimed == s.blocks;
}

/* So many words that the daemon dies while it lays them. */
START_TEST(words_that_were_not_laid_are_by_the_next_daemon)
{
	bool grown = false;
	int early = 0; /* deaths before all words were laid */
	begin();
	for (int i = 0; i < TRIES && (early == 0 || (early < 20 && !grown)); i++) {
		struct mempool_attr attr = MEMPOOL_ATTR_INIT;
		struct actor a;
		char line[40];
		attr.block_size = attr.alignment = 16;
		attr.blocks = FEW;
		attr.max_blocks = MILLIONS;
		ck_assert_int_eq(mempool_create(conn, "growing", &attr, &growing), 0);
		snprintf(line, sizeof line, "grow growing %u", MILLIONS);
		actor_start(&a);
		actor_tell(&a, line);
		/* Until it is committed, and some milliseconds more. */
		while (mempool_blocks(growing) == FEW) {
		}
		sleep_ms(2 * early);
		service_kill(&service);
		grown = is_all_born(NULL); /* later deaths come too late */
		early += !grown;
		if (i % 2 == 0) {
			actor_kill(&a); /* nobody asks for it again */
		}
		service_restart(&service);
		ck_assert_uint_eq(blocks_now(), MILLIONS);
		ck_assert(wait_until(is_all_born, NULL, HANG_MS));
		/* It asks the next daemon the same again, and is not told of itself. */
		if (i % 2 != 0) {
			ck_assert_int_eq(actor_hear(&a), 0);
			actor_kill(&a);
		}
		ck_assert_int_eq(mempool_close_force(growing), 0);
		ck_assert_int_eq(mempool_destroy(conn, "growing"), 0);
	}
	ck_assert_int_gt(early, 0);
	end();
}
END_TEST

/* Kills who has asked for a growth, and waits for the growth. Whether it was under way. */
static bool kill_requester(void)
{
	struct actor a = asker(MOST, 16);
	int more = mempool_grow(conn, "growing", FEW + 1),
	    most = mempool_grow(conn, "growing", MOST);
	ck_assert(more == 0 || more == -EBUSY);
	ck_assert(most == 0 || (most == -EBUSY && more == -EBUSY));
	ck_assert_int_eq(mempool_grow(conn, "growing", FEW), 0);
	actor_kill(&a);
	bool met = blocks_now() == FEW;
	ck_assert(!met || most == -EBUSY);
	int64_t deadline = now_ms() + HANG_MS;
	while (count_all() < MOST) {
		ck_assert_int_lt(now_ms(), deadline);
	}
	return met;
}

START_TEST(a_killed_requester_stops_nothing)
{
	bool met;
	begin_growing("0", 65536);
	for (int i = 0; !(met = kill_requester()) && i < TRIES; i++) {
		unmake_growing();
		make_growing(65536, MOST);
	}
	ck_assert(met);
	end_growing();
}
END_TEST

START_TEST(a_pool_destroyed_while_it_grows_leaves_nothing)
{
	begin();
	for (int i = 0; i < 6; i++) {
		struct actor a;
		setenv("MEMPOOLD_NO_URING", i % 2 ? "1" : "0", 1);
		make_growing(32768, MOST);
		actor_start(&a);
		actor_tell(&a, "grow growing 20000");
		sleep_ms(3 * i);
		ck_assert_int_eq(mempool_destroy(conn, "growing"), 0);
		int64_t answer = actor_hear(&a);
		ck_assert(answer == 0 || answer == -ENOENT);
		ck_assert_int_eq(mempool_close_force(growing), 0);
		actor_kill(&a);
	}
	end();
}
END_TEST

START_TEST(a_pool_destroyed_while_it_grows_gives_back_what_it_took)
{
	begin_growing("0", 65536);
	uint64_t most = reserved() + 16 * MIB; /* a slice may have been under way */
	struct actor a = asker(MOST, 100);
	ck_assert_int_eq(mempool_destroy(conn, "growing"), 0);
	int64_t answer = actor_hear(&a);
	for (int i = 0; answer == 0 && i < TRIES; i++) {
		ck_assert_int_eq(mempool_close_force(growing), 0);
		actor_kill(&a);
		make_growing(65536, MOST);
		a = asker(MOST, 100);
		ck_assert_int_eq(mempool_destroy(conn, "growing"), 0);
		answer = actor_hear(&a);
	}
	ck_assert_int_eq(answer, -ENOENT);
	ck_assert(wait_until(is_given_back, &most, HANG_MS));
	ck_assert_uint_eq(count_all(), FEW);
	ck_assert_int_eq(mempool_close_force(growing), 0);
	actor_kill(&a);
	end();
}
END_TEST

/* Cuts the pool off while it grows. Returns what is told who asked for it. */
static int64_t break_growing(struct actor *a)
{
	ck_assert_int_eq(mempool_close(growing), 0); /* else we would be hit by what follows */
	*a = asker(MOST, 100);
	int control = open_object("ctl");
	ck_assert_int_eq(ftruncate(control, 0), 0);
	close(control);
	return actor_hear(a);
}

START_TEST(a_pool_broken_while_it_grows_gives_back_what_it_took)
{
	begin_growing("0", 65536);
	uint64_t most = reserved();
	struct actor a;
	int64_t answer = break_growing(&a);
	for (int i = 0; answer == 0 && i < TRIES; i++) {
		actor_kill(&a);
		ck_assert_int_eq(mempool_destroy(conn, "growing"), 0);
		make_growing(65536, MOST);
		answer = break_growing(&a);
	}
	ck_assert_int_eq(answer, -EIO);
	ck_assert(wait_until(is_given_back, &most, HANG_MS));
	ck_assert_uint_eq(blocks_now(), FEW);
	ck_assert_int_eq(mempool_grow(conn, "growing", FEW + 1), -EIO);
	actor_kill(&a);
	ck_assert_int_eq(mempool_destroy(conn, "growing"), 0);
	end();
}
END_TEST

START_TEST(readers_and_observers_see_it_grow)
{
	begin_growing("0", 4096);
	struct mempool *watched;
	struct mempool_stats s;
	struct actor reader;
	ck_assert_int_eq(mempool_open(conn, "growing", MEMPOOL_OBSERVE, &watched), 0);
	actor_start(&reader);
	ck_assert_int_eq(actor_ask(&reader, "open growing reader"), 0);
	ck_assert_int_eq(actor_ask(&reader, "blocks"), FEW);
	ck_assert_int_eq(actor_ask(&reader, "drain"), FEW);
	ck_assert_int_eq(mempool_grow(conn, "growing", MOST), 0);
	ck_assert_int_eq(actor_ask(&reader, "blocks"), MOST);
	ck_assert_int_eq(actor_ask(&reader, "drain"), MOST - FEW);
	ck_assert_int_eq(actor_ask(&reader, "read"), 0);
	ck_assert_uint_eq(mempool_blocks(watched), MOST);
	ck_assert_int_eq(mempool_stat(watched, &s), 0);
	ck_assert_uint_eq(s.used, MOST);
	actor_kill(&reader);
	ck_assert_int_eq(mempool_close(watched), 0);
	end_growing();
}
END_TEST

#define SHM_SIZE "size=512m"

/* A /dev/shm of our own, and of our daemon's. False: we may not. */
static bool have_own_shm(void)
{
	return unshare(CLONE_NEWNS) == 0 &&
	       mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", "/dev/shm", "tmpfs", 0, SHM_SIZE) == 0;
}

static uint64_t room(void)
{
	struct statvfs fs;
	ck_assert_int_eq(statvfs("/dev/shm", &fs), 0);
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

/* Takes all the room there is, until somebody is told that there is none. */
static int64_t fill_until(struct actor *a, int fd)
{
	off_t at = 0;
	while (fallocate(fd, 0, at, 64 << 10) == 0) {
		at += 64 << 10;
	}
	return actor_hear(a);
}

/* What was looked at beforehand is gone by the time it is needed. */
static void fill_up_meanwhile(const char *no_uring)
{
	begin_growing(no_uring, 24576);
	int filler = open("/dev/shm/filler", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;
	struct actor a = asker(MOST, 20);
	uint64_t before = room(), most = FEW * 24576 + 4096;
	int64_t answer = fill_until(&a, filler);
	for (int i = 0; answer == 0 && i < TRIES; i++) {
		ck_assert_int_eq(ftruncate(filler, 0), 0);
		actor_kill(&a);
		unmake_growing();
		make_growing(24576, MOST);
		a = asker(MOST, 20);
		before = room();
		answer = fill_until(&a, filler);
	}
	ck_assert_int_eq(answer, -ENOSPC);
	ck_assert_uint_eq(blocks_now(), FEW);
	ck_assert(is_given_back(&most));
	ck_assert_int_eq(fstat(filler, &st), 0);
	ck_assert_uint_ge(room() + (uint64_t)st.st_blocks * 512, before);
	ck_assert_int_eq(ftruncate(filler, 0), 0);
	close(filler);
	ck_assert_uint_eq(count_all(), FEW);
	ck_assert_int_eq(mempool_grow(conn, "growing", MOST), 0);
	ck_assert_uint_eq(count_all(), MOST);
	actor_kill(&a);
	end_growing();
}

START_TEST(a_dev_shm_that_fills_up_meanwhile_is_an_error)
{
	if (have_own_shm()) {
		fill_up_meanwhile("0");
		fill_up_meanwhile("1");
	}
}
END_TEST

/* Lets it make a pool, of 480 of the @before bytes, and fills up the rest. Returns its answer. */
static int64_t fill_up_while_it_makes(struct actor *a, int filler, uint64_t before)
{
	ck_assert_int_eq(ftruncate(filler, 0), 0);
	while (room() < before) {
	}
	actor_tell(a, "large growing 480");
	while (room() > before - 20 * MIB) {
	}
	return fill_until(a, filler);
}

START_TEST(a_pool_that_cannot_be_made_any_more_leaves_nothing)
{
	if (!have_own_shm()) {
		return;
	}
	begin();
	int filler = open("/dev/shm/filler", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	uint64_t before = room();
	struct actor a;
	actor_start(&a);
	int64_t answer = fill_up_while_it_makes(&a, filler, before);
	for (int i = 0; answer == 0 && i < TRIES; i++) {
		ck_assert_int_eq(actor_ask(&a, "close"), 0);
		ck_assert_int_eq(mempool_destroy(conn, "growing"), 0);
		answer = fill_up_while_it_makes(&a, filler, before);
	}
	ck_assert_int_eq(answer, -ENOSPC);
	ck_assert_int_eq(ftruncate(filler, 0), 0);
	close(filler);
	int64_t deadline = now_ms() + HANG_MS;
	while (room() < before) {
		ck_assert_int_lt(now_ms(), deadline);
	}
	ck_assert_int_eq(mempool_find_pool(conn, "growing", &info), -ENOENT);
	actor_kill(&a);
	end();
}
END_TEST

/* Others are answered long before the memory of a large pool has been had. */
static void answer_while_reserving(const char *no_uring)
{
	setenv("MEMPOOLD_NO_URING", no_uring, 1);
	begin();
	struct actor a;
	int answers = 0;
	actor_start(&a);
	actor_tell(&a, "large big 2500");
	int64_t begun = now_ms(), asked = begun, longest = 0;
	while (mempool_find_pool(conn, "big", &info) == -ENOENT) {
		int64_t now = now_ms();
		longest = now - asked > longest ? now - asked : longest;
		asked = now;
		answers++;
	}
	longest = now_ms() - asked > longest ? now_ms() - asked : longest;
	ck_assert_int_eq(actor_hear(&a), 0);
	ck_assert_int_gt(answers, 20);
	ck_assert(longest < 100 || longest < (now_ms() - begun) / 2);
	ck_assert_int_eq(actor_ask(&a, "close"), 0);
	ck_assert_int_eq(mempool_destroy(conn, "big"), 0);
	actor_kill(&a);
	end();
}

START_TEST(others_are_answered_while_memory_is_reserved)
{
	answer_while_reserving("0");
	answer_while_reserving("1");
}
END_TEST

START_TEST(who_waits_gets_a_newborn_block)
{
	begin_growing("0", 64);
	struct actor owner, waiter;
	actor_start(&owner);
	ck_assert_int_eq(actor_ask(&owner, "open growing"), 0);
	ck_assert_int_eq(actor_ask(&owner, "drain"), FEW);
	actor_start(&waiter);
	ck_assert_int_eq(actor_ask(&waiter, "open growing"), 0);
	actor_tell(&waiter, "wait 30000");
	sleep_ms(100);
	ck_assert_int_eq(mempool_grow(conn, "growing", FEW + 1), 0);
	ck_assert_int_eq(actor_hear(&waiter), 0);
	actor_kill(&owner);
	actor_kill(&waiter);
	end_growing();
}
END_TEST

SUITE("grow", newborn_blocks_are_had_once_while_others_work, the_same_where_io_uring_is_not_allowed,
      what_cannot_be_is_refused_and_changes_nothing, a_full_dev_shm_is_an_error_and_no_signal,
      only_the_owner_lets_it_grow, a_killed_daemon_leaves_the_old_number_or_the_new,
      the_same_with_a_thread, words_that_were_not_laid_are_by_the_next_daemon,
      a_killed_requester_stops_nothing, a_pool_destroyed_while_it_grows_leaves_nothing,
      a_pool_destroyed_while_it_grows_gives_back_what_it_took,
      a_pool_broken_while_it_grows_gives_back_what_it_took, readers_and_observers_see_it_grow,
      a_dev_shm_that_fills_up_meanwhile_is_an_error,
      a_pool_that_cannot_be_made_any_more_leaves_nothing,
      others_are_answered_while_memory_is_reserved, who_waits_gets_a_newborn_block)
