/* SPDX-License-Identifier: MIT */
/* Programs that start together: one makes the pool, and the others get it. */
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include <os/os_mempool.h>

#include "tests/system/raw.h"
#include "tests/system/configured.h"

#define SLOW "slow" /* file: as long as it is there, no memory is had */
#define FULL "full" /* file: there is none left */
#define LAST_USER 1 /* as in mempool.h */
#define CREATOR 2

/* Starts a daemon whose memory takes its time when it is told so. */
static void begin_slow(const char *main)
{
	char script[900], path[200];

	prepare(main);
	snprintf(script, sizeof script,
		 "#!/bin/bash\nexport MEMPOOLD_NO_URING=1 SLOW_MEMORY=%s/" SLOW
		 " FULL_MEMORY=%s/" FULL "\nLD_PRELOAD=%s exec %s --log-level debug \"$@\"\n",
		 service.dir, service.dir, TEST_PRELOADED, TEST_MEMPOOLD);
	put("mempoold", script);
	snprintf(path, sizeof path, "%s/mempoold", service.dir);
	ck_assert_int_eq(chmod(path, 0755), 0);
	setenv("MEMPOOLD", path, 1);
	start();
}

static bool is_being_made(void *name)
{
	struct mempool_info its;
	return mempool_find_pool(conn, name, &its) == -ENOENT &&
	       strstr(mempool_errmsg(), "is being made");
}

/* A process that makes the pool "start" by that command, and is not done. */
static struct actor maker(const char *command)
{
	struct actor a;
	put(SLOW, "");
	actor_start(&a);
	actor_tell(&a, command);
	ck_assert(wait_until(is_being_made, "start", HANG_MS));
	return a;
}

/* Whether the daemon says that the actor's request waits. */
static bool is_waiting(void *actor)
{
	char words[80];
	snprintf(words, sizeof words, "pid %d: waits", (int)((struct actor *)actor)->pid);
	return log_has(words);
}

/* A process that has asked for it by that command. */
static struct actor asker(const char *command)
{
	struct actor a;
	actor_start(&a);
	actor_tell(&a, command);
	ck_assert(wait_until(is_waiting, &a, HANG_MS));
	return a;
}

/* Whether none of them has an answer yet, after a while in which it might have come. */
static bool all_wait(const struct actor *actors, int n)
{
	sleep_ms(100);
	for (int i = 0; i < n; i++) {
		struct pollfd answer = {.fd = actors[i].from, .events = POLLIN};
		if (poll(&answer, 1, 0) != 0) {
			return false;
		}
	}
	return true;
}

static void expect_all(struct actor *actors, int n, int64_t answer)
{
	for (int i = 0; i < n; i++) {
		ck_assert_int_eq(actor_hear(&actors[i]), answer);
	}
}

static void kill_all(struct actor *actors, int n)
{
	for (int i = 0; i < n; i++) {
		actor_kill(&actors[i]);
	}
}

static bool is_gone(void *name)
{
	struct mempool_info its;
	return mempool_find_pool(conn, name, &its) == -ENOENT &&
	       !strstr(mempool_errmsg(), "is being made");
}

static unsigned clients(void)
{
	ck_assert(is_there("start"));
	return info.clients;
}

/* Lets the daemon have memory after a while, in which the caller asks. */
static void *let_go(void *file)
{
	sleep_ms(100);
	take_away(file);
	return NULL;
}

/* Opens the pool here, while it is made. */
static int open_meanwhile(struct mempool **opened)
{
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, let_go, SLOW), 0);
	int error = mempool_open(conn, "start", 0, opened);
	pthread_join(thread, NULL);
	return error;
}

/* ---- an open of a pool that is being made ---- */

