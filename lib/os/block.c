/* SPDX-License-Identifier: MIT */
/*
 * Get and put on pools in a caller's buffer.
 *
 * A record's bits say which blocks are out, so that a double put is refused at once, and a list
 * that somebody made a circle gives no block twice. A pool that is not registered has no record;
 * then puts walk the list, but no further than the pool has blocks.
 */
#include "lib/export.h"
#include "lib/os/layout.h"
#include "lib/os/pattern.h"
#include "lib/os/shared.h"

/* --- one block, with the shelf locked ------------------------------------------------------- */

static bool os_block_is_out(const struct os_record *record, uint32_t index)
{
	return record->out[index / 64] >> index % 64 & 1;
}

/* Whether a block of a pool without a record is in the free list. */
static bool os_block_is_listed(const struct os_mempool *mp, const void *block)
{
	const struct os_memblock *at = SLIST_FIRST(mp);

	for (uint32_t i = 0; i < mp->mp_num_blocks && os_index(mp, at) != UINT32_MAX; i++) {
		if (at == block) {
			return true;
		}
		at = os_next(at);
	}
	return false;
}

static os_error_t os_block_check_put(const struct os_mempool *mp, const struct os_record *record,
				     const void *block)
{
	uint32_t index = os_index(mp, block);

	if (index == UINT32_MAX || (record && index >= record->blocks)) {
		return OS_INVALID_PARM;
	}
	if (mp->mp_num_free >= mp->mp_num_blocks ||
	    (record ? !os_block_is_out(record, index) : os_block_is_listed(mp, block))) {
		return OS_EINVAL;
	}
	return OS_OK;
}

static void os_block_push(struct os_mempool *mp, struct os_record *record, void *block)
{
	uint32_t index = os_index(mp, block);

	os_pattern_write(mp, block);
	os_set_next(block, SLIST_FIRST(mp));
	SLIST_FIRST(mp) = block;
	mp->mp_num_free++;
	if (record) {
		record->out[index / 64] &= ~(UINT64_C(1) << index % 64);
	}
}

static void *os_block_pop(struct os_mempool *mp, struct os_record *record)
{
	struct os_memblock *block = SLIST_FIRST(mp);
	uint32_t index = os_index(mp, block);

	if (mp->mp_num_free == 0 || index == UINT32_MAX ||
	    (record && (index >= record->blocks || os_block_is_out(record, index)))) {
		return NULL;
	}
	SLIST_FIRST(mp) = os_next(block);
	mp->mp_num_free--;
	if (mp->mp_num_free < mp->mp_min_free) {
		mp->mp_min_free = mp->mp_num_free;
	}
	if (record) {
		record->out[index / 64] |= UINT64_C(1) << index % 64;
	}
	return block;
}

static bool os_block_is_list_sane(const struct os_mempool *mp, const struct os_record *record)
{
	const struct os_memblock *block = SLIST_FIRST(mp);

	for (uint32_t i = 0; i < mp->mp_num_free; i++) {
		uint32_t index = os_index(mp, block);
		if (index == UINT32_MAX ||
		    (record && (index >= record->blocks || os_block_is_out(record, index))) ||
		    !os_pattern_has_guard(mp, block) || !os_pattern_has_poison(mp, block)) {
			return false;
		}
		block = os_next(block);
	}
	return !block && mp->mp_num_free <= mp->mp_num_blocks;
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
	struct os_shelf *shelf = os_shelf_lock(mp);
	bool is_sane = os_block_is_list_sane(mp, os_shelf_find(shelf, mp));
	os_shelf_unlock(shelf);
	return is_sane;
}

EXPORT void *os_memblock_get(struct os_mempool *mp)
{
	if (!mp) {
		return NULL;
	}
	if (mp->mp_flags & OS_MEMPOOL_F_SHARED) {
		return os_shared_get(mp);
	}
	struct os_shelf *shelf = os_shelf_lock(mp);
	void *block = os_block_pop(mp, os_shelf_find(shelf, mp));
	os_shelf_unlock(shelf);
	if (block && !os_pattern_has_poison(mp, block)) {
		os_pattern_stop(mp, block, OS_PATTERN_WRITTEN_FREE);
	}
	if (block && !os_pattern_has_guard(mp, block)) {
		os_pattern_stop(mp, block, OS_PATTERN_WRITTEN_PAST);
	}
	return block;
}

/* Ends the program if the pool's options say so: for a wrong put, or a broken guard. */
static os_error_t os_block_judge(const struct os_mempool *mp, const void *block, os_error_t error)
{
	if (error && mp->mp_flags & OS_MEMPOOL_OPT_CHECK) {
		os_pattern_stop(mp, block,
				error == OS_EINVAL ? "put twice" : "no block of this pool is put");
	}
	if (!error && !os_pattern_has_guard(mp, block)) {
		os_pattern_stop(mp, block, OS_PATTERN_WRITTEN_PAST);
	}
	return error;
}

EXPORT os_error_t os_memblock_put_from_cb(struct os_mempool *mp, void *block_addr)
{
	if (!mp || !block_addr) {
		return OS_INVALID_PARM;
	}
	if (mp->mp_flags & OS_MEMPOOL_F_SHARED) {
		return os_shared_put(mp, block_addr);
	}
	struct os_shelf *shelf = os_shelf_lock(mp);
	struct os_record *record = os_shelf_find(shelf, mp);
	os_error_t error =
		os_block_judge(mp, block_addr, os_block_check_put(mp, record, block_addr));
	if (!error) {
		os_block_push(mp, record, block_addr);
	}
	os_shelf_unlock(shelf);
	return error;
}

/* Whether the block may be put, so that the callback may see it. */
static os_error_t os_block_check_callback(struct os_mempool *mp, const void *block)
{
	if (mp->mp_flags & OS_MEMPOOL_F_SHARED) {
		return os_shared_check(mp, block);
	}
	struct os_shelf *shelf = os_shelf_lock(mp);
	os_error_t error = os_block_check_put(mp, os_shelf_find(shelf, mp), block);
	os_shelf_unlock(shelf);
	return os_block_judge(mp, block, error);
}

EXPORT os_error_t os_memblock_put(struct os_mempool *mp, void *block_addr)
{
	if (!mp || !block_addr) {
		return OS_INVALID_PARM;
	}
	struct os_mempool_ext *mpe = (struct os_mempool_ext *)(void *)mp;
	if (!(mp->mp_flags & OS_MEMPOOL_F_EXT) || !mpe->mpe_put_cb) {
		return os_memblock_put_from_cb(mp, block_addr);
	}
	os_error_t error = os_block_check_callback(mp, block_addr);
	return error ? error : mpe->mpe_put_cb(mpe, block_addr, mpe->mpe_put_arg);
}
