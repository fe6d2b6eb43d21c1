/* SPDX-License-Identifier: MIT */
/*
 * Descriptors for event loops of those who send, and of those who get: they wake for room, or for a
 * block, and for nothing else, and nobody sleeps through it. Of those who receive see bell.c.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/core/pressure.h"
#include "lib/handle.h"
#include "tests/system/story.h"

#define ROUNDS 100
#define STREAM 20000
#define DEPTH 256   /* of a channel, by default */
#define QUIET_MS 20 /* how long a descriptor is watched that is to stay quiet */

static struct pollfd bell;

static void be_woken(void)
{
	ck_assert_int_eq(poll(&bell, 1, 5000), 1);
}

static bool is_readable(void)
{
	return poll(&bell, 1, 0) == 1;
}

/* A bell that was told of nothing left rings no more, even if its ringer is slow. */
static bool stays_quiet(void)
{
	return poll(&bell, 1, QUIET_MS) == 0;
}

/* ---- room in a channel ---- */

static struct mempool_channel *channel;
static struct actor receiver;

static void begin_sending_with(unsigned flags)
{
	begin();
	receiver = holder(0);
	ck_assert_int_eq(actor_ask(&receiver, "receiver 0"), 0);
	ck_assert_int_eq(mempool_channel_open(pool, 0, flags, &channel), 0);
	bell = (struct pollfd){.fd = mempool_channel_fd(channel), .events = POLLIN};
	ck_assert_int_ge(bell.fd, 0);
}

static void begin_sending(void)
{
	begin_sending_with(0);
}

static void end_sending(void)
{
	actor_kill(&receiver);
	ck_assert_int_eq(mempool_channel_close(channel), 0);
	ck_assert(is_sound());
	end();
}

static int send_one(int timeout_ms)
{
	void *block = mempool_get_wait(pool, 5000);

	ck_assert_ptr_nonnull(block);
	int error = mempool_channel_send(channel, block, timeout_ms);
	if (error) {
		ck_assert_int_eq(mempool_put(pool, block), 0);
	}
	return error;
}

/* Sends @n, for which there is room. */
static void send_all(int n)
{
	while (n-- > 0) {
		ck_assert_int_eq(send_one(0), 0);
	}
}

/* The receiver takes @n blocks out, and puts them. */
static void make_room(int n)
{
	ck_assert_int_eq(actor_ask(&receiver, "receive %d 5000", n), n);
	ck_assert_int_eq(actor_ask(&receiver, "put %d", n), 0);
}

START_TEST(a_sender_is_woken_once_for_room)
{
	begin_sending();
	be_woken();
	send_all(DEPTH);
	ck_assert(!is_readable());
	ck_assert(stays_quiet());
	for (int round = 0; round < ROUNDS; round++) {
		int n = 1 + round % 30;
		make_room(n);
		be_woken();
		send_all(n);
		ck_assert_msg(!is_readable(), "round %d", round);
	}
	ck_assert(stays_quiet());
	end_sending();
}
END_TEST

START_TEST(a_send_that_finds_the_channel_full_makes_it_unreadable)
{
	begin_sending();
	struct mempool_channel *other;
	void *blocks[DEPTH + 1];
	ck_assert_int_eq(mempool_channel_open(pool, 0, 0, &other), 0);
	be_woken();
	ck_assert_int_eq(mempool_get_bulk(pool, blocks, DEPTH + 1), 0);
	ck_assert_int_eq(mempool_channel_send_bulk(other, blocks, DEPTH, 0), DEPTH);
	ck_assert(is_readable());
	ck_assert_int_eq(mempool_channel_send(channel, blocks[DEPTH], 0), -EAGAIN);
	ck_assert(!is_readable());
	make_room(10);
	be_woken();
	ck_assert_int_eq(mempool_get_bulk(pool, blocks, 20), 0);
	ck_assert_int_eq(mempool_channel_send_bulk(channel, blocks, 20, 0), 10);
	ck_assert(!is_readable());
	ck_assert_int_eq(mempool_channel_close(other), 0);
	end_sending();
}
END_TEST

/* Sends as @round says, after a wake or not. */
static void send_somehow(int round)
{
	if (round % 5 == 0) {
		ck_assert_int_eq(send_one(5000), 0);
		return;
	}
	be_woken();
	int error = send_one(0);
	ck_assert_msg(error == 0, "round %d: %d", round, error);
}

/* A receiver that never rests meets the sender and the ringer at every step of theirs. */
START_TEST(every_wake_finds_room_in_a_stream)
{
	begin_sending();
	actor_tell(&receiver, "sink");
	for (int round = 0; round < STREAM; round++) {
		send_somehow(round);
	}
	end_sending();
}
END_TEST

