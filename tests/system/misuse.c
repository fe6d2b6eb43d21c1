/* SPDX-License-Identifier: MIT */
/* What users do wrong: each is answered with its errno and a sentence, and nothing is lost. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/system/story.h"

static bool says(const char *what)
{
	return strstr(mempool_errmsg(), what) != NULL;
}

static int create(const char *name, uint64_t size, uint32_t blocks)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *p;
	attr.block_size = size;
	attr.blocks = blocks;
	return mempool_create(conn, name, &attr, &p);
}

START_TEST(a_double_put_is_refused)
{
	begin();
	void *block = mempool_get(pool);
	ck_assert_int_eq(mempool_put(pool, block), 0);
	ck_assert_int_eq(mempool_put(pool, block), -EALREADY);
	ck_assert_uint_eq(obtainable(), BLOCKS);
	ck_assert(is_sound());
	end();
}
END_TEST

START_TEST(a_foreign_put_is_refused)
{
	begin();
	struct actor a = holder(1);
	void *mine = mempool_get(pool);
	int64_t index = mempool_block_index(pool, mine);
	ck_assert_int_eq(actor_ask(&a, "foreign %ld", (long)index), -EPERM);
	ck_assert_int_eq(mempool_put(pool, mine), 0);
	actor_kill(&a);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	end();
}
END_TEST

START_TEST(an_address_that_is_no_block_is_refused)
{
	begin();
	char *block = mempool_get(pool);
	ck_assert_int_eq(mempool_put(pool, block + 1), -EINVAL);
	ck_assert_int_eq(mempool_put(pool, block + 64), -EINVAL);
	ck_assert_int_eq(mempool_put(pool, NULL), -EINVAL);
	ck_assert_int_eq(mempool_put(pool, &block), -EINVAL);
	ck_assert_uint_eq(mempool_give(pool, block + 1).v, 0);
	ck_assert_int_eq(errno, EINVAL);
	ck_assert(mempool_contains(pool, block + 1));
	ck_assert(!mempool_contains(pool, &block));
	ck_assert_int_eq(mempool_block_index(pool, block + 1), -EINVAL);
	ck_assert_ptr_null(mempool_block_at(pool, BLOCKS));
	ck_assert_int_eq(mempool_put(pool, block), 0);
	end();
}
END_TEST

START_TEST(another_pools_block_is_refused)
{
	begin();
	struct mempool *other = service_pool(conn, "other", 100, 10);
	void *block = mempool_get(other);
	ck_assert_int_eq(mempool_put(pool, block), -EINVAL);
	ck_assert_int_eq(mempool_put(other, block), 0);
	ck_assert_int_eq(mempool_close(other), 0);
	ck_assert_int_eq(mempool_destroy(conn, "other"), 0);
	end();
}
END_TEST

START_TEST(stale_and_forged_tokens_are_refused)
{
	begin();
	void *block = mempool_get(pool);
	struct mempool_token token = mempool_give(pool, block), forged = {token.v ^ (1ull << 40)};
	ck_assert_ptr_null(mempool_take(pool, forged));
	ck_assert_int_eq(errno, ESTALE);
	ck_assert_ptr_eq(mempool_take(pool, token), block);
	ck_assert_ptr_null(mempool_take(pool, token));
	ck_assert_int_eq(errno, ESTALE);
	ck_assert_ptr_null(mempool_take(pool, (struct mempool_token){0}));
	ck_assert_int_eq(errno, ESTALE);
	ck_assert_int_eq(mempool_put(pool, block), 0);
	end();
}
END_TEST

START_TEST(a_put_of_a_gift_is_refused)
{
	begin();
	void *block = mempool_get(pool);
	struct mempool_token token = mempool_give(pool, block);
	ck_assert_int_eq(mempool_put(pool, block), -EPERM);
	ck_assert_ptr_eq(mempool_withdraw(pool, token), block);
	ck_assert_int_eq(mempool_put(pool, block), 0);
	end();
}
END_TEST

/* What a subscriber does with a block that it has borrowed, but must not. */
static void misuse_borrowed(struct mempool_channel *by, struct mempool_channel *out, void *block)
{
	struct mempool_channel *queue;

	ck_assert_int_eq(mempool_channel_open(pool, 1, 0, &queue), 0);
	ck_assert_int_eq(mempool_put(pool, block), -EPERM);
	ck_assert(says("broadcast 0") && says("mempool_channel_return()"));
	ck_assert_int_eq(mempool_put_bulk(pool, &block, 1), -EPERM);
	ck_assert_uint_eq(mempool_give(pool, block).v, 0);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(mempool_channel_send(queue, block, 0), -EPERM);
	ck_assert_int_eq(mempool_channel_send(out, block, 0), -EPERM);
	ck_assert(says("broadcast 0") && says("mempool_channel_own()"));
	ck_assert_int_eq(mempool_channel_return(queue, block), -EBADF);
	ck_assert_int_eq(mempool_channel_return(by, (char *)block + 8), -EINVAL);
	ck_assert_int_eq(mempool_channel_close(by), -EBUSY);
	ck_assert(says("not returned"));
	ck_assert_int_eq(mempool_channel_close(queue), 0);
}

