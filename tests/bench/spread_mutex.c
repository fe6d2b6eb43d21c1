/* SPDX-License-Identifier: MIT */
/*
 * The work queue everyone writes by hand: a ring in shared memory under one robust mutex, with a
 * condition variable for either side. It carries tokens of mempool's blocks, as a block has to be
 * somebody's at any time; a hand-written pool would cost more (bench).
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/bench/relay_pool.h"
#include "tests/bench/spread.h"
#include "tests/bench/worker.h"

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	uint32_t first, n;
	struct mempool_token tokens[SPREAD_DEPTH];
};

static struct queue *queue;

RELAY_INLINE bool lock(void)
{
	int error = pthread_mutex_lock(&queue->lock);

	if (__builtin_expect(error == EOWNERDEAD, 0)) {
		error = pthread_mutex_consistent(&queue->lock);
	}
	return error == 0;
}

RELAY_INLINE bool get(void *pool, void **block)
{
	return relay_pool_get(pool, block, 1);
}

RELAY_INLINE bool send_one(void *pool, void *block)
{
	const struct mempool_token token = mempool_give(pool, block);

	if (token.v == 0 || !lock()) {
		return false;
	}
	while (queue->n == SPREAD_DEPTH) {
		if (pthread_cond_wait(&queue->emptied, &queue->lock) != 0) {
			return false;
		}
	}
	queue->tokens[(queue->first + queue->n++) % SPREAD_DEPTH] = token;
	return pthread_mutex_unlock(&queue->lock) == 0 && pthread_cond_signal(&queue->filled) == 0;
}

RELAY_INLINE const void *take(void *pool)
{
	if (!lock()) {
		return NULL;
	}
	while (queue->n == 0) {
		if (pthread_cond_wait(&queue->filled, &queue->lock) != 0) {
			return NULL;
		}
	}
	const struct mempool_token token = queue->tokens[queue->first % SPREAD_DEPTH];
	queue->first++;
	queue->n--;
	if (pthread_mutex_unlock(&queue->lock) != 0 || pthread_cond_signal(&queue->emptied) != 0) {
		return NULL;
	}
	return mempool_take(pool, token);
}

RELAY_INLINE bool done(void *pool, const void *block)
{
	return mempool_put(pool, (void *)block) == 0;
}

static bool prepare(char why[BENCH_WHY])
{
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;

	queue = mmap(NULL, sizeof *queue, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (queue == MAP_FAILED) {
		snprintf(why, BENCH_WHY, "mmap: %s", strerror(errno));
		return false;
	}
	pthread_mutexattr_init(&mutex);
	pthread_mutexattr_setpshared(&mutex, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&mutex, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&queue->lock, &mutex);
	pthread_mutexattr_destroy(&mutex);
	pthread_condattr_init(&cond);
	pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&queue->filled, &cond);
	pthread_cond_init(&queue->emptied, &cond);
	pthread_condattr_destroy(&cond);
	return true;
}

static void *open_end(unsigned size, char why[BENCH_WHY])
{
	(void)size;
	return relay_pool("spread.mutex", why);
}

static int64_t spread(void *pool, const struct slice *slice, unsigned seat, uint64_t blocks)
{
	static const struct spread_ops ops = {get, send_one, take, done};

	return spread_work(ops, pool, seat, slice->receivers, blocks);
}

const struct peer spread_mutex = {
	.name = "mutex", .prepare = prepare, .open = open_end, .spread = spread};
