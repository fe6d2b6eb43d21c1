/* SPDX-License-Identifier: MIT */
/*
 * The descriptor of a channel wakes an event loop for blocks, once for each time that there are
 * some, and for nothing else: however the loop receives, and on whichever CPU the ringer is.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/core/atomic.h"
#include "tests/system/story.h"

#define ROUNDS 200
#define STREAM 20000
#define QUIET_MS 20 /* how long a descriptor is watched that is to stay quiet */

static struct mempool_channel *channel;
static struct pollfd bell;

static void listen_to_channel(void)
{
	ck_assert_int_eq(mempool_channel_open(pool, 0, MEMPOOL_CHANNEL_RECEIVE, &channel), 0);
	bell = (struct pollfd){.fd = mempool_channel_fd(channel), .events = POLLIN};
	ck_assert_int_ge(bell.fd, 0);
}

static void begin_listening(void)
{
	begin();
	listen_to_channel();
}

static void end_listening(void)
{
	ck_assert_int_eq(mempool_channel_close(channel), 0);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	ck_assert(is_sound());
	end();
}

static struct actor sender(void)
{
	struct actor a = holder(0);
	ck_assert_int_eq(actor_ask(&a, "sender 0"), 0);
	return a;
}

static void be_sent(struct actor *a, int n)
{
	ck_assert_int_eq(actor_ask(a, "get %d", n), 0);
	ck_assert_int_eq(actor_ask(a, "send %d", n), n);
}

static void be_woken(void)
{
	ck_assert_int_eq(poll(&bell, 1, HANG_MS), 1);
}

/* Returns how many of @n came. */
static int receive(size_t n, int timeout_ms)
{
	void *blocks[64];
	ssize_t got = mempool_channel_receive_bulk(channel, blocks, n, timeout_ms);

	if (got > 0) {
		ck_assert_int_eq(mempool_put_bulk(pool, blocks, (size_t)got), 0);
	}
	return (int)got;
}

START_TEST(a_batch_is_one_wake)
{
	begin_listening();
	struct actor a = sender();
	for (int round = 0; round < ROUNDS; round++) {
		be_sent(&a, 30);
		be_woken();
		ck_assert_int_eq(receive(64, 0), 30);
		ck_assert_int_eq(poll(&bell, 1, 0), 0);
	}
	ck_assert_int_eq(poll(&bell, 1, QUIET_MS), 0);
	actor_kill(&a);
	end_listening();
}
END_TEST

/* No receive comes short, so none says that the channel is empty. */
START_TEST(a_block_that_is_received_alone_is_one_wake)
{
	begin_listening();
	struct actor a = sender();
	for (int round = 0; round < ROUNDS; round++) {
		be_sent(&a, 1);
		be_woken();
		ck_assert_int_eq(receive(1, 0), 1);
		ck_assert_int_eq(poll(&bell, 1, 0), 0);
	}
	ck_assert_int_eq(poll(&bell, 1, QUIET_MS), 0);
	actor_kill(&a);
	end_listening();
}
END_TEST

START_TEST(blocks_may_be_left_for_the_next_poll)
{
	begin_listening();
	struct actor a = sender();
	for (int round = 0; round < ROUNDS; round++) {
		be_sent(&a, 5);
		be_woken();
		for (int i = 0; i < 5; i++) {
			ck_assert_int_eq(poll(&bell, 1, 0), 1);
			ck_assert_int_eq(receive(1, 0), 1);
		}
		ck_assert_int_eq(poll(&bell, 1, 0), 0);
	}
	actor_kill(&a);
	end_listening();
}
END_TEST

START_TEST(nothing_wakes_who_has_received_without_a_poll)
{
	begin_listening();
	struct actor a = sender();
	for (int round = 0; round < ROUNDS; round++) {
		be_sent(&a, 2);
		ck_assert_int_eq(receive(1, HANG_MS), 1);
		ck_assert_int_eq(receive(1, 0), 1);
		ck_assert_int_eq(poll(&bell, 1, round % 10 ? 0 : QUIET_MS), 0);
	}
	actor_kill(&a);
	end_listening();
}
END_TEST

/* Receives all there is, until it is told that there is no more. */
static int receive_all(void)
{
	int n = 0, got;

	while ((got = receive(7, 0)) > 0) {
		n += got;
	}
	ck_assert_int_eq(got, -EAGAIN);
	return n;
}

