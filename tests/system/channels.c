/* SPDX-License-Identifier: MIT */
/* Channels between processes: what is sent arrives once and in order, past the death of either. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/story.h"

#define ROUNDS 40

static struct mempool_channel *channel;

static struct actor sender(void)
{
	struct actor a = holder(0);
	ck_assert_int_eq(actor_ask(&a, "sender 0"), 0);
	return a;
}

static void begin_receiving(void)
{
	begin();
	ck_assert_int_eq(mempool_channel_open(pool, 0, MEMPOOL_CHANNEL_RECEIVE, &channel), 0);
}

static void end_channel(void)
{
	ck_assert_int_eq(mempool_channel_close(channel), 0);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	ck_assert(is_sound());
	end();
}

START_TEST(a_stream_arrives_whole_and_in_order)
{
	begin_receiving();
	struct actor a = sender();
	actor_tell(&a, "stream 20000");
	for (int64_t i = 1; i <= 20000; i++) {
		int64_t *block = mempool_channel_receive(channel, HANG_MS);
		ck_assert_msg(block != NULL, "block %ld: errno %d", (long)i, errno);
		ck_assert_int_eq(*block, i);
		ck_assert_int_eq(mempool_put(pool, block), 0);
	}
	ck_assert_int_eq(actor_hear(&a), 0);
	actor_kill(&a);
	end_channel();
}
END_TEST

/* Whatever a killed sender had sent arrives, in its order, and nothing else. */
START_TEST(killed_senders_leave_a_beginning_of_their_stream)
{
	begin_receiving();
	for (int i = 0; i < ROUNDS; i++) {
		struct actor a = sender();
		int64_t next = 1, *block;
		actor_tell(&a, "stream 1000000");
		for (int more = i * 17; more > 0; more--) {
			block = mempool_channel_receive(channel, HANG_MS);
			ck_assert_ptr_nonnull(block);
			ck_assert_int_eq(*block, next++);
			ck_assert_int_eq(mempool_put(pool, block), 0);
		}
		actor_kill(&a);
		while ((block = mempool_channel_receive(channel, 0))) {
			ck_assert_int_eq(*block, next++);
			ck_assert_int_eq(mempool_put(pool, block), 0);
		}
		ck_assert_int_eq(errno, EAGAIN);
	}
	end_channel();
}
END_TEST

/* The next receiver goes on where the dead one was; what that one had in hand is missing. */
START_TEST(killed_receivers_leave_the_rest_to_the_next)
{
	begin();
	struct actor a = sender();
	int64_t last = 0;
	actor_tell(&a, "stream 100000000");
	for (int i = 0; i < ROUNDS; i++) {
		struct actor b = holder(0);
		ck_assert_int_eq(actor_ask(&b, "receiver 0"), 0);
		actor_tell(&b, "sink");
		sleep_ms(i % 5);
		actor_kill(&b);
		int64_t deadline = now_ms() + HANG_MS;
		while (mempool_channel_open(pool, 0, MEMPOOL_CHANNEL_RECEIVE, &channel) != 0) {
			ck_assert_int_lt(now_ms(), deadline);
		}
		int64_t *block = mempool_channel_receive(channel, HANG_MS);
		ck_assert_ptr_nonnull(block);
		ck_assert_int_gt(*block, last);
		last = *block;
		ck_assert_int_eq(mempool_put(pool, block), 0);
		block = mempool_channel_receive(channel, HANG_MS);
		ck_assert_int_eq(*block, ++last);
		ck_assert_int_eq(mempool_put(pool, block), 0);
		ck_assert_int_eq(mempool_channel_close(channel), 0);
	}
	actor_kill(&a);
	ck_assert_int_eq(mempool_channel_open(pool, 0, MEMPOOL_CHANNEL_RECEIVE, &channel), 0);
	for (int64_t *block; (block = mempool_channel_receive(channel, 0));) {
		ck_assert_int_eq(*block, ++last);
		ck_assert_int_eq(mempool_put(pool, block), 0);
	}
	end_channel();
}
END_TEST

static bool has_answered(const struct actor *a)
{
	struct pollfd p = {.fd = a->from, .events = POLLIN};
	return poll(&p, 1, 0) == 1;
}

