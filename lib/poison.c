/* SPDX-License-Identifier: MIT */
#include "lib/core/word.h"
#include "lib/poison.h"

#ifdef HAVE_MEMCHECK_H
#include <valgrind/memcheck.h>
#else
#define VALGRIND_GET_VBITS(at, bits, size) ((void)(at), (void)(bits), 0)
#define VALGRIND_CREATE_MEMPOOL(pool, redzone, zeroed) ((void)(pool))
#define VALGRIND_DESTROY_MEMPOOL(pool) ((void)(pool))
#define VALGRIND_MEMPOOL_ALLOC(pool, at, size) ((void)(at), (void)(size))
#define VALGRIND_MEMPOOL_FREE(pool, at) ((void)(at))
#define VALGRIND_MAKE_MEM_NOACCESS(at, size) ((void)(at), (void)(size))
#define VALGRIND_MAKE_MEM_UNDEFINED(at, size) ((void)(at), (void)(size))
#define VALGRIND_MAKE_MEM_DEFINED(at, size) ((void)(at), (void)(size))
#endif

/* The program has these if it is built with AddressSanitizer; else they are NULL. */
__attribute__((weak)) void __asan_poison_memory_region(void const volatile *at, size_t size);
__attribute__((weak)) void __asan_unpoison_memory_region(void const volatile *at, size_t size);

static bool poison_has_asan(void)
{
	return __asan_poison_memory_region && __asan_unpoison_memory_region;
}

/* Valgrind's other tools keep no validity bits, and so do not answer this request. */
static bool poison_has_memcheck(void)
{
	char byte = 0, bits = 0;

	return VALGRIND_GET_VBITS(&byte, &bits, 1) == 1 && bits == 0;
}

bool poison_is_wanted(void)
{
	return poison_has_asan() || poison_has_memcheck();
}

/*
 * AddressSanitizer remembers what is hidden even when the range is unmapped. A forked child does
 * not have our mappings, but inherits these notes: it must drop them, or it could not use what it
 * maps there itself.
 */
static struct {
	const void *data;
	size_t size;
} hidden[PROCESS_POOLS];

static void poison_forget_hidden(void)
{
	for (int i = 0; i < PROCESS_POOLS; i++) {
		if (hidden[i].data) {
			__asan_unpoison_memory_region(hidden[i].data, hidden[i].size);
			hidden[i].data = NULL;
		}
	}
}

static void poison_watch_forks(void)
{
	pthread_atfork(NULL, NULL, poison_forget_hidden);
}

void poison_open(struct mempool *pool)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	size_t size = pool->core.shape.data_size;

	if (poison_has_asan()) {
		pthread_once(&once, poison_watch_forks);
		hidden[pool->place].size = size;
		hidden[pool->place].data = pool->data;
		__asan_poison_memory_region(pool->data, size);
	}
	VALGRIND_CREATE_MEMPOOL(pool->data, 0, 0);
	VALGRIND_MAKE_MEM_NOACCESS(pool->data, size);
}

void poison_close(struct mempool *pool)
{
	size_t size = pool->core.shape.data_size;

	if (poison_has_asan()) {
		hidden[pool->place].data = NULL;
		__asan_unpoison_memory_region(pool->data, size);
	}
	VALGRIND_DESTROY_MEMPOOL(pool->data);
	VALGRIND_MAKE_MEM_UNDEFINED(pool->data, size);
}

static bool poison_is_ours(const struct mempool *pool, const void *block)
{
	uint64_t index = mp_pool_index(&pool->core, block);

	return index < pool->core.max_blocks &&
	       mp_load(&pool->core.words[index].low) == pool->core.used;
}

void poison_hide(const struct mempool *pool, const void *block)
{
	if (poison_is_ours(pool, block)) {
		if (poison_has_asan()) {
			__asan_poison_memory_region(block, pool->core.shape.block_size);
		}
		VALGRIND_MEMPOOL_FREE(pool->data, block);
	}
}

static void poison_show_block(const struct mempool *pool, const void *block, bool is_filled)
{
	if (poison_has_asan()) {
		__asan_unpoison_memory_region(block, pool->core.shape.block_size);
	}
	VALGRIND_MEMPOOL_ALLOC(pool->data, block, pool->core.shape.block_size);
	if (is_filled) {
		VALGRIND_MAKE_MEM_DEFINED(block, pool->core.shape.block_size);
	}
}

void poison_show(const struct mempool *pool, const void *block, bool is_filled)
{
	if (poison_is_ours(pool, block)) {
		poison_show_block(pool, block, is_filled);
	}
}

void poison_hide_shared(const struct mempool *pool, const void *block)
{
	if (poison_has_asan()) {
		__asan_poison_memory_region(block, pool->core.shape.block_size);
	}
	VALGRIND_MAKE_MEM_NOACCESS(block, pool->core.shape.block_size);
}

void poison_show_shared(const struct mempool *pool, const void *block)
{
	if (poison_has_asan()) {
		__asan_unpoison_memory_region(block, pool->core.shape.block_size);
	}
	VALGRIND_MAKE_MEM_DEFINED(block, pool->core.shape.block_size);
}

void poison_show_any(const struct mempool *pool, uint32_t index)
{
	enum mp_state state = mp_word_state(mp_load(&pool->core.words[index].whole));
	const void *block = mp_pool_address(&pool->core, index);

	if ((state == MP_USED || state == MP_MOVING || state == MP_SHARED) &&
	    !poison_is_ours(pool, block)) {
		poison_show_shared(pool, block);
	}
}