START_TEST(an_open_waits_for_a_pool_that_is_being_made)
{
	begin_slow("");
	struct actor a[] = {
		maker("large start 4"),
		asker("open start"),
		asker("open start reader"),
		asker("open start observer"),
	};
	ck_assert(all_wait(a, 4));
	take_away(SLOW);
	expect_all(a, 4, 0);
	ck_assert_uint_eq(clients(), 3);
	ck_assert_int_eq(actor_ask(&a[1], "get 1"), 0);
	ck_assert_int_eq(actor_ask(&a[2], "get 1"), 0);
	kill_all(a, 4);
	destroy("start");
	stop();
}
END_TEST

/* It asks first which pool has the name. */
START_TEST(so_does_the_open_of_a_process_that_has_other_pools)
{
	struct mempool *frames, *opened;

	begin_slow("");
	frames = service_pool(conn, "frames", 100, 10);
	struct actor a = maker("large start 4");
	ck_assert_int_eq(open_meanwhile(&opened), 0);
	ck_assert_uint_eq(mempool_block_size(opened), 1 << 20);
	ck_assert_int_eq(mempool_close(opened), 0);
	ck_assert_int_eq(mempool_close(frames), 0);
	destroy("frames");
	kill_all(&a, 1);
	destroy("start");
	stop();
}
END_TEST

static void note_progress(void *arg, uint64_t done, uint64_t total)
{
	uint64_t *last = arg;
	ck_assert_uint_le(done, total);
	*last = total;
}

/* Each word on it also keeps the library from giving up. */
START_TEST(who_waits_hears_how_far_it_is)
{
	struct mempool *opened;
	uint64_t total = 0;

	begin_slow("");
	mempool_set_progress(conn, note_progress, &total);
	struct actor a = maker("large start 64");
	ck_assert_int_eq(open_meanwhile(&opened), 0);
	ck_assert_uint_ge(total, 64 << 20);
	ck_assert_int_eq(mempool_close(opened), 0);
	kill_all(&a, 1);
	destroy("start");
	stop();
}
END_TEST

START_TEST(who_waits_for_a_pool_that_cannot_be_made_is_told_why)
{
	struct mempool *opened;

	begin_slow("");
	put(FULL, "");
	struct actor a[] = {maker("large start 4"), asker("either start 4")};
	ck_assert(all_wait(a, 2));
	ck_assert_int_eq(open_meanwhile(&opened), -ENOENT);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "'start' was not made: No space left"));
	expect_all(a, 2, -ENOSPC);
	take_away(FULL);
	ck_assert_int_eq(actor_ask(&a[0], "large start 4"), 0);
	kill_all(a, 2);
	destroy("start");
	stop();
}
END_TEST

START_TEST(who_waits_gets_the_pool_although_its_creator_is_killed)
{
	begin_slow("");
	struct actor a = maker("large start 4"), b[] = {asker("open start"), asker("open start")};
	ck_assert(all_wait(b, 2));
	actor_kill(&a);
	ck_assert(all_wait(b, 2));
	take_away(SLOW);
	expect_all(b, 2, 0);
	ck_assert_uint_eq(clients(), 2);
	kill_all(b, 2);
	ck_assert(is_there("start"));
	destroy("start");
	stop();
}
END_TEST

/* An observer only looks: the pool is made for nobody. */
START_TEST(no_pool_is_made_for_observers_alone)
{
	begin_slow("");
	struct actor a = maker("large start 4"), b = asker("open start observer");
	ck_assert(all_wait(&b, 1));
	actor_kill(&a);
	take_away(SLOW);
	expect_all(&b, 1, -ENOENT);
	ck_assert(wait_until(is_gone, "start", HANG_MS));
	kill_all(&b, 1);
	stop();
}
END_TEST

START_TEST(a_pool_that_ends_with_its_creator_is_not_made_without_him)
{
	begin_slow("");
	struct actor a = maker("make start 2"), b = asker("open start");
	ck_assert(all_wait(&b, 1));
	actor_kill(&a);
	take_away(SLOW);
	expect_all(&b, 1, -ENOENT);
	kill_all(&b, 1);
	stop();
}
END_TEST

