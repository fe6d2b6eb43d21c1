/* SPDX-License-Identifier: MIT */
/* A process that gets no more memory, or may lock no more: what it can do all the same. */
#include <linux/capability.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/story.h"

#define MANY 200000 /* more than marks fit on a stack, six times */

static void *blocks[MANY];
static struct mempool_token tokens[MANY];

static void starve(void)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
	limit.rlim_cur = 1;
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
	ck_assert_ptr_eq(mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
			 MAP_FAILED);
}

static void feed(void)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_AS, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

static struct mempool *begin_many(void)
{
	begin();
	struct mempool *many = service_pool(conn, "many", 16, MANY);
	ck_assert_int_eq(mempool_get_bulk(many, blocks, MANY), 0);
	return many;
}

static void end_many(struct mempool *many)
{
	struct mempool_report report;

	ck_assert_int_eq(mempool_check(many, &report), 0);
	ck_assert_int_eq(mempool_close(many), 0);
	ck_assert_int_eq(mempool_destroy(conn, "many"), 0);
	end();
}

/* Doubles are found wherever they are, near and far, with and without memory. */
static void refuse_doubles(struct mempool *many, size_t n)
{
	static const size_t places[] = {0, 1, 32767, 32768, 100000, MANY - 2};

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		void *last = blocks[n - 1];
		if (places[i] < n - 1) {
			blocks[n - 1] = blocks[places[i]];
			ck_assert_int_eq(mempool_put_bulk(many, blocks, n), -EALREADY);
			ck_assert_int_eq(mempool_give_bulk(many, blocks, tokens, n), -EPERM);
			blocks[n - 1] = last;
		}
	}
}

START_TEST(a_bulk_put_needs_no_memory)
{
	struct mempool *many = begin_many();

	refuse_doubles(many, MANY);
	refuse_doubles(many, 300);
	if (!TEST_IS_SANITIZED) {
		starve();
	}
	refuse_doubles(many, MANY);
	refuse_doubles(many, 300);
	ck_assert_int_eq(mempool_put_bulk(many, blocks, MANY), 0);
	feed();
	end_many(many);
}
END_TEST

START_TEST(gifts_are_listed_without_memory)
{
	struct mempool *many = begin_many();
	struct mempool_channel *channel;

	ck_assert_int_eq(mempool_channel_open(many, 3, 0, &channel), 0);
	ck_assert_int_eq(mempool_channel_send_bulk(channel, blocks + 1000, 100, 0), 100);
	ck_assert_int_eq(mempool_give_bulk(many, blocks, tokens, 1000), 0);
	ck_assert_int_eq(mempool_give_bulk(many, blocks + MANY - 10, tokens, 10), 0);
	if (!TEST_IS_SANITIZED) {
		starve();
	}
	ck_assert_int_eq(mempool_gifts(many, tokens, MANY), 1010);
	ck_assert_int_eq(mempool_withdraw_bulk(many, tokens, blocks, 1010), 1010);
	ck_assert_int_eq(mempool_gifts(many, tokens, MANY), 0);
	feed();
	ck_assert_int_eq(mempool_channel_close(channel), 0);
	ck_assert_int_eq(mempool_close_force(many), 0);
	ck_assert_int_eq(mempool_destroy(conn, "many"), 0);
	end();
}
END_TEST

/* ---- a thread that has made no call yet ---- */

static struct mempool *many_blocks;
static pthread_barrier_t barrier;

static void *put_all(void *failed)
{
	bool *out = failed;

	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	*out = mempool_get(many_blocks) || errno != ENOMEM ||
	       !strstr(mempool_errmsg(), "RLIMIT_AS") || mempool_put(many_blocks, blocks[0]) != 0 ||
	       mempool_put(many_blocks, blocks[0]) != -EALREADY ||
	       mempool_put_bulk(many_blocks, blocks, 2) != -EALREADY ||
	       mempool_put_bulk(many_blocks, blocks + 1, 5) != 0 ||
	       mempool_put_bulk(many_blocks, blocks + 6, MANY - 6) != 0;
	return NULL;
}

START_TEST(a_thread_without_memory_puts)
{
	bool failed = true;
	pthread_t thread;

	if (TEST_IS_SANITIZED) {
		return;
	}
	many_blocks = begin_many();
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, put_all, &failed);
	pthread_barrier_wait(&barrier);
	starve();
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	feed();
	ck_assert(!failed);
	struct mempool_stats s;
	ck_assert_int_eq(mempool_stat(many_blocks, &s), 0);
	ck_assert_uint_eq(s.used, 0);
	ck_assert_uint_eq(s.cached, 0); /* it kept no record that it came by on its way */
	end_many(many_blocks);
}
END_TEST

