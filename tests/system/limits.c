/* SPDX-License-Identifier: MIT */
/* What one user does is that user's alone: the others, and root, get their part of everything. */
#include <sys/statvfs.h>

#include "tests/system/configured.h"

#define ANOTHER 65533 /* user, beside OTHER */

/* ---- slots ---- */

/* A pool of that many slots, which root owns and everybody may read. */
static void make_readable(uint32_t n_slots)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *made;

	attr.block_size = 64;
	attr.blocks = 10;
	attr.processes = n_slots;
	attr.mode = 0644;
	ck_assert_int_eq(mempool_create(conn, "shared", &attr, &made), 0);
	ck_assert_int_eq(mempool_close(made), 0);
}

/* Starts @n clients of the user that open the pool; the last hears @answer, the others 0. */
static void crowd(struct actor *actors, unsigned n, uid_t uid, int64_t answer)
{
	for (unsigned i = 0; i < n; i++) {
		actor_start_as(&actors[i], uid);
		ck_assert_int_eq(actor_ask(&actors[i], "open shared reader"),
				 i + 1 < n ? 0 : answer);
	}
}

static void disperse(struct actor *actors, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		actor_kill(&actors[i]);
	}
}

/* Of ten slots one user has five and no more, all of them nine; root has the tenth. */
START_TEST(readers_leave_slots_to_others_and_to_root)
{
	struct actor first[6], second[5], owner[2];

	if (getuid() != 0) {
		return;
	}
	prepare("");
	start();
	make_readable(10);
	crowd(first, 6, OTHER, -EUSERS);
	expect_log("pool 'shared', uid 65534, pid ");
	expect_log("`pool_seats_per_user` allows no more");
	crowd(second, 5, ANOTHER, -EUSERS);
	expect_log("`pool_seats_kept` allows no more");
	crowd(owner, 2, 0, -EUSERS);
	/* What one of them gives back is another's. */
	ck_assert_int_eq(actor_ask(&first[0], "close"), 0);
	ck_assert_int_eq(actor_ask(&second[4], "open shared reader"), 0);
	ck_assert_int_eq(actor_ask(&first[5], "open shared reader"), -EUSERS);
	disperse(first, 6);
	disperse(second, 5);
	disperse(owner, 2);
	destroy("shared");
	stop();
}
END_TEST

/* The owner is no "other": it has all the slots that are free. */
START_TEST(an_owner_has_all_the_slots_of_its_pool)
{
	struct actor own[5];

	if (getuid() != 0) {
		return;
	}
	prepare("");
	put("pools.d/shared.pool",
	    "[pool]\nblock_size = 64\nblocks = 10\nuser = 65534\nprocesses = 4\n");
	start();
	crowd(own, 5, OTHER, -EUSERS);
	disperse(own, 5);
	destroy("shared");
	stop();
}
END_TEST

/* The smallest pools: of two slots one is kept, of one none. */
START_TEST(the_last_slot_of_two_is_kept)
{
	struct actor a[2];

	if (getuid() != 0) {
		return;
	}
	prepare("[limits]\npool_seats_per_user = 100%\n");
	start();
	make_readable(2);
	crowd(a, 2, OTHER, -EUSERS);
	expect_log("`pool_seats_kept` allows no more");
	disperse(a, 2);
	destroy("shared");
	make_readable(1);
	crowd(a, 1, OTHER, 0);
	disperse(a, 1);
	destroy("shared");
	stop();
}
END_TEST

START_TEST(who_configures_shares_decides_them)
{
	struct actor a[5];

	if (getuid() != 0) {
		return;
	}
	prepare("[limits]\npool_seats_per_user = 100%\npool_seats_kept = 0%\n");
	start();
	make_readable(4);
	crowd(a, 5, OTHER, -EUSERS);
	disperse(a, 5);
	destroy("shared");
	stop();
}
END_TEST

/* ---- memory ---- */

/* A hundredth of what there is of /dev/shm, or of the machine's memory, in MiB. */
static int hundredth(const char *backing)
{
	struct statvfs fs;
	uint64_t bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

	if (!strcmp(backing, "shm") && statvfs("/dev/shm", &fs) == 0 && fs.f_blocks) {
		bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
	}
	return (int)(bytes / 100 >> 20);
}

/* A pool that was destroyed goes when its last user has closed it. */
static bool is_there_no_more(void *unused)
{
	struct mempool_daemon daemon;

	(void)unused;
	return mempool_daemon(conn, &daemon) == 0 && daemon.pools == 2;
}

