/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "lib/export.h"
#include "lib/os/record.h"
#include "lib/os/shared.h"

#define SHELVES 64u

static struct os_shelf shelves[SHELVES] = {
	[0 ... SHELVES - 1] = {.mutex = PTHREAD_MUTEX_INITIALIZER},
};

static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct os_record *first, *last;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct os_shelf *shelf_of(const struct os_mempool *mp)
{
	uint64_t mixed = (uintptr_t)mp * UINT64_C(0x9e3779b97f4a7c15);
	return &shelves[mixed >> 58];
}

struct os_shelf *os_shelf_lock(const struct os_mempool *mp)
{
	struct os_shelf *shelf = shelf_of(mp);
	pthread_mutex_lock(&shelf->mutex);
	return shelf;
}

void os_shelf_unlock(struct os_shelf *shelf)
{
	pthread_mutex_unlock(&shelf->mutex);
}

struct os_record *os_shelf_find(const struct os_shelf *shelf, const struct os_mempool *mp)
{
	struct os_record *record = shelf->records;
	while (record && record->mp != mp) {
		record = record->in_shelf;
	}
	return record;
}

static void before_fork(void)
{
	pthread_mutex_lock(&list_mutex);
	for (size_t i = 0; i < SHELVES; i++) {
		pthread_mutex_lock(&shelves[i].mutex);
	}
}

static void after_fork(void)
{
	for (size_t i = 0; i < SHELVES; i++) {
		pthread_mutex_unlock(&shelves[i].mutex);
	}
	pthread_mutex_unlock(&list_mutex);
}

static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
}

struct os_record *os_record_make(struct os_mempool *mp, uint32_t blocks)
{
	struct os_record *record;

	pthread_once(&once, watch_forks);
	record = calloc(1, sizeof *record + (blocks + 63) / 64 * sizeof *record->out);
	if (record) {
		record->mp = mp;
		record->blocks = blocks;
		record->room = SIZE_MAX;
	}
	return record;
}

void os_record_free(struct os_record *record)
{
	free(record);
}

void os_registry_lock(void)
{
	pthread_mutex_lock(&list_mutex);
}

void os_registry_unlock(void)
{
	pthread_mutex_unlock(&list_mutex);
}

static void add(struct os_shelf *shelf, struct os_record *record)
{
	record->in_shelf = shelf->records;
	shelf->records = record;
	record->previous = last;
	*(last ? &last->next : &first) = record;
	if (last) {
		STAILQ_NEXT(last->mp, mp_list) = record->mp;
	}
	last = record;
	STAILQ_NEXT(record->mp, mp_list) = NULL;
}

/* Takes the record out of list and shelf, both locked, and frees it. */
static void remove_record(struct os_shelf *shelf, struct os_record *record)
{
	struct os_record **link = &shelf->records;

	while (*link != record) {
		link = &(*link)->in_shelf;
	}
	*link = record->in_shelf;
	*(record->previous ? &record->previous->next : &first) = record->next;
	*(record->next ? &record->next->previous : &last) = record->previous;
	if (record->previous) {
		STAILQ_NEXT(record->previous->mp, mp_list) = record->next ? record->next->mp : NULL;
	}
	free(record);
}

os_error_t os_registry_replace(struct os_shelf *shelf, struct os_record *record)
{
	struct os_record *old = os_shelf_find(shelf, record->mp);

	if (old && os_shared_close(old) != OS_OK) {
		free(record);
		return OS_EBUSY;
	}
	if (old) {
		remove_record(shelf, old);
	}
	add(shelf, record);
	return OS_OK;
}

/* Takes the pool out, if it is there and can be. With the list locked. */
static os_error_t unregister(struct os_mempool *mp)
{
	struct os_shelf *shelf = os_shelf_lock(mp);
	struct os_record *record = os_shelf_find(shelf, mp);
	os_error_t error = record ? os_shared_close(record) : OS_INVALID_PARM;

	if (!error) {
		remove_record(shelf, record);
	}
	os_shelf_unlock(shelf);
	return error;
}

EXPORT os_error_t os_mempool_unregister(struct os_mempool *mp)
{
	os_registry_lock();
	os_error_t error = unregister(mp);
	os_registry_unlock();
	return error;
}

EXPORT void os_mempool_module_init(void)
{
	os_registry_lock();
	for (struct os_record *record = first, *next; record; record = next) {
		next = record->next;
		unregister(record->mp);
	}
	os_registry_unlock();
}

static int clamp(uint32_t n)
{
	return n < INT_MAX ? (int)n : INT_MAX;
}

/* With the list locked; so the record stays. */
static void describe(struct os_record *record, struct os_mempool_info *info)
{
	const struct os_mempool *mp = record->mp;

	if (!info) {
		return;
	}
	struct os_shelf *shelf = os_shelf_lock(mp);
	os_shared_count(record);
	*info = (struct os_mempool_info){
		.omi_block_size = clamp(mp->mp_block_size),
		.omi_num_blocks = mp->mp_num_blocks,
		.omi_num_free = mp->mp_num_free,
		.omi_min_free = mp->mp_min_free,
	};
	if (mp->name) {
		strncat(info->omi_name, mp->name, sizeof info->omi_name - 1);
	}
	os_shelf_unlock(shelf);
}

EXPORT struct os_mempool *os_mempool_info_get_next(struct os_mempool *mp,
						   struct os_mempool_info *omi)
{
	os_registry_lock();
	struct os_record *record = first;
	if (mp) {
		struct os_shelf *shelf = os_shelf_lock(mp);
		record = os_shelf_find(shelf, mp);
		record = record ? record->next : NULL;
		os_shelf_unlock(shelf);
	}
	if (record) {
		describe(record, omi);
	}
	struct os_mempool *found = record ? record->mp : NULL;
	os_registry_unlock();
	return found;
}

static bool has_name(const struct os_record *record, const char *name)
{
	return record->mp->name && strcmp(record->mp->name, name) == 0;
}

EXPORT struct os_mempool *os_mempool_get(const char *mempool_name, struct os_mempool_info *info)
{
	struct os_mempool *found = NULL;

	if (!mempool_name) {
		return NULL;
	}
	os_registry_lock();
	for (struct os_record *record = first; record && !found; record = record->next) {
		if (has_name(record, mempool_name)) {
			describe(record, info);
			found = record->mp;
		}
	}
	os_registry_unlock();
	return found;
}
