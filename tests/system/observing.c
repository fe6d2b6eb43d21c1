/* SPDX-License-Identifier: MIT */
/*
 * Observers: what those who may write to a pool do to its memory never ends a process that only
 * looks, and it sees what there is to see.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/core/broadcast.h"
#include "lib/core/channel.h"
#include "lib/core/ends.h"
#include "lib/handle.h"
#include "tests/system/story.h"

static struct mempool *seen;

static void begin_observing(void)
{
	begin();
	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_OBSERVE, &seen), 0);
	ck_assert_ptr_ne(seen, pool);
}

static void end_observing(void)
{
	ck_assert_int_eq(mempool_close(seen), 0);
	end();
}

/* A descriptor of the pool's object in /dev/shm that ends so. */
static int object(const char *ending)
{
	char path[200], begin[64];
	int fd = -1;
	snprintf(begin, sizeof begin, "mempool.%s.", service.instance);
	DIR *dir = opendir("/dev/shm");
	for (struct dirent *e; (e = readdir(dir));) {
		size_t n = strlen(e->d_name), k = strlen(ending);
		if (strncmp(e->d_name, begin, strlen(begin)) == 0 && n > k &&
		    strcmp(e->d_name + n - k, ending) == 0) {
			snprintf(path, sizeof path, "/dev/shm/%.150s", e->d_name);
			fd = open(path, O_RDWR);
		}
	}
	closedir(dir);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void assert_all_looks_say(int error)
{
	struct mempool_stats s;
	struct mempool_report report;
	struct mempool_block block;
	ck_assert_int_eq(mempool_stat(seen, &s), error);
	ck_assert_int_eq(mempool_check(seen, &report), error);
	ck_assert_int_eq(mempool_block(seen, BLOCKS - 1, &block), error);
	ck_assert_int_eq(mempool_block_bulk(seen, 0, &block, 1), error ? error : 1);
	struct mempool_channel_stats c = {.size = sizeof c};
	struct mempool_seat seat;
	ck_assert_int_eq(mempool_channel_info(seen, 0, &c), error);
	ck_assert_int_eq(mempool_channel_users(seen, 0, NULL, 0), error);
	ck_assert_int_eq(mempool_channel_seat(seen, 0, 0, &seat), error);
}

/* The writer of the pool is this process too: its pages must be there again before it ends. */
START_TEST(an_observer_of_a_pool_cut_short_is_told_and_lives)
{
	static char kept[1 << 20];
	begin_observing();
	int fd = object(".ctl");
	ssize_t size = pread(fd, kept, sizeof kept, 0);
	ck_assert_int_gt(size, 4096);
	ck_assert_int_lt(size, (ssize_t)sizeof kept);
	assert_all_looks_say(0);
	ck_assert_int_eq(ftruncate(fd, 4096), 0);
	assert_all_looks_say(-EIO);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "cut short"));
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	assert_all_looks_say(-EIO);
	ck_assert_uint_eq(mempool_blocks(seen), BLOCKS);
	ck_assert_int_eq(pwrite(fd, kept, (size_t)size, 0), size);
	assert_all_looks_say(0);
	close(fd);
	end_observing();
}
END_TEST

START_TEST(a_pool_cut_short_cannot_be_observed)
{
	begin();
	int fd = object(".ctl");
	static char kept[1 << 20];
	ssize_t size = pread(fd, kept, sizeof kept, 0);
	ck_assert_int_eq(ftruncate(fd, 0), 0);
	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_OBSERVE, &seen), -EIO);
	ck_assert_int_eq(pwrite(fd, kept, (size_t)size, 0), size);
	close(fd);
	end();
}
END_TEST