START_TEST(a_stopped_sender_holds_up_nobody_and_loses_nothing)
{
	begin_receiving();
	struct actor a = sender(), b = sender();
	actor_tell(&a, "stream 3000");
	void *block = mempool_channel_receive(channel, HANG_MS);
	ck_assert_ptr_nonnull(block);
	kill(a.pid, SIGSTOP);
	ck_assert_int_eq(mempool_put(pool, block), 0);
	actor_tell(&b, "stream 3000");
	size_t n = 1;
	while ((block = mempool_channel_receive(channel, 100)) || !has_answered(&b)) {
		ck_assert(!block || mempool_put(pool, block) == 0);
		n += block != NULL;
	}
	ck_assert_int_eq(actor_hear(&b), 0);
	ck_assert_uint_ge(n, 3000);
	kill(a.pid, SIGCONT);
	for (; n < 6000; n++) {
		block = mempool_channel_receive(channel, HANG_MS);
		ck_assert_ptr_nonnull(block);
		ck_assert_int_eq(mempool_put(pool, block), 0);
	}
	ck_assert_int_eq(actor_hear(&a), 0);
	actor_kill(&a);
	actor_kill(&b);
	end_channel();
}
END_TEST

START_TEST(one_receives_at_a_time)
{
	begin();
	struct actor a = holder(0);
	ck_assert_int_eq(actor_ask(&a, "receiver 2"), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 2, MEMPOOL_CHANNEL_RECEIVE, &channel), -EBUSY);
	ck_assert_int_eq(mempool_channel_open(pool, 1, MEMPOOL_CHANNEL_RECEIVE, &channel), 0);
	ck_assert_int_eq(mempool_channel_close(channel), 0);
	ck_assert_int_eq(actor_ask(&a, "force"), 0);
	int64_t deadline = now_ms() + HANG_MS;
	while (mempool_channel_open(pool, 2, MEMPOOL_CHANNEL_RECEIVE, &channel) == -EBUSY) {
		ck_assert_int_lt(now_ms(), deadline);
	}
	actor_kill(&a);
	end_channel();
}
END_TEST

START_TEST(sending_waits_for_room_and_receiving_for_blocks)
{
	begin();
	struct actor a = sender(), b = holder(0);
	ck_assert_int_eq(actor_ask(&b, "receiver 0"), 0);
	ck_assert_int_eq(actor_ask(&b, "receive 1 0"), -EAGAIN);
	ck_assert_int_eq(actor_ask(&b, "receive 1 100"), -ETIMEDOUT);
	actor_tell(&a, "stream 600"); /* a channel holds 256 */
	sleep_ms(100);
	for (int64_t n = 0, got; n < 600; n += got) {
		got = actor_ask(&b, "receive 50 30000");
		ck_assert_int_gt(got, 0);
	}
	ck_assert_int_eq(actor_hear(&a), 0);
	actor_tell(&b, "receive 10 30000");
	sleep_ms(100);
	ck_assert_int_eq(actor_ask(&a, "get 3"), 0);
	ck_assert_int_eq(actor_ask(&a, "send 3"), 3);
	int64_t got = actor_hear(&b);
	ck_assert_int_ge(got, 1);
	ck_assert_int_le(got, 3);
	actor_kill(&a);
	actor_kill(&b);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	end();
}
END_TEST

static struct actor producer, consumer;

static int64_t wake_by_send(void)
{
	actor_tell(&consumer, "receive 1 30000");
	sleep_ms(SLEEP_MS);
	int64_t before = now_ms();
	ck_assert_int_eq(actor_ask(&producer, "get 1"), 0);
	ck_assert_int_eq(actor_ask(&producer, "send 1"), 1);
	ck_assert_int_eq(actor_hear(&consumer), 1);
	return now_ms() - before;
}

static int64_t wake_by_receive(void)
{
	actor_tell(&producer, "stream 300");
	sleep_ms(SLEEP_MS);
	int64_t before = now_ms();
	ck_assert_int_eq(actor_ask(&consumer, "receive 100 0"), 100);
	ck_assert_int_eq(actor_hear(&producer), 0);
	int64_t took = now_ms() - before;
	ck_assert_int_eq(actor_ask(&consumer, "receive 200 0"), 200);
	ck_assert_int_eq(actor_ask(&consumer, "put 300"), 0);
	return took;
}

