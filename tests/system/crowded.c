/* SPDX-License-Identifier: MIT */
/*
 * One thread or process more than there are caches or slots, and more than there are processors:
 * each has its blocks, whoever idles with a full cache or is stopped; ENOMEM is said only when no
 * block is free.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/handle.h"
#include "tests/system/story.h"

#define CACHE 16    /* blocks that a thread caches, in two magazines of 8 */
#define MANY 24     /* processes at once */
#define CROWD 100   /* processes in all */
#define FEW_MS 2000 /* of a wait beside free blocks; no sleep is meant to be so long */

static void *blocks[1 << 16];

/* ---- the pool ---- */

static struct mempool_attr attributes(uint32_t n_blocks, uint32_t threads)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	attr.block_size = 64;
	attr.blocks = n_blocks;
	attr.threads = threads;
	attr.thread_cache = CACHE;
	return attr;
}

/* Opens "frames" with those attributes, in place of the usual one. */
static void begin_with(struct mempool_attr attr)
{
	service_start(&service);
	conn = service_connect();
	ck_assert_int_eq(mempool_create(conn, "frames", &attr, &pool), 0);
}

static uint64_t count_free(void)
{
	struct mempool_stats s = stats();
	return s.cached + s.free + s.reclaimed;
}

/* Gets all it can, and leaves why it got no more in errno. */
static size_t drain(void)
{
	size_t n = 0;

	while ((blocks[n] = mempool_get(pool))) {
		n++;
	}
	return n;
}

static void put_all(size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(mempool_put(pool, blocks[i]), 0);
	}
}

/* This process gets all @n blocks there are, is then told that there are none, and puts them. */
static void expect_all(size_t n)
{
	ck_assert_uint_eq(drain(), n);
	ck_assert_int_eq(errno, ENOMEM);
	put_all(n);
}

/* ---- one thread more than there are caches ---- */

/* Each of @threads other threads idles with a full cache. This one and two more go without. */
static void check_threads(uint32_t threads, uint32_t asked)
{
	uint32_t n_blocks = (threads + 1) * CACHE;

	begin_with(attributes(n_blocks, asked));
	struct actor idle = holder(0), other;
	actor_start(&other);
	ck_assert_int_eq(actor_ask(&idle, "idle %u %d", threads, CACHE), 0);
	ck_assert_uint_ge(stats().cached, threads * CACHE);
	ck_assert_int_eq(actor_ask(&other, "open frames"), 0);
	for (int i = 0; i < 3; i++) {
		expect_all(n_blocks);
		ck_assert_int_eq(actor_ask(&idle, "drain"), n_blocks);
		ck_assert_int_eq(actor_ask(&idle, "put %u", n_blocks), 0);
		ck_assert_int_eq(actor_ask(&other, "drain"), n_blocks);
		ck_assert_int_eq(actor_ask(&other, "put %u", n_blocks), 0);
	}
	ck_assert(is_sound());
	actor_kill(&idle);
	actor_kill(&other);
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	expect_all(n_blocks);
	end();
}

START_TEST(the_second_thread_of_one_cache_has_every_block)
{
	check_threads(1, 1);
}
END_TEST

START_TEST(the_65th_thread_of_64_caches_has_every_block)
{
	check_threads(64, 64);
}
END_TEST

START_TEST(the_257th_thread_of_a_default_pool_has_every_block)
{
	check_threads(256, 0);
}
END_TEST

#define WORKERS 40

static _Atomic unsigned long n_refused, n_wrong;

/* Has at most one block, so that one is left for it among as many as there are workers. */
static void *work(void *unused)
{
	for (int i = 0; i < 500; i++) {
		void *block = mempool_get(pool);
		if (i % 4 == 0) {
			sched_yield();
		}
		if (block) {
			n_wrong += mempool_put(pool, block) != 0;
		} else {
			n_refused += errno == ENOMEM;
			n_wrong += errno != ENOMEM && errno != EAGAIN;
		}
	}
	return unused;
}