/* The user has a hundredth less 2 MiB, and then not 2 more; root has. */
static void check_part(const char *backing)
{
	unsigned number = strcmp(backing, "shm") ? MEMPOOL_BACKING_MEMFD : MEMPOOL_BACKING_SHM;
	int mib = hundredth(backing);
	struct actor a, b;

	actor_start_as(&a, OTHER);
	actor_start_as(&b, ANOTHER);
	ck_assert_int_eq(actor_ask(&a, "large most %d %u", mib - 2, number), 0);
	ck_assert_int_eq(actor_ask(&a, "large more 2 %u", number), -EDQUOT);
	expect_log("not made: uid 65534 has ");
	expect_log("`memory_per_user`, 1%, allows ");
	ck_assert_int_eq(actor_ask(&b, "large others 2 %u", number), 0);
	ck_assert_int_eq(create("roots", 1 << 20, (uint32_t)mib), 0);
	ck_assert_int_eq(actor_ask(&a, "destroy most"), 0); /* but has it open */
	ck_assert_int_eq(actor_ask(&a, "large more 2 %u", number), -EDQUOT);
	ck_assert_int_eq(actor_ask(&a, "force"), 0);
	ck_assert(wait_until(is_there_no_more, NULL, HANG_MS));
	ck_assert_int_eq(actor_ask(&a, "large more 2 %u", number), 0);
	destroy("more");
	destroy("others");
	destroy("roots");
	actor_kill(&a);
	actor_kill(&b);
	forget_log();
}

START_TEST(a_user_has_its_part_of_the_memory_and_no_more)
{
	if (getuid() != 0) {
		return;
	}
	prepare("[limits]\nmemory_per_user = 1%\n");
	start();
	check_part("shm");
	check_part("memfd");
	stop();
}
END_TEST

/* By default it is a half, whatever it is asked for at once. */
START_TEST(nobody_has_more_than_half_by_default)
{
	struct actor a;

	if (getuid() != 0) {
		return;
	}
	prepare("");
	start();
	actor_start_as(&a, OTHER);
	ck_assert_int_eq(actor_ask(&a, "large half %d 1", 50 * hundredth("shm") + 50), -EDQUOT);
	expect_log("`memory_per_user`, 50%, allows ");
	forget_log();
	ck_assert_int_eq(actor_ask(&a, "large half %d 2", 50 * hundredth("memfd") + 50), -EDQUOT);
	expect_log("`memory_per_user`, 50%, allows ");
	actor_kill(&a);
	stop();
}
END_TEST

/* Nor have many users together all there is. */
START_TEST(users_together_have_their_part_of_the_memory)
{
	struct actor a, b;
	int mib = hundredth("shm");

	if (getuid() != 0) {
		return;
	}
	prepare("[limits]\nmemory_of_users = 1%\n");
	start();
	actor_start_as(&a, OTHER);
	actor_start_as(&b, ANOTHER);
	ck_assert_int_eq(actor_ask(&a, "large first %d 1", mib - 10), 0);
	ck_assert_int_eq(actor_ask(&b, "large second 11 1"), -EDQUOT);
	expect_log("not made: all users have ");
	expect_log("`memory_of_users`, 1%, allows ");
	ck_assert_int_eq(actor_ask(&b, "large second 8 1"), 0);
	actor_kill(&a);
	actor_kill(&b);
	destroy("first");
	destroy("second");
	stop();
}
END_TEST

/* A pool of one block that may grow to 64 M has a GiB of bookkeeping. */
START_TEST(bookkeeping_is_part_of_the_memory)
{
	struct actor a;

	if (getuid() != 0) {
		return;
	}
	prepare("[limits]\nmemory_per_user = 1%\n");
	start();
	actor_start_as(&a, OTHER);
	ck_assert_int_eq(actor_ask(&a, "wide deep"), -EDQUOT);
	expect_log("`memory_per_user`, 1%, allows ");
	actor_kill(&a);
	stop();
}
END_TEST

/* Of ten pools one is root's. */
START_TEST(users_leave_pools_to_root)
{
	struct actor a, b;
	char name[16];

	if (getuid() != 0) {
		return;
	}
	prepare("[limits]\npools = 10\n");
	start();
	actor_start_as(&a, OTHER);
	actor_start_as(&b, ANOTHER);
	for (int i = 0; i < 9; i++) {
		ck_assert_int_eq(actor_ask(&a, "large p%d 1 1", i), 0);
	}
	ck_assert_int_eq(actor_ask(&b, "large p9 1 1"), -EDQUOT);
	expect_log("`pools_kept` keeps 1 for root; ");
	ck_assert_int_eq(create("p9", 64, 10), 0);
	ck_assert_int_eq(create("p10", 64, 10), -EDQUOT);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "p%d", i);
		destroy(name);
	}
	actor_kill(&a);
	actor_kill(&b);
	stop();
}
END_TEST

/* ---- the log ---- */

static unsigned lines_with(const char *text)
{
	unsigned n = 0;

	log_has((void *)(uintptr_t)text);
	for (const char *at = said; (at = strstr(at, text)) != NULL; at++) {
		n++;
	}
	return n;
}