START_TEST(who_sleeps_on_a_channel_is_woken)
{
	begin();
	producer = sender();
	consumer = holder(0);
	ck_assert_int_eq(actor_ask(&consumer, "receiver 0"), 0);
	ck_assert(is_woken_promptly(wake_by_send));
	ck_assert_int_eq(actor_ask(&consumer, "put 15"), 0);
	ck_assert(is_woken_promptly(wake_by_receive));
	actor_kill(&producer);
	actor_kill(&consumer);
	end();
}
END_TEST

START_TEST(a_full_channel_says_so_and_the_block_stays_with_its_owner)
{
	begin();
	ck_assert_int_eq(mempool_channel_open(pool, 0, 0, &channel), 0);
	void *block;
	for (int i = 0; i < 256; i++) {
		block = mempool_get(pool);
		ck_assert_int_eq(mempool_channel_send(channel, block, 0), 0);
	}
	block = mempool_get(pool);
	ck_assert_int_eq(mempool_channel_send(channel, block, 0), -EAGAIN);
	int64_t before = now_ms();
	ck_assert_int_eq(mempool_channel_send(channel, block, 120), -ETIMEDOUT);
	ck_assert_int_ge(now_ms() - before, 120);
	ck_assert_int_eq(mempool_put(pool, block), 0);
	struct mempool_channel *other;
	ck_assert_int_eq(mempool_channel_open(pool, 1, 0, &other), 0);
	ck_assert_int_eq(mempool_channel_send(other, block, 0), -EALREADY);
	ck_assert_int_eq(mempool_channel_send(other, (char *)block + 1, 0), -EINVAL);
	ck_assert_int_eq(mempool_channel_close(other), 0);
	ck_assert_ptr_null(mempool_channel_receive(channel, 0));
	ck_assert_int_eq(errno, EBADF);
	ck_assert_int_eq(mempool_channel_send(channel, block, -2), -EINVAL);
	ck_assert_int_eq(mempool_channel_open(pool, 4, 0, &channel), -EINVAL);
	ck_assert_int_eq(mempool_channel_open(pool, 0, 0x80, &channel), -EINVAL);
	/* What is in a channel is no lost gift. */
	ck_assert_int_eq(mempool_gifts(pool, NULL, 0), 0);
	ck_assert_int_eq(mempool_close(pool), -EBUSY);
	end();
}
END_TEST

static bool is_readable(void *fd)
{
	struct pollfd p = {.fd = *(int *)fd, .events = POLLIN};
	return poll(&p, 1, 0) == 1;
}

START_TEST(a_descriptor_is_readable_while_there_is_something)
{
	begin_receiving();
	struct actor a = sender();
	int fd = mempool_channel_fd(channel);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(mempool_channel_fd(channel), fd);
	ck_assert_int_eq(actor_ask(&a, "get 9"), 0);
	for (int round = 0; round < 3; round++) {
		sleep_ms(20);
		ck_assert(!is_readable(&fd));
		ck_assert_int_eq(actor_ask(&a, "send 3"), 3);
		ck_assert(wait_until(is_readable, &fd, HANG_MS));
		void *blocks[3];
		ck_assert_int_eq(mempool_channel_receive_bulk(channel, blocks, 2, 0), 2);
		ck_assert(is_readable(&fd));
		ck_assert_int_eq(mempool_channel_receive_bulk(channel, blocks + 2, 2, 0), 1);
		ck_assert_int_eq(mempool_put_bulk(pool, blocks, 3), 0);
		ck_assert(!is_readable(&fd));
		ck_assert_ptr_null(mempool_channel_receive(channel, 0));
		ck_assert(!is_readable(&fd));
	}
	actor_kill(&a);
	end_channel();
}
END_TEST

