/* SPDX-License-Identifier: MIT */
/* Broadcasts between processes: every subscriber gets each block, past the death of any. */
#include <poll.h>
#include <signal.h>

#include "tests/system/story.h"

#define DEPTH 256u
#define CAST MEMPOOL_CHANNEL_BROADCAST
#define SUBSCRIBE (MEMPOOL_CHANNEL_BROADCAST | MEMPOOL_CHANNEL_RECEIVE)

static struct mempool_channel *out, *in;
static int64_t n_cast;

static struct mempool_channel *open_as(unsigned flags)
{
	struct mempool_channel *channel;

	ck_assert_int_eq(mempool_channel_open(pool, 0, flags, &channel), 0);
	return channel;
}

static void begin_casting(unsigned flags)
{
	begin();
	out = open_as(CAST);
	in = open_as(SUBSCRIBE | flags);
}

static struct actor subscriber(const char *flags)
{
	struct actor a = holder(0);
	ck_assert_int_eq(actor_ask(&a, "receiver 0 %s", flags), 0);
	return a;
}

static void end_casting(void)
{
	ck_assert_int_eq(mempool_channel_close(in), 0);
	ck_assert_int_eq(mempool_channel_close(out), 0);
	ck_assert(wait_until(is_all_obtainable, NULL, 5000));
	ck_assert(is_sound());
	end();
}

/* Sends the next number. */
static int cast(int timeout_ms)
{
	int64_t *block = mempool_get(pool);

	ck_assert_ptr_nonnull(block);
	*block = n_cast + 1;
	int error = mempool_channel_send(out, block, timeout_ms);
	if (error) {
		ck_assert_int_eq(mempool_put(pool, block), 0);
	}
	n_cast += error == 0;
	return error;
}

static void cast_many(uint32_t n)
{
	for (; n > 0; n--) {
		ck_assert_int_eq(cast(0), 0);
	}
}

/* Borrows the next block, which must be that number, and returns it. */
static void follow(struct mempool_channel *by, int64_t number)
{
	const int64_t *block = mempool_channel_borrow(by, 5000);

	ck_assert_ptr_nonnull(block);
	ck_assert_int_eq(*block, number);
	ck_assert_int_eq(mempool_channel_return(by, block), 0);
}

/* How many blocks nobody can get. */
static size_t taken(void)
{
	return BLOCKS - obtainable();
}

static int borrow_error(struct mempool_channel *by)
{
	ck_assert_ptr_null(mempool_channel_borrow(by, 0));
	return errno;
}

/* ---- who gets what ---- */

START_TEST(every_subscriber_gets_every_block_in_order)
{
	begin();
	in = open_as(SUBSCRIBE);
	out = open_as(CAST);
	struct actor a = subscriber("4"), b = subscriber("4"), c = holder(0);
	ck_assert_int_eq(actor_ask(&c, "sender 0 4"), 0);
	actor_tell(&a, "follow 5000");
	actor_tell(&b, "follow 5000");
	actor_tell(&c, "stream 5000");
	for (int64_t i = 1; i <= 5000; i++) {
		follow(in, i);
	}
	ck_assert_int_eq(actor_hear(&a), 0);
	ck_assert_int_eq(actor_hear(&b), 0);
	ck_assert_int_eq(actor_hear(&c), 0);
	ck_assert_int_eq(borrow_error(in), EAGAIN);
	actor_kill(&a);
	actor_kill(&b);
	actor_kill(&c);
	end_casting();
}
END_TEST

START_TEST(a_block_is_free_with_its_last_return)
{
	begin_casting(0);
	struct mempool_channel *other = open_as(SUBSCRIBE);
	cast_many(1);
	ck_assert_uint_eq(taken(), 1);
	const void *block = mempool_channel_borrow(in, 0);
	ck_assert_ptr_eq(mempool_channel_borrow(other, 0), block);
	ck_assert_int_eq(mempool_put(pool, (void *)block), -EPERM);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "mempool_channel_return()"));
	ck_assert_int_eq(mempool_channel_return(in, block), 0);
	ck_assert_uint_eq(taken(), 1);
	ck_assert_int_eq(mempool_channel_return(in, block), -EPERM);
	ck_assert_int_eq(mempool_channel_return(in, (const char *)block + 1), -EINVAL);
	ck_assert_int_eq(mempool_channel_return(other, block), 0);
	ck_assert_uint_eq(taken(), 0);
	ck_assert(is_all_obtainable(NULL));
	ck_assert_int_eq(mempool_channel_close(other), 0);
	end_casting();
}
END_TEST