/* Receives as @round says, after a wake or not. Returns how many came. */
static int receive_somehow(int round)
{
	if (round % 5 == 0) {
		return receive(1, HANG_MS);
	}
	be_woken();
	return round % 5 == 1 ? receive_all() : receive(round % 5 == 2 ? 64 : 1, 0);
}

/* A sender that never rests meets the receiver and the ringer at every step of theirs. */
START_TEST(every_wake_finds_a_block_in_a_stream)
{
	begin_listening();
	struct actor a = sender();
	actor_tell(&a, "stream 20000");
	for (int n = 0, round = 0, got; n < STREAM; n += got) {
		got = receive_somehow(round++);
		ck_assert_msg(got > 0, "round %d: %d after %d blocks", round, got, n);
	}
	ck_assert_int_eq(actor_hear(&a), 0);
	ck_assert_int_eq(poll(&bell, 1, QUIET_MS), 0);
	actor_kill(&a);
	end_listening();
}
END_TEST

START_TEST(an_event_loop_that_waits_for_edges_misses_nothing)
{
	begin_listening();
	struct actor a = sender();
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	ck_assert_int_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, bell.fd, &event), 0);
	actor_tell(&a, "stream 20000");
	for (int n = 0, round = 0; n < STREAM; round++) {
		ck_assert_int_eq(epoll_wait(epoll, &event, 1, HANG_MS), 1);
		int got = round % 2 ? receive_all() : receive(64, 0);
		ck_assert_int_gt(got, 0);
		n += got;
		while (round % 2 == 0 && got == 64) {
			got = receive(64, 0);
			n += got > 0 ? got : 0;
		}
	}
	ck_assert_int_eq(actor_hear(&a), 0);
	close(epoll);
	actor_kill(&a);
	end_listening();
}
END_TEST

START_TEST(a_block_that_the_quota_refuses_keeps_the_descriptor_readable)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	attr.block_size = 64;
	attr.blocks = BLOCKS;
	attr.quota = 1;
	service_start(&service);
	conn = service_connect();
	ck_assert_int_eq(mempool_create(conn, "frames", &attr, &pool), 0);
	listen_to_channel();
	struct actor a = sender();
	void *block = mempool_get(pool);
	be_sent(&a, 1);
	be_woken();
	ck_assert_int_eq(receive(1, 0), -EDQUOT);
	ck_assert_int_eq(poll(&bell, 1, 0), 1);
	ck_assert_int_eq(mempool_put(pool, block), 0);
	ck_assert_int_eq(receive(1, 0), 1);
	ck_assert_int_eq(poll(&bell, 1, 0), 0);
	actor_kill(&a);
	ck_assert_int_eq(mempool_channel_close(channel), 0);
	end();
}
END_TEST

static bool is_real_time(void)
{
	struct sched_param param = {.sched_priority = 1};

	if (sched_setscheduler(0, SCHED_FIFO, &param) == 0) {
		return true;
	}
	fprintf(stderr, "no real-time priority: %s; not tried\n", strerror(errno));
	return false;
}

/* Only while the receiver sleeps has the ringer a CPU; the receiver would wait for it for ever. */
START_TEST(a_real_time_receiver_does_not_spin_on_the_ringers_cpu)
{
	begin();
	struct actor a = sender();
	cpu_set_t first;
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	ck_assert_int_eq(sched_setaffinity(0, sizeof first, &first), 0);
	listen_to_channel();
	if (is_real_time()) {
		for (int n = 0, round = 1, got; n < 10 * ROUNDS; n += got) {
			be_sent(&a, 10);
			for (got = 0; got < 10; round++) {
				int some = receive_somehow(round);
				ck_assert_msg(some > 0, "%d after %d blocks", some, n + got);
				got += some;
			}
			ck_assert_int_eq(poll(&bell, 1, 0), 0);
		}
	}
	actor_kill(&a);
	end_listening();
}
END_TEST

struct echo {
	struct mempool_channel *in, *out;
	int wakes;
};

/* Sends back what comes, until the block says 0. */
static void *echo_run(void *arg)
{
	struct echo *echo = arg;
	struct pollfd p = {.fd = mempool_channel_fd(echo->in), .events = POLLIN};
	int *block, more = 1;

	while (more && poll(&p, 1, HANG_MS) == 1) {
		echo->wakes++;
		if (!(block = mempool_channel_receive(echo->in, 0))) {
			break;
		}
		more = *block;
		mempool_channel_send(echo->out, block, 0);
	}
	return NULL;
}

