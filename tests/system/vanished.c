/* SPDX-License-Identifier: MIT */
/*
 * Threads that end without having told the library: by the bare system call, or after a call that
 * came when their thread-specific destructors had all run. What they had comes back, see
 * lib/thread.h.
 */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/handle.h"
#include "tests/system/story.h"

#define RECORDS 16

/* A thread that calls when the library's destructor has run for the last time. */
struct farewell {
	unsigned rounds;
	pid_t tid;
	bool together; /* with others, after both barriers */
};

static pthread_key_t farewell_key;
static pthread_barrier_t barrier;

static void begin_with_few_records(void)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	begin();
	ck_assert_int_eq(mempool_close(pool), 0);
	ck_assert_int_eq(mempool_destroy(conn, "frames"), 0);
	attr.block_size = 100;
	attr.blocks = BLOCKS;
	attr.threads = RECORDS;
	ck_assert_int_eq(mempool_create(conn, "frames", &attr, &pool), 0);
}

/* How many of the pool's records somebody has. Looking changes nothing, unlike stats(). */
static unsigned records_taken(void)
{
	unsigned n = 0;
	for (uint32_t i = 0; i < pool->core.shape.n_caches; i++) {
		n += (uint32_t)mp_load(&pool->core.caches[i].owner) != 0;
	}
	return n;
}

static void get_and_put(void)
{
	void *block = mempool_get(pool);
	ck_assert_ptr_nonnull(block);
	ck_assert_int_eq(mempool_put(pool, block), 0);
}

/* The destructor of a key that was made after the library's. */
static void say_farewell(void *value)
{
	struct farewell *farewell = value;
	if (++farewell->rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
		pthread_setspecific(farewell_key, farewell);
		return;
	}
	farewell->tid = (pid_t)syscall(SYS_gettid);
	get_and_put();
	if (farewell->together) {
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
	}
}

static void make_key(void)
{
	/* A failure of any kind makes the library's. */
	ck_assert_int_eq(mempool_destroy(conn, "none"), -ENOENT);
	ck_assert_int_eq(pthread_key_create(&farewell_key, say_farewell), 0);
}

static void *call_and_vanish(void *farewell)
{
	get_and_put();
	pthread_setspecific(farewell_key, farewell);
	return NULL;
}

static void *do_nothing(void *unused)
{
	return unused;
}

static pthread_t start(void *(*run)(void *), void *arg)
{
	pthread_t thread;
	ck_assert_int_eq(pthread_create(&thread, NULL, run, arg), 0);
	return thread;
}

/* A joined thread may still exist for a moment: hence all waiting. */
static bool is_forgotten(void *tid)
{
	return syscall(SYS_tgkill, getpid(), *(pid_t *)tid, 0) != 0 && errno == ESRCH;
}

/* One thread vanishes. Its number. */
static pid_t vanish_one(void)
{
	struct farewell farewell = {0};
	pthread_join(start(call_and_vanish, &farewell), NULL);
	ck_assert_uint_eq(farewell.rounds, PTHREAD_DESTRUCTOR_ITERATIONS);
	return farewell.tid;
}

static bool is_nothing_cached(void *unused)
{
	(void)unused;
	return stats().cached == 0;
}

/* @n threads begin, which have a record each; this one gets and puts @calls blocks; all vanish. */
static void vanish_together(unsigned n, unsigned calls)
{
	struct farewell farewells[RECORDS] = {0};
	pthread_t threads[RECORDS];
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, n + 1), 0);
	for (unsigned i = 0; i < n; i++) {
		farewells[i].together = true;
		threads[i] = start(call_and_vanish, &farewells[i]);
	}
	pthread_barrier_wait(&barrier);
	for (unsigned i = 0; i < calls; i++) {
		get_and_put();
	}
	pthread_barrier_wait(&barrier);
	for (unsigned i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		ck_assert(wait_until(is_forgotten, &farewells[i].tid, HANG_MS));
	}
	ck_assert_uint_eq(records_taken(), n);
}