START_TEST(an_observer_sees_what_the_writer_does)
{
	struct mempool_stats s;
	struct mempool_block block;
	begin_observing();
	void *mine = mempool_get(pool);
	uint32_t index = (uint32_t)mempool_block_index(pool, mine);
	ck_assert_int_eq(mempool_stat(seen, &s), 0);
	ck_assert_uint_eq(s.used, 1);
	ck_assert_uint_eq(s.used + s.cached + s.free + s.moving + s.shared + s.reclaimed, BLOCKS);
	ck_assert_int_eq(mempool_block(seen, index, &block), 0);
	ck_assert_int_eq(block.state, MEMPOOL_BLOCK_USED);
	ck_assert_int_eq((int)block.slot, mempool_slot(pool));
	ck_assert_int_eq(mempool_put(pool, mine), 0);
	ck_assert_int_eq(mempool_block(seen, index, &block), 0);
	ck_assert_int_eq(block.state, MEMPOOL_BLOCK_CACHED);
	ck_assert_int_eq((int)block.slot, mempool_slot(pool));
	ck_assert_int_eq(mempool_block(seen, BLOCKS, &block), -EINVAL);
	for (uint32_t i = 0; i < BLOCKS; i += 300) {
		struct mempool_block some[300];
		ssize_t n = mempool_block_bulk(seen, i, some, 300);
		ck_assert_int_eq(n, i + 300 <= BLOCKS ? 300 : BLOCKS - i);
		for (ssize_t k = 0; k < n; k++) {
			ck_assert_int_eq(mempool_block(pool, i + (uint32_t)k, &block), 0);
			ck_assert_int_eq(some[k].state, block.state);
			ck_assert_uint_eq(some[k].slot, block.slot);
		}
	}
	ck_assert_int_eq(mempool_block_bulk(seen, BLOCKS, &block, 1), 0);
	end_observing();
}
END_TEST

/* ---- channels ---- */

#define BROADCAST 1 /* the number of the channel that is one */

static struct mp_subscriber reliable, lossy;

/* A broadcast of this process's, with two subscribers, of which one is behind by three of four. */
static const void *begin_broadcast(void)
{
	const void *borrowed;
	int error;

	begin_observing();
	struct mp_pool *core = &pool->core;
	struct mp_channel *channel = mp_pool_channel(core, BROADCAST);
	ck_assert(mp_channel_is_of_kind(channel, MP_CHANNEL_BROADCAST));
	ck_assert_int_eq(mp_broadcast_join(core, NULL, BROADCAST, false, &reliable), 0);
	ck_assert_int_eq(mp_broadcast_join(core, NULL, BROADCAST, true, &lossy), 0);
	mp_ends_begin(core, channel);
	for (int i = 0; i < 4; i++) {
		void *block = mempool_get(pool);
		ck_assert_uint_eq(mp_broadcast_send(core, NULL, BROADCAST, &block, 1, &error), 1);
	}
	ck_assert_uint_eq(mp_broadcast_borrow(core, NULL, &lossy, &borrowed, 1, &error), 1);
	return borrowed;
}

static void end_broadcast(const void *borrowed)
{
	struct mp_pool *core = &pool->core;

	ck_assert_int_eq(mp_broadcast_return(core, NULL, &lossy, mp_pool_index(core, borrowed)), 0);
	mp_broadcast_leave(core, NULL, &lossy);
	mp_broadcast_leave(core, NULL, &reliable);
	mp_ends_stop(core, mp_pool_channel(core, BROADCAST), core->slot);
	end_observing();
}

static void assert_sees_broadcast(struct mempool *by)
{
	struct mempool_channel_stats c = {.size = sizeof c};
	struct mempool_channel_user user;
	ck_assert_int_eq(mempool_channel_info(by, BROADCAST, &c), 0);
	ck_assert_uint_eq(c.kind, MEMPOOL_KIND_BROADCAST);
	ck_assert_uint_eq(c.depth, 256);
	ck_assert_uint_eq(c.senders, 1);
	ck_assert_uint_eq(c.receivers, 2);
	ck_assert_uint_eq(c.sent, 4);
	ck_assert_uint_eq(c.retired, 0);
	ck_assert_uint_eq(c.lag, 4);
	ck_assert_int_eq(mempool_channel_users(by, BROADCAST, &user, 1), 1);
	ck_assert(user.sends && user.receives);
	ck_assert_int_eq((int)user.slot, mempool_slot(pool));
	ck_assert_int_eq(user.pid, getpid());
}

