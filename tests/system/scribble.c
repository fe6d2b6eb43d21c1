/* SPDX-License-Identifier: MIT */
/*
 * A peer writes all over a pool while others work. What they get may be wrong; but nobody crashes,
 * calls return, those with a deadline near it, and the daemon stays with everybody.
 */
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/system/raw.h"

#define ATTACK_MS 500
#define USED_CHANNELS 3
#define STALL_NS 50000000 /* of the daemon's own time, for one answer */

/* How often the peer has written: shared with it. */
static _Atomic uint64_t *scribbles;

/* What it writes to. Never the locks, which are glibc's to guard, nor the note of brokenness. */
enum area {
	ALL, /* from the slots on */
	MAGAZINES,
	HEADER, /* the words that all look at */
	CHANNELS,
	N_AREAS,
};

/* Of the pool whose bookkeeping is mapped there. */
static struct mp_shape shape_of(const struct mp_header *h)
{
	struct mp_shape shape = {
		.block_size = h->block_size,
		.blocks = h->max_blocks,
		.max_blocks = h->max_blocks,
		.capacity = h->capacity,
		.n_caches = h->n_caches,
		.n_slots = h->n_slots,
		.n_shards = h->n_shards,
		.n_channels = h->n_channels,
		.depth = h->depth,
	};
	ck_assert_ptr_null(mp_shape_resolve(&shape, 1));
	return shape;
}

static size_t scribble_at(enum area area, const struct mp_shape *shape, uint32_t r)
{
	static const size_t words[] = {
		offsetof(struct mp_header, born),         offsetof(struct mp_header, pressure),
		offsetof(struct mp_header, reclaim_seq),  offsetof(struct mp_header, collected_seq),
		offsetof(struct mp_header, collect_hint),
	};
	size_t slots = (MP_HEADER_SIZE + MP_SHARDS_MAX * sizeof(struct mp_shard)) / 4;
	size_t n = shape->control_size / 4, channels = shape->channels_at / 4;
	/* Cells are many: as often the words before them. */
	uint32_t of_channel = shape->channel_size / 4, before = sizeof(struct mp_channel) / 4;

	return area == HEADER      ? words[r % (sizeof words / sizeof *words)] / 4
	       : area == MAGAZINES ? n - n / 3 + r % (n / 3)
	       : area == CHANNELS  ? channels + r % USED_CHANNELS * of_channel +
					    (r >> 8) % (r & 64 ? of_channel : before)
				  : slots + r % (n - slots);
}

