/* SPDX-License-Identifier: MIT */
#include <pthread.h>

#include "tests/bench/mynewt_list.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void list_init(struct list_pool *pool, uint16_t blocks, size_t block_size, void *memory)
{
	*pool = (struct list_pool){0, blocks, NULL};
	for (size_t i = blocks; i-- > 0;) {
		list_put(pool, (char *)memory + i * block_size);
	}
}

static inline void *list_pop(struct list_pool *pool)
{
	void *block = NULL;

	if (pool->n_free) {
		block = pool->first;
		pool->first = *(void **)block;
		pool->n_free--;
		if (pool->min_free > pool->n_free) {
			pool->min_free = pool->n_free;
		}
	}
	return block;
}

static inline void list_push(struct list_pool *pool, void *block)
{
	*(void **)block = pool->first;
	pool->first = block;
	pool->n_free++;
}

void *list_get(struct list_pool *pool)
{
	return pool ? list_pop(pool) : NULL;
}

int list_put(struct list_pool *pool, void *block)
{
	if (!pool || !block) {
		return -1;
	}
	list_push(pool, block);
	return 0;
}

void *list_get_locked(struct list_pool *pool)
{
	pthread_mutex_lock(&mutex);
	void *block = list_pop(pool);
	pthread_mutex_unlock(&mutex);
	return block;
}

int list_put_locked(struct list_pool *pool, void *block)
{
	if (!pool || !block) {
		return -1;
	}
	pthread_mutex_lock(&mutex);
	list_push(pool, block);
	pthread_mutex_unlock(&mutex);
	return 0;
}

int list_put_checked(struct list_pool *pool, void *block)
{
	int is_free = 0;

	pthread_mutex_lock(&mutex);
	for (void *at = pool->first; at && !is_free; at = *(void **)at) {
		is_free = at == block;
	}
	if (!is_free) {
		list_push(pool, block);
	}
	pthread_mutex_unlock(&mutex);
	return is_free ? -1 : 0;
}