START_TEST(a_sender_that_waits_for_edges_misses_none)
{
	begin_sending();
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	ck_assert_int_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, bell.fd, &event), 0);
	actor_tell(&receiver, "sink");
	for (int n = 0; n < STREAM;) {
		ck_assert_int_eq(epoll_wait(epoll, &event, 1, 5000), 1);
		int error;
		while ((error = send_one(0)) == 0) {
			n++;
		}
		ck_assert_int_eq(error, -EAGAIN);
	}
	close(epoll);
	end_sending();
}
END_TEST

static void *poll_and_send(void *unused)
{
	struct pollfd own = bell;

	for (int n = 0; n < STREAM / 4;) {
		if (poll(&own, 1, 5000) != 1) {
			return "missed a wake";
		}
		n += send_one(0) == 0;
	}
	return unused;
}

START_TEST(threads_that_send_by_one_handle_all_are_woken)
{
	begin_sending();
	pthread_t threads[4];
	void *failed;
	actor_tell(&receiver, "sink");
	for (int i = 0; i < 4; i++) {
		pthread_create(&threads[i], NULL, poll_and_send, NULL);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		ck_assert_msg(!failed, "%s", (const char *)failed);
	}
	end_sending();
}
END_TEST

START_TEST(a_sender_is_readable_when_nobody_receives_any_more)
{
	begin_sending_with(MEMPOOL_CHANNEL_ENDS);
	send_all(DEPTH);
	ck_assert(!is_readable());
	actor_kill(&receiver);
	be_woken();
	ck_assert_int_eq(send_one(0), -EPIPE);
	ck_assert(is_readable());
	receiver = holder(0);
	end_sending();
}
END_TEST

static int64_t wake_by_room(void)
{
	while (send_one(0) == 0) {
	}
	sleep_ms(SLEEP_MS);
	int64_t before = now_ms();
	make_room(1);
	be_woken();
	return now_ms() - before;
}

START_TEST(room_wakes_a_sender_promptly)
{
	begin_sending();
	ck_assert(is_woken_promptly(wake_by_room));
	end_sending();
}
END_TEST

/* ---- blocks of a pool ---- */

static struct actor peer;
static void *mine[BLOCKS];
static int n_mine;

static void watch_pool(void)
{
	bell = (struct pollfd){.fd = mempool_fd(pool), .events = POLLIN};
	ck_assert_int_ge(bell.fd, 0);
}

/* Gets until there is nothing. Returns how many came. */
static int get_all(void)
{
	int before = n_mine;

	while (n_mine < BLOCKS && (mine[n_mine] = mempool_get(pool))) {
		n_mine++;
	}
	ck_assert(n_mine == BLOCKS || errno == ENOMEM);
	return n_mine - before;
}

/* The peer has all blocks but @n, which we have; a get has said so. */
static void begin_without_blocks(int n)
{
	begin();
	peer = holder(BLOCKS - n);
	watch_pool();
	ck_assert_int_eq(get_all(), n);
	ck_assert_ptr_null(mempool_get(pool));
	ck_assert(!is_readable());
}

static void end_with_peer(void)
{
	actor_kill(&peer);
	n_mine = 0;
	end();
}

START_TEST(a_pool_is_readable_until_a_get_finds_nothing)
{
	begin_without_blocks(0);
	ck_assert(stays_quiet());
	for (int round = 0; round < ROUNDS; round++) {
		int n = 1 + round % 3;
		ck_assert_int_eq(actor_ask(&peer, "put %d", n), 0);
		be_woken();
		ck_assert_int_eq(get_all(), n);
		ck_assert_msg(!is_readable(), "round %d", round);
		ck_assert_int_eq(mempool_put_bulk(pool, mine, (size_t)n), 0);
		n_mine = 0;
		be_woken();
		ck_assert_int_eq(actor_ask(&peer, "get %d", n), 0);
		ck_assert_ptr_null(mempool_get(pool));
	}
	ck_assert(stays_quiet());
	end_with_peer();
}
END_TEST

/* The peer puts a block, which its thread would cache. */
static int64_t wake_by_put(void)
{
	get_all();
	sleep_ms(SLEEP_MS);
	int64_t before = now_ms();
	ck_assert_int_eq(actor_ask(&peer, "put 1"), 0);
	be_woken();
	return now_ms() - before;
}

START_TEST(a_put_wakes_who_polls_promptly)
{
	begin_without_blocks(0);
	ck_assert(is_woken_promptly(wake_by_put));
	end_with_peer();
}
END_TEST

/* Each in its own way frees blocks. */
static void be_woken_by(const char *told)
{
	if (told) {
		actor_tell(&peer, told);
	} else {
		actor_kill(&peer);
	}
	be_woken();
	ck_assert_ptr_nonnull(mempool_get(pool));
}