/* A call in the last round made a part that nobody finished. */
START_TEST(a_thread_that_called_after_its_destructors_leaves_nothing)
{
	begin();
	make_key();
	vanish_one();
	ck_assert_uint_eq(records_taken(), 1);
	ck_assert(wait_until(is_nothing_cached, NULL, HANG_MS));
	ck_assert_uint_eq(records_taken(), 0);
	ck_assert_uint_eq(obtainable(), BLOCKS);
	ck_assert(is_sound());
	end();
}
END_TEST

/* AddressSanitizer's, which takes amiss a thread that ends without its knowing. */
__attribute__((weak)) void __asan_init(void);

static bool may_end_at_once(void)
{
	return !__asan_init;
}

static void *call_and_end_at_once(void *unused)
{
	get_and_put();
	syscall(SYS_exit, 0);
	return unused;
}

START_TEST(a_thread_that_ends_by_the_bare_system_call_leaves_nothing)
{
	if (!may_end_at_once()) {
		return;
	}
	begin();
	pthread_join(start(call_and_end_at_once, NULL), NULL);
	ck_assert(wait_until(is_nothing_cached, NULL, HANG_MS));
	ck_assert_uint_eq(records_taken(), 0);
	end();
}
END_TEST

static volatile unsigned handled;

static void call_in_handler(int signal)
{
	int saved = errno;
	(void)signal;
	void *block = mempool_get(pool);
	if (block && mempool_put(pool, block) == 0) {
		handled++;
	}
	errno = saved;
}

static void *call_once(void *unused)
{
	(void)unused;
	get_and_put();
	return NULL;
}

/* Some handlers run when the last round is over, and signals are not yet blocked for good. */
START_TEST(a_signal_handler_may_call_until_its_thread_has_gone)
{
	begin();
	signal(SIGUSR1, call_in_handler);
	for (int i = 0; i < 500; i++) {
		pthread_t thread = start(call_once, NULL);
		while (pthread_tryjoin_np(thread, NULL) != 0) {
			pthread_kill(thread, SIGUSR1);
		}
	}
	ck_assert_uint_gt(handled, 0);
	ck_assert(wait_until(is_nothing_cached, NULL, HANG_MS));
	ck_assert_uint_eq(records_taken(), 0);
	ck_assert_uint_eq(obtainable(), BLOCKS);
	ck_assert(is_sound());
	end();
}
END_TEST

/* The C library hands the stack on with the pointer to the part, which has been finished. */
START_TEST(a_thread_on_the_stack_of_a_vanished_one_ends_well)
{
	if (!may_end_at_once()) {
		return;
	}
	begin();
	pthread_join(start(call_and_end_at_once, NULL), NULL);
	ck_assert(wait_until(is_nothing_cached, NULL, HANG_MS));
	pthread_join(start(do_nothing, NULL), NULL);
	end();
}
END_TEST

START_TEST(records_of_vanished_threads_come_back)
{
	begin_with_few_records();
	make_key();
	for (unsigned i = 0; i < 5 * RECORDS; i++) {
		vanish_one();
	}
	ck_assert_uint_le(records_taken(), 8);
	ck_assert(wait_until(is_nothing_cached, NULL, HANG_MS));
	ck_assert_uint_eq(records_taken(), 0);
	ck_assert_uint_eq(stats().gets, 2 * 5 * RECORDS);
	ck_assert(is_sound());
	end();
}
END_TEST

/* It has a part already, as a call of it has failed: that it makes one is not what helps. */
START_TEST(a_thread_that_begins_finds_the_record_of_a_vanished_one)
{
	begin_with_few_records();
	make_key();
	vanish_together(RECORDS, 0);
	get_and_put();
	ck_assert_uint_eq(records_taken(), 1);
	end();
}
END_TEST

START_TEST(a_thread_without_a_record_finds_that_of_a_vanished_one)
{
	begin_with_few_records();
	make_key();
	vanish_together(RECORDS, 1);
	for (int i = 0; i < 200; i++) {
		get_and_put();
	}
	ck_assert_uint_eq(records_taken(), 1);
	end();
}
END_TEST