/* Every block through an event loop, none of them waited for in vain. */
START_TEST(an_event_loop_misses_nothing)
{
	begin_receiving();
	struct actor a = sender();
	struct pollfd p = {.fd = mempool_channel_fd(channel), .events = POLLIN};
	actor_tell(&a, "stream 5000");
	for (int64_t next = 1; next <= 5000;) {
		ck_assert_int_eq(poll(&p, 1, HANG_MS), 1);
		int64_t *block;
		while ((block = mempool_channel_receive(channel, 0))) {
			ck_assert_int_eq(*block, next++);
			ck_assert_int_eq(mempool_put(pool, block), 0);
		}
	}
	ck_assert_int_eq(actor_hear(&a), 0);
	actor_kill(&a);
	end_channel();
}
END_TEST

START_TEST(closing_by_force_ends_channels_and_their_bells)
{
	begin_receiving();
	struct mempool_channel *other;
	ck_assert_int_ge(mempool_channel_fd(channel), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 1, 0, &other), 0);
	ck_assert_int_eq(mempool_channel_send(other, mempool_get(pool), 0), 0);
	ck_assert_int_eq(mempool_close(pool), -EBUSY);
	ck_assert_int_eq(mempool_close_force(pool), 0);
	ck_assert_int_eq(mempool_open(conn, "frames", 0, &pool), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 1, MEMPOOL_CHANNEL_RECEIVE, &channel), 0);
	ck_assert_int_eq(mempool_put(pool, mempool_channel_receive(channel, 0)), 0);
	ck_assert_int_eq(mempool_channel_close(channel), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 0, MEMPOOL_CHANNEL_RECEIVE, &channel), 0);
	end_channel();
}
END_TEST

START_TEST(a_channel_is_not_closed_under_a_receiver)
{
	begin_receiving();
	struct mempool_channel *out;
	void *block;
	ck_assert_int_eq(mempool_channel_open(pool, 0, 0, &out), 0);
	pthread_t thread = receive_elsewhere(channel);
	ck_assert_int_eq(mempool_channel_close(channel), -EBUSY);
	ck_assert_int_eq(mempool_close_force(pool), -EBUSY);
	ck_assert_int_eq(mempool_channel_send(out, mempool_get(pool), 0), 0);
	pthread_join(thread, &block);
	ck_assert_int_eq(mempool_put(pool, block), 0);
	ck_assert_int_eq(mempool_channel_close(out), 0);
	end_channel();
}
END_TEST

/* ---- what is sent stays sent ---- */

static uint64_t count_moving(uint32_t number)
{
	struct mempool_block about;
	uint64_t count = 0;

	for (uint32_t i = 0; i < BLOCKS; i++) {
		ck_assert_int_eq(mempool_block(pool, i, &about), 0);
		count += about.state == MEMPOOL_BLOCK_MOVING && about.channel == number;
	}
	return count;
}

static bool is_all_the_channels(void *n)
{
	return count_moving(0) == *(uint64_t *)n;
}

static void receive_all(uint64_t expected)
{
	void *block;

	ck_assert_int_eq(mempool_channel_open(pool, 0, MEMPOOL_CHANNEL_RECEIVE, &channel), 0);
	for (; expected > 0; expected--) {
		block = mempool_channel_receive(channel, 0);
		ck_assert_ptr_nonnull(block);
		ck_assert_int_eq(mempool_put(pool, block), 0);
	}
	ck_assert_ptr_null(mempool_channel_receive(channel, 0));
}

/* Its slot and its grace are over at once, and nobody has received by then. */
START_TEST(what_a_killed_sender_sent_waits_for_a_receiver)
{
	uint64_t n = 20;
	begin();
	struct actor a = sender();
	ck_assert_int_eq(actor_ask(&a, "get 20"), 0);
	ck_assert_int_eq(actor_ask(&a, "send 20"), 20);
	ck_assert_uint_eq(count_moving(0), 0);
	actor_kill(&a);
	ck_assert(wait_until(is_all_the_channels, &n, HANG_MS));
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	sleep_ms(500); /* more than its grace */
	ck_assert_uint_eq(stats().moving, 20);
	ck_assert(is_sound());
	receive_all(20);
	end_channel();
}
END_TEST