START_TEST(a_put_a_close_or_a_death_makes_it_readable)
{
	static const char *const ways[] = {"put 1", "put 500", "force", NULL};

	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		begin_without_blocks(0);
		be_woken_by(ways[i]);
		if (ways[i]) {
			ck_assert_int_eq(actor_hear(&peer), 0);
		} else {
			peer = holder(0);
		}
		end_with_peer();
	}
}
END_TEST

START_TEST(growing_makes_it_readable)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	attr.block_size = 64;
	attr.blocks = 10;
	attr.max_blocks = 20;
	service_start(&service);
	conn = service_connect();
	ck_assert_int_eq(mempool_create(conn, "frames", &attr, &pool), 0);
	watch_pool();
	ck_assert_int_eq(get_all(), 10);
	ck_assert(!is_readable());
	ck_assert_int_eq(mempool_grow(conn, "frames", 20), 0);
	be_woken();
	ck_assert_int_eq(get_all(), 10);
	end();
}
END_TEST

START_TEST(what_an_idle_thread_caches_makes_it_readable)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	attr.block_size = 64;
	attr.blocks = 8;
	attr.thread_cache = 16;
	service_start(&service);
	conn = service_connect();
	ck_assert_int_eq(mempool_create(conn, "frames", &attr, &pool), 0);
	peer = holder(0);
	ck_assert_int_eq(actor_ask(&peer, "idle 1 8"), 0);
	ck_assert_uint_eq(stats().cached, 8);
	watch_pool();
	be_woken();
	ck_assert_int_eq(get_all(), 8);
	ck_assert(!is_readable());
	end_with_peer();
}
END_TEST

/* The record of the only thread that has one and is not ours. */
static struct mp_cache *record_of_peer(void)
{
	const struct mp_pool *core = &pool->core;

	for (uint32_t r = 0; r < core->shape.n_caches; r++) {
		uint32_t owner = (uint32_t)mp_load(&core->caches[r].owner);
		if (owner != 0 && owner != core->slot + 1) {
			return &core->caches[r];
		}
	}
	ck_abort_msg("the peer has no record");
	return NULL;
}

/* As of a thread that is stopped in the midst of a call. */
START_TEST(what_nobody_can_have_now_does_not_make_it_readable)
{
	begin_without_blocks(0);
	/* So that it caches what it puts, as nobody waits. */
	ck_assert_int_eq(mempool_close(pool), 0);
	ck_assert_int_eq(actor_ask(&peer, "put 5"), 0);
	ck_assert_int_eq(mempool_open(conn, "frames", 0, &pool), 0);
	ck_assert_uint_eq(stats().cached, 5);
	struct mp_cache *record = record_of_peer();
	mp_store(&record->busy, 1);
	ck_assert_ptr_null(mempool_get(pool));
	ck_assert_int_eq(errno, EAGAIN);
	watch_pool();
	ck_assert(stays_quiet());
	mp_store(&record->busy, 0);
	be_woken();
	ck_assert_int_eq(get_all(), 5);
	end_with_peer();
}
END_TEST

static uint32_t pressure(void)
{
	return mp_load(&pool->core.header->pressure) & MP_PRESSURE_STATE;
}

static bool is_ringer_asleep(void *unused)
{
	(void)unused;
	return pressure() == MP_ASLEEP;
}

static bool is_calm(void *unused)
{
	(void)unused;
	return pressure() == MP_CALM;
}

/* What the peer puts stays in its cache again, and does not go to the depot each time. */
START_TEST(who_does_not_look_at_it_slows_nobody_for_good)
{
	begin_without_blocks(0);
	ck_assert_int_eq(actor_ask(&peer, "put 1"), 0);
	be_woken();
	ck_assert(wait_until(is_calm, NULL, 5000));
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(actor_ask(&peer, "get 1"), 0);
		ck_assert_int_eq(actor_ask(&peer, "put 1"), 0);
	}
	ck_assert_uint_eq(stats().free, 0);
	ck_assert_uint_eq(stats().cached, 1);
	ck_assert(is_calm(NULL));
	end_with_peer();
}
END_TEST

START_TEST(closing_a_pool_that_was_watched_leaves_nobody_waiting)
{
	begin_without_blocks(0);
	ck_assert(wait_until(is_ringer_asleep, NULL, 5000));
	struct mempool *observer;
	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_OBSERVE, &observer), 0);
	ck_assert_int_eq(mempool_close(pool), 0);
	ck_assert_int_eq(actor_ask(&peer, "put 5"), 0);
	struct mempool_stats s;
	ck_assert_int_eq(mempool_stat(observer, &s), 0);
	ck_assert_uint_eq(s.cached, 5);
	ck_assert_int_eq(mempool_close(observer), 0);
	ck_assert_int_eq(mempool_open(conn, "frames", 0, &pool), 0);
	end_with_peer();
}
END_TEST