START_TEST(a_pool_that_ends_with_its_last_user_has_those_who_waited)
{
	begin_slow("");
	struct actor a = maker("make start 1"), b[] = {asker("open start"), asker("open start")};
	ck_assert(all_wait(b, 2));
	actor_kill(&a);
	take_away(SLOW);
	expect_all(b, 2, 0);
	ck_assert_int_eq(actor_ask(&b[0], "close"), 0);
	ck_assert(is_there("start"));
	ck_assert_int_eq(actor_ask(&b[1], "close"), 0);
	ck_assert(wait_until(is_gone, "start", HANG_MS));
	kill_all(b, 2);
	stop();
}
END_TEST

/* Nor does a pool stay that nobody has who asked for it. */
START_TEST(a_session_may_end_while_it_waits)
{
	begin_slow("");
	struct actor a = maker("large start 4"),
		     b[] = {asker("open start"), asker("either start 4")};
	ck_assert(all_wait(b, 2));
	kill_all(b, 2);
	sleep_ms(50);
	take_away(SLOW);
	expect_all(&a, 1, 0);
	ck_assert_uint_eq(clients(), 1);
	actor_kill(&a);
	destroy("start");

	a = maker("large start 4");
	b[0] = asker("open start");
	ck_assert(all_wait(b, 1));
	actor_kill(&a);
	kill_all(b, 1);
	take_away(SLOW);
	ck_assert(wait_until(is_gone, "start", HANG_MS));
	ck_assert_int_eq(create("start", 64, 10), 0);
	destroy("start");
	stop();
}
END_TEST

START_TEST(a_pool_may_be_destroyed_while_it_is_made)
{
	begin_slow("");
	struct actor a[] = {maker("large start 4"), asker("open start")};
	ck_assert(all_wait(a, 2));
	destroy("start");
	expect_all(a, 2, -ENOENT);
	/* The name is free at once. */
	actor_tell(&a[1], "large start 2");
	ck_assert(all_wait(&a[1], 1));
	take_away(SLOW);
	expect_all(&a[1], 1, 0);
	kill_all(a, 2);
	destroy("start");
	stop();
}
END_TEST

START_TEST(who_waited_finds_the_pool_full_if_more_wait_than_it_is_for)
{
	begin_slow("");
	struct actor a[4] = {maker("make start 0 3")};
	int full = 0;
	for (int i = 1; i < 4; i++) {
		a[i] = asker("open start");
	}
	ck_assert(all_wait(a, 4));
	take_away(SLOW);
	for (int i = 0; i < 4; i++) {
		int64_t answer = actor_hear(&a[i]);
		ck_assert(answer == 0 || answer == -EUSERS);
		full += answer != 0;
	}
	ck_assert_int_eq(full, 1);
	kill_all(a, 4);
	destroy("start");
	stop();
}
END_TEST

START_TEST(who_may_not_open_the_pool_does_not_wait)
{
	if (getuid() != 0) {
		return; /* to be another takes root */
	}
	begin_slow("[daemon]\nsocket_mode = 0666\n");
	struct actor a = maker("large start 4"), b = other();
	ck_assert_int_eq(actor_ask(&b, "open start"), -EACCES);
	ck_assert_int_eq(actor_ask(&b, "either start 4"), -EACCES);
	ck_assert_int_eq(actor_ask(&b, "destroy start"), -EACCES);
	take_away(SLOW);
	expect_all(&a, 1, 0);
	kill_all(&a, 1);
	kill_all(&b, 1);
	destroy("start");
	stop();
}
END_TEST

