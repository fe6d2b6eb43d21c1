/* SPDX-License-Identifier: MIT */
/* Drains: who asks is told when all that was sent is received. */
#include <pthread.h>

#include "tests/system/story.h"

static struct mempool_channel *in, *out;

static void begin_draining(unsigned kind)
{
	begin();
	ck_assert_int_eq(mempool_channel_open(pool, 0, kind | MEMPOOL_CHANNEL_RECEIVE, &in), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 0, kind, &out), 0);
}

static void end_draining(void)
{
	ck_assert_int_eq(mempool_channel_close(in), 0);
	ck_assert_int_eq(mempool_channel_close(out), 0);
	ck_assert(wait_until(is_all_obtainable, NULL, 5000));
	ck_assert(is_sound());
	end();
}

static void send_one(void)
{
	ck_assert_int_eq(mempool_channel_send(out, mempool_get(pool), 0), 0);
}

/* By whatever the channel's kind takes; what is borrowed is returned. */
static void receive_one(void)
{
	const void *block = mempool_channel_receive(in, 0);

	if (block) {
		ck_assert_int_eq(mempool_put(pool, (void *)block), 0);
		return;
	}
	ck_assert_int_eq(errno, EPROTOTYPE);
	block = mempool_channel_borrow(in, 0);
	ck_assert_int_eq(mempool_channel_drain(in, 0), 0); /* borrowed is received */
	ck_assert_int_eq(mempool_channel_return(in, block), 0);
}

static void *drain(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)mempool_channel_drain(out, -1);
}

static void drain_kind(unsigned kind)
{
	pthread_t thread;
	void *error;

	begin_draining(kind);
	ck_assert_int_eq(mempool_channel_drain(in, 0), 0);
	send_one();
	ck_assert_int_eq(mempool_channel_drain(out, 0), -EAGAIN);
	ck_assert_int_eq(mempool_channel_drain(out, 20), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "channel 0 of frames"));
	ck_assert_int_eq(mempool_channel_drain(out, -2), -EINVAL);
	pthread_create(&thread, NULL, drain, NULL);
	sleep_ms(20);
	receive_one();
	pthread_join(thread, &error);
	ck_assert_ptr_null(error);
	ck_assert_int_eq(mempool_channel_drain(out, 0), 0);
	end_draining();
}

START_TEST(a_queue_is_drained_when_all_is_received)
{
	drain_kind(0);
}
END_TEST

START_TEST(work_is_drained_when_all_is_received)
{
	drain_kind(MEMPOOL_CHANNEL_WORK);
}
END_TEST

START_TEST(a_broadcast_is_drained_when_all_have_borrowed)
{
	drain_kind(MEMPOOL_CHANNEL_BROADCAST);
}
END_TEST

static int64_t wake_by_receive(void)
{
	pthread_t thread;
	void *error;

	send_one();
	pthread_create(&thread, NULL, drain, NULL);
	sleep_ms(SLEEP_MS);
	int64_t before = now_ms();
	const void *block = mempool_channel_borrow(in, 0);
	pthread_join(thread, &error);
	int64_t took = now_ms() - before;
	ck_assert_ptr_null(error);
	ck_assert_int_eq(mempool_channel_return(in, block), 0);
	return took;
}

START_TEST(who_drains_is_woken)
{
	begin_draining(MEMPOOL_CHANNEL_BROADCAST);
	ck_assert(is_woken_promptly(wake_by_receive));
	end_draining();
}
END_TEST

START_TEST(a_drain_waits_for_nobody_who_is_dead)
{
	begin_draining(MEMPOOL_CHANNEL_BROADCAST);
	struct actor a = holder(0);
	ck_assert_int_eq(actor_ask(&a, "receiver 0 4"), 0);
	send_one();
	const void *block = mempool_channel_borrow(in, 0);
	ck_assert_int_eq(mempool_channel_return(in, block), 0);
	ck_assert_int_eq(mempool_channel_drain(out, 0), -EAGAIN); /* for the other */
	actor_kill(&a);
	ck_assert_int_eq(mempool_channel_drain(out, 5000), 0);
	end_draining();
}
END_TEST

static int64_t wake_by_loss(void)
{
	pthread_t thread;
	void *error;

	for (int i = 0; i < 256; i++) { /* as many as the channel holds */
		send_one();
	}
	pthread_create(&thread, NULL, drain, NULL);
	sleep_ms(SLEEP_MS);
	int64_t before = now_ms();
	while (pthread_tryjoin_np(thread, &error) != 0) {
		send_one();
	}
	ck_assert_ptr_null(error);
	return now_ms() - before;
}

START_TEST(a_drain_ends_when_what_it_waits_for_is_lost)
{
	begin_draining(MEMPOOL_CHANNEL_BROADCAST);
	ck_assert_int_eq(mempool_channel_close(in), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 0,
					      MEMPOOL_CHANNEL_BROADCAST | MEMPOOL_CHANNEL_RECEIVE |
						      MEMPOOL_CHANNEL_LOSSY,
					      &in),
			 0);
	ck_assert(is_woken_promptly(wake_by_loss));
	end_draining();
}
END_TEST

/* What is sent after the drain began does not count. */
START_TEST(a_drain_ends_though_more_is_sent)
{
	begin_draining(MEMPOOL_CHANNEL_WORK);
	struct actor a = holder(0), b = holder(0);
	ck_assert_int_eq(actor_ask(&a, "sender 0 2"), 0);
	ck_assert_int_eq(actor_ask(&b, "receiver 0 2"), 0);
	actor_tell(&b, "sink");
	actor_tell(&a, "stream 1000000000");
	for (int i = 0; i < 100; i++) {
		ck_assert_int_eq(mempool_channel_drain(in, 5000), 0);
	}
	actor_kill(&a);
	actor_kill(&b);
	end_draining();
}
END_TEST

SUITE("draining", a_queue_is_drained_when_all_is_received, work_is_drained_when_all_is_received,
      a_broadcast_is_drained_when_all_have_borrowed, who_drains_is_woken,
      a_drain_waits_for_nobody_who_is_dead, a_drain_ends_when_what_it_waits_for_is_lost,
      a_drain_ends_though_more_is_sent)