static void assert_sees_seats(struct mempool *by)
{
	struct mempool_seat seat;
	ck_assert_int_eq(mempool_channel_seat(by, BROADCAST, reliable.seat, &seat), 0);
	ck_assert_int_eq((int)seat.slot, mempool_slot(pool));
	ck_assert_int_eq(seat.pid, getpid());
	ck_assert(!seat.lossy);
	ck_assert_uint_eq(seat.cursor, 0);
	ck_assert_int_eq(mempool_channel_seat(by, BROADCAST, lossy.seat, &seat), 0);
	ck_assert(seat.lossy);
	ck_assert_uint_eq(seat.cursor, 1);
	ck_assert_int_eq(mempool_channel_seat(by, BROADCAST, MEMPOOL_SUBSCRIBERS_MAX - 1, &seat),
			 0);
	ck_assert_uint_eq(seat.slot, UINT32_MAX);
	ck_assert_int_eq(seat.pid, 0);
}

START_TEST(an_observer_sees_a_broadcast_as_a_writer_does)
{
	const void *borrowed = begin_broadcast();
	assert_sees_broadcast(pool);
	assert_sees_broadcast(seen);
	assert_sees_seats(pool);
	assert_sees_seats(seen);
	end_broadcast(borrowed);
}
END_TEST

START_TEST(an_observer_sees_who_has_a_shared_block)
{
	struct mempool_stats s;
	struct mempool_usage usage[256];
	struct mempool_block block;
	const void *borrowed = begin_broadcast();
	ck_assert_int_eq(mempool_census(seen, &s, usage, 256), 0);
	ck_assert_uint_eq(s.shared, 4);
	ck_assert_uint_eq(s.used + s.cached + s.free + s.moving + s.shared + s.reclaimed, BLOCKS);
	ck_assert_uint_eq(usage[mempool_slot(pool)].shared, 1);
	uint32_t index = (uint32_t)mempool_block_index(pool, borrowed);
	ck_assert_int_eq(mempool_block(seen, index, &block), 0);
	ck_assert_int_eq(block.state, MEMPOOL_BLOCK_SHARED);
	ck_assert_uint_eq(block.channel, BROADCAST);
	ck_assert_uint_eq(block.held, 1u << lossy.seat);
	ck_assert_uint_eq(block.pending, 1u << reliable.seat);
	ck_assert_uint_eq(block.slot, UINT32_MAX);
	end_broadcast(borrowed);
}
END_TEST

START_TEST(a_check_names_channel_and_seats_of_a_lost_block)
{
	struct mempool_report report;
	const void *borrowed = begin_broadcast();
	union mp_word *word = &pool->core.words[mempool_block_index(pool, borrowed)];
	uint64_t right = mp_load(&word->whole);
	mp_store(&word->low, mp_word_shared(BROADCAST, 0, 1u << lossy.seat | 1u << 9));
	ck_assert_int_eq(mempool_check(seen, &report), -EUCLEAN);
	ck_assert_ptr_nonnull(strstr(report.first, "channel 1 shares it (bits of seats: held 0x202"
						   ", pending 0, nobody's 0x200)"));
	mp_store(&word->whole, right);
	ck_assert_int_eq(mempool_check(seen, &report), 0);
	end_broadcast(borrowed);
}
END_TEST

START_TEST(a_channel_that_nobody_opened_stays_undecided)
{
	struct mempool_channel_stats c = {.size = sizeof c};
	begin_observing();
	ck_assert_int_eq(mempool_channel_info(pool, 3, &c), 0);
	ck_assert_uint_eq(c.kind, MEMPOOL_KIND_UNOPENED);
	ck_assert_int_eq(mempool_channel_info(seen, 3, &c), 0);
	ck_assert_uint_eq(c.kind, MEMPOOL_KIND_UNOPENED);
	ck_assert_uint_eq(c.senders + c.receivers + c.sent + c.lag, 0);
	end_observing();
}
END_TEST

/* Programs built with another version bring a struct of another size. */
START_TEST(numbers_of_a_channel_fit_the_callers_struct)
{
	struct mempool_channel_stats c[2];
	begin_observing();
	memset(c, 0x55, sizeof c);
	c[0].size = offsetof(struct mempool_channel_stats, senders);
	ck_assert_int_eq(mempool_channel_info(seen, 0, &c[0]), 0);
	ck_assert_uint_eq(c[0].depth, 256);
	ck_assert_uint_eq(c[0].senders, 0x55555555);
	c[0].size = sizeof c;
	ck_assert_int_eq(mempool_channel_info(seen, 0, &c[0]), 0);
	ck_assert_uint_eq(c[0].senders, 0);
	ck_assert_uint_eq(c[1].depth, 0);
	end_observing();
}
END_TEST