START_TEST(a_daemon_ends_while_some_wait)
{
	int status;

	begin_slow("");
	struct actor a[] = {maker("large start 4"), asker("open start")};
	ck_assert(all_wait(a, 2));
	kill(service.pid, SIGTERM);
	take_away(SLOW);
	ck_assert_int_eq(waitpid(service.pid, &status, 0), service.pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	service_restart(&service);
	expect_all(a, 1, -ECONNRESET);
	expect_all(a + 1, 1, -ENOENT);
	ck_assert_int_eq(actor_ask(&a[1], "either start 4"), 0);
	kill_all(a, 2);
	destroy("start");
	stop();
}
END_TEST

START_TEST(an_open_waits_for_a_pool_of_a_file_too)
{
	begin_slow("");
	put(SLOW, "");
	put("pools.d/start.pool", "[pool]\nblock_size = 1M\nblocks = 4\n");
	kill(service.pid, SIGHUP);
	ck_assert(wait_until(is_being_made, "start", HANG_MS));
	struct actor a[] = {asker("open start"), asker("either start 2")};
	ck_assert(all_wait(a, 2));
	take_away(SLOW);
	expect_all(a, 2, 0);
	kill_all(a, 2);
	destroy("start");
	stop();
}
END_TEST

START_TEST(a_pool_of_a_file_may_be_destroyed_while_it_is_made)
{
	begin_slow("");
	put(SLOW, "");
	put("pools.d/start.pool", "[pool]\nblock_size = 1M\nblocks = 4\n");
	kill(service.pid, SIGHUP);
	ck_assert(wait_until(is_being_made, "start", HANG_MS));
	destroy("start");
	expect_log("pool 'start' was destroyed while it was made; reload to have it");
	take_away(SLOW);
	reload(" made by ");
	destroy("start");
	stop();
}
END_TEST

/* Its memory is still being given back. */
START_TEST(a_name_is_free_while_the_old_pool_is_removed)
{
	begin_slow("");
	struct actor a;
	actor_start(&a);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(actor_ask(&a, "large start 64"), 0);
		ck_assert_int_eq(actor_ask(&a, "close"), 0);
		destroy("start");
		ck_assert_int_eq(actor_ask(&a, "open start"), -ENOENT);
	}
	kill_all(&a, 1);
	stop();
}
END_TEST

/* ---- open or create ---- */

static void open_or_create(const struct mempool_attr *attr, int expected, const char *sentence)
{
	struct mempool *opened;
	int error = mempool_open_or_create(conn, "start", attr, &opened);
	ck_assert_int_eq(error, expected);
	if (error == 0) {
		ck_assert_int_eq(mempool_close(opened), 0);
	} else {
		ck_assert_msg(strstr(mempool_errmsg(), sentence), "%s", mempool_errmsg());
	}
}

/* Asks for what differs from the pool in this and that; the pool is open here, or it is not. */
static void ask_for_others(struct mempool_attr attr)
{
	struct mempool_attr asked = attr;
	asked.blocks = 2000;
	asked.channels = 1;
	asked.alignment = 0;
	asked.schema = 0;
	asked.schema_version = 0;
	asked.prefault = MEMPOOL_TRY;
	open_or_create(&asked, 0, "");
	asked.alignment = 64;
	open_or_create(&asked, 0, "");
	asked = attr;
	asked.block_size = 128;
	open_or_create(&asked, -EPROTO, "100 bytes, not 128");
	asked = attr;
	asked.alignment = 256;
	open_or_create(&asked, -EPROTO, "aligned to 128 bytes, not 256");
	asked = attr;
	asked.schema = 8;
	open_or_create(&asked, -EPROTO, "0x7 version 2, not 0x8 version 2");
	asked = attr;
	asked.schema_version = 3;
	open_or_create(&asked, -EPROTO, "0x7 version 2, not 0x7 version 3");
	asked = attr;
	asked.prefault = MEMPOOL_REQUIRE;
	open_or_create(&asked, -EPROTO, "prefault");
}