/* Who gets a block again as soon as it has put it, but lets those who wait go first. */
START_TEST(who_polls_has_its_share_beside_a_greedy_peer)
{
	begin();
	peer = holder(0);
	watch_pool();
	actor_tell(&peer, "greedy 0");
	while (stats().used < BLOCKS) {
		sleep_ms(1);
	}
	while (n_mine < ROUNDS) {
		be_woken();
		get_all(); /* none, if the peer did not wait for long enough */
	}
	end_with_peer();
}
END_TEST

START_TEST(a_bulk_that_asks_for_more_leaves_it_readable)
{
	begin_without_blocks(3);
	ck_assert_int_eq(mempool_put_bulk(pool, mine, 3), 0);
	be_woken();
	ck_assert_int_eq(mempool_get_bulk(pool, mine, 4), -ENOMEM);
	be_woken();
	ck_assert_int_eq(mempool_get_bulk(pool, mine, 3), 0);
	end_with_peer();
}
END_TEST

START_TEST(a_get_that_the_quota_refuses_leaves_it_readable)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	attr.block_size = 64;
	attr.blocks = 10;
	attr.quota = 1;
	service_start(&service);
	conn = service_connect();
	ck_assert_int_eq(mempool_create(conn, "frames", &attr, &pool), 0);
	watch_pool();
	be_woken();
	ck_assert_ptr_nonnull(mempool_get(pool));
	ck_assert_ptr_null(mempool_get(pool));
	ck_assert_int_eq(errno, EDQUOT);
	ck_assert(is_readable());
	end();
}
END_TEST

START_TEST(a_broken_pool_is_readable)
{
	begin_without_blocks(0);
	mp_store(&pool->core.header->broken, 1);
	be_woken();
	ck_assert_ptr_null(mempool_get(pool));
	ck_assert_int_eq(errno, EIO);
	ck_assert(is_readable());
	end_with_peer();
}
END_TEST

START_TEST(an_observer_has_no_descriptor)
{
	begin();
	struct mempool *observer;
	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_OBSERVE, &observer), 0);
	ck_assert_int_eq(mempool_fd(observer), -EACCES);
	ck_assert_int_eq(mempool_cancel(observer), -EACCES);
	ck_assert_int_eq(mempool_close(observer), 0);
	end();
}
END_TEST

START_TEST(who_has_no_descriptor_left_is_told)
{
	struct rlimit old, none = {0, 0};

	begin();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	none.rlim_max = old.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(mempool_fd(pool), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "free blocks of frames"));
	ck_assert_int_ge(mempool_fd(pool), 0);
	end();
}
END_TEST

static int next_fd(void)
{
	int fd = dup(0);
	close(fd);
	return fd;
}

START_TEST(closing_ends_the_ringer_at_once)
{
	begin();
	int before = next_fd();
	int64_t took = 0;
	for (int round = 0; round < ROUNDS; round++) {
		struct mempool *other = service_pool(conn, "other", 64, 1);
		void *block = mempool_get(other);
		ck_assert_int_ge(mempool_fd(other), 0);
		ck_assert_int_eq(mempool_fd(other), mempool_fd(other));
		if (round % 2) {
			ck_assert_ptr_null(mempool_get(other));
			sleep_ms(round % 5); /* so that it sleeps, or is about to */
		}
		ck_assert_int_eq(mempool_put(other, block), 0);
		int64_t since = now_ms();
		ck_assert_int_eq(mempool_close(other), 0);
		took += now_ms() - since;
		ck_assert_int_eq(mempool_destroy(conn, "other"), 0);
		ck_assert_int_eq(next_fd(), before);
	}
	ck_assert_int_lt(took, ROUNDS * 25);
	end();
}
END_TEST

SUITE("descriptors", a_sender_is_woken_once_for_room,
      a_send_that_finds_the_channel_full_makes_it_unreadable, every_wake_finds_room_in_a_stream,
      a_sender_that_waits_for_edges_misses_none, threads_that_send_by_one_handle_all_are_woken,
      room_wakes_a_sender_promptly, a_sender_is_readable_when_nobody_receives_any_more,
      a_pool_is_readable_until_a_get_finds_nothing, a_put_wakes_who_polls_promptly,
      a_put_a_close_or_a_death_makes_it_readable, growing_makes_it_readable,
      what_an_idle_thread_caches_makes_it_readable,
      what_nobody_can_have_now_does_not_make_it_readable,
      who_does_not_look_at_it_slows_nobody_for_good,
      closing_a_pool_that_was_watched_leaves_nobody_waiting,
      who_polls_has_its_share_beside_a_greedy_peer, a_bulk_that_asks_for_more_leaves_it_readable,
      a_get_that_the_quota_refuses_leaves_it_readable, a_broken_pool_is_readable,
      an_observer_has_no_descriptor, who_has_no_descriptor_left_is_told,
      closing_ends_the_ringer_at_once)
