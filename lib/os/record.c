/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/os/record.h"

#define BUCKETS_BITS 6        /* of the first table */
#define SLAB 31               /* records that are allocated at once */
#define LEFT_BYTES (1u << 20) /* of records of pools that were unregistered */
#define HASH_BITS 32u

/* Records, never freed. */
struct os_slab {
	struct os_slab *next;
	struct os_record records[SLAB];
};

/* Records in a row: the list, or what left it. */
struct os_row {
	struct os_record *first, *last;
};

static struct os_table first_table = {NULL, HASH_BITS - BUCKETS_BITS, {[63] = NULL}};
struct os_table *os_record_table = &first_table;
struct os_record *os_recent[1 << OS_RECENT_BITS];
static uint32_t table_lock;

/* With the list's lock held. */
static pthread_mutex_t list_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct os_row list, left;
static size_t left_bytes;
static struct os_slab *slabs;
static struct os_record *unused; /* linked by next */
static size_t n_used;

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* --- locks ---------------------------------------------------------------------------------- */

/*
 * Each record whose lock is written is a page that parent and child copy. A thread that is alone is
 * in no section; what other fork handlers call after this one may call us, but must not make
 * threads that do.
 */
static bool locks_at_fork;

static void os_record_for_each_lock(void (*act)(uint32_t *lock))
{
	for (struct os_slab *slab = slabs; locks_at_fork && slab; slab = slab->next) {
		for (size_t i = 0; i < SLAB; i++) {
			act(&slab->records[i].lock);
		}
	}
}

static void os_record_before_fork(void)
{
	pthread_mutex_lock(&list_mutex);
	os_lock_take_always(&table_lock);
	locks_at_fork = !os_lock_is_needless();
	os_record_for_each_lock(os_lock_take_always);
}

static void os_record_after_fork(void)
{
	os_record_for_each_lock(os_lock_drop);
	os_lock_drop(&table_lock);
	pthread_mutex_unlock(&list_mutex);
}

static void os_record_watch_forks(void)
{
	pthread_atfork(os_record_before_fork, os_record_after_fork, os_record_after_fork);
}

void os_list_lock(void)
{
	pthread_once(&once, os_record_watch_forks);
	pthread_mutex_lock(&list_mutex);
}

void os_list_unlock(void)
{
	pthread_mutex_unlock(&list_mutex);
}

struct os_hold os_record_hold_slowly(const struct os_mempool *mp)
{
	bool table_taken = os_lock_enter(&table_lock);
	struct os_record *record = os_record_find(mp);

	if (!record) {
		return (struct os_hold){NULL, table_taken ? &table_lock : NULL};
	}
	bool taken = os_lock_enter(&record->lock);
	os_lock_leave(&table_lock, table_taken);
	return (struct os_hold){record, taken ? &record->lock : NULL};
}

void os_recent_note(const struct os_mempool *mp)
{
	struct os_record *record = os_record_find(mp);

	if (record) {
		os_recent[os_record_hash(mp) >> (32 - OS_RECENT_BITS)] = record;
	}
}

/* --- the table; with the list locked -------------------------------------------------------- */

static void os_table_add(struct os_table *table, struct os_record *record)
{
	uint32_t bucket = os_record_hash(record->mp) >> table->shift;

	/* For os_record_find(), which acquires either. */
	__atomic_store_n(&record->in_bucket, table->buckets[bucket], __ATOMIC_RELEASE);
	__atomic_store_n(&table->buckets[bucket], record, __ATOMIC_RELEASE);
}

static void os_table_remove(struct os_table *table, const struct os_record *record)
{
	uint32_t bucket = os_record_hash(record->mp) >> table->shift;
	struct os_record **link = &table->buckets[bucket];

	while (*link != record) {
		link = &(*link)->in_bucket;
	}
	__atomic_store_n(link, record->in_bucket, __ATOMIC_RELEASE);
}

/* Twice as many buckets, if there is memory for them; chains only get longer without. */
static void os_table_double(void)
{
	struct os_table *old = os_record_table;
	size_t n = (size_t)1 << (HASH_BITS - old->shift);
	struct os_table *table = calloc(1, sizeof *table + 2 * n * sizeof *table->buckets);

	if (!table) {
		return;
	}
	table->older = old;
	table->shift = old->shift - 1;
	os_lock_take_always(&table_lock);
	for (size_t i = 0; i < n; i++) {
		for (struct os_record *record = old->buckets[i], *next; record; record = next) {
			next = record->in_bucket;
			os_table_add(table, record);
		}
	}
	__atomic_store_n(&os_record_table, table, __ATOMIC_RELEASE);
	os_lock_drop(&table_lock);
}

/* --- rows; with the list locked ------------------------------------------------------------- */

static size_t os_row_bytes(const struct os_row *row, const struct os_record *record)
{
	return row == &left ? sizeof *record + record->n_bytes : 0;
}