/* Close waits for no receiver, but for channels, blocks, and gifts that were mailed. */
START_TEST(who_has_sent_all_can_close)
{
	begin();
	struct mempool *own = service_pool(conn, "own", 64, 10);
	struct mempool_channel *ours;
	ck_assert_int_eq(mempool_channel_open(own, 0, 0, &ours), 0);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(mempool_channel_send(ours, mempool_get(own), 0), 0);
	}
	struct mempool_token mailed = mempool_give(own, mempool_get(own));
	ck_assert_int_eq(mempool_close(own), -EBUSY); /* the channel is open */
	ck_assert_int_eq(mempool_channel_close(ours), 0);
	ck_assert_int_eq(mempool_close(own), -EBUSY); /* the gift */
	ck_assert_int_eq(mempool_gifts(own, NULL, 0), 1);
	void *block = mempool_withdraw(own, mailed);
	ck_assert_int_eq(mempool_close(own), -EBUSY); /* the block */
	ck_assert_int_eq(mempool_put(own, block), 0);
	ck_assert_int_eq(mempool_close(own), 0);
	ck_assert_int_eq(mempool_open(conn, "own", 0, &own), 0);
	ck_assert_int_eq(mempool_channel_open(own, 0, MEMPOOL_CHANNEL_RECEIVE, &ours), 0);
	for (int i = 0; i < 3; i++) {
		block = mempool_channel_receive(ours, 0);
		ck_assert_int_eq(mempool_put(own, block), 0);
	}
	ck_assert_int_eq(mempool_channel_close(ours), 0);
	ck_assert_int_eq(mempool_close(own), 0);
	ck_assert_int_eq(mempool_destroy(conn, "own"), 0);
	end();
}
END_TEST

/* ---- ends ---- */

static int receive_error(int timeout_ms)
{
	ck_assert_ptr_null(mempool_channel_receive(channel, timeout_ms));
	return errno;
}

static void open_told(unsigned flags)
{
	ck_assert_int_eq(mempool_channel_open(pool, 0, flags | MEMPOOL_CHANNEL_ENDS, &channel), 0);
}

static void receive_and_put(void)
{
	void *block = mempool_channel_receive(channel, HANG_MS);
	ck_assert_ptr_nonnull(block);
	ck_assert_int_eq(mempool_put(pool, block), 0);
}

START_TEST(a_receiver_is_told_when_the_last_sender_has_gone)
{
	begin();
	struct mempool_channel *out, *other;
	open_told(MEMPOOL_CHANNEL_RECEIVE);
	ck_assert_int_eq(receive_error(0), EAGAIN); /* nobody came yet */
	ck_assert_int_eq(mempool_channel_open(pool, 0, 0, &out), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 0, 0, &other), 0);
	ck_assert_int_eq(mempool_channel_send(out, mempool_get(pool), 0), 0);
	ck_assert_int_eq(mempool_channel_close(out), 0);
	receive_and_put();
	ck_assert_int_eq(receive_error(0), EAGAIN); /* this process sends by another handle */
	ck_assert_int_eq(mempool_channel_close(other), 0);
	ck_assert_int_eq(receive_error(0), EPIPE);
	ck_assert_int_eq(receive_error(-1), EPIPE);
	ck_assert_ptr_nonnull(
		strstr(mempool_errmsg(), "the stream of channel 0 of frames is over"));
	struct actor a = sender();
	ck_assert_int_eq(receive_error(0), EAGAIN); /* who comes anew is heard */
	ck_assert_int_eq(actor_ask(&a, "get 2"), 0);
	ck_assert_int_eq(actor_ask(&a, "send 2"), 2);
	actor_kill(&a);
	receive_and_put();
	receive_and_put();
	ck_assert_int_eq(receive_error(HANG_MS), EPIPE);
	end_channel();
}
END_TEST

START_TEST(who_does_not_ask_is_not_told_of_ends)
{
	begin_receiving();
	struct mempool_channel *out;
	ck_assert_int_eq(mempool_channel_open(pool, 0, 0, &out), 0);
	ck_assert_int_eq(mempool_channel_close(out), 0);
	ck_assert_int_eq(receive_error(0), EAGAIN);
	ck_assert_int_eq(receive_error(20), ETIMEDOUT);
	end_channel();
}
END_TEST

