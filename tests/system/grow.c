/* SPDX-License-Identifier: MIT */
/* A pool grows while it is in use: every newborn block is had once, whoever is killed meanwhile. */
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/system/story.h"

#define FEW 100
#define MOST 20000
#define KILLS 12

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

/* @no_uring: the daemon is to do without io_uring. */
static void begin_growing(const char *no_uring, uint64_t block_size)
{
	setenv("MEMPOOLD_NO_URING", no_uring, 1);
	begin();
	make_growing(block_size, MOST);
}

static void end_growing(void)
{
	mempool_close_force(growing);
	ck_assert_int_eq(mempool_destroy(conn, "growing"), 0);
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
	int64_t deadline = now_ms() + 5000;
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
		struct actor other;
		actor_start_as(&other, 65534);
		ck_assert_int_eq(actor_ask(&other, "grow growing 200"), -EACCES);
		actor_kill(&other);
		ck_assert_uint_eq(blocks_now(), FEW);
	}
	end_growing();
}
END_TEST

/* The old number of blocks, whole, or the new: nothing between. */
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
		service_kill(&service);
		actor_kill(&a);
		service_restart(&service);
		uint32_t now = blocks_now();
		ck_assert(now == before || now == after);
		int64_t deadline = now_ms() + 5000;
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
	return s.used + s.cached + s.free + s.moving + s.reclaimed == s.blocks;
}

/* So many words that the daemon dies while it lays them. */
START_TEST(words_that_were_not_laid_are_by_the_next_daemon)
{
	bool grown = false;
	begin();
	for (int i = 0; i < 40 && !grown; i += 2) {
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
		sleep_ms(i);
		service_kill(&service);
		grown = is_all_born(NULL); /* later deaths come too late */
		service_restart(&service);
		ck_assert_uint_eq(blocks_now(), MILLIONS);
		ck_assert(wait_until(is_all_born, NULL, 5000));
		ck_assert_int_eq(mempool_close_force(growing), 0);
		ck_assert_int_eq(mempool_destroy(conn, "growing"), 0);
		actor_kill(&a);
		ck_assert(i > 0 || !grown);
	}
	end();
}
END_TEST

START_TEST(a_killed_requester_stops_nothing)
{
	begin_growing("0", 16384);
	struct actor a;
	actor_start(&a);
	actor_tell(&a, "grow growing 20000");
	while (mempool_grow(conn, "growing", FEW + 1) != -EBUSY && blocks_now() < MOST) {
	}
	actor_kill(&a);
	int64_t deadline = now_ms() + 8000;
	while (count_all() < MOST) {
		ck_assert_int_lt(now_ms(), deadline);
	}
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

/* Others are answered long before the memory of a large pool has been had. */
static void answer_while_reserving(const char *no_uring)
{
	setenv("MEMPOOLD_NO_URING", no_uring, 1);
	begin();
	struct actor a;
	int answers = 0;
	actor_start(&a);
	actor_tell(&a, "large big 1500");
	while (mempool_find_pool(conn, "big", &info) == -ENOENT) {
		answers++;
	}
	ck_assert_int_eq(actor_hear(&a), 0);
	ck_assert_int_gt(answers, 20);
	struct mempool_daemon daemon;
	ck_assert_int_eq(mempool_daemon(conn, &daemon), 0);
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
	actor_tell(&waiter, "wait 9000");
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
      others_are_answered_while_memory_is_reserved, who_waits_gets_a_newborn_block)