START_TEST(who_takes_one_of_as_many_blocks_as_threads_hears_of_no_lack)
{
	begin_with(attributes(WORKERS + 2, WORKERS / 2));
	pthread_t threads[WORKERS];
	struct actor a = holder(0), b = holder(0);
	actor_tell(&a, "churn");
	actor_tell(&b, "churn");
	for (int i = 0; i < WORKERS; i++) {
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, NULL), 0);
	}
	for (int i = 0; i < WORKERS; i++) {
		pthread_join(threads[i], NULL);
	}
	ck_assert_uint_eq(n_refused, 0);
	ck_assert_uint_eq(n_wrong, 0);
	actor_kill(&a);
	actor_kill(&b);
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	expect_all(WORKERS + 2);
	end();
}
END_TEST

/* All caches are full and taken, so nothing is in the depot: the wait is no sleep. */
START_TEST(a_wait_beside_full_caches_is_short)
{
	begin_with(attributes(64 * CACHE, 64));
	struct actor idle = holder(0);
	ck_assert_int_eq(actor_ask(&idle, "idle 64 %d", CACHE), 0);
	for (int i = 0; i < 100; i++) {
		int64_t before = now_ms();
		blocks[i] = mempool_get_wait(pool, FEW_MS);
		ck_assert_msg(blocks[i] != NULL, "block %d: errno %d", i, errno);
		ck_assert_int_lt(now_ms() - before, FEW_MS / 2);
	}
	put_all(100);
	actor_kill(&idle);
	end();
}
END_TEST

static struct actor putter, waiter;

/* One has the only cache, the other goes without. */
static int64_t wake_by_put(void)
{
	actor_tell(&waiter, "wait 30000");
	sleep_ms(SLEEP_MS);
	int64_t before = now_ms();
	ck_assert_int_eq(actor_ask(&putter, "put 1"), 0);
	ck_assert_int_eq(actor_hear(&waiter), 0);
	int64_t took = now_ms() - before;
	ck_assert_int_eq(actor_ask(&waiter, "put 1"), 0);
	ck_assert_int_eq(actor_ask(&putter, "get 1"), 0);
	return took;
}

/* Both actors wait for the other's put, by turns. */
static void expect_prompt_wakes(struct actor *one, struct actor *two)
{
	putter = *one;
	waiter = *two;
	ck_assert_int_eq(actor_ask(one, "drain"), CACHE);
	ck_assert(is_woken_promptly(wake_by_put));
	ck_assert_int_eq(actor_ask(one, "put %d", CACHE), 0);
	ck_assert_int_eq(actor_ask(one, "flush"), 0);
	putter = *two;
	waiter = *one;
	ck_assert_int_eq(actor_ask(two, "drain"), CACHE);
	ck_assert(is_woken_promptly(wake_by_put));
	ck_assert_int_eq(actor_ask(two, "put %d", CACHE), 0);
}

START_TEST(who_has_no_cache_wakes_and_is_woken)
{
	begin_with(attributes(CACHE, 1));
	struct actor cached = holder(1), bare = holder(1);
	ck_assert_int_eq(actor_ask(&cached, "put 1"), 0);
	ck_assert_int_eq(actor_ask(&bare, "put 1"), 0);
	expect_prompt_wakes(&cached, &bare);
	actor_kill(&cached);
	actor_kill(&bare);
	end();
}
END_TEST

/* ---- one process more than there are caches, or slots ---- */

/* What children and test share. */
static struct crowd {
	pthread_barrier_t ready, done;
	_Atomic unsigned refused, put_off;
} * shared;

static void share(unsigned n)
{
	pthread_barrierattr_t kind;

	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	ck_assert_ptr_ne(shared, MAP_FAILED);
	pthread_barrierattr_init(&kind);
	pthread_barrierattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->ready, &kind, n);
	pthread_barrier_init(&shared->done, &kind, n);
}

/* A child's two gets, and its puts; it idles until all the others are done. */
static void get_at_once(int gets)
{
	struct mempool *mine;

	int error = mempool_open(service_connect(), "frames", 0, &mine);
	pthread_barrier_wait(&shared->ready);
	for (int i = 0; i < gets && !error; i++) {
		while (!(blocks[i] = mempool_get(mine)) && errno == EAGAIN) {
			shared->put_off++; /* beside one that has had no CPU for 40 ms */
		}
		shared->refused += blocks[i] == NULL;
	}
	pthread_barrier_wait(&shared->done);
	shared->refused += error != 0;
	_exit(0);
}