START_TEST(what_would_harm_must_agree_and_the_rest_is_left_as_it_is)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *first;

	begin_slow("");
	attr.block_size = 100;
	attr.blocks = 10;
	attr.alignment = 128;
	attr.schema = 7;
	attr.schema_version = 2;
	open_or_create(&attr, 0, "");
	open_or_create(&attr, 0, "");
	ask_for_others(attr);
	ck_assert_int_eq(mempool_open(conn, "start", 0, &first), 0);
	ask_for_others(attr);
	ck_assert_uint_eq(mempool_blocks(first), 10);
	ck_assert_int_eq(mempool_close(first), 0);
	destroy("start");
	stop();
}
END_TEST

START_TEST(a_request_that_no_pool_could_fulfil_is_refused)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	begin_slow("");
	ck_assert_int_eq(create("start", 64, 10), 0);
	open_or_create(&attr, -EINVAL, "start");
	attr.block_size = 64;
	open_or_create(&attr, -EINVAL, "start");
	attr.blocks = 10;
	attr.alignment = 3;
	open_or_create(&attr, -EINVAL, "start");
	attr.alignment = 0;
	open_or_create(&attr, 0, "");
	destroy("start");
	stop();
}
END_TEST

START_TEST(a_process_that_has_the_pool_gets_the_same_handle)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *one, *two;

	begin_slow("");
	attr.block_size = 64;
	attr.blocks = 10;
	ck_assert_int_eq(mempool_open_or_create(conn, "start", &attr, &one), 0);
	ck_assert_int_eq(mempool_open_or_create(conn, "start", &attr, &two), 0);
	ck_assert_ptr_eq(one, two);
	ck_assert_uint_eq(clients(), 1);
	ck_assert_int_eq(mempool_close(one), 0);
	ck_assert_int_eq(mempool_close(two), 0);
	ck_assert_int_eq(mempool_open(conn, "start", MEMPOOL_RDONLY, &one), 0);
	open_or_create(&attr, -EBUSY, "another access");
	ck_assert_int_eq(mempool_close(one), 0);
	destroy("start");
	stop();
}
END_TEST

START_TEST(who_may_open_and_not_create_gets_what_is_there)
{
	if (getuid() != 0) {
		return; /* to be another takes root */
	}
	begin_slow("[daemon]\nsocket_mode = 0666\n[access start]\ncreate = root\nwrite = 65534\n"
		   "[access mine]\ncreate = 65534\nwrite = root\n");
	struct actor a = other(), b;
	ck_assert_int_eq(actor_ask(&a, "either start 4"), -EACCES);
	actor_start(&b);
	ck_assert_int_eq(actor_ask(&b, "either start 4"), 0);
	ck_assert_int_eq(actor_ask(&a, "either start 4"), 0);
	kill_all(&a, 1);
	kill_all(&b, 1);
	destroy("start");
	stop();
}
END_TEST

/* Another user waits for the pool of that maker, and may not open it any more when it is there. */
static struct actor lose_the_right(struct actor *maker_of_it)
{
	begin_slow("[daemon]\nsocket_mode = 0666\n[access start]\nwrite = 65534\n");
	*maker_of_it = maker("large start 4");
	struct actor a = other();
	actor_tell(&a, "open start");
	ck_assert(wait_until(is_waiting, &a, HANG_MS));
	put("mempoold.conf", "[daemon]\nsocket_mode = 0666\n");
	reload("configuration");
	return a;
}

START_TEST(rights_are_those_of_the_answer)
{
	if (getuid() != 0) {
		return; /* to be another takes root */
	}
	struct actor a, b = lose_the_right(&a);
	ck_assert(all_wait(&b, 1));
	take_away(SLOW);
	expect_all(&a, 1, 0);
	expect_all(&b, 1, -EACCES);
	kill_all(&a, 1);
	kill_all(&b, 1);
	destroy("start");
	stop();
}
END_TEST