/* ---- while others work ---- */

static atomic_bool done;

static void *get_and_put(void *unused)
{
	void *blocks[40];
	for (unsigned n = 1; !done; n = n % 40 + 1) {
		if (mempool_get_bulk(pool, blocks, n) == 0) {
			ck_assert_int_eq(mempool_put_bulk(pool, blocks, n), 0);
		}
	}
	return unused;
}

START_TEST(an_observer_that_checks_a_busy_pool_finds_nothing)
{
	pthread_t threads[2];
	begin_observing();
	done = false;
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pthread_create(&threads[i], NULL, get_and_put, NULL), 0);
	}
	for (int64_t end = now_ms() + 1000; now_ms() < end;) {
		struct mempool_report report;
		int error = mempool_check(seen, &report);
		ck_assert_msg(error == 0, "%d: %s", error, report.first);
	}
	done = true;
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
	}
	end_observing();
}
END_TEST

/* ---- while others work by channels ---- */

/* The numbers of the channels, each with its kind's flag. */
static const unsigned kinds[] = {0, MEMPOOL_CHANNEL_WORK, MEMPOOL_CHANNEL_BROADCAST};

/* Sends by channel @number until it is done, and opens it anew now and then. */
static void *send_all(void *number)
{
	uintptr_t n = (uintptr_t)number;
	struct mempool_channel *out;
	while (!done) {
		ck_assert_int_eq(mempool_channel_open(pool, (uint32_t)n, kinds[n], &out), 0);
		for (int i = 0; i < 500 && !done; i++) {
			void *block = mempool_get_wait(pool, 10);
			if (block && mempool_channel_send(out, block, 1) != 0) {
				mempool_put(pool, block);
			}
		}
		ck_assert_int_eq(mempool_channel_close(out), 0);
	}
	return NULL;
}

/* Receives or borrows a block, and puts or returns it. */
static void receive_one(struct mempool_channel *in, unsigned kind)
{
	if (kind == MEMPOOL_CHANNEL_BROADCAST) {
		const void *block = mempool_channel_borrow(in, 1);
		if (block) {
			ck_assert_int_eq(mempool_channel_return(in, block), 0);
		}
		return;
	}
	void *block = mempool_channel_receive(in, 1);
	if (block) {
		ck_assert_int_eq(mempool_put(pool, block), 0);
	}
}

/* Receives from channel @number until it is done, and opens it anew, now lossy, now reliable. */
static void *receive_all(void *number)
{
	uintptr_t n = (uintptr_t)number;
	struct mempool_channel *in;
	for (unsigned round = 0; !done; round++) {
		unsigned loses = kinds[n] == MEMPOOL_CHANNEL_BROADCAST && round % 2
					 ? MEMPOOL_CHANNEL_LOSSY
					 : 0;
		ck_assert_int_eq(mempool_channel_open(pool, (uint32_t)n,
						      MEMPOOL_CHANNEL_RECEIVE | kinds[n] | loses,
						      &in),
				 0);
		for (int i = 0; i < 300 && !done; i++) {
			receive_one(in, kinds[n]);
		}
		ck_assert_int_eq(mempool_channel_close(in), 0);
	}
	return NULL;
}

/* Puts what waits in the channel. */
static void purge(uint32_t number)
{
	struct mempool_channel *in;
	void *block;
	ck_assert_int_eq(
		mempool_channel_open(pool, number, MEMPOOL_CHANNEL_RECEIVE | kinds[number], &in),
		0);
	while ((block = mempool_channel_receive(in, 0))) {
		ck_assert_int_eq(mempool_put(pool, block), 0);
	}
	ck_assert_int_eq(mempool_channel_close(in), 0);
}