/* @n processes get for the first time, all at the same moment, and keep what they got. */
static void check_burst(struct mempool_attr attr, unsigned n, int gets, int rounds)
{
	begin_with(attr);
	share(n);
	for (int round = 0; round < rounds; round++) {
		for (unsigned i = 0; i < n; i++) {
			if (check_fork() == 0) {
				get_at_once(gets);
			}
		}
		for (unsigned i = 0; i < n; i++) {
			ck_assert_int_gt(wait(NULL), 0);
		}
		ck_assert_uint_eq(shared->refused, 0);
		ck_assert(wait_until(is_alone, NULL, HANG_MS));
	}
	ck_assert_uint_le(shared->put_off, n * (unsigned)(gets * rounds) / 4);
	expect_all(attr.blocks);
	ck_assert(is_sound());
	end();
}

START_TEST(each_of_24_has_its_first_block_at_once)
{
	struct mempool_attr attr = attributes(64, 0);
	attr.thread_cache = 0;
	check_burst(attr, MANY, 1, 20);
}
END_TEST

START_TEST(each_of_24_has_its_first_block_with_fewer_caches)
{
	check_burst(attributes(64, MANY - 1), MANY, 1, 10);
	check_burst(attributes(64, 1), MANY, 1, 10);
}
END_TEST

START_TEST(each_of_24_has_its_first_block_without_caches)
{
	struct mempool_attr attr = attributes(MANY, 0);
	attr.thread_cache = MEMPOOL_NO_CACHE;
	check_burst(attr, MANY, 1, 10);
}
END_TEST

/* There is a block for each, and not one more. */
START_TEST(each_of_24_has_the_block_that_is_there_for_it)
{
	check_burst(attributes(MANY, 0), MANY, 1, 10);
}
END_TEST

START_TEST(each_of_a_hundred_has_two_blocks_at_once)
{
	check_burst(attributes(2 * CROWD, 0), CROWD, 2, 3);
	check_burst(attributes(2 * CROWD, 64), CROWD, 2, 1);
}
END_TEST

/* One after the other, each gets two blocks and puts them, and then idles. */
static void check_idlers(struct mempool_attr attr)
{
	static struct actor idlers[CROWD];

	begin_with(attr);
	for (int i = 0; i < CROWD; i++) {
		idlers[i] = holder(2);
		ck_assert_int_eq(actor_ask(&idlers[i], "put 2"), 0);
	}
	for (int i = 0; i < CROWD; i += 9) {
		ck_assert_int_eq(actor_ask(&idlers[i], "drain"), attr.blocks);
		ck_assert_int_eq(actor_ask(&idlers[i], "put %u", attr.blocks), 0);
		ck_assert_int_eq(actor_ask(&idlers[i], "wait %d", FEW_MS), 0);
		ck_assert_int_eq(actor_ask(&idlers[i], "put 1"), 0);
	}
	expect_all(attr.blocks);
	for (int i = 0; i < CROWD; i++) {
		actor_kill(&idlers[i]);
	}
	end();
}

START_TEST(each_of_a_hundred_idlers_has_every_block)
{
	check_idlers(attributes(2 * CROWD, 0));
}
END_TEST

START_TEST(each_of_a_hundred_idlers_has_every_block_with_8_caches)
{
	check_idlers(attributes(2 * CROWD, 8));
}
END_TEST

START_TEST(each_of_a_hundred_idlers_has_every_block_without_caches)
{
	struct mempool_attr attr = attributes(2 * CROWD, 0);
	attr.thread_cache = MEMPOOL_NO_CACHE;
	check_idlers(attr);
}
END_TEST

/* They wait for as many blocks as there are, which one process has; most go without a cache. */
START_TEST(each_of_a_hundred_waiters_is_served)
{
	static struct actor waiters[CROWD];

	begin_with(attributes(CROWD, 8));
	struct actor a = holder(CROWD);
	for (int i = 0; i < CROWD; i++) {
		waiters[i] = holder(0);
		actor_tell(&waiters[i], "wait 30000");
	}
	ck_assert_int_eq(actor_ask(&a, "put %d", CROWD), 0);
	for (int i = 0; i < CROWD; i++) {
		ck_assert_int_eq(actor_hear(&waiters[i]), 0);
	}
	ck_assert_int_eq(actor_ask(&a, "get 1"), -ENOMEM);
	for (int i = 0; i < CROWD; i++) {
		actor_kill(&waiters[i]);
	}
	actor_kill(&a);
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	expect_all(CROWD);
	end();
}
END_TEST