START_TEST(no_pool_stays_that_nobody_can_open_who_asked_for_it)
{
	if (getuid() != 0) {
		return; /* to be another takes root */
	}
	struct actor a, b = lose_the_right(&a);
	actor_kill(&a);
	ck_assert(all_wait(&b, 1));
	take_away(SLOW);
	expect_all(&b, 1, -EACCES);
	ck_assert(wait_until(is_gone, "start", HANG_MS));
	kill_all(&b, 1);
	stop();
}
END_TEST

/* That is not for want of anything: the next of those who wait makes the pool. */
START_TEST(who_waits_makes_the_pool_when_its_creator_goes_or_it_is_destroyed)
{
	begin_slow("");
	struct actor a = maker("either start 4 2"), b[3];
	for (int i = 0; i < 3; i++) {
		b[i] = asker("either start 4");
	}
	ck_assert(all_wait(b, 3));
	actor_kill(&a);
	take_away(SLOW);
	expect_all(b, 3, 0);
	kill_all(b, 3);
	destroy("start");

	a = maker("large start 4");
	b[0] = asker("either start 4");
	ck_assert(all_wait(b, 1));
	destroy("start");
	expect_all(&a, 1, -ENOENT);
	ck_assert(all_wait(b, 1));
	take_away(SLOW);
	expect_all(b, 1, 0);
	kill_all(&a, 1);
	kill_all(b, 1);
	destroy("start");
	stop();
}
END_TEST

static union wire_message either_message(uint64_t cookie, uint32_t serial)
{
	union wire_message m;
	wire_init(&m, WIRE_OPEN_OR_CREATE, serial);
	strcpy(m.create.name, "start");
	m.create.cookie = cookie;
	m.create.shape.block_size = 64;
	m.create.shape.blocks = 10;
	m.create.terms.lifetime = CREATOR;
	m.create.uid = m.create.gid = UINT32_MAX;
	return m;
}

/* The reply was lost, and so was the connection; and the daemon, the second time. */
START_TEST(a_request_that_is_sent_again_does_not_fail)
{
	union wire_message m;
	int fds[3], n = 3;

	begin_slow("");
	put(SLOW, "");
	int first = greeted(), again = greeted();
	m = either_message(7, 2);
	ck_assert_int_eq(wire_send(first, &m, NULL, 0, 0), 0);
	ck_assert(wait_until(is_being_made, "start", HANG_MS));
	m = either_message(7, 2);
	ck_assert_int_eq(wire_send(again, &m, NULL, 0, 0), 0);
	sleep_ms(50);
	close(first); /* the second has taken its place: the build goes on */
	sleep_ms(50);
	take_away(SLOW);
	do {
		n = 3;
		ck_assert_int_gt(wire_receive(again, &m, fds, &n, NULL, 0), 0);
	} while (m.head.type == WIRE_PROGRESS);
	ck_assert_int_eq(m.head.type, WIRE_ATTACHED);
	uint64_t id = m.attached.pool_id;
	close(again);
	/* The liveness file is not mapped: its attachment goes, and the pool is its creator's. */
	again = greeted();
	m = either_message(7, 2);
	n = 3;
	ck_assert(ask(again, &m, fds, &n));
	ck_assert_int_eq(m.head.type, WIRE_ATTACHED);
	ck_assert_uint_eq(m.attached.pool_id, id);
	mmap(NULL, 1, PROT_READ, MAP_SHARED, fds[2], 0);
	for (int i = 0; i < n; i++) {
		close(fds[i]);
	}
	close(again);
	ck_assert(is_there("start"));
	destroy("start");
	ck_assert_uint_eq(mempool_find_pool(conn, "start", &info), -ENOENT);
	mempool_disconnect(conn);
	service_stop(&service); /* this process has the pool still */
}
END_TEST

/* ---- many at once ---- */

static int open_in_child(const char *name, uint32_t mib)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *opened;
	struct mempool_conn *own = service_connect();

	attr.block_size = 1 << 16;
	attr.blocks = mib << 4;
	int error = mempool_open_or_create(own, name, &attr, &opened);
	return error ? error : mempool_blocks(opened) == attr.blocks ? 0 : -EIO;
}

