/* SPDX-License-Identifier: MIT */
/*
 * Waits that end before there is what they wait for: whoever cancels them, at whatever moment; and
 * by a signal handler, of handles that ask for that.
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/time.h>

#include "lib/end.h"
#include "tests/system/story.h"

#define DEPTH 256
#define NONE -1 /* milliseconds to wait: as long as it takes */

static struct mempool_channel *in, *full; /* of channel 0, which is empty, and 1, which is full */
static struct actor peer;                 /* has all other blocks */
static void *mine;

static void fill(unsigned flags)
{
	void *blocks[DEPTH];

	ck_assert_int_eq(mempool_channel_open(pool, 1, flags, &full), 0);
	ck_assert_int_eq(mempool_get_bulk(pool, blocks, DEPTH), 0);
	ck_assert_int_eq(mempool_channel_send_bulk(full, blocks, DEPTH, 0), DEPTH);
}

/* Each way to wait is one that would last. */
static void begin_waiting_with(unsigned flags)
{
	begin();
	ck_assert_int_eq(mempool_channel_open(pool, 0, MEMPOOL_CHANNEL_RECEIVE | flags, &in), 0);
	fill(flags);
	mine = mempool_get(pool);
	peer = holder(0);
	ck_assert_int_gt(actor_ask(&peer, "drain"), 0);
}

static void begin_waiting(void)
{
	begin_waiting_with(0);
}

static void end_waiting(void)
{
	actor_kill(&peer);
	ck_assert_int_eq(mempool_channel_close(in), 0);
	ck_assert_int_eq(mempool_channel_close(full), 0);
	ck_assert(is_sound());
	end();
}

/* ---- the waits ---- */

static int receive(int timeout_ms)
{
	void *block = mempool_channel_receive(in, timeout_ms);

	return block ? 0 : -errno;
}

static int send_it(int timeout_ms)
{
	return mempool_channel_send(full, mine, timeout_ms);
}

static int get(int timeout_ms)
{
	void *block = mempool_get_wait(pool, timeout_ms);

	return block ? 0 : -errno;
}

static int drain(int timeout_ms)
{
	return mempool_channel_drain(full, timeout_ms);
}

static int cancel_receiving(void)
{
	return mempool_channel_cancel(in);
}

static int cancel_sending(void)
{
	return mempool_channel_cancel(full);
}

static int cancel_all(void)
{
	return mempool_cancel(pool);
}

static const struct way {
	const char *name;
	int (*wait)(int timeout_ms);
	int (*cancel)(void);
	int at_once; /* what it returns with a timeout of 0 */
} ways[] = {
	{"receive", receive, cancel_receiving, -EAGAIN},
	{"send", send_it, cancel_sending, -EAGAIN},
	{"get", get, cancel_all, -ETIMEDOUT},
	{"drain", drain, cancel_sending, -EAGAIN},
	{"receive, all", receive, cancel_all, -EAGAIN},
	{"send, all", send_it, cancel_all, -EAGAIN},
	{"drain, all", drain, cancel_all, -EAGAIN},
};

#define N_WAYS (sizeof ways / sizeof *ways)

struct waiter {
	pthread_t thread;
	const struct way *way;
	int result;
	char why[300];
};

static void *wait_long(void *arg)
{
	struct waiter *waiter = arg;

	waiter->result = waiter->way->wait(NONE);
	snprintf(waiter->why, sizeof waiter->why, "%s", mempool_errmsg());
	return NULL;
}

/* It ended with that error, and its sentence has those words, and names the pool. */
static void check_end(const struct waiter *waiter, int error, const char *words)
{
	const char *name = waiter->way->name;

	ck_assert_msg(waiter->result == -error, "%s: %d", name, waiter->result);
	ck_assert_msg(strstr(waiter->why, words) && strstr(waiter->why, "frames"), "%s: %s", name,
		      waiter->why);
}

static void begin_wait(struct waiter *waiter, const struct way *way)
{
	waiter->way = way;
	ck_assert_int_eq(pthread_create(&waiter->thread, NULL, wait_long, waiter), 0);
}

/* ---- cancelling ---- */

static const struct way *the_way;

/* As if nothing had been cancelled. */
static void renew(void)
{
	mp_store(&pool->cancelled, 0);
	mp_store(&in->cancelled, 0);
	mp_store(&full->cancelled, 0);
}

/* How long a wait that sleeps takes to end. */
static int64_t end_by_cancel(void)
{
	struct waiter waiter;

	renew();
	begin_wait(&waiter, the_way);
	sleep_ms(SLEEP_MS);
	int64_t before = now_ms();
	ck_assert_int_eq(the_way->cancel(), 0);
	pthread_join(waiter.thread, NULL);
	int64_t took = now_ms() - before;
	check_end(&waiter, ECANCELED, "was cancelled");
	return took;
}

