/* SPDX-License-Identifier: MIT */
/*
 * mempool_check() finds nothing wrong in a pool in which nothing is wrong, also while the daemon is
 * stopped or dead in the midst of its work. While it is stopped nothing changes by itself: a check
 * that only waits for what looks wrong to go away would call it broken, however long it waited.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/core/collect.h"
#include "lib/core/slot.h"
#include "lib/handle.h"
#include "tests/system/story.h"

#define MANY (1u << 20) /* so many that burying takes a millisecond or two */
#define ROUNDS 20       /* kills for each kind of handle */

static unsigned seed;

static unsigned chance(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

/* The seed is $MEMPOOL_TEST_SEED, or another each time. */
static void sow(void)
{
	const char *given = getenv("MEMPOOL_TEST_SEED");

	seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)now_ns();
	printf("# seed %u\n", seed);
	fflush(stdout);
}

static void create_checked(uint32_t blocks, uint32_t max_blocks)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *made;

	attr.block_size = attr.alignment = 16;
	attr.blocks = blocks;
	attr.max_blocks = max_blocks;
	ck_assert_int_eq(mempool_create(conn, "checked", &attr, &made), 0);
	ck_assert_int_eq(mempool_close(made), 0);
}

static struct mempool *open_checked(unsigned flags)
{
	struct mempool *opened;

	ck_assert_int_eq(mempool_open(conn, "checked", flags, &opened), 0);
	return opened;
}

static void assert_sound(struct mempool *checked)
{
	struct mempool_report report;

	int error = mempool_check(checked, &report);
	ck_assert_msg(error == 0, "%d: %s", error, error ? mempool_errmsg() : "");
}

/* Starts a process that has all blocks, so that no collect is pending. Some go to its cache. */
static pid_t start_holder(int *slot)
{
	int ready[2];

	ck_assert_int_eq(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0) {
		static void *blocks[MANY + 1];
		uint32_t n = 0;
		conn = service_connect();
		struct mempool *mine = open_checked(0);
		while (n < MANY || mp_collect_pending(&mine->core)) {
			n += (blocks[n] = mempool_get(mine)) != NULL;
		}
		for (int i = 0; i < 1000; i += 2) {
			mempool_put(mine, blocks[i]);
		}
		*slot = mempool_slot(mine);
		_exit(write(ready[1], slot, sizeof *slot) < 0 || pause());
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], slot, sizeof *slot), sizeof *slot);
	close(ready[0]);
	return pid;
}

static void stop_daemon(void)
{
	siginfo_t unused;

	ck_assert_int_eq(kill(service.pid, SIGSTOP), 0);
	ck_assert_int_eq(waitid(P_PID, (id_t)service.pid, &unused, WSTOPPED | WNOWAIT), 0);
}

static void kill_and_check(struct mempool *checked, const struct mempool *mapped)
{
	int slot;
	pid_t pid = start_holder(&slot);
	int64_t deadline = now_ms() + HANG_MS;

	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	while (mp_load(&mapped->core.slots[slot].state) == MP_SLOT_LIVE) {
		ck_assert_int_lt(now_ms(), deadline);
	}
	usleep(chance(3000));
	stop_daemon();
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	assert_sound(checked);
	if (chance(4) == 0) {
		service_kill(&service);
		assert_sound(checked);
		service_restart(&service); /* begins the pass again */
	} else {
		ck_assert_int_eq(kill(service.pid, SIGCONT), 0);
	}
	assert_sound(checked);
}

static void check_as(unsigned flags)
{
	begin();
	sow();
	create_checked(MANY, MANY);
	struct mempool *checked = open_checked(flags);
	struct mempool *mapped = open_checked(flags == MEMPOOL_OBSERVE ? 0 : flags);
	for (int i = 0; i < ROUNDS; i++) {
		kill_and_check(checked, mapped);
	}
	ck_assert_int_eq(mempool_close(mapped), 0);
	ck_assert_int_eq(mempool_close(checked), 0);
	ck_assert_int_eq(mempool_destroy(conn, "checked"), 0);
	end();
}

START_TEST(a_writer_that_checks_while_the_dead_are_buried_finds_nothing)
{
	check_as(0);
}
END_TEST

START_TEST(a_reader_that_checks_while_the_dead_are_buried_finds_nothing)
{
	check_as(MEMPOOL_RDONLY);
}
END_TEST

START_TEST(an_observer_that_checks_while_the_dead_are_buried_finds_nothing)
{
	check_as(MEMPOOL_OBSERVE);
}
END_TEST

/* The daemon raises the number of blocks first, and then lays their words. */
START_TEST(a_check_while_blocks_are_born_finds_nothing)
{
	begin();
	sow();
	for (int i = 0; i < 8; i++) {
		struct actor a;
		char line[40];
		create_checked(10, MANY);
		struct mempool *checked = open_checked(i % 2 ? MEMPOOL_OBSERVE : 0);
		snprintf(line, sizeof line, "grow checked %u", MANY);
		actor_start(&a);
		actor_tell(&a, line);
		while (mempool_blocks(checked) == 10) {
		}
		usleep(chance(1500));
		stop_daemon();
		assert_sound(checked);
		ck_assert_int_eq(kill(service.pid, SIGCONT), 0);
		ck_assert_int_eq(actor_hear(&a), 0);
		assert_sound(checked);
		actor_kill(&a);
		ck_assert_int_eq(mempool_close(checked), 0);
		ck_assert_int_eq(mempool_destroy(conn, "checked"), 0);
	}
	end();
}
END_TEST

#define LARGE 3000000 /* so many that the daemon gives the bookkeeping back piece by piece */

/* Pieces of it are zeros already, while others are as they were. */
START_TEST(an_observer_of_a_pool_that_is_gone_is_told_so)
{
	struct mempool_report report;
	begin();
	create_checked(LARGE, LARGE);
	struct mempool *seen = open_checked(MEMPOOL_OBSERVE);
	ck_assert_int_eq(mempool_destroy(conn, "checked"), 0);
	int64_t deadline = now_ms() + HANG_MS;
	int error;
	while ((error = mempool_check(seen, &report)) == 0) {
		ck_assert_int_lt(now_ms(), deadline);
	}
	ck_assert_int_eq(error, -EIO);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "checked is gone"));
	ck_assert_int_eq(mempool_close(seen), 0);
	end();
}
END_TEST

SUITE("checking", a_writer_that_checks_while_the_dead_are_buried_finds_nothing,
      a_reader_that_checks_while_the_dead_are_buried_finds_nothing,
      an_observer_that_checks_while_the_dead_are_buried_finds_nothing,
      a_check_while_blocks_are_born_finds_nothing, an_observer_of_a_pool_that_is_gone_is_told_so)
