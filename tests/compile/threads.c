/* SPDX-License-Identifier: MIT */
/* Threads get and put on one pool; no block is lost, none is two threads' at once. */
#include <os/os_mempool.h>
#include <pthread.h>

#define THREADS 4
#define ROUNDS 20000

static struct os_mempool pool;
static os_membuf_t memory[OS_MEMPOOL_SIZE(3, 16)];

static void *work(void *failures)
{
	for (int i = 0; i < ROUNDS; i++) {
		int *block = (int *)os_memblock_get(&pool);
		if (block) {
			block[1] = 0;
			*(int *)failures +=
				block[1]++ != 0 || os_memblock_put(&pool, block) != OS_OK;
		}
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	int failures[THREADS] = {0}, all = 0;

	if (os_mempool_init(&pool, 3, 16, memory, "threads") != OS_OK) {
		return 1;
	}
	work(&all); /* alone */
	for (int i = 0; i < THREADS; i++) {
		pthread_create(&threads[i], NULL, work, &failures[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		all += failures[i];
	}
	work(&all); /* alone again */
	return all || pool.mp_num_free != 3 || !os_mempool_is_sane(&pool) ? 2 : 0;
}
