/* SPDX-License-Identifier: MIT */
/* What a pool promises and asks: how long it lives, what its blocks mean, how many one may own. */
#include "tests/system/story.h"

#define LAST_USER 1 /* as in mempool.h */
#define CREATOR 2

static struct mempool_info info;

static bool is_gone(void *name)
{
	return mempool_find_pool(conn, name, &info) == -ENOENT;
}

static bool is_there(const char *name)
{
	return mempool_find_pool(conn, name, &info) == 0;
}

static struct actor maker(int lifetime)
{
	struct actor a;
	actor_start(&a);
	ck_assert_int_eq(actor_ask(&a, "make short %d", lifetime), 0);
	ck_assert(is_there("short"));
	ck_assert_uint_eq(info.lifetime, (unsigned)lifetime);
	return a;
}

static struct actor user(void)
{
	struct actor a;
	actor_start(&a);
	ck_assert_int_eq(actor_ask(&a, "open short"), 0);
	return a;
}

static void expect_end(void)
{
	ck_assert(wait_until(is_gone, "short", HANG_MS));
}

START_TEST(a_pool_ends_with_its_last_user)
{
	begin();
	struct actor a = maker(LAST_USER), b = user();
	actor_kill(&a);
	sleep_ms(100);
	ck_assert(is_there("short"));
	ck_assert_int_eq(actor_ask(&b, "get 100"), 0);
	ck_assert_int_eq(actor_ask(&b, "put 100"), 0);
	ck_assert_int_eq(actor_ask(&b, "close"), 0);
	expect_end();
	actor_kill(&b);
	end();
}
END_TEST

START_TEST(a_pool_ends_with_its_creator)
{
	begin();
	struct actor a = maker(CREATOR), b = user();
	actor_kill(&b);
	b = user();
	sleep_ms(50);
	ck_assert(is_there("short"));
	actor_kill(&a);
	expect_end();
	/* Who has it open goes on. */
	ck_assert_int_eq(actor_ask(&b, "get 100"), 0);
	ck_assert_int_eq(actor_ask(&b, "put 100"), 0);
	ck_assert_int_eq(actor_ask(&b, "close"), 0);
	actor_kill(&b);
	end();
}
END_TEST

START_TEST(closing_and_exec_are_ends_as_well)
{
	begin();
	for (int lifetime = LAST_USER; lifetime <= CREATOR; lifetime++) {
		struct actor a = maker(lifetime);
		ck_assert_int_eq(actor_ask(&a, "force"), 0);
		expect_end();
		ck_assert_int_eq(actor_ask(&a, "make short %d", lifetime), 0);
		ck_assert_int_eq(actor_ask(&a, "exec"), 0);
		expect_end();
		actor_kill(&a);
	}
	end();
}
END_TEST

/* The daemon is told of the end of the last by who wants the only seat, and not before. */
START_TEST(the_only_seat_of_a_pool_that_ends_with_it)
{
	begin();
	for (int lifetime = LAST_USER; lifetime <= CREATOR; lifetime++) {
		struct actor a;
		actor_start(&a);
		ck_assert_int_eq(actor_ask(&a, "make short %d 1", lifetime), 0);
		kill(service.pid, SIGSTOP);
		ck_assert_int_eq(actor_ask(&a, "exec"), 0);
		actor_tell(&a, "open short");
		sleep_ms(50);
		kill(service.pid, SIGCONT);
		ck_assert_int_eq(actor_hear(&a), -ENOENT);
		expect_end();
		ck_assert_int_eq(actor_ask(&a, "make short %d 1", lifetime), 0);
		actor_kill(&a);
		expect_end();
	}
	end();
}
END_TEST

START_TEST(a_restart_neither_ends_nor_prolongs_a_pool)
{
	begin();
	for (int lifetime = LAST_USER; lifetime <= CREATOR; lifetime++) {
		struct actor a = maker(lifetime), b = user();
		service_kill(&service);
		service_restart(&service);
		ck_assert(is_there("short"));
		service_kill(&service);
		if (lifetime == LAST_USER) {
			actor_kill(&b);
		}
		actor_kill(&a);
		service_restart(&service);
		expect_end();
		if (lifetime == CREATOR) {
			actor_kill(&b);
		}
	}
	end();
}
END_TEST

