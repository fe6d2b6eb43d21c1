/* SPDX-License-Identifier: MIT */
/*
 * A pool as Mynewt has it, to be compared with: free blocks linked through their first word, two
 * counts, and nothing checked. Mynewt disables interrupts where a host program has to lock; so
 * there is a get and a put without any lock, and one under a mutex.
 */
#ifndef BENCH_MYNEWT_LIST_H
#define BENCH_MYNEWT_LIST_H

#include <stddef.h>
#include <stdint.h>

struct list_pool {
	uint16_t n_free, min_free;
	void *first;
};

void list_init(struct list_pool *pool, uint16_t blocks, size_t block_size, void *memory);

void *list_get(struct list_pool *pool);
int list_put(struct list_pool *pool, void *block);

void *list_get_locked(struct list_pool *pool);
int list_put_locked(struct list_pool *pool, void *block);

/* Under the mutex, and as a build with Mynewt's check: looks first whether the block is free. */
int list_put_checked(struct list_pool *pool, void *block);

#endif
