/* SPDX-License-Identifier: MIT */
/*
 * Get and put on pools in a caller's buffer.
 *
 * The fast paths are for pools without flags, and do what Mynewt does; besides they find the
 * record, compare the mark of the block with its link, and mark whether the block is out. So a
 * double put is refused at once, however many blocks there are, and a list that somebody has
 * overwritten gives no block twice. In a process with one thread they take no lock. What they find
 * to be otherwise than usual they leave to os_block_get() and os_block_put(), before they have
 * changed anything; they call nothing else, and so save no register.
 *
 * A link that the mark does not confirm was overwritten while its block was free. The blocks behind
 * it are lost until the pool is cleared, as the link was what led to them; mp_num_free says at once
 * that no block is to be had any more.
 */
#include "lib/export.h"
#include "lib/os/layout.h"
#include "lib/os/pattern.h"
#include "lib/os/record.h"
#include "lib/os/shared.h"
#include "lib/os/stray.h"

/* --- one block, with its pool held ---------------------------------------------------------- */

/*
 * Gets the first block of the free list, if it is one of the first @n_blocks, and free, and its
 * link is as it was. NULL: it is not; then nothing has changed.
 */
static inline void *os_block_try_pop(struct os_mempool *mp, struct os_record *record,
				     size_t n_blocks)
{
	struct os_memblock *block = SLIST_FIRST(mp);
	uintptr_t i = os_record_index(record, block);

	if (unlikely(i >= n_blocks)) {
		return NULL;
	}
	uintptr_t *mark = &record->marks[i];
	struct os_memblock *next = os_next(block);
	if (unlikely(*mark == OS_MARK_OUT || *mark != (uintptr_t)next)) {
		return NULL;
	}
	*mark = OS_MARK_OUT;
	SLIST_FIRST(mp) = next;
	mp->mp_num_free--;
	if (unlikely(mp->mp_num_free < mp->mp_min_free)) {
		mp->mp_min_free = mp->mp_num_free;
	}
	return block;
}

/* The free list cannot be followed behind this block, or at all. */
static void os_block_lose(struct os_mempool *mp, struct os_record *record, const void *block)
{
	if (os_pattern_guards_links(mp)) {
		os_pattern_stop(mp, block, OS_PATTERN_WRITTEN_FREE);
	}
	record->has_lost = true;
	SLIST_FIRST(mp) = NULL;
	mp->mp_num_free = 0;
	mp->mp_min_free = 0;
}

static void *os_block_pop(struct os_mempool *mp, struct os_record *record)
{
	struct os_memblock *first = SLIST_FIRST(mp);
	uintptr_t i = os_record_index(record, first);

	if (mp->mp_num_free == 0) {
		return NULL;
	}
	if (i >= record->blocks || !os_mark_is_free(record->marks[i])) {
		os_block_lose(mp, record, first);
		return NULL;
	}
	if (!os_block_try_pop(mp, record, record->blocks)) {
		record->marks[i] = OS_MARK_OUT;
		os_block_lose(mp, record, first);
	}
	return first;
}

/* What a put of the block, which is number @i, is to return. */
static os_error_t os_block_check(const struct os_record *record, uintptr_t i)
{
	if (i >= record->blocks) {
		return OS_INVALID_PARM;
	}
	return os_mark_is_free(record->marks[i]) ? OS_EINVAL : OS_OK;
}

static inline void os_block_push(struct os_mempool *mp, uintptr_t *mark, void *block)
{
	struct os_memblock *next = SLIST_FIRST(mp);

	*mark = (uintptr_t)next;
	os_set_next(block, next);
	SLIST_FIRST(mp) = block;
	mp->mp_num_free++;
}

static bool os_block_is_list_sane(const struct os_mempool *mp, const struct os_record *record)
{
	const struct os_memblock *block = SLIST_FIRST(mp);

	for (uint32_t n = 0; n < mp->mp_num_free; n++) {
		uintptr_t i = os_record_index(record, block);
		if (i >= record->blocks || !os_mark_is_free(record->marks[i]) ||
		    record->marks[i] != (uintptr_t)os_next(block) ||
		    !os_pattern_has_guard(mp, block) || !os_pattern_has_poison(mp, block)) {
			return false;
		}
		block = os_next(block);
	}
	return !block && !record->has_lost && mp->mp_num_free <= mp->mp_num_blocks;
}

/* --- pools of any kind, or none ------------------------------------------------------------- */

static bool os_block_is_stray(const struct os_mempool *mp, const struct os_record *record)
{
	return !record || !os_record_fits(record, mp);
}

