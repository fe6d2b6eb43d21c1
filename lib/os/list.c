/* SPDX-License-Identifier: MIT */
/*
 * What is asked of the list of pools, and how a pool leaves it.
 */
#include <limits.h>
#include <string.h>

#include "lib/export.h"
#include "lib/os/record.h"
#include "lib/os/shared.h"

/* A pool that is not on the list, but known, is given up all the same. With the list locked. */
static os_error_t os_list_unregister(struct os_record *record)
{
	bool was_listed = os_list_has(record), was_shared = record->shared;

	if (was_shared) {
		os_lock_take_always(&record->lock);
		os_error_t error = os_shared_close(record);
		os_lock_drop(&record->lock);
		if (error) {
			return error;
		}
	}
	if (was_listed) {
		os_list_remove(record);
	}
	if (was_shared) {
		os_record_forget(record);
		return OS_OK;
	}
	os_record_forget_later(record);
	return was_listed ? OS_OK : OS_INVALID_PARM;
}

EXPORT os_error_t os_mempool_unregister(struct os_mempool *mp)
{
	os_list_lock();
	struct os_record *record = mp ? os_record_of(mp) : NULL;
	os_error_t error = record ? os_list_unregister(record) : OS_INVALID_PARM;
	os_list_unlock();
	return error;
}

EXPORT void os_mempool_module_init(void)
{
	os_list_lock();
	os_list_empty();
	os_list_unlock();
}

static int os_list_clamp(uint32_t n)
{
	return n < INT_MAX ? (int)n : INT_MAX;
}

/* With the list locked; so the record stays. */
static void os_list_describe(struct os_record *record, struct os_mempool_info *info)
{
	const struct os_mempool *mp = record->mp;

	if (!info) {
		return;
	}
	bool taken = os_lock_enter(&record->lock);
	os_shared_count(record);
	*info = (struct os_mempool_info){
		.omi_block_size = os_list_clamp(mp->mp_block_size),
		.omi_num_blocks = mp->mp_num_blocks,
		.omi_num_free = mp->mp_num_free,
		.omi_min_free = mp->mp_min_free,
	};
	if (mp->name) {
		strncat(info->omi_name, mp->name, sizeof info->omi_name - 1);
	}
	os_lock_leave(&record->lock, taken);
}

EXPORT struct os_mempool *os_mempool_info_get_next(struct os_mempool *mp,
						   struct os_mempool_info *omi)
{
	os_list_lock();
	struct os_record *at = mp ? os_record_of(mp) : NULL;
	struct os_record *record = !mp || (at && os_list_has(at)) ? os_list_next(at) : NULL;
	if (record) {
		os_list_describe(record, omi);
	}
	struct os_mempool *found = record ? record->mp : NULL;
	os_list_unlock();
	return found;
}

static bool os_list_has_name(const struct os_record *record, const char *name)
{
	return record->mp->name && strcmp(record->mp->name, name) == 0;
}

EXPORT struct os_mempool *os_mempool_get(const char *mempool_name, struct os_mempool_info *info)
{
	struct os_mempool *found = NULL;

	if (!mempool_name) {
		return NULL;
	}
	os_list_lock();
	for (struct os_record *record = os_list_next(NULL); record && !found;
	     record = os_list_next(record)) {
		if (os_list_has_name(record, mempool_name)) {
			os_list_describe(record, info);
			found = record->mp;
		}
	}
	os_list_unlock();
	return found;
}