/* At once, with room or without, and while it waits for room. */
START_TEST(a_sender_is_told_when_the_receiver_has_gone)
{
	begin();
	open_told(0);
	void *block = mempool_get(pool);
	ck_assert_int_eq(mempool_channel_send(channel, block, 0), 0); /* nobody came yet */
	struct actor a = holder(0);
	ck_assert_int_eq(actor_ask(&a, "receiver 0"), 0);
	for (int i = 0; i < 255; i++) {
		ck_assert_int_eq(mempool_channel_send(channel, mempool_get(pool), 0), 0);
	}
	block = mempool_get(pool);
	ck_assert_int_eq(mempool_channel_send(channel, block, 0), -EAGAIN);
	kill(a.pid, SIGKILL);
	ck_assert_int_eq(mempool_channel_send(channel, block, HANG_MS), -EPIPE);
	ck_assert_int_eq(mempool_channel_send(channel, block, 0), -EPIPE);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "nobody receives from channel 0 of frames"));
	ck_assert_int_eq(mempool_put(pool, block), 0);
	actor_kill(&a);
	ck_assert_int_eq(mempool_channel_close(channel), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 0, MEMPOOL_CHANNEL_RECEIVE, &channel), 0);
	for (int i = 0; i < 256; i++) {
		receive_and_put();
	}
	end_channel();
}
END_TEST

static int64_t wake_by_close(void)
{
	struct actor a = sender();
	void *block;
	pthread_t thread = receive_elsewhere(channel);
	sleep_ms(SLEEP_MS);
	int64_t before = now_ms();
	actor_kill(&a);
	pthread_join(thread, &block);
	ck_assert_ptr_null(block);
	return now_ms() - before;
}

START_TEST(who_waits_is_woken_by_the_end)
{
	begin();
	open_told(MEMPOOL_CHANNEL_RECEIVE);
	ck_assert(is_woken_promptly(wake_by_close));
	end_channel();
}
END_TEST

START_TEST(a_descriptor_is_readable_at_the_end)
{
	begin();
	struct mempool_channel *out;
	open_told(MEMPOOL_CHANNEL_RECEIVE);
	int fd = mempool_channel_fd(channel);
	ck_assert_int_eq(mempool_channel_open(pool, 0, 0, &out), 0);
	ck_assert_int_eq(receive_error(0), EAGAIN);
	ck_assert(!is_readable(&fd));
	ck_assert_int_eq(mempool_channel_close(out), 0);
	ck_assert(wait_until(is_readable, &fd, HANG_MS));
	ck_assert_int_eq(receive_error(0), EPIPE);
	ck_assert(wait_until(is_readable, &fd, HANG_MS)); /* as long as it is the end */
	end_channel();
}
END_TEST

START_TEST(a_forked_child_has_no_channel)
{
	begin_receiving();
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		bool refused = !mempool_channel_receive(channel, 0) && errno == ECHILD &&
			       mempool_channel_fd(channel) == -ECHILD &&
			       mempool_channel_close(channel) == -ECHILD;
		_exit(refused ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
	end_channel();
}
END_TEST

SUITE("channels", a_stream_arrives_whole_and_in_order,
      killed_senders_leave_a_beginning_of_their_stream, killed_receivers_leave_the_rest_to_the_next,
      a_stopped_sender_holds_up_nobody_and_loses_nothing, one_receives_at_a_time,
      sending_waits_for_room_and_receiving_for_blocks, who_sleeps_on_a_channel_is_woken,
      a_full_channel_says_so_and_the_block_stays_with_its_owner,
      a_descriptor_is_readable_while_there_is_something, an_event_loop_misses_nothing,
      closing_by_force_ends_channels_and_their_bells, a_channel_is_not_closed_under_a_receiver,
      what_a_killed_sender_sent_waits_for_a_receiver, who_has_sent_all_can_close,
      a_receiver_is_told_when_the_last_sender_has_gone, who_does_not_ask_is_not_told_of_ends,
      a_sender_is_told_when_the_receiver_has_gone, who_waits_is_woken_by_the_end,
      a_descriptor_is_readable_at_the_end, a_forked_child_has_no_channel)
