/* SPDX-License-Identifier: MIT */
/*
 * A daemon in a sandbox that refuses it system calls: it does without them or, where it cannot,
 * says what is refused. The test refuses them to itself; the daemon inherits that.
 */
#include <unistd.h>

#include "tests/support/refuse.h"
#include "tests/system/story.h"

static void refuse(unsigned call, unsigned error)
{
	ck_assert_int_eq(refuse_call(call, error), 0);
}

static int create_of(uint32_t backing)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *made;

	attr.block_size = 4096;
	attr.blocks = 100;
	attr.max_blocks = 200;
	attr.backing = backing;
	int error = mempool_create(conn, "boxed", &attr, &made);
	return error ? error : mempool_close(made);
}

/* The pool in /dev/shm can be had, that of memfds not, and what is refused is said. */
static void expect_no_memfds(unsigned call, unsigned error)
{
	refuse(call, error);
	begin();
	ck_assert_int_eq(create_of(MEMPOOL_BACKING_MEMFD), -(int)error);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "refuses mempoold memfd_create or pidfd"));
	ck_assert_ptr_null(strstr(mempool_errmsg(), "make it smaller"));
	ck_assert_int_eq(create_of(MEMPOOL_BACKING_SHM), 0);
	ck_assert_int_eq(mempool_destroy(conn, "boxed"), 0);
	end();
}

START_TEST(a_refused_memfd_is_named)
{
	expect_no_memfds(SYS_memfd_create, EPERM);
}
END_TEST

START_TEST(a_kernel_without_memfds_is_named)
{
	expect_no_memfds(SYS_memfd_create, ENOSYS);
}
END_TEST

START_TEST(a_refused_pidfd_is_named)
{
	expect_no_memfds(SYS_pidfd_open, EPERM);
}
END_TEST

/* Pools are made, and grow, all the same. */
static void expect_pools(unsigned call, unsigned error)
{
	refuse(call, error);
	begin();
	for (uint32_t backing = MEMPOOL_BACKING_SHM; backing <= MEMPOOL_BACKING_MEMFD; backing++) {
		ck_assert_int_eq(create_of(backing), 0);
		ck_assert_int_eq(mempool_grow(conn, "boxed", 200), 0);
		ck_assert_int_eq(mempool_destroy(conn, "boxed"), 0);
	}
	end();
}

START_TEST(a_ring_that_cannot_be_made_is_not_needed)
{
	expect_pools(SYS_io_uring_setup, EPERM);
}
END_TEST

START_TEST(a_ring_that_cannot_be_used_is_not_needed)
{
	expect_pools(SYS_io_uring_enter, EPERM);
}
END_TEST

START_TEST(a_ring_that_cannot_be_set_up_is_not_needed)
{
	expect_pools(SYS_io_uring_register, ENOSYS);
}
END_TEST

SUITE("sandbox", a_refused_memfd_is_named, a_kernel_without_memfds_is_named,
      a_refused_pidfd_is_named, a_ring_that_cannot_be_made_is_not_needed,
      a_ring_that_cannot_be_used_is_not_needed, a_ring_that_cannot_be_set_up_is_not_needed)