START_TEST(a_round_trip_is_one_wake_at_each_end)
{
	begin_listening();
	struct mempool_channel *out;
	struct echo echo = {0};
	pthread_t thread;
	ck_assert_int_eq(mempool_channel_open(pool, 1, MEMPOOL_CHANNEL_RECEIVE, &echo.in), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 0, 0, &echo.out), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 1, 0, &out), 0);
	pthread_create(&thread, NULL, echo_run, &echo);
	int *block = mempool_get(pool);
	for (int more = STREAM; more >= 0; more--) {
		*block = more;
		ck_assert_int_eq(mempool_channel_send(out, block, 0), 0);
		be_woken();
		block = mempool_channel_receive(channel, 0);
		ck_assert_msg(block != NULL, "woken for nothing, %d before the end", more);
	}
	pthread_join(thread, NULL);
	ck_assert_int_eq(echo.wakes, STREAM + 1);
	ck_assert_int_eq(mempool_put(pool, block), 0);
	ck_assert_int_eq(mempool_channel_close(out), 0);
	ck_assert_int_eq(mempool_channel_close(echo.out), 0);
	ck_assert_int_eq(mempool_channel_close(echo.in), 0);
	end_listening();
}
END_TEST

/* ---- threads that ask for the descriptor at once ---- */

#define ASKERS 4

static mp_atomic32 at_once;

static void *ask(void *fd)
{
	mp_add(&at_once, 1);
	while (mp_load(&at_once) < ASKERS) {
		;
	}
	*(int *)fd = mempool_channel_fd(channel);
	return NULL;
}

static int next_fd(void)
{
	int fd = dup(0);
	close(fd);
	return fd;
}

START_TEST(threads_that_ask_at_once_have_one_descriptor)
{
	begin();
	int before = next_fd();
	for (int i = 0; i < ROUNDS; i++) {
		pthread_t threads[ASKERS];
		int fds[ASKERS];
		ck_assert_int_eq(mempool_channel_open(pool, 0, MEMPOOL_CHANNEL_RECEIVE, &channel),
				 0);
		mp_store(&at_once, 0);
		for (int n = 0; n < ASKERS; n++) {
			pthread_create(&threads[n], NULL, ask, &fds[n]);
		}
		for (int n = 0; n < ASKERS; n++) {
			pthread_join(threads[n], NULL);
			ck_assert_int_ge(fds[n], 0);
			ck_assert_int_eq(fds[n], fds[0]);
		}
		ck_assert_int_eq(mempool_channel_close(channel), 0);
		ck_assert_int_eq(next_fd(), before);
	}
	end();
}
END_TEST

/* It would take up to a slice of 100 ms, each time that the ringer went to sleep unseen. */
START_TEST(closing_waits_for_the_ringer_no_longer_than_it_takes_to_wake)
{
	begin_listening();
	struct actor a = sender();
	int slow = 0;
	actor_tell(&a, "stream 1000000000");
	for (int round = 0; round < ROUNDS; round++) {
		for (int n = round % 10; n > 0; n -= receive(1, HANG_MS)) {
		}
		int64_t before = now_ms();
		ck_assert_int_eq(mempool_channel_close(channel), 0);
		slow += now_ms() - before > 30;
		ck_assert_int_eq(mempool_channel_open(pool, 0, MEMPOOL_CHANNEL_RECEIVE, &channel),
				 0);
		ck_assert_int_ge(mempool_channel_fd(channel), 0);
	}
	ck_assert_int_lt(slow, ROUNDS / 4);
	actor_kill(&a);
	receive_all();
	end_listening();
}
END_TEST

SUITE("bell", a_batch_is_one_wake, a_block_that_is_received_alone_is_one_wake,
      blocks_may_be_left_for_the_next_poll, nothing_wakes_who_has_received_without_a_poll,
      every_wake_finds_a_block_in_a_stream, an_event_loop_that_waits_for_edges_misses_nothing,
      a_block_that_the_quota_refuses_keeps_the_descriptor_readable,
      a_real_time_receiver_does_not_spin_on_the_ringers_cpu, a_round_trip_is_one_wake_at_each_end,
      threads_that_ask_at_once_have_one_descriptor,
      closing_waits_for_the_ringer_no_longer_than_it_takes_to_wake)