/* The first slot to be looked at is one that was let go of; the second keeps the pool. */
START_TEST(a_restart_looks_at_all_users_before_it_ends_a_pool)
{
	begin();
	struct actor a = maker(LAST_USER), b = user();
	service_kill(&service);
	ck_assert_int_eq(actor_ask(&a, "exec"), 0);
	service_restart(&service);
	ck_assert(is_there("short"));
	ck_assert_int_eq(actor_ask(&b, "get 100"), 0);
	actor_kill(&b);
	expect_end();
	actor_kill(&a);
	end();
}
END_TEST

START_TEST(a_persistent_pool_stays)
{
	begin();
	struct actor a = maker(0);
	actor_kill(&a);
	sleep_ms(100);
	service_kill(&service);
	service_restart(&service);
	ck_assert(is_there("short"));
	ck_assert_int_eq(mempool_destroy(conn, "short"), 0);
	end();
}
END_TEST

static int create(const struct mempool_attr *attr)
{
	struct mempool *other;
	int error = mempool_create(conn, "typed", attr, &other);
	return error ? error : mempool_close(other);
}

static struct mempool_attr typed(void)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	attr.block_size = 64;
	attr.blocks = 10;
	attr.schema = 0xfeed;
	attr.schema_version = 2;
	return attr;
}

START_TEST(a_schema_is_checked_by_who_names_it)
{
	begin();
	struct mempool_attr attr = typed();
	struct mempool *other, *again;
	ck_assert_int_eq(create(&attr), 0);
	ck_assert_int_eq(mempool_open_schema(conn, "typed", 0, 0xfeed, 3, &other), -EPROTO);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "0xfeed version 2"));
	ck_assert_int_eq(mempool_open_schema(conn, "typed", 0, 0xbeef, 2, &other), -EPROTO);
	ck_assert_int_eq(mempool_open_schema(conn, "frames", 0, 0xfeed, 2, &other), -EPROTO);
	ck_assert_int_eq(mempool_open_schema(conn, "typed", 0, 0xfeed, 2, &other), 0);
	/* It is open now, and is asked about all the same. */
	ck_assert_int_eq(mempool_open_schema(conn, "typed", 0, 0xfeed, 3, &again), -EPROTO);
	ck_assert_int_eq(mempool_open_schema(conn, "typed", 0, 0, 3, &again), 0);
	ck_assert_ptr_eq(again, other);
	ck_assert_int_eq(mempool_open(conn, "typed", 0, &again), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(mempool_close(other), 0);
	}
	ck_assert(is_there("typed"));
	ck_assert_uint_eq(info.schema, 0xfeed);
	ck_assert_uint_eq(info.schema_version, 2);
	ck_assert_int_eq(mempool_destroy(conn, "typed"), 0);
	end();
}
END_TEST

START_TEST(terms_that_make_no_sense_are_refused)
{
	begin();
	struct mempool_attr attr = typed();
	attr.schema = 0;
	ck_assert_int_eq(create(&attr), -EINVAL);
	attr = typed();
	attr.lifetime = 3;
	ck_assert_int_eq(create(&attr), -EINVAL);
	attr = typed();
	attr.max_blocks = 9;
	ck_assert_int_eq(create(&attr), -EINVAL);
	attr = typed();
	attr.channels = 65;
	ck_assert_int_eq(create(&attr), -EINVAL);
	attr = typed();
	attr.channel_depth = 100;
	ck_assert_int_eq(create(&attr), -EINVAL);
	ck_assert(is_gone("typed"));
	end();
}
END_TEST

START_TEST(a_quota_is_told_to_all_who_open)
{
	begin();
	struct mempool_attr attr = typed();
	attr.quota = 3;
	ck_assert_int_eq(create(&attr), 0);
	ck_assert(is_there("typed"));
	ck_assert_uint_eq(info.quota, 3);
	struct actor a;
	actor_start(&a);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(actor_ask(&a, "open typed"), 0);
		ck_assert_int_eq(actor_ask(&a, "get 4"), -EDQUOT);
		ck_assert_int_eq(actor_ask(&a, "force"), 0);
		service_kill(&service);
		service_restart(&service);
	}
	actor_kill(&a);
	ck_assert_int_eq(mempool_destroy(conn, "typed"), 0);
	end();
}
END_TEST

SUITE("terms", a_pool_ends_with_its_last_user, a_pool_ends_with_its_creator,
      closing_and_exec_are_ends_as_well, a_restart_neither_ends_nor_prolongs_a_pool,
      a_restart_looks_at_all_users_before_it_ends_a_pool, a_persistent_pool_stays,
      a_schema_is_checked_by_who_names_it, terms_that_make_no_sense_are_refused,
      a_quota_is_told_to_all_who_open, the_only_seat_of_a_pool_that_ends_with_it)
