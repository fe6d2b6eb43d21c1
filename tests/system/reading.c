/* SPDX-License-Identifier: MIT */
/* A reload while the user database does not answer: nobody waits for it but the reload itself. */
#include "tests/system/configured.h"

#define SLOW "slow" /* file: as long as it is there, there is no answer */

/* Starts a daemon that has such a database, and answers for now. */
static void start_with_slow_users(void)
{
	char script[800], path[200];

	prepare("");
	snprintf(script, sizeof script,
		 "#!/bin/bash\nexport SLOW_USERS=%s/" SLOW "\nLD_PRELOAD=%s exec %s \"$@\"\n",
		 service.dir, TEST_PRELOADED, TEST_MEMPOOLD);
	put("mempoold", script);
	snprintf(path, sizeof path, "%s/mempoold", service.dir);
	ck_assert_int_eq(chmod(path, 0755), 0);
	setenv("MEMPOOLD", path, 1);
	start();
}

/* Has it read a file that names a user of whom the database does not tell. */
static void begin_reading(const char *file, const char *text)
{
	put(SLOW, "");
	put(file, text);
	kill(service.pid, SIGHUP);
	sleep_ms(50); /* it may be at it by now */
}

/* A request is answered, although the users are not known yet. */
static void be_answered(void)
{
	struct mempool_daemon daemon;

	ck_assert_int_eq(mempool_daemon(conn, &daemon), 0);
}

static unsigned lines_with(const char *text)
{
	unsigned n = 0;

	log_has((void *)(uintptr_t)text);
	for (const char *at = said; (at = strstr(at, text)) != NULL; at++) {
		n++;
	}
	return n;
}

START_TEST(clients_are_served_while_users_are_looked_up)
{
	start_with_slow_users();
	begin_reading("mempoold.conf", "[access a.*]\ncreate = sloth\n");
	for (int i = 0; i < 20; i++) {
		be_answered();
	}
	ck_assert_int_eq(create("b", 64, 10), 0);
	ck_assert_uint_eq(lines_with("configuration read again"), 0);
	take_away(SLOW);
	expect_log("configuration read again");
	destroy("b");
	stop();
}
END_TEST

/* What was written after the reading began counts: it is read once more, and applied once. */
START_TEST(a_reload_during_a_reload_is_the_one_that_counts)
{
	start_with_slow_users();
	begin_reading("mempoold.conf", "[access a.*]\ncreate = sloth\n[limits]\npools = 2\n");
	put("mempoold.conf", "[limits]\npools = 1\n");
	kill(service.pid, SIGHUP);
	kill(service.pid, SIGHUP);
	be_answered();
	take_away(SLOW);
	expect_log("configuration read again");
	ck_assert_int_eq(create("one", 64, 10), 0);
	ck_assert_int_eq(create("two", 64, 10), -EDQUOT);
	expect_log("as many pools as `pools` allows, 1; ");
	ck_assert_uint_eq(lines_with("configuration read again"), 1);
	destroy("one");
	stop();
}
END_TEST

START_TEST(a_daemon_ends_while_users_are_looked_up)
{
	int status;

	start_with_slow_users();
	begin_reading("mempoold.conf", "[access a.*]\ncreate = sloth\n");
	kill(service.pid, SIGTERM);
	ck_assert_int_eq(waitpid(service.pid, &status, 0), service.pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	take_away(SLOW);
	service_restart(&service);
	stop();
}
END_TEST

/* Also the group of a pool's owner. */
START_TEST(a_pool_for_an_owner_that_is_looked_up_comes_later)
{
	start_with_slow_users();
	begin_reading("pools.d/slow.pool", "[pool]\nblock_size = 64\nblocks = 10\nuser = 65534\n");
	be_answered();
	ck_assert(!is_there("slow"));
	take_away(SLOW);
	expect_log("pool 'slow' of uid 65534 made by ");
	ck_assert(is_there("slow"));
	ck_assert_uint_eq(info.gid, 65533);
	destroy("slow");
	stop();
}
END_TEST

/* Faults are told, and change nothing. */
START_TEST(faults_that_are_found_later_are_told)
{
	start_with_slow_users();
	begin_reading("mempoold.conf", "[access a.*]\ncreate = hare\n[limits]\npools = none\n");
	be_answered();
	take_away(SLOW);
	expect_log("mempoold.conf:2: there is no user 'hare'");
	expect_log("mempoold.conf:4: ");
	expect_log("all stays as it was; mend them and reload");
	stop();
}
END_TEST

SUITE("reading", clients_are_served_while_users_are_looked_up,
      a_reload_during_a_reload_is_the_one_that_counts, a_daemon_ends_while_users_are_looked_up,
      a_pool_for_an_owner_that_is_looked_up_comes_later, faults_that_are_found_later_are_told)