/* Of @processes all have the pool open, and one more wants to. */
static void check_slots(uint32_t processes, uint32_t asked)
{
	static struct actor all[256];
	struct mempool_attr attr = attributes(2 * processes, 0);
	char name[MEMPOOL_NAME_MAX + 1];
	struct mempool *full;

	begin();
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = 0;
	attr.processes = asked;
	ck_assert_int_eq(mempool_create(conn, name, &attr, &full), 0);
	ck_assert_int_eq(mempool_close(full), 0);
	for (uint32_t i = 0; i < processes; i++) {
		actor_start(&all[i]);
		ck_assert_int_eq(actor_ask(&all[i], "open %s", name), 0);
		ck_assert_int_eq(actor_ask(&all[i], "get 2"), 0);
	}
	ck_assert_int_eq(mempool_open(conn, name, 0, &full), -EUSERS);
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), name));
	ck_assert_ptr_nonnull(strstr(mempool_errmsg(), "close it somewhere, or make it for more "
						       "processes"));
	ck_assert_int_eq(actor_ask(&all[0], "put 2"), 0);
	ck_assert_int_eq(actor_ask(&all[0], "close"), 0);
	ck_assert_int_eq(mempool_open(conn, name, 0, &full), 0);
	ck_assert_int_eq(mempool_close(full), 0);
	for (uint32_t i = 0; i < processes; i++) {
		actor_kill(&all[i]);
	}
	ck_assert_int_eq(mempool_destroy(conn, name), 0);
	end();
}

START_TEST(one_process_more_than_slots_is_told_so)
{
	check_slots(1, 1);
	check_slots(3, 3);
	check_slots(256, 0);
}
END_TEST

/* ---- a process whose sandbox refuses membarrier ---- */

static struct actor boxed(int n)
{
	struct actor a;

	actor_start(&a);
	ck_assert_int_eq(actor_ask(&a, "box"), 0);
	ck_assert_int_eq(actor_ask(&a, "open frames"), 0);
	ck_assert_int_eq(actor_ask(&a, "get %d", n), 0);
	return a;
}

/* The actor gets all blocks and puts them: its cache is full. */
static void fill(struct actor *a, int n)
{
	ck_assert_int_eq(actor_ask(a, "drain"), n);
	ck_assert_int_eq(actor_ask(a, "put %d", n), 0);
}

START_TEST(what_a_boxed_process_caches_can_be_had)
{
	begin_with(attributes(CACHE, 0));
	struct actor box = boxed(0), other = boxed(0);
	fill(&box, CACHE);
	ck_assert_uint_eq(stats().cached, CACHE);
	expect_all(CACHE);
	ck_assert_int_eq(mempool_flush(pool), 0);
	fill(&box, CACHE);
	void *block = mempool_get_wait(pool, FEW_MS);
	ck_assert_ptr_nonnull(block);
	ck_assert_int_eq(mempool_put(pool, block), 0);
	ck_assert_int_eq(mempool_flush(pool), 0);
	/* By its like, too. */
	fill(&box, CACHE);
	fill(&other, CACHE);
	actor_kill(&box);
	actor_kill(&other);
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	expect_all(CACHE);
	end();
}
END_TEST

/* Asks for a block again and again; "no block" is wrong each time. */
static bool has_block(void *box)
{
	int64_t answer = actor_ask(box, "get 1");
	ck_assert_msg(answer == 0 || answer == -EAGAIN, "%d", (int)answer);
	return answer == 0;
}