static void os_row_add(struct os_row *row, struct os_record *record)
{
	record->row = row;
	record->next = NULL;
	record->previous = row->last;
	*(row->last ? &row->last->next : &row->first) = record;
	row->last = record;
	left_bytes += os_row_bytes(row, record);
}

static void os_row_remove(struct os_record *record)
{
	struct os_row *row = record->row;

	*(record->previous ? &record->previous->next : &row->first) = record->next;
	*(record->next ? &record->next->previous : &row->last) = record->previous;
	left_bytes -= os_row_bytes(row, record);
	record->row = NULL;
}

bool os_list_has(const struct os_record *record)
{
	return record->row == &list;
}

struct os_record *os_list_next(const struct os_record *record)
{
	return record ? record->next : list.first;
}

void os_list_add(struct os_record *record)
{
	if (os_list_has(record)) {
		os_list_remove(record);
	}
	os_row_add(&list, record);
	if (record->previous) {
		STAILQ_NEXT(record->previous->mp, mp_list) = record->mp;
	}
	STAILQ_NEXT(record->mp, mp_list) = NULL;
}

void os_list_remove(struct os_record *record)
{
	if (record->previous) {
		STAILQ_NEXT(record->previous->mp, mp_list) = record->next ? record->next->mp : NULL;
	}
	os_row_remove(record);
}

void os_list_empty(void)
{
	while (list.first) {
		os_row_remove(list.first);
	}
}

/* --- records; with the list locked ---------------------------------------------------------- */

static bool os_record_make_unused(void)
{
	void *at = NULL;

	if (posix_memalign(&at, _Alignof(struct os_slab), sizeof(struct os_slab)) != 0) {
		return false;
	}
	struct os_slab *slab = memset(at, 0, sizeof *slab);
	slab->next = slabs;
	slabs = slab;
	for (size_t i = 0; i < SLAB; i++) {
		slab->records[i].next = unused;
		unused = &slab->records[i];
	}
	return true;
}

struct os_record *os_record_of(const struct os_mempool *mp)
{
	return os_record_find(mp); /* the list's lock keeps chains as they are */
}

struct os_record *os_record_claim(struct os_mempool *mp)
{
	struct os_record *record = os_record_of(mp);

	if (record) {
		if (record->row == &left) {
			os_row_remove(record);
		}
		os_lock_take_always(&record->lock);
		return record;
	}
	if (!unused && !os_record_make_unused()) {
		return NULL;
	}
	if (n_used >> (HASH_BITS - os_record_table->shift - 1) != 0) {
		os_table_double();
	}
	record = unused;
	unused = record->next;
	n_used++;
	record->next = NULL;
	os_lock_take_always(&table_lock);
	os_lock_take_always(&record->lock);
	__atomic_store_n(&record->mp, mp, __ATOMIC_RELAXED);
	os_table_add(os_record_table, record);
	os_lock_drop(&table_lock);
	return record;
}

void os_record_forget(struct os_record *record)
{
	struct os_notes notes = {NULL, NULL, 0};

	os_lock_take_always(&table_lock);
	os_lock_take_always(&record->lock);
	os_table_remove(os_record_table, record);
	__atomic_store_n(&record->mp, NULL, __ATOMIC_RELAXED);
	os_record_swap(record, &notes);
	os_lock_drop(&record->lock);
	os_lock_drop(&table_lock);
	os_notes_free(&notes);
	record->next = unused;
	unused = record;
	n_used--;
}

void os_record_forget_later(struct os_record *record)
{
	if (record->row) {
		os_row_remove(record); /* it has been here before */
	}
	os_row_add(&left, record);
	while (left_bytes > LEFT_BYTES) {
		struct os_record *oldest = left.first;
		os_row_remove(oldest);
		os_record_forget(oldest);
	}
}

/* --- notes ---------------------------------------------------------------------------------- */

bool os_notes_make(struct os_notes *notes, uint32_t n_marks, uint32_t n_kept)
{
	size_t kept_bytes = (n_kept + 63) / 64 * sizeof *notes->kept;
	size_t bytes = kept_bytes + n_marks * sizeof *notes->marks;
	char *memory = calloc(1, bytes ? bytes : 1);

	*notes = (struct os_notes){(uintptr_t *)(void *)(memory + kept_bytes),
				   n_kept ? (uint64_t *)(void *)memory : NULL, (uint32_t)bytes};
	return memory;
}

void os_notes_free(struct os_notes *notes)
{
	free(notes->kept ? (void *)notes->kept : notes->marks);
}

void os_record_swap(struct os_record *record, struct os_notes *notes)
{
	struct os_notes old = {record->marks, record->kept, record->n_bytes};

	record->marks = notes->marks;
	record->kept = notes->kept;
	record->n_bytes = notes->n_bytes;
	*notes = old;
}