static bool is_waited_for(void *unused)
{
	struct mempool_stats s;
	(void)unused;
	return mempool_stat(many_blocks, &s) == 0 && s.waits == 2;
}

static void *wait_twice(void *failed)
{
	bool *out = failed;

	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	int64_t before = now_ms();
	*out = mempool_get_wait(many_blocks, 200) || errno != ETIMEDOUT || now_ms() - before < 200;
	pthread_barrier_wait(&barrier);
	void *block = mempool_get_wait(many_blocks, HANG_MS);
	*out = *out || block != blocks[0] || mempool_put(many_blocks, block) != 0;
	return NULL;
}

/* And while it waits nobody closes the pool. */
START_TEST(a_thread_without_memory_waits)
{
	bool failed = true;
	pthread_t thread;

	if (TEST_IS_SANITIZED) {
		return;
	}
	many_blocks = begin_many();
	pthread_barrier_init(&barrier, NULL, 2);
	pthread_create(&thread, NULL, wait_twice, &failed);
	pthread_barrier_wait(&barrier);
	starve();
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	ck_assert(wait_until(is_waited_for, NULL, HANG_MS));
	sleep_ms(50);
	ck_assert_int_eq(mempool_close_force(many_blocks), -EBUSY);
	ck_assert_int_eq(mempool_put(many_blocks, blocks[0]), 0);
	pthread_join(thread, NULL);
	feed();
	ck_assert(!failed);
	ck_assert_int_eq(mempool_put_bulk(many_blocks, blocks + 1, MANY - 1), 0);
	end_many(many_blocks);
}
END_TEST

/* ---- locked memory ---- */

/* Root may lock all it wants, by a capability that this gives up. */
static void lock_no_more(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	struct rlimit limit = {4 << 20, 4 << 20};

	syscall(SYS_capget, &header, data);
	data[0].effective &= ~(1u << CAP_IPC_LOCK);
	data[0].permitted &= ~(1u << CAP_IPC_LOCK);
	syscall(SYS_capset, &header, data);
	setrlimit(RLIMIT_MEMLOCK, &limit);
}

static int open_locked(const char *name, unsigned flags)
{
	struct mempool_conn *own;
	struct mempool *p;

	lock_no_more();
	if (mempool_connect(&own, NULL) != 0 || mlockall(MCL_FUTURE) != 0) {
		return 2;
	}
	int error = mempool_open(own, name, flags, &p);
	bool told = strstr(mempool_errmsg(), "RLIMIT_MEMLOCK") && strstr(mempool_errmsg(), name);
	if (error != -ENOMEM || !told) {
		return 3;
	}
	struct mempool_info info;
	if (mempool_find_pool(own, name, &info) != 0 || info.clients != 1) {
		return 4;
	}
	munlockall();
	return mempool_open(own, name, flags, &p) == 0 ? 0 : 5;
}

START_TEST(who_may_lock_no_more_is_told_and_takes_no_seat)
{
	if (TEST_IS_SANITIZED) {
		return; /* its mlockall() does nothing */
	}
	begin();
	struct mempool *large = service_pool(conn, "large", 4096, 4096);
	for (int i = 0; i < 3; i++) {
		static const unsigned flags[] = {0, MEMPOOL_RDONLY, MEMPOOL_OBSERVE};
		int status;
		pid_t pid = fork();
		if (pid == 0) {
			_exit(open_locked("large", flags[i]));
		}
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert_msg(status == 0, "flags %#x: %d", flags[i], WEXITSTATUS(status));
		struct mempool_info info = {.clients = 2};
		for (int64_t end_at = now_ms() + HANG_MS; info.clients > 1 && now_ms() < end_at;) {
			ck_assert_int_eq(mempool_find_pool(conn, "large", &info), 0);
		}
		ck_assert_uint_eq(info.clients, 1);
	}
	ck_assert_int_eq(mempool_close(large), 0);
	ck_assert_int_eq(mempool_destroy(conn, "large"), 0);
	end();
}
END_TEST

SUITE("starved", a_bulk_put_needs_no_memory, gifts_are_listed_without_memory,
      a_thread_without_memory_puts, a_thread_without_memory_waits,
      who_may_lock_no_more_is_told_and_takes_no_seat)