/* A process that sends, and subscribes twice, has its own block twice; it can do no harm by it. */
START_TEST(a_borrowed_block_is_returned_and_nothing_else)
{
	const unsigned cast = MEMPOOL_CHANNEL_BROADCAST, borrow = cast | MEMPOOL_CHANNEL_RECEIVE;
	struct mempool_channel *out, *one, *two;

	begin();
	ck_assert_int_eq(mempool_channel_open(pool, 0, cast, &out), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 0, borrow, &one), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 0, borrow, &two), 0);
	void *block = mempool_get(pool);
	ck_assert_int_eq(mempool_channel_send(out, block, 0), 0);
	ck_assert_ptr_eq(mempool_channel_borrow(one, 0), block);
	ck_assert_int_eq(mempool_channel_return(two, block), -EPERM);
	misuse_borrowed(one, out, block);
	ck_assert_ptr_null(mempool_channel_own(one, block));
	ck_assert_int_eq(errno, EBUSY);
	ck_assert_ptr_eq(mempool_channel_borrow(two, 0), block);
	ck_assert_int_eq(mempool_channel_return(one, block), 0);
	ck_assert_int_eq(mempool_channel_return(one, block), -EPERM);
	ck_assert(says("channel 0") && says("returned already"));
	ck_assert_ptr_eq(mempool_channel_own(two, block), block);
	ck_assert_int_eq(mempool_channel_return(two, block), -EPERM);
	ck_assert(says("process's own"));
	ck_assert_int_eq(mempool_put(pool, block), 0);
	ck_assert_int_eq(mempool_channel_return(two, block), -EPERM);
	ck_assert_int_eq(mempool_close(pool), -EBUSY);
	ck_assert_int_eq(mempool_channel_close(one), 0);
	ck_assert_int_eq(mempool_channel_close(two), 0);
	ck_assert_int_eq(mempool_channel_close(out), 0);
	ck_assert_uint_eq(obtainable(), BLOCKS);
	ck_assert(is_sound());
	end();
}
END_TEST

