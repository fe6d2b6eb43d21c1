/* SPDX-License-Identifier: MIT */
/*
 * A header of pools that is not the library's: the struct with Mynewt's fields in Mynewt's order,
 * and functions alone. Programs that find this one first link with the library all the same.
 */
#ifndef TREE_OS_MEMPOOL_H
#define TREE_OS_MEMPOOL_H

#include "os/os.h"

struct os_memblock {
	SLIST_ENTRY(os_memblock) mb_next;
};

struct os_mempool {
	uint32_t mp_block_size;
	uint16_t mp_num_blocks, mp_num_free, mp_min_free;
	uint8_t mp_flags;
	uintptr_t mp_membuf_addr;
	STAILQ_ENTRY(os_mempool) mp_list;
	SLIST_HEAD(, os_memblock);
	char *name;
};

struct os_mempool_ext;
typedef os_error_t os_mempool_put_fn(struct os_mempool_ext *mpe, void *data, void *arg);

struct os_mempool_ext {
	struct os_mempool mpe_mp;
	os_mempool_put_fn *mpe_put_cb;
	void *mpe_put_arg;
};

struct os_mempool_info {
	int omi_block_size, omi_num_blocks, omi_num_free, omi_min_free;
	char omi_name[32];
};

#if OS_ALIGNMENT == 4
typedef uint32_t os_membuf_t;
#else
typedef uint64_t os_membuf_t;
#endif
#define OS_MEMPOOL_SIZE(n, size) ((n) * (((size) + OS_ALIGNMENT - 1) / OS_ALIGNMENT))

os_error_t os_mempool_init(struct os_mempool *mp, uint16_t blocks, uint32_t size, void *membuf,
			   char *name);
os_error_t os_mempool_ext_init(struct os_mempool_ext *mpe, uint16_t blocks, uint32_t size,
			       void *membuf, char *name);
void *os_memblock_get(struct os_mempool *mp);
os_error_t os_memblock_put(struct os_mempool *mp, void *block);
os_error_t os_memblock_put_from_cb(struct os_mempool *mp, void *block);
struct os_mempool *os_mempool_info_get_next(struct os_mempool *mp, struct os_mempool_info *info);

#endif
