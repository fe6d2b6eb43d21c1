/* SPDX-License-Identifier: MIT */
/*
 * The pool everyone writes by hand: a free list linked through the blocks by offset, in POSIX
 * shared memory, under a robust process-shared mutex. A bulk takes the mutex once. (It loses blocks
 * when a process dies under the mutex; it is here for its speed.)
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/bench/loops.h"
#include "tests/bench/peer.h"

#define DATA_AT 4096u /* bytes from the beginning */

struct list {
	pthread_mutex_t lock;
	uint64_t head; /* offset of the first free block; 0: none */
};

static struct list *lists[BENCH_SIZES];

LOOPS_INLINE bool lock(struct list *list)
{
	int error = pthread_mutex_lock(&list->lock);
	if (__builtin_expect(error == EOWNERDEAD, 0)) {
		error = pthread_mutex_consistent(&list->lock);
	}
	return error == 0;
}

LOOPS_INLINE void *pop(struct list *list)
{
	if (list->head == 0) {
		return NULL;
	}
	uint64_t *block = (uint64_t *)((char *)list + list->head);
	list->head = *block;
	return block;
}

LOOPS_INLINE void push(struct list *list, void *block)
{
	*(uint64_t *)block = list->head;
	list->head = (uint64_t)((char *)block - (char *)list);
}

LOOPS_INLINE bool get_bulk(void *pool, void **blocks, size_t n)
{
	struct list *list = pool;

	if (!lock(list)) {
		return false;
	}
	size_t got = 0;
	while (got < n && (blocks[got] = pop(list)) != NULL) {
		got++;
	}
	return pthread_mutex_unlock(&list->lock) == 0 && got == n;
}

LOOPS_INLINE bool put_bulk(void *pool, void **blocks, size_t n)
{
	struct list *list = pool;

	if (!lock(list)) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		push(list, blocks[i]);
	}
	return pthread_mutex_unlock(&list->lock) == 0;
}

LOOPS_INLINE bool get(void *pool, void **block)
{
	return get_bulk(pool, block, 1);
}

LOOPS_INLINE bool put(void *pool, void *block)
{
	return put_bulk(pool, &block, 1);
}

static void *map_shared(size_t bytes)
{
	char name[48];

	snprintf(name, sizeof name, "/mempool-bench-mutex.%d", (int)getpid());
	int fd = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
	if (fd < 0) {
		return MAP_FAILED;
	}
	shm_unlink(name);
	void *at = MAP_FAILED;
	if (ftruncate(fd, (off_t)bytes) == 0) {
		at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	}
	close(fd);
	return at;
}

static void init(struct list *list, uint32_t block_size)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&list->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	for (uint32_t i = BENCH_BLOCKS; i-- > 0;) {
		push(list, (char *)list + DATA_AT + (size_t)i * block_size);
	}
}

static bool prepare(char why[BENCH_WHY])
{
	for (unsigned i = 0; i < BENCH_SIZES; i++) {
		lists[i] = map_shared(DATA_AT + (size_t)BENCH_BLOCKS * bench_sizes[i]);
		if (lists[i] == MAP_FAILED) {
			snprintf(why, BENCH_WHY, "shared memory: %s", strerror(errno));
			return false;
		}
		init(lists[i], bench_sizes[i]);
	}
	return true;
}

static void *open_size(unsigned size, char why[BENCH_WHY])
{
	(void)why;
	return lists[size];
}

LOOPS_DEFINE

const struct peer peer_mutex = {.name = "mutex",
				.prepare = prepare,
				.open = open_size,
				.run = run,
				.hold = hold,
				.drop = drop};