/* This thread has no record, so cannot steal. */
START_TEST(what_vanished_threads_cached_is_had_before_a_get_fails)
{
	static void *blocks[BLOCKS];
	begin_with_few_records();
	make_key();
	vanish_together(RECORDS, 1);
	ck_assert_int_eq(mempool_get_bulk(pool, blocks, BLOCKS), 0);
	end();
}
END_TEST

/* Long before the call in which the thread would look for a record anyhow. */
START_TEST(what_vanished_threads_cached_is_had_before_a_single_get_fails)
{
	begin_with_few_records();
	make_key();
	vanish_together(RECORDS, 1);
	struct actor a = holder(BLOCKS / 2);
	for (int i = 0; i < BLOCKS / 2; i++) {
		ck_assert_ptr_nonnull(mempool_get(pool));
	}
	actor_kill(&a);
	end();
}
END_TEST

/* While this process does nothing. */
START_TEST(what_vanished_threads_cached_can_be_had_by_others)
{
	begin_with_few_records();
	make_key();
	vanish_together(RECORDS - 1, 0);
	struct actor a = holder(BLOCKS);
	ck_assert_uint_eq(records_taken(), RECORDS);
	actor_kill(&a);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	end();
}
END_TEST

/* Makes @number that of the next thread, if no other comes before. Not every kernel lets us. */
static bool choose_number(pid_t number)
{
	FILE *file = fopen("/proc/sys/kernel/ns_last_pid", "w");
	bool done = file && fprintf(file, "%d", number - 1) > 0;
	return file && fclose(file) == 0 && done;
}

/* How many records are taken once the thread has called; NULL: it is another. */
static void *call_under_number(void *number)
{
	if ((pid_t)syscall(SYS_gettid) != *(pid_t *)number) {
		return NULL;
	}
	get_and_put();
	return (void *)(uintptr_t)records_taken();
}

/* To the kernel it is the vanished one, and lives. */
START_TEST(a_thread_with_the_number_of_a_vanished_one_is_another)
{
	void *taken = NULL;
	begin();
	make_key();
	pid_t number = vanish_one();
	ck_assert(wait_until(is_forgotten, &number, HANG_MS));
	for (int i = 0; i < 100 && !taken && choose_number(number); i++) {
		pthread_join(start(call_under_number, &number), &taken);
	}
	ck_assert_uint_le((uintptr_t)taken, 1); /* 0: the kernel gave us no such thread */
	end();
}
END_TEST

/* ---- torn out of the middle ---- */

static void vanish_in_handler(int signal)
{
	(void)signal;
	syscall(SYS_exit, 0);
}

static void *wait_for_ever(void *unused)
{
	(void)unused;
	mempool_get_wait(pool, -1);
	return NULL;
}

static bool is_somebody_waiting(void *unused)
{
	(void)unused;
	return stats().waits > 0;
}

static bool is_closed(void *unused)
{
	(void)unused;
	return mempool_close(pool) == 0;
}

/* Its part said for ever that a thread is inside a call. */
START_TEST(a_thread_torn_out_of_its_wait_does_not_keep_the_pool_open)
{
	static void *blocks[BLOCKS];
	if (!may_end_at_once()) {
		return;
	}
	begin();
	ck_assert_int_eq(mempool_get_bulk(pool, blocks, BLOCKS), 0);
	signal(SIGUSR1, vanish_in_handler);
	pthread_t thread = start(wait_for_ever, NULL);
	ck_assert(wait_until(is_somebody_waiting, NULL, HANG_MS));
	pthread_kill(thread, SIGUSR1);
	pthread_join(thread, NULL);
	ck_assert_int_eq(mempool_put_bulk(pool, blocks, BLOCKS), 0);
	ck_assert(wait_until(is_closed, NULL, HANG_MS));
	ck_assert_int_eq(mempool_open(conn, "frames", 0, &pool), 0);
	end();
}
END_TEST

static void vanish_in_mid_call(int signal)
{
	(void)signal;
	if (!mempool_get(pool) && errno == EDEADLK) {
		syscall(SYS_exit, 0);
	}
}

