/* SPDX-License-Identifier: MIT */
/*
 * A stop leaves no memory that no pool needs, however slow that memory is: there may never be a
 * next daemon to see to it.
 */
#include <glob.h>

#include "tests/system/configured.h"

#define MIB (1024 * 1024)

static struct mempool *large;

/* Starts a daemon whose memory is as slow as the files in its folder say, see slow_memory.c. */
static void begin_slow(void)
{
	char script[900], path[200];

	prepare("");
	snprintf(script, sizeof script,
		 "#!/bin/bash\nexport MEMPOOLD_NO_URING=1 SLOW_MEMORY=%s/slow "
		 "SLOW_RETURN=%s/return\nLD_PRELOAD=%s exec %s \"$@\"\n",
		 service.dir, service.dir, TEST_PRELOADED, TEST_MEMPOOLD);
	put("mempoold", script);
	snprintf(path, sizeof path, "%s/mempoold", service.dir);
	ck_assert_int_eq(chmod(path, 0755), 0);
	setenv("MEMPOOLD", path, 1);
	start();
}

/* A pool of MiBs, of which it has @blocks at once. */
static void make_large(uint32_t blocks, uint32_t most)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	attr.block_size = MIB;
	attr.blocks = blocks;
	attr.max_blocks = most;
	ck_assert_int_eq(mempool_create(conn, "large", &attr, &large), 0);
}

/* Bytes of the pool's data that have pages; -1: it has none in /dev/shm. */
static int64_t reserved(void)
{
	char pattern[120];
	struct stat st;
	glob_t found;
	int64_t bytes = -1;

	snprintf(pattern, sizeof pattern, "/dev/shm/mempool.%s.large.*.dat", service.instance);
	if (glob(pattern, 0, NULL, &found) == 0) {
		bytes = stat(found.gl_pathv[0], &st) == 0 ? (int64_t)st.st_blocks * 512 : -1;
		globfree(&found);
	}
	return bytes;
}

static bool is_more_reserved(void *than)
{
	return reserved() > *(int64_t *)than;
}

static bool is_unlinked(void *unused)
{
	(void)unused;
	return reserved() < 0;
}

static bool has_no_socket(void *unused)
{
	(void)unused;
	return access(service.socket, F_OK) != 0;
}

/* 80 steps of 30 ms are more than the second in which the loop goes on. */
static void destroy_slowly(void)
{
	begin_slow();
	make_large(640, 640);
	put("return", "");
	ck_assert_int_eq(mempool_close(large), 0);
	ck_assert_int_eq(mempool_destroy(conn, "large"), 0);
}

START_TEST(what_was_destroyed_just_before_is_given_back)
{
	destroy_slowly();
	mempool_disconnect(conn);
	ck_assert_uint_eq(service_stop(&service), 0);
}
END_TEST

/* A supervisor may lose patience. */
START_TEST(who_is_killed_while_it_stops_leaves_no_object)
{
	destroy_slowly();
	kill(service.pid, SIGTERM);
	ck_assert(wait_until(is_unlinked, NULL, HANG_MS));
	service_kill(&service);
	ck_assert_uint_eq(service_objects(&service), 1); /* the registry */
	take_away("return");
	start();
	ck_assert_int_eq(mempool_find_pool(conn, "large", &info), -ENOENT);
	mempool_disconnect(conn);
	ck_assert_uint_eq(service_stop(&service), 0);
}
END_TEST

/*
 * A slice is under way when the daemon stops, and takes its pages when the daemon waits for it to
 * do nothing else any more.
 */
static void stop_in_a_slice(struct actor *a, const char *command, int64_t more_than)
{
	actor_start(a);
	actor_tell(a, command);
	ck_assert(wait_until(is_more_reserved, &more_than, HANG_MS));
	put("slow", "");
	kill(service.pid, SIGTERM);
	ck_assert(wait_until(has_no_socket, NULL, HANG_MS));
	sleep_ms(100);
	take_away("slow");
	waitpid(service.pid, NULL, 0);
}

START_TEST(what_a_growth_took_in_vain_is_given_back)
{
	struct actor a;
	begin_slow();
	make_large(10, 3000);
	int64_t before = reserved();
	stop_in_a_slice(&a, "grow large 3000", before);
	ck_assert_int_eq(reserved(), before);
	actor_kill(&a);
	start();
	ck_assert_int_eq(mempool_find_pool(conn, "large", &info), 0);
	ck_assert_uint_eq(info.blocks, 10);
	ck_assert_int_eq(mempool_close_force(large), 0);
	ck_assert_int_eq(mempool_destroy(conn, "large"), 0);
	mempool_disconnect(conn);
	ck_assert_uint_eq(service_stop(&service), 0);
}
END_TEST

START_TEST(a_creation_that_it_ends_leaves_nothing)
{
	struct actor a;
	begin_slow();
	stop_in_a_slice(&a, "large large 3000", 0);
	ck_assert_uint_eq(service_objects(&service), 0);
	actor_kill(&a);
	start();
	mempool_disconnect(conn);
	ck_assert_uint_eq(service_stop(&service), 0);
}
END_TEST

SUITE("stopping", what_was_destroyed_just_before_is_given_back,
      who_is_killed_while_it_stops_leaves_no_object, what_a_growth_took_in_vain_is_given_back,
      a_creation_that_it_ends_leaves_nothing)
