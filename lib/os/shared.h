/* SPDX-License-Identifier: MIT */
/*
 * Pools of os/ whose blocks are those of a pool of mempoold.
 *
 * The record has the handle; the caller's struct only says that there is one. A call on blocks
 * locks the record while it looks for the handle, and again while it counts, but not in between.
 */
#ifndef MP_OS_SHARED_H
#define MP_OS_SHARED_H

#include "lib/os/record.h"

void *os_shared_get(struct os_mempool *mp);
os_error_t os_shared_put(struct os_mempool *mp, void *block);

/* The end of a get or put that is not the usual one, while the process has one thread. */
void *os_shared_end_get(struct os_record *record, void *block);
os_error_t os_shared_end_put(struct os_record *record, int error);

/*
 * A block less, or more, is free. False: it is time to look at the clock, or a limit is reached;
 * then nothing has changed. Puts have a limit of their own, so that they need not count calls.
 */
static inline bool os_shared_try_take(struct os_record *record)
{
	struct os_mempool *mp = record->mp;
	int n = mp->mp_num_free - 1;

	if (unlikely(record->n_blind == 0 || n < mp->mp_min_free)) {
		return false;
	}
	record->n_blind--;
	mp->mp_num_free = (uint16_t)n;
	return true;
}

static inline bool os_shared_try_add(struct os_record *record)
{
	struct os_mempool *mp = record->mp;

	if (unlikely(mp->mp_num_free >= record->most)) {
		return false;
	}
	mp->mp_num_free++;
	return true;
}

/*
 * Get and put by a record that has a handle, while the process has one thread: nobody else can
 * close the handle, and nothing that they call makes a thread or calls the program. A put is not
 * for pools whose callback may have the block.
 */
static inline void *os_shared_get_alone(struct os_record *record)
{
	void *block = mempool_get(record->shared);

	return likely(block && os_shared_try_take(record)) ? block
							   : os_shared_end_get(record, block);
}

static inline os_error_t os_shared_put_alone(struct os_record *record, void *block)
{
	int error = mempool_put(record->shared, block);

	return likely(!error && os_shared_try_add(record)) ? OS_OK
							   : os_shared_end_put(record, error);
}

/*
 * Before the callback sees a block: notes that the block is the callback's. Returns what a put of
 * the block would, and OS_EINVAL if the callback has it already; then the callback must not see it.
 */
os_error_t os_shared_hand_over(const struct os_mempool *mp, const void *block);

/* The callback did not take the block. */
void os_shared_hand_back(const struct os_mempool *mp, const void *block);

bool os_shared_has(const struct os_mempool *mp, const void *block);
bool os_shared_is_sane(const struct os_mempool *mp);

/* Counts the blocks of a shared pool into the caller's struct; does nothing for other pools. */
void os_shared_count(struct os_record *record);

/*
 * Closes the handle that a record has; nothing for a record without one. With the record locked.
 * Returns OS_OK, or OS_EBUSY while this process has blocks of the pool or a thread is inside a call
 * on it.
 */
os_error_t os_shared_close(struct os_record *record);

#endif