static void assert_number_is_sane(struct mempool *by, uint32_t number)
{
	struct mempool_channel_stats c = {.size = sizeof c};
	ck_assert_int_eq(mempool_channel_info(by, number, &c), 0);
	ck_assert_uint_ge(c.sent, c.retired);
	ck_assert_uint_le(c.sent - c.retired, c.depth);
	ck_assert_uint_le(c.lag, c.depth);
	ck_assert_uint_le(c.senders, 1);
	ck_assert_uint_le(c.receivers, 2);
}

START_TEST(an_observer_that_checks_busy_channels_finds_nothing)
{
	pthread_t threads[8];
	size_t n = 0;
	begin_observing();
	done = false;
	for (uintptr_t i = 0; i < 3; i++) {
		pthread_create(&threads[n++], NULL, send_all, (void *)i);
		pthread_create(&threads[n++], NULL, receive_all, (void *)i);
	}
	pthread_create(&threads[n++], NULL, receive_all, (void *)1);
	pthread_create(&threads[n++], NULL, receive_all, (void *)2);
	for (int64_t end = now_ms() + 1500; now_ms() < end;) {
		struct mempool_report report;
		int error = mempool_check(seen, &report);
		ck_assert_msg(error == 0, "%d: %s", error, report.first);
		error = mempool_check(pool, &report);
		ck_assert_msg(error == 0, "%d: %s", error, report.first);
		for (uint32_t i = 0; i < 4; i++) {
			assert_number_is_sane(seen, i);
			assert_number_is_sane(pool, i);
		}
	}
	done = true;
	for (size_t i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
	}
	purge(0);
	purge(1);
	end_observing();
}
END_TEST

START_TEST(an_observer_that_checks_finds_what_is_wrong)
{
	struct mempool_report report;
	begin_observing();
	void *mine = mempool_get(pool);
	union mp_word *word = &pool->core.words[mempool_block_index(pool, mine)];
	uint64_t right = mp_load(&word->whole);
	mp_store(&word->low, mp_word_low(MP_USED, 77)); /* nobody has that slot */
	ck_assert_int_eq(mempool_check(seen, &report), -EUCLEAN);
	ck_assert_uint_eq(report.lost, 1);
	mp_store(&word->whole, right);
	ck_assert_int_eq(mempool_check(seen, &report), 0);
	ck_assert_int_eq(mempool_put(pool, mine), 0);
	end_observing();
}
END_TEST

/* It reads its own files by that number else, and takes them for the pool. */
START_TEST(an_observer_whose_descriptor_was_closed_is_told)
{
	begin_observing();
	ck_assert_int_eq(close(seen->control_fd), 0);
	int other = open("/dev/zero", O_RDONLY);
	ck_assert_int_eq(other, seen->control_fd);
	assert_all_looks_say(-EBADF);
	ck_assert_int_eq(mempool_close(seen), 0);
	ck_assert_int_eq(close(other), 0); /* it was not closed for us */
	end();
}
END_TEST

static int descriptors(void)
{
	int n = 0;
	DIR *dir = opendir("/proc/self/fd");
	while (readdir(dir)) {
		n++;
	}
	closedir(dir);
	return n;
}

START_TEST(observing_leaves_no_descriptor_behind)
{
	begin_observing();
	int n = descriptors();
	ck_assert_int_eq(mempool_close(seen), 0);
	ck_assert_int_eq(descriptors(), n - 1);
	ck_assert_int_eq(mempool_open(conn, "frames", MEMPOOL_OBSERVE, &seen), 0);
	ck_assert_int_eq(descriptors(), n);
	end_observing();
}
END_TEST

SUITE("observing", an_observer_of_a_pool_cut_short_is_told_and_lives,
      a_pool_cut_short_cannot_be_observed, an_observer_sees_what_the_writer_does,
      an_observer_sees_a_broadcast_as_a_writer_does, an_observer_sees_who_has_a_shared_block,
      a_check_names_channel_and_seats_of_a_lost_block, a_channel_that_nobody_opened_stays_undecided,
      numbers_of_a_channel_fit_the_callers_struct,
      an_observer_that_checks_a_busy_pool_finds_nothing,
      an_observer_that_checks_busy_channels_finds_nothing,
      an_observer_that_checks_finds_what_is_wrong, an_observer_whose_descriptor_was_closed_is_told,
      observing_leaves_no_descriptor_behind)
