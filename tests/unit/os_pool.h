/* SPDX-License-Identifier: MIT */
/* A pool of ten blocks in memory of the test's, and threads, for the suites on os/os_mempool.h. */
#ifndef TESTS_UNIT_OS_POOL_H
#define TESTS_UNIT_OS_POOL_H

#include <pthread.h>
#include <string.h>

#include <os/os_mempool.h>

#include "tests/unit/suite.h"

#define N 10
#define SIZE 32

static struct os_mempool pool;
static os_membuf_t buffer[OS_MEMPOOL_SIZE(N, SIZE)];

static inline void begin(void)
{
	memset(&pool, 0xa5, sizeof pool);
	memset(buffer, 0x5a, sizeof buffer);
	ck_assert_int_eq(os_mempool_init(&pool, N, SIZE, buffer, "unit"), OS_OK);
}

static inline char *block_at(int i)
{
	return (char *)buffer + (size_t)i * SIZE;
}

static inline int n_pools(void)
{
	int n = 0;
	for (struct os_mempool *at = NULL; n < 1000; n++) {
		at = os_mempool_info_get_next(at, NULL);
		if (!at) {
			break;
		}
	}
	return n;
}

#define THREADS 4
#define ROUNDS 100000

struct os_thread {
	pthread_t id;
	pthread_barrier_t *begin;
	void *(*body)(void *);
	int failures;
};

static inline void *run_thread(void *arg)
{
	struct os_thread *thread = arg;
	pthread_barrier_wait(thread->begin);
	return thread->body(&thread->failures);
}

/* All threads run @body at once, and count in the argument what went wrong. */
static inline void run_threads(void *(*body)(void *))
{
	pthread_barrier_t begin;
	struct os_thread threads[THREADS];
	pthread_barrier_init(&begin, NULL, THREADS);
	for (int i = 0; i < THREADS; i++) {
		threads[i] = (struct os_thread){.begin = &begin, .body = body};
		pthread_create(&threads[i].id, NULL, run_thread, &threads[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i].id, NULL);
		ck_assert_int_eq(threads[i].failures, 0);
	}
	pthread_barrier_destroy(&begin);
}

/* A body: writes to all of each block that it gets. */
static inline void *get_and_put(void *failures)
{
	for (int i = 0; i < ROUNDS; i++) {
		char *a = os_memblock_get(&pool);
		if (!a) {
			continue;
		}
		memset(a, 0, SIZE);
		for (int j = 0; j < SIZE; j++) {
			*(int *)failures += a[j]++;
		}
		*(int *)failures += os_memblock_put(&pool, a) != OS_OK;
	}
	return NULL;
}

#endif