START_TEST(who_subscribes_gets_what_is_sent_from_then_on)
{
	begin_casting(0);
	cast_many(3);
	struct mempool_channel *late = open_as(SUBSCRIBE);
	ck_assert_int_eq(borrow_error(late), EAGAIN);
	cast_many(1);
	follow(late, 4);
	ck_assert_int_eq(borrow_error(late), EAGAIN);
	ck_assert_int_eq(mempool_channel_close(late), 0);
	for (int64_t i = 1; i <= 4; i++) {
		follow(in, i);
	}
	end_casting();
}
END_TEST

START_TEST(a_send_to_nobody_is_refused_and_the_block_stays)
{
	begin_casting(0);
	struct mempool_channel *told = open_as(CAST | MEMPOOL_CHANNEL_ENDS);
	ck_assert_int_eq(mempool_channel_close(in), 0);
	void *block = mempool_get(pool);
	ck_assert_int_eq(mempool_channel_send(out, block, -1), -ENOTCONN);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "nobody receives from channel 0 of frames"));
	ck_assert_int_eq(mempool_channel_send(told, block, -1), -EPIPE);
	ck_assert_int_eq(mempool_channel_close(told), 0);
	told = open_as(CAST | MEMPOOL_CHANNEL_ENDS);
	ck_assert_int_eq(mempool_channel_send(told, block, -1), -ENOTCONN); /* nobody came yet */
	ck_assert_int_eq(mempool_put(pool, block), 0);
	ck_assert_int_eq(mempool_channel_close(told), 0);
	in = open_as(SUBSCRIBE);
	end_casting();
}
END_TEST

START_TEST(a_subscriber_is_told_when_the_last_sender_has_gone)
{
	begin_casting(MEMPOOL_CHANNEL_ENDS);
	cast_many(2);
	ck_assert_int_eq(mempool_channel_close(out), 0);
	follow(in, 1);
	follow(in, 2);
	ck_assert_int_eq(borrow_error(in), EPIPE);
	out = open_as(CAST);
	ck_assert_int_eq(borrow_error(in), EAGAIN);
	end_casting();
}
END_TEST

START_TEST(the_thirteenth_subscriber_is_refused)
{
	struct mempool_channel *channels[MEMPOOL_SUBSCRIBERS_MAX];

	begin();
	for (uint32_t i = 0; i < MEMPOOL_SUBSCRIBERS_MAX; i++) {
		channels[i] = open_as(SUBSCRIBE);
	}
	ck_assert_int_eq(mempool_channel_open(pool, 0, SUBSCRIBE, &in), -EUSERS);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "channel 0 of frames has 12 subscribers"));
	out = open_as(CAST);
	cast_many(1);
	for (uint32_t i = 1; i < MEMPOOL_SUBSCRIBERS_MAX; i++) {
		follow(channels[i], 1);
		ck_assert_int_eq(mempool_channel_close(channels[i]), 0);
	}
	ck_assert_uint_eq(taken(), 1);
	in = open_as(SUBSCRIBE);
	follow(channels[0], 1);
	ck_assert_int_eq(mempool_channel_close(channels[0]), 0);
	end_casting();
}
END_TEST

/* ---- who is slow ---- */

START_TEST(a_reliable_subscriber_holds_senders_up_until_it_borrows)
{
	begin_casting(0);
	cast_many(DEPTH);
	ck_assert_int_eq(cast(0), -EAGAIN);
	ck_assert_int_eq(cast(20), -ETIMEDOUT);
	struct actor a = holder(0);
	ck_assert_int_eq(actor_ask(&a, "sender 0 4"), 0);
	actor_tell(&a, "stream 1"); /* waits */
	const void *held = mempool_channel_borrow(in, 0);
	ck_assert_int_eq(actor_hear(&a), 0);
	ck_assert_int_eq(mempool_channel_return(in, held), 0);
	for (int64_t i = 2; i <= DEPTH; i++) {
		follow(in, i);
	}
	follow(in, 1); /* the other's */
	actor_kill(&a);
	end_casting();
}
END_TEST

static struct mempool_channel_stats numbers(struct mempool_channel *of)
{
	struct mempool_channel_stats s = {.size = sizeof s};

	ck_assert_int_eq(mempool_channel_stat(of, &s), 0);
	return s;
}

START_TEST(a_lossy_subscriber_loses_the_oldest_and_they_are_counted)
{
	begin_casting(MEMPOOL_CHANNEL_LOSSY);
	struct actor a = subscriber("4"); /* by it the first go when it has them, and not at once */
	cast_many(DEPTH);
	ck_assert_int_eq(cast(0), -EAGAIN);
	ck_assert_uint_eq(numbers(in).lost, 0);
	ck_assert_int_eq(actor_ask(&a, "borrow 44 0"), 44);
	cast_many(44);
	ck_assert_int_eq(cast(0), -EAGAIN);
	ck_assert_uint_eq(numbers(in).lost, 44);
	ck_assert_uint_eq(numbers(in).lag, DEPTH);
	for (int64_t i = 45; i <= DEPTH + 44; i++) {
		follow(in, i);
	}
	ck_assert_int_eq(borrow_error(in), EAGAIN);
	ck_assert_uint_eq(numbers(in).lost, 44);
	ck_assert_uint_eq(numbers(in).lag, 0);
	ck_assert_uint_eq(numbers(out).lag, DEPTH); /* the other's */
	ck_assert_uint_eq(numbers(out).sent, DEPTH + 44);
	actor_kill(&a);
	end_casting();
}
END_TEST

