/* SPDX-License-Identifier: MIT */
/* The daemon is killed and started again: clients go on, nothing moves, nothing is left. */
#include <linux/sockios.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "lib/conn.h"
#include "tests/system/raw.h"

START_TEST(clients_keep_their_blocks_over_a_restart)
{
	begin();
	struct actor a = holder(100);
	service_kill(&service);
	ck_assert_uint_eq(stats().used, 100);
	ck_assert_uint_ge(obtainable(), BLOCKS - 100 - 60);
	service_restart(&service);
	ck_assert_uint_eq(stats().used, 100);
	ck_assert_uint_eq(count_clients(), 2);
	ck_assert_int_eq(actor_ask(&a, "put 100"), 0);
	ck_assert_int_eq(actor_ask(&a, "close"), 0);
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	actor_kill(&a);
	end();
}
END_TEST

static bool is_only_b_holding(void *unused)
{
	(void)unused;
	return stats().used == 50;
}

START_TEST(who_died_meanwhile_is_reclaimed)
{
	begin();
	struct actor a = holder(100), b = holder(50);
	service_kill(&service);
	actor_kill(&a);
	service_restart(&service);
	ck_assert(wait_until(is_only_b_holding, NULL, HANG_MS));
	actor_kill(&b);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	end();
}
END_TEST

START_TEST(who_execed_meanwhile_is_reclaimed)
{
	begin();
	struct actor a = holder(100);
	service_kill(&service);
	ck_assert_int_eq(actor_ask(&a, "exec"), 0);
	service_restart(&service);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	actor_kill(&a);
	end();
}
END_TEST

static void *find(void *error)
{
	struct mempool_info info;
	*(int *)error = mempool_find_pool(conn, "frames", &info);
	return NULL;
}

START_TEST(a_request_waits_for_the_next_daemon)
{
	begin();
	int error = 1;
	pthread_t thread;
	service_kill(&service);
	ck_assert_int_eq(pthread_create(&thread, NULL, find, &error), 0);
	sleep_ms(200);
	service_restart(&service);
	pthread_join(thread, NULL);
	ck_assert_int_eq(error, 0);
	end();
}
END_TEST

START_TEST(without_a_daemon_requests_fail_and_blocks_do_not)
{
	begin();
	struct mempool_info info;
	service_kill(&service);
	int error = mempool_find_pool(conn, "frames", &info);
	ck_assert(error == -ECONNREFUSED || error == -ENOENT);
	ck_assert(mempool_errmsg()[0]);
	ck_assert_uint_eq(obtainable(), BLOCKS);
	ck_assert_int_eq(mempool_close(pool), 0);
	service_restart(&service);
	ck_assert_int_eq(mempool_open(conn, "frames", 0, &pool), 0);
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	end();
}
END_TEST

START_TEST(a_destroyed_pool_goes_with_its_last_user_after_a_restart_too)
{
	begin();
	ck_assert_int_eq(mempool_destroy(conn, "frames"), 0);
	service_kill(&service);
	ck_assert_uint_eq(obtainable(), BLOCKS);
	service_restart(&service);
	ck_assert_uint_eq(obtainable(), BLOCKS);
	ck_assert_int_eq(mempool_close(pool), 0);
	pool = service_pool(conn, "frames", 64, BLOCKS);
	end();
}
END_TEST

START_TEST(gifts_outlive_the_daemon)
{
	begin();
	struct actor a = holder(1);
	uint64_t token = (uint64_t)actor_ask(&a, "give");
	service_kill(&service);
	service_restart(&service);
	ck_assert_ptr_nonnull(mempool_take(pool, (struct mempool_token){token}));
	actor_kill(&a);
	end();
}
END_TEST

START_TEST(two_daemons_do_not_share_an_instance)
{
	begin();
	char command[300];
	snprintf(command, sizeof command, "%s --runtime-dir %s --instance %s 2>&1 | grep -q .",
		 TEST_MEMPOOLD, service.dir, service.instance);
	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(mempool_destroy(conn, "frames"), 0);
	ck_assert_int_eq(mempool_close(pool), 0);
	pool = service_pool(conn, "frames", 64, BLOCKS);
	end();
}
END_TEST

/* Puts a file of another user's in the place of the liveness file made last. */
static void squat_on_last_liveness_file(void)
{
	char command[400];
	snprintf(command, sizeof command,
		 "f=$(ls -t /dev/shm/mempool.%s.*.live | head -n 1) && rm $f && "
		 "setpriv --reuid=65534 --regid=65534 --clear-groups touch $f",
		 service.instance);
	ck_assert_int_eq(system(command), 0);
}

