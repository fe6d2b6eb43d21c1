/* SPDX-License-Identifier: MIT */
/* Threads on one pool, and on many. Works without fork as well, for the thread sanitizer. */
#include <stdlib.h>

#include "tests/unit/os_pool.h"
#include "tests/unit/suite.h"

/* The pool is the only one on the list. */
static void begin_listed(void)
{
	os_mempool_module_init();
	begin();
}

static void *come_and_go(void *failures)
{
	struct os_mempool mine;
	os_membuf_t memory[OS_MEMPOOL_SIZE(2, 16)];
	for (int i = 0; i < ROUNDS / 50; i++) {
		*(int *)failures += os_mempool_init(&mine, 2, 16, memory, "mine") != OS_OK;
		void *a = os_memblock_get(&mine);
		*(int *)failures += n_pools() < 1 || !os_mempool_get("mine", NULL);
		*(int *)failures += os_memblock_put(&mine, a) != OS_OK;
		*(int *)failures += os_mempool_unregister(&mine) != OS_OK;
	}
	return NULL;
}

START_TEST(threads_get_and_put)
{
	begin_listed();
	ck_assert_int_eq(os_mempool_init(&pool, 3, SIZE, buffer, "few"), OS_OK);
	run_threads(get_and_put);
	ck_assert_uint_eq(pool.mp_num_free, 3);
	ck_assert(os_mempool_is_sane(&pool));
}
END_TEST

START_TEST(threads_register_and_list)
{
	begin_listed();
	run_threads(come_and_go);
	ck_assert_int_eq(n_pools(), 1);
}
END_TEST

static void *put_the_same(void *block)
{
	return os_memblock_put(&pool, block) == OS_OK ? block : NULL;
}

START_TEST(of_threads_that_put_one_block_one_succeeds)
{
	begin_listed();
	for (int i = 0; i < 500; i++) {
		pthread_t threads[2];
		void *block = os_memblock_get(&pool), *done[2];
		for (int j = 0; j < 2; j++) {
			pthread_create(&threads[j], NULL, put_the_same, block);
		}
		for (int j = 0; j < 2; j++) {
			pthread_join(threads[j], &done[j]);
		}
		ck_assert(!done[0] != !done[1]);
	}
	ck_assert_uint_eq(pool.mp_num_free, N);
}
END_TEST

START_TEST(pools_may_be_used_before_and_after_threads)
{
	int failures = 0;
	begin_listed();
	void *a = os_memblock_get(&pool);
	run_threads(get_and_put);
	ck_assert_int_eq(os_memblock_put(&pool, a), OS_OK);
	get_and_put(&failures);
	ck_assert_int_eq(failures, 0);
	ck_assert_uint_eq(pool.mp_num_free, N);
	ck_assert(os_mempool_is_sane(&pool));
}
END_TEST

static struct os_mempool two[2];

static void *get_and_put_two(void *failures)
{
	for (int i = 0; i < ROUNDS; i++) {
		void *a = os_memblock_get(&two[0]), *b = os_memblock_get(&two[1]);
		*(int *)failures += a && os_memblock_put(&two[1], a) != OS_INVALID_PARM;
		*(int *)failures += a && os_memblock_put(&two[0], a) != OS_OK;
		*(int *)failures += b && os_memblock_put(&two[1], b) != OS_OK;
	}
	return NULL;
}

/* Records come, go and are used again, tables grow, while others look for theirs. */
static void *crowd(void *failures)
{
	enum { CROWD = 300 };
	struct os_mempool *pools = calloc(CROWD, sizeof *pools);
	static os_membuf_t memory[THREADS * CROWD][OS_MEMPOOL_SIZE(1, 16)];
	static int n_threads;
	int me = __atomic_fetch_add(&n_threads, 1, __ATOMIC_RELAXED);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < CROWD; i++) {
			os_mempool_init(&pools[i], 1, 16, memory[me * CROWD + i], "crowd");
			void *a = os_memblock_get(&pools[i]);
			*(int *)failures += a != memory[me * CROWD + i];
		}
		for (int i = 0; i < CROWD; i++) {
			*(int *)failures +=
				os_memblock_put(&pools[i], memory[me * CROWD + i]) != OS_OK;
			*(int *)failures += os_mempool_unregister(&pools[i]) != OS_OK;
		}
	}
	free(pools);
	return NULL;
}

static void *two_and_crowd(void *failures)
{
	static int n_threads;
	return __atomic_fetch_add(&n_threads, 1, __ATOMIC_RELAXED) % 2 ? crowd(failures)
								       : get_and_put_two(failures);
}

START_TEST(threads_find_their_pools_while_others_come_and_go)
{
	static os_membuf_t memory[2][OS_MEMPOOL_SIZE(2, 16)];
	os_mempool_module_init();
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(os_mempool_init(&two[i], 2, 16, memory[i], "two"), OS_OK);
	}
	run_threads(two_and_crowd);
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_eq(two[i].mp_num_free, 2);
		ck_assert(os_mempool_is_sane(&two[i]));
	}
	ck_assert_int_eq(n_pools(), 2);
}
END_TEST

SUITE("os_mempool_threads", threads_get_and_put, threads_register_and_list,
      of_threads_that_put_one_block_one_succeeds, pools_may_be_used_before_and_after_threads,
      threads_find_their_pools_while_others_come_and_go)
