/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "lib/os/record.h"

#define SHELVES 64u

static struct os_shelf shelves[SHELVES] = {
	[0 ... SHELVES - 1] = {.mutex = PTHREAD_MUTEX_INITIALIZER},
};

static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct os_record *first, *last;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct os_shelf *os_shelf_of(const struct os_mempool *mp)
{
	uint64_t mixed = (uintptr_t)mp * UINT64_C(0x9e3779b97f4a7c15);
	return &shelves[mixed >> 58];
}

struct os_shelf *os_shelf_lock(const struct os_mempool *mp)
{
	struct os_shelf *shelf = os_shelf_of(mp);
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

static void os_record_before_fork(void)
{
	pthread_mutex_lock(&list_mutex);
	for (size_t i = 0; i < SHELVES; i++) {
		pthread_mutex_lock(&shelves[i].mutex);
	}
}

static void os_record_after_fork(void)
{
	for (size_t i = 0; i < SHELVES; i++) {
		pthread_mutex_unlock(&shelves[i].mutex);
	}
	pthread_mutex_unlock(&list_mutex);
}

static void os_record_watch_forks(void)
{
	pthread_atfork(os_record_before_fork, os_record_after_fork, os_record_after_fork);
}

struct os_record *os_record_make(struct os_mempool *mp, uint32_t blocks)
{
	struct os_record *record;

	pthread_once(&once, os_record_watch_forks);
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

void os_list_lock(void)
{
	pthread_mutex_lock(&list_mutex);
}

void os_list_unlock(void)
{
	pthread_mutex_unlock(&list_mutex);
}

struct os_record *os_list_first(void)
{
	return first;
}

static void os_record_add(struct os_shelf *shelf, struct os_record *record)
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

void os_record_remove(struct os_shelf *shelf, struct os_record *record)
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

void os_record_replace(struct os_shelf *shelf, struct os_record *record)
{
	struct os_record *old = os_shelf_find(shelf, record->mp);

	if (old) {
		os_record_remove(shelf, old);
	}
	os_record_add(shelf, record);
}