START_TEST(bulk_put_with_one_wrong_puts_none)
{
	begin();
	static void *blocks[600];
	for (size_t n = 1; n <= 600; n = n * 5 + 2) {
		ck_assert_int_eq(mempool_get_bulk(pool, blocks, n), 0);
		void *last = blocks[n - 1];
		if (n > 1) {
			blocks[n - 1] = blocks[0];
			ck_assert_int_eq(mempool_put_bulk(pool, blocks, n), -EALREADY);
		}
		blocks[n - 1] = (char *)last + 1;
		ck_assert_int_eq(mempool_put_bulk(pool, blocks, n), -EINVAL);
		blocks[n - 1] = last;
		ck_assert_uint_eq(stats().used, n);
		ck_assert_int_eq(mempool_put_bulk(pool, blocks, n), 0);
		ck_assert_uint_eq(stats().used, 0);
	}
	ck_assert_int_eq(mempool_get_bulk(pool, blocks, BLOCKS + 1), -ENOMEM);
	ck_assert_uint_eq(obtainable(), BLOCKS);
	end();
}
END_TEST

START_TEST(names_that_break_the_grammar_are_refused)
{
	begin();
	static const char *const names[] = {
		"",
		"Frames",
		"a/b",
		"a b",
		"../x",
		("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaa")};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		ck_assert_int_eq(create(names[i], 64, 10), -EINVAL);
		ck_assert(says("no name"));
		struct mempool *p;
		ck_assert_int_eq(mempool_open(conn, names[i], 0, &p), -EINVAL);
		ck_assert_int_eq(mempool_destroy(conn, names[i]), -EINVAL);
	}
	end();
}
END_TEST

START_TEST(wrong_attributes_are_refused_in_words)
{
	begin();
	ck_assert_int_eq(create("x", 15, 10), -EINVAL);
	ck_assert(says("block size"));
	ck_assert_int_eq(create("x", 64, 0), -EINVAL);
	ck_assert(says("blocks"));
	ck_assert_int_eq(create("x", 64, (1 << 26) + 1), -EINVAL);
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *p;
	attr.block_size = 64;
	attr.blocks = 10;
	attr.alignment = 24;
	ck_assert_int_eq(mempool_create(conn, "x", &attr, &p), -EINVAL);
	ck_assert(says("alignment"));
	attr.size = 0;
	ck_assert_int_eq(mempool_create(conn, "x", &attr, &p), -EINVAL);
	end();
}
END_TEST

/* A program built before backing was there: what lies behind its attributes is something else. */
START_TEST(attributes_of_an_earlier_version_are_taken)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool_info info;
	struct mempool *p;
	begin();
	attr.size = offsetof(struct mempool_attr, backing);
	attr.block_size = 64;
	attr.blocks = 10;
	attr.backing = attr.huge_pages = attr.prefault = 77;
	ck_assert_int_eq(mempool_create(conn, "x", &attr, &p), 0);
	ck_assert_int_eq(mempool_find_pool(conn, "x", &info), 0);
	ck_assert_uint_eq(info.backing, MEMPOOL_BACKING_SHM);
	ck_assert_int_eq(mempool_close(p), 0);
	ck_assert_int_eq(mempool_destroy(conn, "x"), 0);
	attr.size--;
	ck_assert_int_eq(mempool_create(conn, "x", &attr, &p), -EINVAL);
	end();
}
END_TEST

START_TEST(attributes_of_a_later_version_are_refused_if_they_ask_for_something)
{
	begin();
	struct {
		struct mempool_attr attr;
		uint64_t later;
	} big = {.attr = MEMPOOL_ATTR_INIT};
	struct mempool *p;
	big.attr.size = sizeof big;
	big.attr.block_size = 64;
	big.attr.blocks = 10;
	big.later = 1;
	ck_assert_int_eq(mempool_create(conn, "x", &big.attr, &p), -E2BIG);
	big.later = 0;
	ck_assert_int_eq(mempool_create(conn, "x", &big.attr, &p), 0);
	ck_assert_int_eq(mempool_close(p), 0);
	ck_assert_int_eq(mempool_destroy(conn, "x"), 0);
	end();
}
END_TEST

