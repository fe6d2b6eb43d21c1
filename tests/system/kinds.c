/* SPDX-License-Identifier: MIT */
/* Kinds of channels: the first open decides, and calls of another kind are refused. */
#include "tests/system/story.h"

#define RECEIVE MEMPOOL_CHANNEL_RECEIVE
#define WORK MEMPOOL_CHANNEL_WORK
#define BROADCAST MEMPOOL_CHANNEL_BROADCAST
#define LOSSY MEMPOOL_CHANNEL_LOSSY

static struct mempool_channel *in, *out;

static int open_error(uint32_t number, unsigned flags)
{
	struct mempool_channel *channel;

	int error = mempool_channel_open(pool, number, flags, &channel);
	return error ? error : mempool_channel_close(channel);
}

static void open_both(unsigned kind)
{
	ck_assert_int_eq(mempool_channel_open(pool, 0, kind | RECEIVE, &in), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 0, kind, &out), 0);
}

static void end_kinds(void)
{
	ck_assert_int_eq(mempool_channel_close(in), 0);
	ck_assert_int_eq(mempool_channel_close(out), 0);
	ck_assert(wait_until(is_all_obtainable, NULL, 5000));
	ck_assert(is_sound());
	end();
}

static int errno_of(const void *nothing)
{
	ck_assert_ptr_null(nothing);
	return errno;
}

START_TEST(the_first_open_decides_on_the_kind_for_good)
{
	const unsigned kinds[] = {0, WORK, BROADCAST};

	begin();
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(open_error(i, kinds[i]), 0);
		for (uint32_t k = 0; k < 3; k++) {
			int expected = k == i ? 0 : -EPROTOTYPE;
			ck_assert_int_eq(open_error(i, kinds[k]), expected);
			ck_assert_int_eq(open_error(i, kinds[k] | RECEIVE), expected);
		}
	}
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "channel 2 of frames"));
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "broadcast"));
	struct actor a = holder(0);
	ck_assert_int_eq(actor_ask(&a, "receiver 1"), -EPROTOTYPE);
	ck_assert_int_eq(actor_ask(&a, "receiver 1 2"), 0);
	actor_kill(&a);
	end();
}
END_TEST

START_TEST(flags_that_do_not_go_together_are_refused)
{
	begin();
	ck_assert_int_eq(open_error(0, WORK | BROADCAST), -EINVAL);
	ck_assert_int_eq(open_error(0, LOSSY), -EINVAL);
	ck_assert_int_eq(open_error(0, LOSSY | RECEIVE), -EINVAL);
	ck_assert_int_eq(open_error(0, LOSSY | BROADCAST), -EINVAL);
	ck_assert_int_eq(open_error(0, LOSSY | WORK | RECEIVE), -EINVAL);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "channel 0 of frames"));
	ck_assert_int_eq(open_error(0, 0x80), -EINVAL);
	ck_assert_int_eq(open_error(0, LOSSY | BROADCAST | RECEIVE), 0);
	end();
}
END_TEST

START_TEST(channels_from_32_on_are_no_broadcasts)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *wide, *frames;

	begin();
	attr.block_size = 64;
	attr.blocks = 1;
	attr.channels = MEMPOOL_CHANNELS_MAX;
	ck_assert_int_eq(mempool_create(conn, "wide", &attr, &wide), 0);
	frames = pool;
	pool = wide;
	ck_assert_int_eq(open_error(MEMPOOL_BROADCASTS_MAX - 1, BROADCAST), 0);
	ck_assert_int_eq(open_error(MEMPOOL_BROADCASTS_MAX, BROADCAST), -EINVAL);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "channel 32 of wide"));
	ck_assert_int_eq(open_error(MEMPOOL_BROADCASTS_MAX, WORK), 0);
	pool = frames;
	ck_assert_int_eq(mempool_close(wide), 0);
	ck_assert_int_eq(mempool_destroy(conn, "wide"), 0);
	end();
}
END_TEST

START_TEST(calls_of_another_kind_are_refused)
{
	begin();
	open_both(BROADCAST);
	ck_assert_int_eq(errno_of(mempool_channel_receive(in, 0)), EPROTOTYPE);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "mempool_channel_borrow()"));
	ck_assert_int_eq(errno_of(mempool_channel_borrow(out, 0)), EBADF);
	ck_assert_int_eq(mempool_channel_return(out, NULL), -EBADF);
	ck_assert_int_eq(errno_of(mempool_channel_borrow(in, -2)), EINVAL);
	struct mempool_channel *worker;
	ck_assert_int_eq(mempool_channel_open(pool, 1, WORK | RECEIVE, &worker), 0);
	ck_assert_int_eq(errno_of(mempool_channel_borrow(worker, 0)), EPROTOTYPE);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "mempool_channel_receive()"));
	ck_assert_int_eq(mempool_channel_return(worker, NULL), -EPROTOTYPE);
	ck_assert_int_eq(errno_of(mempool_channel_own(worker, NULL)), EPROTOTYPE);
	ck_assert_int_eq(mempool_channel_send(worker, NULL, 0), -EBADF);
	ck_assert_int_eq(mempool_channel_close(worker), 0);
	end_kinds();
}
END_TEST

SUITE("kinds", the_first_open_decides_on_the_kind_for_good,
      flags_that_do_not_go_together_are_refused, channels_from_32_on_are_no_broadcasts,
      calls_of_another_kind_are_refused)