/* What ordinary threads cache it has with the daemon's help, which may be late. */
START_TEST(a_boxed_process_has_what_others_cache)
{
	begin_with(attributes(3 * CACHE, 0));
	struct actor box = boxed(0), idle = holder(0);
	ck_assert_int_eq(actor_ask(&idle, "idle 3 %d", CACHE), 0);
	for (int i = 0; i < CACHE; i++) {
		ck_assert(wait_until(has_block, &box, HANG_MS));
		ck_assert_int_eq(actor_ask(&box, "wait %d", FEW_MS), 0);
	}
	drain();
	ck_assert_uint_eq(count_free(), 0);
	ck_assert_int_eq(actor_ask(&box, "get 1"), -ENOMEM);
	actor_kill(&idle);
	actor_kill(&box);
	end();
}
END_TEST

/* Nor is it told that there is no block while the daemon does not answer, or is dead. */
START_TEST(a_boxed_process_hears_of_no_block_only_when_there_is_none)
{
	begin_with(attributes(CACHE, 0));
	struct actor box = boxed(0);
	expect_all(CACHE);
	ck_assert_uint_eq(stats().cached, CACHE);
	kill(service.pid, SIGSTOP);
	ck_assert_int_eq(actor_ask(&box, "get 1"), -EAGAIN);
	ck_assert_int_eq(actor_ask(&box, "bulk 4"), -EAGAIN);
	ck_assert_int_eq(actor_ask(&box, "wait 300"), -ETIMEDOUT);
	kill(service.pid, SIGCONT);
	service_kill(&service);
	ck_assert_int_eq(actor_ask(&box, "get 1"), -EAGAIN);
	ck_assert_int_eq(actor_ask(&box, "wait 300"), -ETIMEDOUT);
	drain();
	ck_assert_int_eq(actor_ask(&box, "get 1"), -ENOMEM);
	service_restart(&service);
	actor_kill(&box);
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	end();
}
END_TEST

/* Whoever asks for a barrier connects to the next daemon, and to one that was only slow. */
START_TEST(a_boxed_process_has_what_others_cache_after_a_restart)
{
	begin_with(attributes(3 * CACHE, 0));
	struct actor box = boxed(0), idle = holder(0);
	ck_assert_int_eq(actor_ask(&idle, "idle 3 %d", CACHE), 0);
	service_kill(&service);
	service_restart(&service);
	ck_assert_int_eq(actor_ask(&box, "wait %d", FEW_MS), 0);
	ck_assert_int_eq(actor_ask(&box, "put 1"), 0);
	ck_assert_int_eq(actor_ask(&box, "flush"), 0);
	ck_assert_int_eq(actor_ask(&idle, "drain"), 3 * CACHE);
	ck_assert_int_eq(actor_ask(&idle, "put %d", 3 * CACHE), 0);
	kill(service.pid, SIGSTOP);
	actor_ask(&box, "wait 300");
	kill(service.pid, SIGCONT);
	ck_assert_int_eq(actor_ask(&box, "wait %d", FEW_MS), 0);
	actor_kill(&idle);
	actor_kill(&box);
	end();
}
END_TEST

START_TEST(a_boxed_process_wakes_others_and_is_woken)
{
	begin_with(attributes(CACHE, 0));
	struct actor box = boxed(0), other = holder(0);
	expect_prompt_wakes(&box, &other);
	actor_kill(&other);
	actor_kill(&box);
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	end();
}
END_TEST

/* ---- stopped processes ---- */