START_TEST(a_pool_larger_than_dev_shm_is_refused)
{
	begin();
	struct statvfs vfs;
	ck_assert_int_eq(statvfs("/dev/shm", &vfs), 0);
	uint64_t gib = ((uint64_t)vfs.f_bavail * vfs.f_frsize >> 30) + 1;
	ck_assert_int_eq(create("x", 1 << 30, (uint32_t)gib), -ENOSPC);
	ck_assert(says("x"));
	struct mempool_info info;
	ck_assert_int_eq(mempool_find_pool(conn, "x", &info), -ENOENT);
	end();
}
END_TEST

START_TEST(an_unknown_pool_is_named)
{
	begin();
	struct mempool *p;
	ck_assert_int_eq(mempool_open(conn, "nowhere", 0, &p), -ENOENT);
	ck_assert(says("nowhere"));
	ck_assert_int_eq(mempool_destroy(conn, "nowhere"), -ENOENT);
	ck_assert_int_eq(mempool_open(conn, "frames", 64, &p), -EINVAL);
	end();
}
END_TEST

START_TEST(an_unreachable_socket_is_named)
{
	begin();
	struct mempool_conn *c;
	char path[200];
	ck_assert_int_eq(mempool_connect(&c, "/nowhere/socket"), -ENOENT);
	ck_assert(says("/nowhere/socket"));
	memset(path, 'x', sizeof path);
	path[sizeof path - 1] = 0;
	ck_assert_int_eq(mempool_connect(&c, path), -ENAMETOOLONG);
	service_kill(&service);
	ck_assert_int_eq(mempool_connect(&c, NULL), -ECONNREFUSED);
	ck_assert(says("mempoold"));
	service_restart(&service);
	end();
}
END_TEST

/* The application closes the library's descriptor, and the number becomes a file of its own. */
START_TEST(a_stolen_descriptor_is_not_written_to)
{
	begin();
	char path[100];
	snprintf(path, sizeof path, "%s/file", service.dir);
	for (int fd = 3; fd < 100; fd++) {
		int type;
		socklen_t size = sizeof type;
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
		    type == SOCK_SEQPACKET) {
			close(fd);
		}
	}
	int files[20];
	for (int i = 0; i < 20; i++) {
		files[i] = open(path, O_RDWR | O_CREAT, 0600);
		ck_assert_int_ge(files[i], 0);
	}
	struct mempool_info info;
	ck_assert_int_eq(mempool_find_pool(conn, "frames", &info), 0);
	ck_assert_int_eq(lseek(files[0], 0, SEEK_END), 0);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_ge(fcntl(files[i], F_GETFD), 0);
		close(files[i]);
	}
	end();
}
END_TEST

START_TEST(others_may_not_open_or_destroy_what_is_not_theirs)
{
	if (getuid() != 0) {
		return; /* the other user can only be had by root */
	}
	begin();
	ck_assert_int_eq(chmod(service.dir, 0755), 0);
	ck_assert_int_eq(chmod(service.socket, 0666), 0);
	struct actor a;
	actor_start_as(&a, 65534);
	ck_assert_int_eq(actor_ask(&a, "open frames"), -EACCES);
	ck_assert_int_eq(actor_ask(&a, "open frames observer"), -EACCES);
	actor_kill(&a);
	end();
}
END_TEST

SUITE("misuse", a_double_put_is_refused, a_foreign_put_is_refused,
      an_address_that_is_no_block_is_refused, another_pools_block_is_refused,
      stale_and_forged_tokens_are_refused, a_put_of_a_gift_is_refused,
      a_borrowed_block_is_returned_and_nothing_else, bulk_put_with_one_wrong_puts_none,
      names_that_break_the_grammar_are_refused, wrong_attributes_are_refused_in_words,
      attributes_of_an_earlier_version_are_taken,
      attributes_of_a_later_version_are_refused_if_they_ask_for_something,
      a_pool_larger_than_dev_shm_is_refused, an_unknown_pool_is_named,
      an_unreachable_socket_is_named, a_stolen_descriptor_is_not_written_to,
      others_may_not_open_or_destroy_what_is_not_theirs)