static __attribute__((noinline)) void *os_block_get(struct os_mempool *mp)
{
	if (!mp) {
		return NULL;
	}
	if (mp->mp_flags & OS_MEMPOOL_F_SHARED) {
		return os_shared_get(mp);
	}
	struct os_hold hold = os_record_hold(mp);
	void *block = os_block_is_stray(mp, hold.record) ? os_stray_pop(mp)
							 : os_block_pop(mp, hold.record);
	os_record_release(hold);
	if (!block || likely(!(mp->mp_flags & OS_OPTIONS))) {
		return block;
	}
	if (!os_pattern_has_poison(mp, block)) {
		os_pattern_stop(mp, block, OS_PATTERN_WRITTEN_FREE);
	}
	if (!os_pattern_has_guard(mp, block)) {
		os_pattern_stop(mp, block, OS_PATTERN_WRITTEN_PAST);
	}
	return block;
}

/* Ends the program if the pool's options say so: for a wrong put, or a broken guard. */
static os_error_t os_block_judge(const struct os_mempool *mp, const void *block, os_error_t error)
{
	if (likely(!(mp->mp_flags & OS_OPTIONS))) {
		return error;
	}
	if (error && mp->mp_flags & OS_MEMPOOL_OPT_CHECK) {
		os_pattern_stop(mp, block,
				error == OS_EINVAL ? "put twice" : "no block of this pool is put");
	}
	if (!error && !os_pattern_has_guard(mp, block)) {
		os_pattern_stop(mp, block, OS_PATTERN_WRITTEN_PAST);
	}
	return error;
}

static __attribute__((noinline)) os_error_t os_block_free(struct os_mempool *mp, void *block)
{
	if (!mp || !block) {
		return OS_INVALID_PARM;
	}
	if (mp->mp_flags & OS_MEMPOOL_F_SHARED) {
		return os_shared_put(mp, block);
	}
	struct os_hold hold = os_record_hold(mp);
	struct os_record *record = hold.record;
	os_error_t error;

	if (os_block_is_stray(mp, record)) {
		error = os_block_judge(mp, block, os_stray_check(mp, block));
		if (!error) {
			os_stray_push(mp, block);
		}
	} else {
		uintptr_t i = os_record_index(record, block);
		error = os_block_judge(mp, block, os_block_check(record, i));
		if (!error) {
			if (mp->mp_flags & OS_OPTIONS) {
				os_pattern_write(mp, block);
			}
			os_block_push(mp, &record->marks[i], block);
		}
	}
	os_record_release(hold);
	return error;
}

/* --- callbacks ------------------------------------------------------------------------------ */

/* Before the callback sees the block: notes that the block is its. */
static os_error_t os_block_hand_over(struct os_mempool *mp, const void *block)
{
	if (mp->mp_flags & OS_MEMPOOL_F_SHARED) {
		return os_shared_hand_over(mp, block);
	}
	struct os_hold hold = os_record_hold(mp);
	os_error_t error;
	if (os_block_is_stray(mp, hold.record)) {
		error = os_stray_check(mp, block);
	} else {
		uintptr_t i = os_record_index(hold.record, block);
		error = os_block_check(hold.record, i);
		if (!error && hold.record->marks[i] == OS_MARK_KEPT) {
			error = OS_EINVAL;
		}
		if (!error) {
			hold.record->marks[i] = OS_MARK_KEPT;
		}
	}
	error = os_block_judge(mp, block, error);
	os_record_release(hold);
	return error;
}

/* The callback did not take the block. */
static void os_block_hand_back(struct os_mempool *mp, const void *block)
{
	if (mp->mp_flags & OS_MEMPOOL_F_SHARED) {
		os_shared_hand_back(mp, block);
		return;
	}
	struct os_hold hold = os_record_hold(mp);
	if (!os_block_is_stray(mp, hold.record)) {
		uintptr_t i = os_record_index(hold.record, block);
		if (i < hold.record->blocks && hold.record->marks[i] == OS_MARK_KEPT) {
			hold.record->marks[i] = OS_MARK_OUT;
		}
	}
	os_record_release(hold);
}

static os_error_t os_block_put_to(struct os_mempool_ext *mpe, os_mempool_put_fn *callback,
				  void *block)
{
	os_error_t error = os_block_hand_over(&mpe->mpe_mp, block);

	if (!error) {
		error = callback(mpe, block, mpe->mpe_put_arg);
		if (error) {
			os_block_hand_back(&mpe->mpe_mp, block);
		}
	}
	return error;
}

/* --- calls ---------------------------------------------------------------------------------- */

EXPORT int os_memblock_from(const struct os_mempool *mp, const void *block_addr)
{
	if (!mp || !block_addr) {
		return 0;
	}
	if (mp->mp_flags & OS_MEMPOOL_F_SHARED) {
		return os_shared_has(mp, block_addr);
	}
	return os_index(mp, block_addr) != UINT32_MAX;
}

EXPORT bool os_mempool_is_sane(const struct os_mempool *mp)
{
	if (!mp) {
		return false;
	}
	if (mp->mp_flags & OS_MEMPOOL_F_SHARED) {
		return os_shared_is_sane(mp);
	}
	struct os_hold hold = os_record_hold(mp);
	bool is_sane = os_block_is_stray(mp, hold.record) ? os_stray_is_sane(mp)
							  : os_block_is_list_sane(mp, hold.record);
	os_record_release(hold);
	return is_sane;
}