/* The handler may get a block too, and keeps it. */
static void *call_for_ever(void *over)
{
	for (;;) {
		void *block = mempool_get(pool);
		if (block) {
			mempool_put(pool, block);
		}
		__atomic_store_n((int *)over, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static bool is_closed_by_force(void *unused)
{
	(void)unused;
	return mempool_close_force(pool) == 0;
}

/* A record that is in the middle of a call stays taken until the process has gone, or closed. */
START_TEST(a_thread_torn_out_of_a_call_does_not_keep_the_pool_open)
{
	int begun = 0, error = 0;
	if (!may_end_at_once()) {
		return;
	}
	begin();
	signal(SIGUSR1, vanish_in_mid_call);
	pthread_t thread = start(call_for_ever, &begun);
	while (!__atomic_load_n(&begun, __ATOMIC_SEQ_CST)) {
		sleep_ms(1);
	}
	for (int64_t until = now_ms() + HANG_MS; now_ms() < until;) {
		pthread_kill(thread, SIGUSR1);
		if ((error = pthread_tryjoin_np(thread, NULL)) == 0) {
			break;
		}
	}
	ck_assert_int_eq(error, 0);
	stats();
	ck_assert_uint_eq(records_taken(), 1);
	ck_assert(wait_until(is_closed_by_force, NULL, HANG_MS));
	ck_assert_int_eq(mempool_open(conn, "frames", 0, &pool), 0);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	end();
}
END_TEST

/* ---- threads that have not vanished ---- */

static int be_child(void)
{
	struct mempool_conn *own;
	struct mempool_stats s;
	struct mempool *p;

	if (mempool_connect(&own, NULL) != 0 || mempool_open(own, "frames", 0, &p) != 0) {
		return 1;
	}
	void *block = mempool_get(p);
	if (!block || mempool_put(p, block) != 0 || mempool_stat(p, &s) != 0) {
		return 2;
	}
	return mempool_close(p) == 0 ? 0 : 3;
}

START_TEST(a_forked_child_leaves_its_parents_threads_alone)
{
	int status;
	begin_with_few_records();
	make_key();
	vanish_together(RECORDS, 0);
	pid_t pid = fork();
	if (pid == 0) {
		_exit(be_child());
	}
	waitpid(pid, &status, 0);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(records_taken(), RECORDS);
	ck_assert_uint_eq(stats().cached, 0);
	end();
}
END_TEST

static void *call_and_stay(void *unused)
{
	(void)unused;
	get_and_put();
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	get_and_put();
	return NULL;
}

/* The kernel knows no thread of the child by the numbers of its parent's. */
START_TEST(a_child_on_our_memory_leaves_our_threads_alone)
{
	struct mempool_stats s;
	int status;
	begin();
	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 2), 0);
	pthread_t thread = start(call_and_stay, NULL);
	pthread_barrier_wait(&barrier);
	pid_t pid = vfork();
	if (pid == 0) {
		mempool_stat(pool, &s);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ck_assert_uint_eq(records_taken(), 1);
	pthread_barrier_wait(&barrier);
	pthread_join(thread, NULL);
	end();
}
END_TEST

SUITE("vanished", a_thread_that_called_after_its_destructors_leaves_nothing,
      a_thread_that_ends_by_the_bare_system_call_leaves_nothing,
      a_signal_handler_may_call_until_its_thread_has_gone,
      a_thread_on_the_stack_of_a_vanished_one_ends_well, records_of_vanished_threads_come_back,
      a_thread_that_begins_finds_the_record_of_a_vanished_one,
      a_thread_without_a_record_finds_that_of_a_vanished_one,
      what_vanished_threads_cached_is_had_before_a_get_fails,
      what_vanished_threads_cached_is_had_before_a_single_get_fails,
      what_vanished_threads_cached_can_be_had_by_others,
      a_thread_with_the_number_of_a_vanished_one_is_another,
      a_thread_torn_out_of_its_wait_does_not_keep_the_pool_open,
      a_thread_torn_out_of_a_call_does_not_keep_the_pool_open,
      a_forked_child_leaves_its_parents_threads_alone,
      a_child_on_our_memory_leaves_our_threads_alone)