/* Returns when it has begun. */
static pid_t scribbler(const char *name, unsigned seed, enum area area)
{
	scribbles = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid = check_fork();
	if (pid != 0) {
		for (int64_t end_ms = now_ms() + HANG_MS; *scribbles == 0 && now_ms() < end_ms;) {
		}
		ck_assert_uint_gt(*scribbles, 0);
		return pid;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int fds[3];
	attach(name, fds);
	size_t size = (size_t)lseek(fds[0], 0, SEEK_END);
	mp_atomic32 *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	struct mp_shape shape = shape_of((const struct mp_header *)p);
	static const uint32_t extremes[] = {0, UINT32_MAX, 1, 1u << 31};
	for (;;) {
		uint32_t r = (uint32_t)rand_r(&seed), where = (uint32_t)rand_r(&seed) << 8;
		mp_store(&p[scribble_at(area, &shape, where ^ (uint32_t)rand_r(&seed))],
			 r % 5 < 4 ? extremes[r % 5] : r);
		++*scribbles;
	}
}

static void stop(pid_t pid)
{
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	waitpid(pid, NULL, 0);
}

static void use_blocks(void)
{
	void *blocks[40];
	size_t n = 0;
	while (n < 40 && (blocks[n] = mempool_get(pool))) {
		n++;
	}
	for (size_t i = 0; i < n; i++) {
		mempool_put(pool, blocks[i]);
	}
	n = mempool_get_bulk(pool, blocks, 40);
	mempool_put_bulk(pool, blocks, n <= 40 ? n : 0);
}

static unsigned n_waits, n_late;

/* Begins, and ends, a call with a deadline, or one that has no reason to wait. */
static int64_t begun_ms;

static void begin_call(void)
{
	begun_ms = now_ms();
}

static void end_call(void)
{
	n_late += now_ms() - begun_ms >= 2000;
	n_waits++;
}

static void wait_for_block(void)
{
	begin_call();
	void *block = mempool_get_wait(pool, 20);
	mempool_put(pool, block);
	end_call();
}

/* ---- channels: a queue, work and a broadcast, each open to send and to receive ---- */

static const unsigned kinds[USED_CHANNELS] = {0, MEMPOOL_CHANNEL_WORK, MEMPOOL_CHANNEL_BROADCAST};
static struct mempool_channel *to[USED_CHANNELS], *from[USED_CHANNELS];

/* Opens what is not. It cannot be opened again when its kind was written over. */
static void open_channels(void)
{
	for (uint32_t i = 0; i < USED_CHANNELS; i++) {
		unsigned flags = kinds[i] | MEMPOOL_CHANNEL_ENDS;
		if (!to[i]) {
			mempool_channel_open(pool, i, flags, &to[i]);
		}
		if (!from[i]) {
			mempool_channel_open(pool, i, flags | MEMPOOL_CHANNEL_RECEIVE, &from[i]);
		}
	}
}

static void close_channels(void)
{
	for (uint32_t i = 0; i < USED_CHANNELS; i++) {
		if (to[i] && mempool_channel_close(to[i]) == 0) {
			to[i] = NULL;
		}
		if (from[i] && mempool_channel_close(from[i]) == 0) {
			from[i] = NULL;
		}
	}
}

static void send_some(struct mempool_channel *channel)
{
	for (int n = 0; n < 20; n++) {
		void *block = mempool_get(pool);
		begin_call();
		if (block && mempool_channel_send(channel, block, 1) != 0) {
			mempool_put(pool, block);
		}
		end_call();
	}
	begin_call();
	mempool_channel_drain(channel, 5);
	end_call();
}

static void receive_some(struct mempool_channel *channel, bool borrows)
{
	for (int n = 0; n < 10; n++) {
		begin_call();
		const void *block = borrows ? mempool_channel_borrow(channel, 1)
					    : mempool_channel_receive(channel, 1);
		end_call();
		void *own = n & 1 && block && borrows ? mempool_channel_own(channel, block)
						      : (void *)(borrows ? NULL : block);
		if (own) {
			mempool_put(pool, own);
		} else if (block) {
			mempool_channel_return(channel, block);
		}
	}
}

static void look_at_channels(void)
{
	for (uint32_t i = 0; i < USED_CHANNELS; i++) {
		struct mempool_channel_stats stats = {.size = sizeof stats};
		struct mempool_channel_user user;
		struct mempool_seat seat;
		begin_call();
		mempool_channel_info(pool, i, &stats);
		mempool_channel_users(pool, i, &user, 1);
		mempool_channel_seat(pool, i, i, &seat);
		end_call();
	}
}

static void use_channels(int round)
{
	open_channels();
	for (uint32_t i = 0; i < USED_CHANNELS; i++) {
		if (to[i]) {
			send_some(to[i]);
		}
		if (from[i]) {
			receive_some(from[i], kinds[i] == MEMPOOL_CHANNEL_BROADCAST);
		}
	}
	look_at_channels();
	if (round % 16 == 0) {
		is_sound();
		close_channels();
	}
}

/* In a process of its own, which may not even be able to close the pool then. */
static void work_beside(unsigned seed, enum area area)
{
	int status;

	pid_t pid = check_fork();
	if (pid == 0) {
		struct mempool_conn *its = service_connect();
		ck_assert_int_eq(mempool_open(its, "frames", 0, &pool), 0);
		open_channels();
		pid_t peer = scribbler("frames", seed, area);
		int64_t end_ms = now_ms() + ATTACK_MS;
		for (int round = 1; now_ms() < end_ms; round++) {
			use_blocks();
			wait_for_block();
			use_channels(round);
		}
		stop(peer);
		_exit(n_late > 1 + n_waits / 4); /* it may have had no CPU for a while */
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

START_TEST(who_works_beside_a_scribbler_lives)
{
	for (unsigned seed = 1; seed <= 2 * N_AREAS; seed++) {
		begin();
		work_beside(seed, (enum area)(seed % N_AREAS));
		end();
	}
}
END_TEST

/* A bystander asks and asks. The time is the daemon's own, so that a busy machine has no say. */
static void answers_beside(enum area area)
{
	begin();
	struct mempool *victim = service_pool(conn, "victim", 64, 5000);
	ck_assert_int_eq(mempool_close(victim), 0);
	pid_t peer = scribbler("victim", 9, area);
	uint64_t worst = 0;
	for (int64_t end_ms = now_ms() + 2 * ATTACK_MS; now_ms() < end_ms;) {
		struct mempool_info info;
		pid_t pid = check_fork();
		if (pid == 0) {
			int fds[3];
			attach("victim", fds);
			kill(getpid(), SIGKILL);
		}
		waitpid(pid, NULL, 0);
		for (int i = 0; i < 20; i++) {
			uint64_t before = daemon_ns();
			ck_assert_int_eq(mempool_find_pool(conn, "victim", &info), 0);
			uint64_t took = daemon_ns() - before;
			worst = took > worst ? took : worst;
		}
	}
	stop(peer);
	ck_assert_uint_lt(worst, STALL_NS);
	ck_assert(is_unharmed());
	ck_assert_int_eq(mempool_destroy(conn, "victim"), 0);
	end();
}

START_TEST(the_daemon_answers_beside_a_scribbler)
{
	answers_beside(ALL);
}
END_TEST

START_TEST(the_daemon_answers_beside_a_scribbler_on_channels)
{
	answers_beside(CHANNELS);
}
END_TEST

/* Nobody dies and nobody asks for a seat: who asks what the pool is like is told. */
static void is_told(int which)
{
	begin();
	struct mempool *victim = service_pool(conn, "victim", 64, 5000);
	ck_assert_int_eq(mempool_close(victim), 0);
	int fds[3], fd = attach("victim", fds);
	struct mempool_info info;
	ck_assert_int_eq(ftruncate(fds[which], lseek(fds[which], 0, SEEK_END) / 2), 0);
	ck_assert_int_eq(mempool_find_pool(conn, "victim", &info), 0);
	bool told = info.broken;
	ck_assert_int_eq(mempool_open(conn, "victim", 0, &victim), -EIO);
	for (int i = 0; i < 3; i++) {
		close(fds[i]); /* the seat goes with the last one */
	}
	close(fd);
	ck_assert(is_unharmed());
	ck_assert_int_eq(mempool_destroy(conn, "victim"), 0);
	end();
	ck_assert(told || which == 1);
}

START_TEST(a_cut_control_object_is_told_at_once)
{
	is_told(0);
}
END_TEST

START_TEST(a_cut_data_object_breaks_the_pool_when_it_is_opened)
{
	is_told(1);
}
END_TEST

SUITE("scribble", who_works_beside_a_scribbler_lives, the_daemon_answers_beside_a_scribbler,
      the_daemon_answers_beside_a_scribbler_on_channels, a_cut_control_object_is_told_at_once,
      a_cut_data_object_breaks_the_pool_when_it_is_opened)