EXPORT os_error_t os_memblock_put_from_cb(struct os_mempool *mp, void *block_addr)
{
	return os_block_free(mp, block_addr);
}

static __attribute__((noinline)) os_error_t os_block_put(struct os_mempool *mp, void *block)
{
	struct os_mempool_ext *mpe = (struct os_mempool_ext *)(void *)mp;

	if (mp && block && mp->mp_flags & OS_MEMPOOL_F_EXT && mpe->mpe_put_cb) {
		return os_block_put_to(mpe, mpe->mpe_put_cb, block);
	}
	return os_block_free(mp, block);
}

/* --- the fast paths ------------------------------------------------------------------------- */

/* Puts a block that is out. False: it is none; then nothing has changed. */
static inline bool os_block_try_push(struct os_mempool *mp, struct os_record *record, void *block)
{
	uintptr_t i = os_record_index(record, block);

	if (unlikely(i >= record->fast_blocks || mp->mp_membuf_addr != record->base)) {
		return false;
	}
	uintptr_t *mark = &record->marks[i];
	if (unlikely(*mark != OS_MARK_OUT)) {
		return false;
	}
	os_block_push(mp, mark, block);
	return true;
}

/* Finds the record of a pool without flags, and locks it. NULL: the pool is another kind. */
static inline struct os_record *os_block_lock(const struct os_mempool *mp)
{
	struct os_record *record = os_record_find(mp);

	if (unlikely(!record || !__atomic_load_n(&record->fast_blocks, __ATOMIC_RELAXED))) {
		return NULL;
	}
	os_lock_take_always(&record->lock);
	if (unlikely(record->mp != mp)) {
		os_lock_drop(&record->lock);
		return NULL;
	}
	return record;
}

static __attribute__((noinline)) void *os_block_get_locked(struct os_mempool *mp)
{
	struct os_record *record = os_block_lock(mp);
	void *block = NULL;

	if (likely(record)) {
		block = os_block_try_pop(mp, record, record->fast_blocks);
		os_lock_drop(&record->lock);
	}
	return likely(block) ? block : os_block_get(mp);
}

static __attribute__((noinline)) os_error_t os_block_put_locked(struct os_mempool *mp, void *block)
{
	struct os_record *record = os_block_lock(mp);
	bool is_put = false;

	if (likely(record)) {
		is_put = os_block_try_push(mp, record, block);
		os_lock_drop(&record->lock);
	}
	return likely(is_put) ? OS_OK : os_block_put(mp, block);
}

/* The process has one thread, and has not found the record lately. */
static __attribute__((noinline)) void *os_block_get_first(struct os_mempool *mp)
{
	os_recent_note(mp);
	return os_block_get(mp);
}

static __attribute__((noinline)) os_error_t os_block_put_first(struct os_mempool *mp, void *block)
{
	os_recent_note(mp);
	return os_block_put(mp, block);
}

/* The process has one thread, and the pool is shared, has options or has no blocks. */
static __attribute__((noinline)) void *os_block_get_alone(struct os_mempool *mp,
							  struct os_record *record)
{
	return likely(record->shared && mp->mp_flags & OS_MEMPOOL_F_SHARED)
		       ? os_shared_get_alone(record)
		       : os_block_get(mp);
}

static __attribute__((noinline)) os_error_t
os_block_put_alone(struct os_mempool *mp, struct os_record *record, void *block)
{
	return likely(record->shared && mp->mp_flags == OS_MEMPOOL_F_SHARED)
		       ? os_shared_put_alone(record, block)
		       : os_block_put(mp, block);
}

/* Where they begin in a line of the cache makes a difference of a twentieth. */
EXPORT __attribute__((aligned(64))) void *os_memblock_get(struct os_mempool *mp)
{
	if (unlikely(!os_lock_is_needless())) {
		return os_block_get_locked(mp);
	}
	struct os_record *record = os_recent_find(mp);
	if (unlikely(!record)) {
		return os_block_get_first(mp);
	}
	if (unlikely(!record->fast_blocks)) {
		return os_block_get_alone(mp, record);
	}
	void *block = os_block_try_pop(mp, record, record->fast_blocks);
	return likely(block) ? block : os_block_get(mp);
}

EXPORT __attribute__((aligned(64))) os_error_t os_memblock_put(struct os_mempool *mp,
							       void *block_addr)
{
	if (unlikely(!os_lock_is_needless())) {
		return os_block_put_locked(mp, block_addr);
	}
	struct os_record *record = os_recent_find(mp);
	if (unlikely(!record)) {
		return os_block_put_first(mp, block_addr);
	}
	if (unlikely(!record->fast_blocks)) {
		return os_block_put_alone(mp, record, block_addr);
	}
	return likely(os_block_try_push(mp, record, block_addr)) ? OS_OK
								 : os_block_put(mp, block_addr);
}