static bool is_stopped(void *arg)
{
	siginfo_t info = {.si_pid = 0};
	return waitid(P_PID, (id_t) * (pid_t *)arg, &info, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid != 0;
}

START_TEST(what_a_stopped_process_caches_can_be_had)
{
	begin_with(attributes(4 * CACHE, 0));
	struct actor a = holder(0);
	ck_assert_int_eq(actor_ask(&a, "idle 3 %d", CACHE), 0);
	kill(a.pid, SIGSTOP);
	ck_assert(wait_until(is_stopped, &a.pid, HANG_MS));
	expect_all(4 * CACHE);
	kill(a.pid, SIGCONT);
	ck_assert_int_eq(actor_ask(&a, "drain"), 4 * CACHE);
	actor_kill(&a);
	end();
}
END_TEST

/* Wherever in a call it is stopped: what cannot be had of it is EAGAIN, and not ENOMEM. */
START_TEST(what_is_stopped_inside_a_call_is_no_lack_of_blocks)
{
	begin_with(attributes(CACHE, 0));
	for (unsigned i = 0, seed = 5; i < 40; i++) {
		struct actor a = holder(0);
		actor_tell(&a, "churn");
		sleep_ms(1 + rand_r(&seed) % 4);
		kill(a.pid, SIGSTOP);
		ck_assert(wait_until(is_stopped, &a.pid, HANG_MS));
		size_t n = drain();
		ck_assert_msg(errno == EAGAIN || count_free() == 0, "errno %d, %d free", errno,
			      (int)count_free());
		put_all(n);
		actor_kill(&a);
		ck_assert(wait_until(is_alone, NULL, HANG_MS));
		expect_all(CACHE);
	}
	end();
}
END_TEST

struct first_call {
	int timeout_ms;
	void *block;
	int error;
	int64_t took_ms;
};

static void *wait_first(void *arg)
{
	struct first_call *call = arg;
	int64_t before = now_ms();

	call->block = mempool_get_wait(pool, call->timeout_ms);
	call->error = errno;
	call->took_ms = now_ms() - before;
	if (call->block) {
		mempool_put(pool, call->block);
	}
	return NULL;
}

static struct first_call be_first(int timeout_ms)
{
	struct first_call call = {.timeout_ms = timeout_ms};
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, wait_first, &call), 0);
	pthread_join(thread, NULL);
	return call;
}

/* Marks all threads with a cache as inside a call, or as outside of one. */
static void mark_all(uint32_t inside)
{
	for (uint32_t i = 0; i < pool->core.shape.n_caches; i++) {
		struct mp_cache *cache = &pool->core.caches[i];
		if ((uint32_t)mp_load(&cache->owner) != 0) {
			mp_store(&cache->busy, inside);
		}
	}
}

/* Beside somebody who is stopped inside a call, where a get would search for 40 ms. */
START_TEST(a_wait_keeps_its_end_when_it_is_a_threads_first_call)
{
	enum { TRIES = 15 };
	int late = 0;

	begin_with(attributes(CACHE, 0));
	struct actor a = holder(CACHE);
	ck_assert_int_eq(actor_ask(&a, "put %d", CACHE), 0);
	mark_all(1);
	for (int i = 0; i < TRIES; i++) {
		struct first_call call = be_first(5 * (i % 2));
		ck_assert_ptr_null(call.block);
		ck_assert_int_eq(call.error, ETIMEDOUT);
		ck_assert_int_ge(call.took_ms, call.timeout_ms);
		late += call.took_ms > 30;
	}
	mark_all(0);
	ck_assert_msg(late < TRIES / 2, "%d of %d were late", late, TRIES);
	expect_all(CACHE);
	actor_kill(&a);
	end();
}
END_TEST

SUITE("crowded", the_second_thread_of_one_cache_has_every_block,
      the_65th_thread_of_64_caches_has_every_block,
      the_257th_thread_of_a_default_pool_has_every_block,
      who_takes_one_of_as_many_blocks_as_threads_hears_of_no_lack,
      a_wait_beside_full_caches_is_short, who_has_no_cache_wakes_and_is_woken,
      each_of_24_has_its_first_block_at_once, each_of_24_has_its_first_block_with_fewer_caches,
      each_of_24_has_its_first_block_without_caches, each_of_24_has_the_block_that_is_there_for_it,
      each_of_a_hundred_has_two_blocks_at_once, each_of_a_hundred_idlers_has_every_block,
      each_of_a_hundred_idlers_has_every_block_with_8_caches,
      each_of_a_hundred_idlers_has_every_block_without_caches, each_of_a_hundred_waiters_is_served,
      one_process_more_than_slots_is_told_so, what_a_boxed_process_caches_can_be_had,
      a_boxed_process_has_what_others_cache,
      a_boxed_process_hears_of_no_block_only_when_there_is_none,
      a_boxed_process_has_what_others_cache_after_a_restart,
      a_boxed_process_wakes_others_and_is_woken, what_a_stopped_process_caches_can_be_had,
      what_is_stopped_inside_a_call_is_no_lack_of_blocks,
      a_wait_keeps_its_end_when_it_is_a_threads_first_call)