static void check_prompt(const struct way *way)
{
	begin_waiting();
	the_way = way;
	ck_assert_msg(is_woken_promptly(end_by_cancel), "%s", way->name);
	end_waiting();
}

START_TEST(a_receive_that_sleeps_is_ended_at_once)
{
	check_prompt(&ways[0]);
}
END_TEST

START_TEST(a_send_that_sleeps_is_ended_at_once)
{
	check_prompt(&ways[1]);
}
END_TEST

START_TEST(a_get_that_sleeps_is_ended_at_once)
{
	check_prompt(&ways[2]);
}
END_TEST

START_TEST(a_drain_that_sleeps_is_ended_at_once)
{
	check_prompt(&ways[3]);
}
END_TEST

START_TEST(cancelling_a_pool_ends_what_its_channels_wait_for)
{
	for (size_t i = 4; i < N_WAYS; i++) {
		check_prompt(&ways[i]);
	}
}
END_TEST

START_TEST(a_cancelled_handle_waits_no_more)
{
	for (size_t i = 0; i < N_WAYS; i++) {
		const struct way *way = &ways[i];
		begin_waiting();
		ck_assert_int_eq(way->cancel(), 0);
		ck_assert_msg(way->wait(NONE) == -ECANCELED, "%s", way->name);
		ck_assert_msg(way->wait(5000) == -ECANCELED, "%s", way->name);
		ck_assert_msg(way->wait(0) == way->at_once, "%s", way->name);
		end_waiting();
	}
}
END_TEST

START_TEST(calls_that_need_not_wait_go_on_after_a_cancel)
{
	begin_waiting();
	ck_assert_int_eq(mempool_cancel(pool), 0);
	ck_assert_int_eq(mempool_channel_cancel(in), 0);
	ck_assert_int_eq(actor_ask(&peer, "sender 0"), 0);
	ck_assert_int_eq(actor_ask(&peer, "send 1"), 1);
	ck_assert_int_eq(receive(NONE), 0);
	ck_assert_int_eq(actor_ask(&peer, "put 2"), 0);
	ck_assert_int_eq(get(NONE), 0);
	ck_assert_ptr_nonnull(mempool_get(pool));
	end_waiting();
}
END_TEST

START_TEST(other_handles_wait_on)
{
	begin_waiting();
	struct mempool_channel *other;
	ck_assert_int_eq(mempool_channel_open(pool, 1, 0, &other), 0);
	ck_assert_int_eq(mempool_channel_cancel(full), 0);
	ck_assert_int_eq(mempool_channel_send(other, mine, 30), -ETIMEDOUT);
	ck_assert_int_eq(receive(30), -ETIMEDOUT);
	ck_assert_int_eq(get(30), -ETIMEDOUT);
	ck_assert_int_eq(send_it(30), -ECANCELED);
	ck_assert_int_eq(mempool_channel_close(other), 0);
	end_waiting();
}
END_TEST

START_TEST(a_channel_that_is_opened_after_the_pool_was_cancelled_is_cancelled)
{
	begin_waiting();
	struct mempool_channel *other;
	ck_assert_int_eq(mempool_cancel(pool), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 2, MEMPOOL_CHANNEL_RECEIVE, &other), 0);
	ck_assert_ptr_null(mempool_channel_receive(other, NONE));
	ck_assert_int_eq(errno, ECANCELED);
	ck_assert_int_eq(mempool_channel_close(other), 0);
	end_waiting();
}
END_TEST

START_TEST(another_process_waits_on)
{
	begin_waiting();
	struct actor other = holder(0);
	actor_tell(&other, "wait 9000");
	sleep_ms(50);
	ck_assert_int_eq(mempool_cancel(pool), 0);
	sleep_ms(50);
	ck_assert_int_eq(actor_ask(&peer, "put 1"), 0);
	ck_assert_int_eq(actor_hear(&other), 0);
	actor_kill(&other);
	end_waiting();
}
END_TEST

/* ---- in a signal handler ---- */

static void cancel_in_handler(int signal)
{
	(void)signal;
	the_way->cancel();
}

/*
 * How long the wait takes to end after the handler, which comes at some moment around the
 * beginning of its sleep.
 */