/* Anybody can put a file of a name there that was removed; a lock on it told of a death. */
START_TEST(who_squats_on_a_liveness_file_buries_nobody)
{
	if (geteuid() != 0) {
		return;
	}
	begin();
	struct actor a = holder(10);
	service_kill(&service);
	squat_on_last_liveness_file();
	service_restart(&service);
	sleep_ms(200);
	ck_assert_uint_eq(stats().used, 10);
	ck_assert_uint_eq(count_clients(), 2);
	ck_assert_int_eq(actor_ask(&a, "put 10"), 0);
	actor_kill(&a);
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	end();
}
END_TEST

static bool is_big_removed(void *unused)
{
	(void)unused;
	return service_objects(&service) == 4; /* registry; control, data, liveness of frames */
}

/* Passes over the dead armed a timer of 0 again and again, and the loop did not come back. */
START_TEST(sigterm_ends_it_in_a_second_or_two_whatever_is_under_way)
{
	/* Some seconds of work, when each of the dead had a walk of its own. */
	enum { CROWD = TEST_IS_SANITIZED ? 10 : 60, BIG = TEST_IS_SANITIZED ? 1 << 20 : 16 << 20 };
	begin();
	struct mempool *big = service_pool(conn, "big", 16, BIG);
	pid_t pids[CROWD];
	for (int i = 0; i < CROWD; i++) {
		pids[i] = crowd("big", 4);
	}
	for (int i = 0; i < CROWD; i++) {
		kill(pids[i], SIGKILL);
	}
	sleep_ms(50);
	/* Of its own time, so that a busy machine has no say. */
	struct rusage usage;
	uint64_t before = daemon_ns();
	kill(service.pid, SIGTERM);
	ck_assert_int_eq(wait4(service.pid, NULL, 0, &usage), service.pid);
	uint64_t seconds = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec);
	uint64_t us = (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
	ck_assert_uint_lt(seconds * 1000000000 + us * 1000 - before, 2000000000);
	service_restart(&service);
	ck_assert_int_eq(mempool_destroy(conn, "big"), 0);
	ck_assert_int_eq(mempool_close(big), 0);
	ck_assert(wait_until(is_big_removed, NULL, HANG_MS));
	end();
}
END_TEST

/* Whether a request lies in the socket, which the daemon has not read. */
static bool is_sent(void *unused)
{
	int unread = 0;
	(void)unused;
	ck_assert_int_eq(ioctl(conn->fd, SIOCOUTQ, &unread), 0);
	return unread > 0;
}

/* What is under way while the daemon is killed, once it has the request, and started again. */
static int over_a_restart(void *(*request)(void *))
{
	int error = 1;
	pthread_t thread;
	kill(service.pid, SIGSTOP);
	ck_assert_int_eq(pthread_create(&thread, NULL, request, &error), 0);
	ck_assert(wait_until(is_sent, NULL, HANG_MS));
	service_kill(&service);
	service_restart(&service);
	pthread_join(thread, NULL);
	return error;
}

static struct mempool *more;

static void *create_more(void *error)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	attr.block_size = 64;
	attr.blocks = 8;
	attr.max_blocks = 16;
	*(int *)error = mempool_create(conn, "more", &attr, &more);
	return NULL;
}

static void *grow_more(void *error)
{
	*(int *)error = mempool_grow(conn, "more", 16);
	return NULL;
}

static void *destroy_more(void *error)
{
	*(int *)error = mempool_destroy(conn, "more");
	return NULL;
}

/* The memory it asks for may be what ended the daemon; the next is not ended by it. */
START_TEST(what_reserves_memory_is_not_asked_of_the_next_daemon)
{
	struct mempool_info info;
	int error;
	begin();
	ck_assert_int_eq(over_a_restart(create_more), -ECONNRESET);
	ck_assert_int_eq(mempool_find_pool(conn, "more", &info), -ENOENT);
	create_more(&error);
	ck_assert_int_eq(error, 0);
	ck_assert_int_eq(over_a_restart(grow_more), -ECONNRESET);
	ck_assert_int_eq(mempool_find_pool(conn, "more", &info), 0);
	ck_assert_uint_eq(info.blocks, 8);
	grow_more(&error);
	ck_assert_int_eq(error, 0);
	ck_assert_int_eq(over_a_restart(grow_more), 0); /* done already */
	ck_assert_int_eq(over_a_restart(find), 0);
	ck_assert_int_eq(over_a_restart(destroy_more), 0);
	ck_assert_int_eq(mempool_close(more), 0);
	end();
}
END_TEST

SUITE("restart", clients_keep_their_blocks_over_a_restart, who_died_meanwhile_is_reclaimed,
      who_execed_meanwhile_is_reclaimed, a_request_waits_for_the_next_daemon,
      what_reserves_memory_is_not_asked_of_the_next_daemon,
      without_a_daemon_requests_fail_and_blocks_do_not,
      a_destroyed_pool_goes_with_its_last_user_after_a_restart_too, gifts_outlive_the_daemon,
      two_daemons_do_not_share_an_instance, who_squats_on_a_liveness_file_buries_nobody,
      sigterm_ends_it_in_a_second_or_two_whatever_is_under_way)
