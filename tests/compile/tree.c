/* SPDX-License-Identifier: MIT */
/*
 * A program in a tree that has an os/os.h of its own. With the tree's os/os_mempool.h it must find
 * in each field what ours.c finds there with the library's header; with the library's in front of
 * it (OURS_IN_FRONT), it must compile and work as well.
 */
#include "os/os.h"
#include <stddef.h>
#include <string.h>
#include "ours.h"

#ifndef TREE_OS
#error "this is not the tree's os/os.h"
#endif
#if defined(OURS_IN_FRONT) != defined(OS_MEMPOOL_F_SHARED)
#error "this is not the os/os_mempool.h that was wanted"
#endif

#define BLOCKS 6
#define SIZE 40

static struct os_mempool_ext pool;
static os_membuf_t memory[OS_MEMPOOL_SIZE(BLOCKS, SIZE)];
static char pool_name[] = "tree";

static os_error_t put(struct os_mempool_ext *mpe, void *data, void *arg)
{
	++*(int *)arg;
	return os_memblock_put_from_cb(&mpe->mpe_mp, data);
}

static int same_layout(void)
{
	struct ours_offsets mine = {
		offsetof(struct os_mempool, mp_block_size),
		offsetof(struct os_mempool, mp_num_blocks),
		offsetof(struct os_mempool, mp_num_free),
		offsetof(struct os_mempool, mp_min_free),
		offsetof(struct os_mempool, mp_flags),
		offsetof(struct os_mempool, mp_membuf_addr),
		offsetof(struct os_mempool, mp_list),
		offsetof(struct os_mempool, slh_first),
		offsetof(struct os_mempool, name),
		sizeof(struct os_mempool),
		offsetof(struct os_mempool_ext, mpe_put_cb),
		offsetof(struct os_mempool_ext, mpe_put_arg),
		sizeof(struct os_mempool_ext),
		offsetof(struct os_mempool_info, omi_num_free),
		offsetof(struct os_mempool_info, omi_name),
		sizeof(struct os_mempool_info),
	};
	struct ours_offsets theirs = ours_offsets();

	return memcmp(&mine, &theirs, sizeof mine) == 0;
}

int main(void)
{
	struct os_mempool *mp = &pool.mpe_mp;
	struct os_mempool_info info;
	int puts = 0;

	if (!same_layout()) {
		return 1;
	}
	if (os_mempool_ext_init(&pool, BLOCKS, SIZE, memory, pool_name) != OS_OK) {
		return 2;
	}
	pool.mpe_put_cb = put;
	pool.mpe_put_arg = &puts;
	void *block = os_memblock_get(mp);
	if (block != memory || mp->mp_num_blocks != BLOCKS || mp->mp_num_free != BLOCKS - 1 ||
	    mp->mp_min_free != BLOCKS - 1 || mp->mp_flags != 1 || mp->name != pool_name ||
	    mp->mp_membuf_addr != (uintptr_t)memory || mp->mp_block_size != SIZE ||
	    (char *)SLIST_FIRST(mp) != (char *)memory + SIZE || STAILQ_NEXT(mp, mp_list)) {
		return 3;
	}
	if (os_mempool_info_get_next(NULL, &info) != mp || info.omi_num_free != BLOCKS - 1 ||
	    strcmp(info.omi_name, pool_name) != 0) {
		return 4;
	}
	if (ours_put(mp, block) != 0 || puts != 1 || mp->mp_num_free != BLOCKS) {
		return 5;
	}
	return os_memblock_put(mp, block) == OS_EINVAL && puts == 1 ? 0 : 6;
}