static int64_t end_in_handler(void)
{
	static int round;
	struct itimerval soon = {.it_value = {.tv_usec = 1 + round++ * 7 % 60}};

	renew();
	int64_t before = now_ms();
	setitimer(ITIMER_REAL, &soon, NULL);
	ck_assert_int_eq(the_way->wait(NONE), -ECANCELED);
	return now_ms() - before;
}

START_TEST(a_handler_that_cancels_ends_the_wait_it_interrupts)
{
	begin_waiting();
	for (size_t i = 0; i < N_WAYS; i++) {
		the_way = &ways[i];
		signal(SIGALRM, cancel_in_handler);
		ck_assert_msg(is_woken_promptly(end_in_handler), "%s", the_way->name);
	}
	end_waiting();
}
END_TEST

static mp_atomic32 n_handled;

static void count_in_handler(int signal)
{
	(void)signal;
	mp_add(&n_handled, 1);
}

/* Not SA_RESTART: a wait is to go on all the same. */
static void handle(void (*handler)(int signal))
{
	struct sigaction action = {.sa_handler = handler};

	ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
}

static bool has_ended(pthread_t thread)
{
	return pthread_tryjoin_np(thread, NULL) == 0;
}

/* Sends signals until the wait ends. */
static void interrupt(struct waiter *waiter)
{
	int64_t end_at = now_ms() + 10000;

	while (!has_ended(waiter->thread)) {
		ck_assert_int_lt(now_ms(), end_at);
		pthread_kill(waiter->thread, SIGUSR1);
		sleep_ms(10);
	}
}

static void open_with_eintr(void)
{
	struct mempool *again;

	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_EINTR, &again), 0);
	ck_assert_ptr_eq(again, pool);
	ck_assert_int_eq(mempool_close(again), 0);
}

START_TEST(a_handler_ends_the_wait_of_a_handle_that_asks_for_it)
{
	handle(count_in_handler);
	begin_waiting_with(MEMPOOL_CHANNEL_EINTR);
	open_with_eintr();
	for (int i = 0; i < 4; i++) {
		struct waiter waiter;
		begin_wait(&waiter, &ways[i]);
		interrupt(&waiter);
		check_end(&waiter, EINTR, "a signal handler ran");
	}
	end_waiting();
}
END_TEST

START_TEST(a_wait_goes_on_after_a_handler)
{
	handle(count_in_handler);
	begin_waiting();
	for (int i = 0; i < 4; i++) {
		struct waiter waiter;
		renew();
		mp_store(&n_handled, 0);
		begin_wait(&waiter, &ways[i]);
		while (mp_load(&n_handled) < 10) {
			ck_assert_msg(!has_ended(waiter.thread), "%s", ways[i].name);
			pthread_kill(waiter.thread, SIGUSR1);
			sleep_ms(5);
		}
		ck_assert_int_eq(ways[i].cancel(), 0);
		pthread_join(waiter.thread, NULL);
		check_end(&waiter, ECANCELED, "was cancelled");
	}
	end_waiting();
}
END_TEST

static struct mempool_channel *to_in;
static void *sent;

static void send_in_handler(int signal)
{
	(void)signal;
	mempool_channel_send(to_in, sent, 0);
}

/* It is what the wait was for. */
START_TEST(what_has_come_is_received_though_a_handler_ran)
{
	struct waiter waiter;

	handle(send_in_handler);
	begin();
	sent = mempool_get(pool);
	ck_assert_int_eq(mempool_channel_open(pool, 0, 0, &to_in), 0);
	ck_assert_int_eq(
		mempool_channel_open(pool, 0, MEMPOOL_CHANNEL_RECEIVE | MEMPOOL_CHANNEL_EINTR, &in),
		0);
	begin_wait(&waiter, &ways[0]);
	sleep_ms(50);
	pthread_kill(waiter.thread, SIGUSR1);
	pthread_join(waiter.thread, NULL);
	ck_assert_int_eq(waiter.result, 0);
	end();
}
END_TEST

SUITE("cancelling", a_receive_that_sleeps_is_ended_at_once, a_send_that_sleeps_is_ended_at_once,
      a_get_that_sleeps_is_ended_at_once, a_drain_that_sleeps_is_ended_at_once,
      cancelling_a_pool_ends_what_its_channels_wait_for, a_cancelled_handle_waits_no_more,
      calls_that_need_not_wait_go_on_after_a_cancel, other_handles_wait_on,
      a_channel_that_is_opened_after_the_pool_was_cancelled_is_cancelled, another_process_waits_on,
      a_handler_that_cancels_ends_the_wait_it_interrupts,
      a_handler_ends_the_wait_of_a_handle_that_asks_for_it, a_wait_goes_on_after_a_handler,
      what_has_come_is_received_though_a_handler_ran)
