/* SPDX-License-Identifier: MIT */
/*
 * What is left of shared pools in a program that has no shared pools: it is 32-bit, and compiles
 * lib/os into itself with this file in place of shared.c. The engine needs 64 bits, pools in the
 * caller's memory do not. No pool can be opened, so nothing else here is ever called.
 */
#include <errno.h>

#include "lib/export.h"
#include "lib/os/shared.h"

void *mempool_get(struct mempool *pool)
{
	(void)pool;
	errno = ENOSYS;
	return NULL;
}

int mempool_put(struct mempool *pool, void *block)
{
	(void)pool, (void)block;
	return -ENOSYS;
}

void *os_shared_get(struct os_mempool *mp)
{
	(void)mp;
	return NULL;
}

os_error_t os_shared_put(struct os_mempool *mp, void *block)
{
	(void)mp, (void)block;
	return OS_INVALID_PARM;
}

void *os_shared_end_get(struct os_record *record, void *block)
{
	(void)record;
	return block;
}

os_error_t os_shared_end_put(struct os_record *record, int error)
{
	(void)record;
	return error ? OS_ERROR : OS_OK;
}

os_error_t os_shared_hand_over(const struct os_mempool *mp, const void *block)
{
	(void)mp, (void)block;
	return OS_INVALID_PARM;
}

void os_shared_hand_back(const struct os_mempool *mp, const void *block)
{
	(void)mp, (void)block;
}

bool os_shared_has(const struct os_mempool *mp, const void *block)
{
	(void)mp, (void)block;
	return false;
}

bool os_shared_is_sane(const struct os_mempool *mp)
{
	(void)mp;
	return false;
}

void os_shared_count(struct os_record *record)
{
	(void)record;
}

os_error_t os_shared_close(struct os_record *record)
{
	(void)record;
	return OS_OK;
}

EXPORT os_error_t os_mempool_open_shared(struct os_mempool *mp, const char *name, int blocks,
					 int block_size)
{
	(void)mp, (void)name, (void)blocks, (void)block_size;
	return OS_NOT_STARTED;
}

EXPORT os_error_t os_mempool_ext_open_shared(struct os_mempool_ext *mpe, const char *name,
					     int blocks, int block_size)
{
	(void)mpe, (void)name, (void)blocks, (void)block_size;
	return OS_NOT_STARTED;
}