START_TEST(a_handles_numbers_say_who_has_the_channel_open)
{
	struct mempool_channel_stats s = {.size = 0};
	begin_casting(0);
	ck_assert_int_eq(mempool_channel_stat(out, &s), -EINVAL);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "channel 0 of frames"));
	struct mempool_channel *other = open_as(SUBSCRIBE);
	ck_assert_uint_eq(numbers(out).kind, MEMPOOL_KIND_BROADCAST);
	ck_assert_uint_eq(numbers(out).depth, DEPTH);
	ck_assert_uint_eq(numbers(out).senders, 1);
	ck_assert_uint_eq(numbers(out).receivers, 2);
	cast_many(2);
	follow(other, 1);
	ck_assert_uint_eq(numbers(in).lag, 2);
	ck_assert_uint_eq(numbers(other).lag, 1);
	ck_assert_uint_eq(numbers(out).lag, 2);
	ck_assert_int_eq(mempool_channel_close(other), 0);
	end_casting();
}
END_TEST

/* What is held is not lost, however far the channel has gone on. */
START_TEST(a_block_in_hand_stays_as_it_is)
{
	begin_casting(MEMPOOL_CHANNEL_LOSSY);
	cast_many(1);
	const int64_t *held = mempool_channel_borrow(in, 0);
	cast_many(3 * DEPTH);
	ck_assert_int_eq(*held, 1);
	ck_assert_int_eq(mempool_channel_return(in, held), 0);
	end_casting();
}
END_TEST

static bool can_cast(void *unused)
{
	(void)unused;
	return cast(0) == 0;
}

START_TEST(a_dead_subscriber_holds_nobody_up)
{
	begin_casting(MEMPOOL_CHANNEL_LOSSY);
	struct actor a = subscriber("4");
	cast_many(5);
	ck_assert_int_eq(actor_ask(&a, "borrow 5 0"), 5);
	cast_many(DEPTH);
	ck_assert_int_eq(cast(0), -EAGAIN);
	actor_kill(&a);
	ck_assert(wait_until(can_cast, NULL, 5000));
	ck_assert_int_eq(mempool_channel_close(in), 0); /* and with it what it was to get */
	ck_assert(wait_until(is_all_obtainable, NULL, 5000));
	in = open_as(SUBSCRIBE);
	end_casting();
}
END_TEST

START_TEST(a_stopped_subscriber_keeps_what_it_has_and_gets_the_rest)
{
	begin_casting(0);
	struct actor a = subscriber("4");
	cast_many(10);
	ck_assert_int_eq(actor_ask(&a, "borrow 1 0"), 1);
	kill(a.pid, SIGSTOP);
	follow(in, 1);
	cast_many(DEPTH - 9); /* all but the first stand in the channel */
	for (int64_t i = 2; i <= DEPTH + 1; i++) {
		follow(in, i);
	}
	ck_assert_int_eq(cast(20), -ETIMEDOUT);
	kill(a.pid, SIGCONT);
	ck_assert_int_eq(actor_ask(&a, "return 1"), 0);
	ck_assert_int_eq(actor_ask(&a, "borrow 1000 0"), DEPTH);
	ck_assert_int_eq(actor_ask(&a, "return 256"), 0);
	actor_kill(&a);
	end_casting();
}
END_TEST

/* ---- own, close, quota, descriptor ---- */

START_TEST(the_last_who_has_a_block_can_have_it_for_good)
{
	begin_casting(0);
	struct mempool_channel *other = open_as(SUBSCRIBE);
	cast_many(1);
	const void *block = mempool_channel_borrow(in, 0);
	ck_assert_ptr_null(mempool_channel_own(in, block));
	ck_assert_int_eq(errno, EBUSY); /* the other is to get it */
	ck_assert_ptr_eq(mempool_channel_borrow(other, 0), block);
	ck_assert_ptr_null(mempool_channel_own(in, block));
	ck_assert_int_eq(errno, EBUSY); /* the other has it */
	ck_assert_int_eq(mempool_channel_return(other, block), 0);
	ck_assert_ptr_null(mempool_channel_own(other, block));
	ck_assert_int_eq(errno, EPERM);
	int64_t *own = mempool_channel_own(in, block);
	ck_assert_ptr_eq(own, block);
	*own = 7;
	ck_assert_int_eq(mempool_channel_return(in, block), -EPERM);
	ck_assert_int_eq(mempool_channel_send(out, own, 0), 0);
	follow(in, 7);
	follow(other, 7);
	ck_assert_int_eq(mempool_channel_close(other), 0);
	end_casting();
}
END_TEST

