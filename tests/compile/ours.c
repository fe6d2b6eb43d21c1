/* SPDX-License-Identifier: MIT */
/* The other half of tree.c, with the library's headers alone. */
#include <os/os_mempool.h>
#include "ours.h"

struct ours_offsets ours_offsets(void)
{
	struct ours_offsets ours = {
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
	return ours;
}

int ours_put(void *pool, void *block)
{
	struct os_mempool *mp = (struct os_mempool *)pool;

	if (mp->mp_flags != OS_MEMPOOL_F_EXT || mp->mp_num_free != mp->mp_num_blocks - 1 ||
	    mp->mp_membuf_addr != (uintptr_t)block || !mp->name || !SLIST_FIRST(mp)) {
		return -1;
	}
	return os_memblock_put(mp, block);
}
