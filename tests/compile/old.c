/* SPDX-License-Identifier: MIT */
/*
 * A program in the old convention: sizes are int, the name is char *, results are kept in int, and
 * pools are listed. It names an alignment of its own when it is told to.
 */
#ifdef OWN_ALIGNMENT
#define OS_ALIGNMENT OWN_ALIGNMENT
#endif
#include <assert.h>
#include <string.h>
#include "os/os.h"
#include "os/queue.h"
#include "os/os_mempool.h"

struct item {
	STAILQ_ENTRY(item) next;
	int value;
};

STAILQ_HEAD(items, item);

static os_membuf_t memory[OS_MEMPOOL_SIZE(8, sizeof(struct item))];
static struct os_mempool pool;

static int init_pool(struct os_mempool *mp, int blocks, int block_size, void *membuf, char *name)
{
	int rc;

	rc = os_mempool_init(mp, blocks, block_size, membuf, name);
	return rc;
}

static int fill(struct items *items)
{
	int n = 0;

	STAILQ_INIT(items);
	for (;;) {
		struct item *item = (struct item *)os_memblock_get(&pool);
		if (item == NULL) {
			return n;
		}
		item->value = n++;
		STAILQ_INSERT_TAIL(items, item, next);
	}
}

int main(void)
{
	char name[] = "old";
	struct items items;
	struct os_mempool_info omi;
	struct os_mempool *mp = NULL;
	int n = 0;

	if (init_pool(&pool, -1, (int)sizeof(struct item), memory, name) == 0 ||
	    init_pool(&pool, 65536, (int)sizeof(struct item), memory, name) == 0 ||
	    init_pool(&pool, 8, (int)sizeof(struct item), memory, name) != 0) {
		return 1;
	}
	if (fill(&items) != 8 || pool.mp_num_free != 0) {
		return 2;
	}
	while (!STAILQ_EMPTY(&items)) {
		struct item *item = STAILQ_FIRST(&items);
		STAILQ_REMOVE_HEAD(&items, next);
		if (item->value != n++ || os_memblock_put(&pool, item) != 0) {
			return 3;
		}
	}
	while ((mp = os_mempool_info_get_next(mp, &omi)) != NULL) {
		n += strcmp(omi.omi_name, "old") == 0 && omi.omi_num_free == min(8, 9);
	}
	return n == 9 ? 0 : 4;
}