static int open_os_in_child(const char *name, uint32_t mib)
{
	static struct os_mempool mp;

	(void)mib;
	return os_mempool_open_shared(&mp, name, 500, 64) == OS_OK && os_memblock_get(&mp) ? 0
											   : -EIO;
}

/* So many processes call @opens at the same time, and stay until all have; how many fail. */
static int crowd_of(int many, int (*opens)(const char *name, uint32_t mib), uint32_t mib)
{
	int begin_pipe[2], result[2], end_pipe[2], failed = 0;
	char byte;

	ck_assert(pipe(begin_pipe) == 0 && pipe(result) == 0 && pipe(end_pipe) == 0);
	for (int i = 0; i < many; i++) {
		if (fork() == 0) {
			close(begin_pipe[1]);
			close(end_pipe[1]);
			(void)!read(begin_pipe[0], &byte, 1);
			byte = opens("start", mib) ? 'n' : 'y';
			(void)!write(result[1], &byte, 1);
			(void)!read(end_pipe[0], &byte, 1);
			_exit(0);
		}
	}
	close(begin_pipe[1]);
	for (int i = 0; i < many; i++) {
		ck_assert_int_eq(read(result[0], &byte, 1), 1);
		failed += byte != 'y';
	}
	ck_assert_uint_eq(clients(), (unsigned)(many - failed));
	close(end_pipe[1]);
	for (int i = 0; i < many; i++) {
		wait(NULL);
	}
	close(begin_pipe[0]);
	close(end_pipe[0]);
	close(result[0]);
	close(result[1]);
	return failed;
}

/* Starts a daemon as others are. */
static void begin_plain(void)
{
	service_start(&service);
	conn = service_connect();
}

START_TEST(of_24_and_of_200_processes_that_start_together_all_have_the_pool)
{
	begin_plain();
	ck_assert_int_eq(crowd_of(24, open_in_child, 200), 0);
	destroy("start");
	ck_assert_int_eq(crowd_of(200, open_in_child, 50), 0);
	destroy("start");
	stop();
}
END_TEST

START_TEST(so_have_programs_for_mynewt)
{
	begin_plain();
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(crowd_of(160, open_os_in_child, 0), 0);
		destroy("start");
	}
	stop();
}
END_TEST

SUITE("together", an_open_waits_for_a_pool_that_is_being_made,
      so_does_the_open_of_a_process_that_has_other_pools, who_waits_hears_how_far_it_is,
      who_waits_for_a_pool_that_cannot_be_made_is_told_why,
      who_waits_gets_the_pool_although_its_creator_is_killed, no_pool_is_made_for_observers_alone,
      a_pool_that_ends_with_its_creator_is_not_made_without_him,
      a_pool_that_ends_with_its_last_user_has_those_who_waited, a_session_may_end_while_it_waits,
      a_pool_may_be_destroyed_while_it_is_made,
      who_waited_finds_the_pool_full_if_more_wait_than_it_is_for,
      who_may_not_open_the_pool_does_not_wait, a_daemon_ends_while_some_wait,
      an_open_waits_for_a_pool_of_a_file_too, a_pool_of_a_file_may_be_destroyed_while_it_is_made,
      a_name_is_free_while_the_old_pool_is_removed,
      what_would_harm_must_agree_and_the_rest_is_left_as_it_is,
      a_request_that_no_pool_could_fulfil_is_refused,
      a_process_that_has_the_pool_gets_the_same_handle,
      who_may_open_and_not_create_gets_what_is_there, rights_are_those_of_the_answer,
      no_pool_stays_that_nobody_can_open_who_asked_for_it,
      who_waits_makes_the_pool_when_its_creator_goes_or_it_is_destroyed,
      a_request_that_is_sent_again_does_not_fail,
      of_24_and_of_200_processes_that_start_together_all_have_the_pool, so_have_programs_for_mynewt)