/* It makes and destroys pools in a loop, 240 lines at least. Others' lines are written. */
START_TEST(a_user_cannot_fill_the_log)
{
	struct actor a, b;

	if (getuid() != 0) {
		return;
	}
	prepare("");
	start();
	actor_start_as(&a, OTHER);
	actor_start_as(&b, ANOTHER);
	forget_log();
	int64_t begun = now_ms();
	for (int i = 0; i < 120; i++) {
		ck_assert_int_eq(actor_ask(&a, "make loop"), 0);
		ck_assert_int_eq(actor_ask(&a, "force"), 0);
		ck_assert_int_eq(actor_ask(&a, "destroy loop"), 0);
	}
	ck_assert_uint_le(lines_with(" of uid 65534"), 41 + (now_ms() - begun) * 20 / 1000);
	ck_assert_int_eq(actor_ask(&b, "make quiet"), 0);
	expect_log("pool 'quiet' of uid 65533 made by uid 65533, pid ");
	/* Nothing happens any more, and what was left out is told. */
	expect_log("warning: uid 65534: ");
	expect_log(" lines left out, as it caused more than 20 a second");
	actor_kill(&a);
	actor_kill(&b);
	destroy("quiet");
	stop();
}
END_TEST

/* ---- what binds the daemon itself ---- */

/* Starts the daemon by a shell that does @first before. */
static void start_after(const char *first)
{
	char script[600], path[200];

	prepare("");
	snprintf(script, sizeof script, "#!/bin/bash\n%s\nexec %s \"$@\"\n", first, TEST_MEMPOOLD);
	put("mempoold", script);
	snprintf(path, sizeof path, "%s/mempoold", service.dir);
	ck_assert_int_eq(chmod(path, 0755), 0);
	setenv("MEMPOOLD", path, 1);
	start();
}

static int create_of(uint32_t backing, uint32_t mib, uint32_t more)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *made;

	attr.block_size = 1 << 20;
	attr.blocks = mib;
	attr.max_blocks = mib + more;
	attr.backing = backing;
	int error = mempool_create(conn, "large", &attr, &made);
	return error ? error : mempool_close(made);
}

/* Of 400 MiB; the registry needs more than 256. The log is a file, too. */
static void check_file_size(void)
{
	start_after("ulimit -f 409600");
	for (int i = 0; i < 2; i++) {
		uint32_t backing = i ? MEMPOOL_BACKING_MEMFD : MEMPOOL_BACKING_SHM;
		ck_assert_int_eq(create_of(backing, 401, 0), -EDQUOT);
		ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "LimitFSIZE="));
		ck_assert_int_eq(create_of(backing, 1, 400), -EDQUOT);
		ck_assert_int_eq(create_of(backing, 10, 390), 0);
		destroy("large");
	}
	expect_log("not made: it needs a file of 401 MiB");
	stop();
}

START_TEST(a_limit_of_file_sizes_does_not_end_the_daemon)
{
	check_file_size();
}
END_TEST

START_TEST(a_limit_of_file_sizes_does_not_end_the_daemon_without_uring)
{
	setenv("MEMPOOLD_NO_URING", "1", 1);
	check_file_size();
}
END_TEST

/* 32 M blocks of bookkeeping take half a GiB. Sanitizers take terabytes, and are not tried. */
START_TEST(a_limit_of_address_space_does_not_end_the_daemon)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *made;

	if (TEST_IS_SANITIZED) {
		return;
	}
	start_after("ulimit -v 600000");
	attr.block_size = 16;
	attr.blocks = 1;
	attr.max_blocks = 32 << 20;
	ck_assert_int_eq(mempool_create(conn, "wide", &attr, &made), -EDQUOT);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "LimitAS="));
	ck_assert_int_eq(create("small", 64, 10), 0);
	destroy("small");
	stop();
}
END_TEST

START_TEST(a_limit_of_descriptors_does_not_end_the_daemon)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	char name[16];
	int r = 0, n = 0;

	start_after("ulimit -n 40");
	attr.block_size = 64;
	attr.blocks = 10;
	attr.backing = MEMPOOL_BACKING_MEMFD;
	for (; r == 0 && n < 40; n++) {
		struct mempool *made;
		snprintf(name, sizeof name, "p%d", n);
		r = mempool_create(conn, name, &attr, &made);
		if (r == 0) {
			ck_assert_int_eq(mempool_close(made), 0);
		}
	}
	ck_assert_int_lt(r, 0);
	expect_log("Too many open files");
	destroy("p0");
	destroy("p1");
	ck_assert_int_eq(create("again", 64, 10), 0);
	destroy("again");
	for (n -= 2; n >= 2; n--) {
		snprintf(name, sizeof name, "p%d", n);
		destroy(name);
	}
	stop();
}
END_TEST

SUITE("limits", readers_leave_slots_to_others_and_to_root, an_owner_has_all_the_slots_of_its_pool,
      the_last_slot_of_two_is_kept, who_configures_shares_decides_them,
      a_user_has_its_part_of_the_memory_and_no_more, nobody_has_more_than_half_by_default,
      users_together_have_their_part_of_the_memory, bookkeeping_is_part_of_the_memory,
      users_leave_pools_to_root, a_user_cannot_fill_the_log,
      a_limit_of_file_sizes_does_not_end_the_daemon,
      a_limit_of_file_sizes_does_not_end_the_daemon_without_uring,
      a_limit_of_address_space_does_not_end_the_daemon,
      a_limit_of_descriptors_does_not_end_the_daemon)