START_TEST(a_subscriber_with_blocks_is_not_closed)
{
	begin_casting(0);
	cast_many(2);
	const void *block = mempool_channel_borrow(in, 0);
	ck_assert_int_eq(mempool_channel_close(in), -EBUSY);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "not returned"));
	ck_assert_int_eq(mempool_close(pool), -EBUSY);
	ck_assert_int_eq(mempool_channel_return(in, block), 0);
	end_casting();
}
END_TEST

START_TEST(closing_by_force_returns_what_was_borrowed)
{
	begin_casting(MEMPOOL_CHANNEL_LOSSY);
	struct actor a = subscriber("4");
	cast_many(5);
	ck_assert_int_eq(actor_ask(&a, "borrow 3 0"), 3);
	ck_assert_int_eq(actor_ask(&a, "force"), 0);
	cast_many(1);
	ck_assert_int_eq(mempool_channel_close(in), 0);
	ck_assert(wait_until(is_all_obtainable, NULL, 5000));
	actor_kill(&a);
	in = open_as(SUBSCRIBE);
	end_casting();
}
END_TEST

START_TEST(what_is_borrowed_counts_for_the_quota)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *small;
	const void *blocks[4];

	begin();
	attr.block_size = 64;
	attr.blocks = 50;
	attr.quota = 3;
	ck_assert_int_eq(mempool_create(conn, "small", &attr, &small), 0);
	ck_assert_int_eq(mempool_channel_open(small, 0, CAST, &out), 0);
	ck_assert_int_eq(mempool_channel_open(small, 0, SUBSCRIBE, &in), 0);
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(mempool_channel_send(out, mempool_get(small), 0), 0);
	}
	ck_assert_int_eq(mempool_channel_borrow_bulk(in, blocks, 4, 0), 3);
	ck_assert_int_eq(borrow_error(in), EDQUOT);
	ck_assert_ptr_null(mempool_get(small));
	void *own = mempool_channel_own(in, blocks[0]);
	ck_assert_ptr_eq(own, blocks[0]);
	ck_assert_int_eq(borrow_error(in), EDQUOT);
	ck_assert_int_eq(mempool_put(small, own), 0);
	ck_assert_int_eq(mempool_channel_return(in, blocks[1]), 0);
	ck_assert_int_eq(mempool_channel_return(in, blocks[2]), 0);
	ck_assert_int_eq(mempool_channel_borrow_bulk(in, blocks, 4, 0), 2);
	ck_assert_int_eq(mempool_close_force(small), 0);
	ck_assert_int_eq(mempool_destroy(conn, "small"), 0);
	end();
}
END_TEST

static bool is_readable(void *fd)
{
	struct pollfd p = {.fd = *(int *)fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

START_TEST(a_subscribers_descriptor_is_readable_while_there_is_something)
{
	begin_casting(0);
	int fd = mempool_channel_fd(in);
	for (int64_t i = 1; i <= 3; i++) {
		ck_assert(!is_readable(&fd));
		cast_many(1);
		ck_assert(wait_until(is_readable, &fd, 5000));
		follow(in, i);
		ck_assert(!is_readable(&fd));
		ck_assert_int_eq(borrow_error(in), EAGAIN);
	}
	end_casting();
}
END_TEST

SUITE("broadcast", every_subscriber_gets_every_block_in_order, a_block_is_free_with_its_last_return,
      who_subscribes_gets_what_is_sent_from_then_on,
      a_send_to_nobody_is_refused_and_the_block_stays,
      a_subscriber_is_told_when_the_last_sender_has_gone, the_thirteenth_subscriber_is_refused,
      a_reliable_subscriber_holds_senders_up_until_it_borrows,
      a_lossy_subscriber_loses_the_oldest_and_they_are_counted,
      a_handles_numbers_say_who_has_the_channel_open, a_block_in_hand_stays_as_it_is,
      a_dead_subscriber_holds_nobody_up, a_stopped_subscriber_keeps_what_it_has_and_gets_the_rest,
      the_last_who_has_a_block_can_have_it_for_good, a_subscriber_with_blocks_is_not_closed,
      closing_by_force_returns_what_was_borrowed, what_is_borrowed_counts_for_the_quota,
      a_subscribers_descriptor_is_readable_while_there_is_something)
