/* SPDX-License-Identifier: MIT */
/*
 * Making pools in a buffer that the caller supplies, and linking their blocks.
 */
#include "lib/export.h"
#include "lib/os/layout.h"
#include "lib/os/pattern.h"
#include "lib/os/shared.h"

/* Here the functions are defined; the header has macros of the same names. */
#undef os_mempool_init
#undef os_mempool_ext_init

/* The inverse of an odd number: each step doubles the bits that are right, of which x has 5. */
static uintptr_t os_init_invert(uintptr_t odd)
{
	uintptr_t x = (3 * odd) ^ 2;

	for (unsigned bits = 5; bits < sizeof x * 8; bits *= 2) {
		x *= 2 - odd * x;
	}
	return x;
}

/* Notes in the record where the blocks lie. */
static void os_init_shape(const struct os_mempool *mp, struct os_record *record, size_t stride)
{
	uint16_t fast_blocks = mp->mp_flags ? 0 : mp->mp_num_blocks;

	__atomic_store_n(&record->fast_blocks, fast_blocks, __ATOMIC_RELAXED);
	record->blocks = mp->mp_num_blocks;
	record->base = mp->mp_membuf_addr;
	record->twos = (uint8_t)__builtin_ctzl(stride);
	record->inverse = os_init_invert(stride >> record->twos);
	record->has_lost = false;
}

/* Makes all blocks free, in order of their addresses. @record may be NULL. With the pool held. */
static void os_init_link(struct os_mempool *mp, struct os_record *record)
{
	size_t stride = os_stride(os_alignment(mp), mp->mp_flags, mp->mp_block_size);
	char *block = (char *)mp->mp_membuf_addr;

	mp->mp_num_free = mp->mp_num_blocks;
	mp->mp_min_free = mp->mp_num_blocks;
	SLIST_FIRST(mp) = mp->mp_num_blocks ? (struct os_memblock *)(void *)block : NULL;
	if (record) {
		os_init_shape(mp, record, stride);
	}
	for (uint32_t i = 0; i < mp->mp_num_blocks; i++, block += stride) {
		void *next = i + 1u < mp->mp_num_blocks ? block + stride : NULL;
		os_pattern_write(mp, block);
		os_set_next(block, next);
		if (record) {
			record->marks[i] = (uintptr_t)next;
		}
	}
}

/* What a new pool is asked to be. */
struct wish {
	int64_t blocks, block_size;
	void *membuf;
	const char *name;
	size_t room;
	unsigned alignment;
	unsigned flags; /* OS_MEMPOOL_F_ and options */
};

static os_error_t os_init_check(const struct wish *wish)
{
	if (wish->blocks < 0 || wish->blocks > UINT16_MAX || wish->block_size <= 0 ||
	    wish->block_size > UINT32_MAX || (!wish->membuf && wish->blocks)) {
		return OS_INVALID_PARM;
	}
	if ((uintptr_t)wish->membuf % wish->alignment != 0) {
		return OS_MEM_NOT_ALIGNED;
	}
	size_t stride = os_stride(wish->alignment, wish->flags, (size_t)wish->block_size);
	size_t bytes = 0;
	if (stride < (size_t)wish->block_size) {
		return OS_INVALID_PARM; /* more than there are addresses, once rounded up */
	}
	if (wish->blocks && (os_body(wish->alignment, (size_t)wish->block_size) < sizeof(void *) ||
			     __builtin_mul_overflow(stride, (size_t)wish->blocks, &bytes) ||
			     bytes > UINTPTR_MAX - (uintptr_t)wish->membuf || bytes > wish->room)) {
		return OS_INVALID_PARM;
	}
	return OS_OK;
}

static void os_init_fulfil(struct os_mempool *mp, struct os_record *record, const struct wish *wish)
{
	mp->mp_block_size = (uint32_t)wish->block_size;
	mp->mp_num_blocks = (uint16_t)wish->blocks;
	mp->mp_flags = (uint8_t)wish->flags;
	mp->mp_alignment = (uint8_t)wish->alignment;
	mp->mp_membuf_addr = (uintptr_t)wish->membuf;
	mp->name = (char *)(uintptr_t)wish->name;
	record->room = wish->room;
	os_init_link(mp, record);
	if (wish->flags & OS_MEMPOOL_F_EXT) {
		struct os_mempool_ext *mpe = (struct os_mempool_ext *)(void *)mp;
		mpe->mpe_put_cb = NULL;
		mpe->mpe_put_arg = NULL;
	}
}

/* With the list locked. What the record had for notes is in @notes then. */
static os_error_t os_init_register(struct os_mempool *mp, const struct wish *wish,
				   struct os_notes *notes)
{
	struct os_record *record = os_record_claim(mp);

	if (!record) {
		return OS_ENOMEM;
	}
	os_error_t error = os_shared_close(record);
	if (!error) {
		os_list_add(record);
		os_record_swap(record, notes);
		os_init_fulfil(mp, record, wish);
	}
	os_lock_drop(&record->lock);
	return error;
}

static os_error_t os_init_make(struct os_mempool *mp, const struct wish *wish)
{
	os_error_t error = os_init_check(wish);
	struct os_notes notes;

	if (error) {
		return error;
	}
	if (!os_notes_make(&notes, (uint32_t)wish->blocks, 0)) {
		return OS_ENOMEM;
	}
	os_list_lock();
	error = os_init_register(mp, wish, &notes);
	os_list_unlock();
	os_notes_free(&notes);
	return error;
}

EXPORT os_error_t os_mempool_init_as(struct os_mempool *mp, int64_t blocks, int64_t block_size,
				     void *membuf, const char *name, size_t room,
				     unsigned alignment, unsigned options)
{
	struct wish wish = {blocks, block_size, membuf, name, room, alignment, options};

	if (!mp || !os_alignment_is_known(alignment) || options & ~OS_OPTIONS) {
		return OS_INVALID_PARM;
	}
	return os_init_make(mp, &wish);
}

EXPORT os_error_t os_mempool_ext_init_as(struct os_mempool_ext *mpe, int64_t blocks,
					 int64_t block_size, void *membuf, const char *name,
					 size_t room, unsigned alignment, unsigned options)
{
	struct wish wish = {blocks, block_size, membuf, name, room, alignment, options};

	if (!mpe || !os_alignment_is_known(alignment) || options & ~OS_OPTIONS) {
		return OS_INVALID_PARM;
	}
	wish.flags = (options & ~OS_MEMPOOL_OPT_GUARD) | OS_MEMPOOL_F_EXT;
	return os_init_make(&mpe->mpe_mp, &wish);
}

EXPORT os_error_t os_mempool_init(struct os_mempool *mp, uint16_t blocks, uint32_t block_size,
				  void *membuf, char *name)
{
	return os_mempool_init_as(mp, blocks, block_size, membuf, name, SIZE_MAX, OS_ALIGNMENT, 0);
}

EXPORT os_error_t os_mempool_ext_init(struct os_mempool_ext *mpe, uint16_t blocks,
				      uint32_t block_size, void *membuf, char *name)
{
	return os_mempool_ext_init_as(mpe, blocks, block_size, membuf, name, SIZE_MAX, OS_ALIGNMENT,
				      0);
}

/* The record, if the struct is still of the pool that it is of. */
static struct os_record *os_init_record(const struct os_mempool *mp, struct os_hold hold)
{
	return hold.record && os_record_fits(hold.record, mp) ? hold.record : NULL;
}

static os_error_t os_init_set_options(struct os_mempool *mp, struct os_record *record,
				      unsigned options)
{
	unsigned flags = (mp->mp_flags & ~OS_OPTIONS) | options;
	size_t stride = os_stride(os_alignment(mp), flags, mp->mp_block_size);

	if (mp->mp_flags & OS_MEMPOOL_F_SHARED) {
		return OS_EINVAL;
	}
	if (mp->mp_num_free != mp->mp_num_blocks) {
		return OS_EBUSY;
	}
	if (record && stride * mp->mp_num_blocks > record->room) {
		return OS_INVALID_PARM;
	}
	uint16_t min_free = mp->mp_min_free;
	mp->mp_flags = (uint8_t)flags;
	os_init_link(mp, record);
	mp->mp_min_free = min_free;
	return OS_OK;
}

EXPORT os_error_t os_mempool_set_options(struct os_mempool *mp, unsigned options)
{
	if (!mp || options & ~OS_OPTIONS) {
		return OS_INVALID_PARM;
	}
	struct os_hold hold = os_record_hold(mp);
	os_error_t error = os_init_set_options(mp, os_init_record(mp, hold), options);
	os_record_release(hold);
	return error;
}

EXPORT os_error_t os_mempool_clear(struct os_mempool *mp)
{
	if (!mp) {
		return OS_INVALID_PARM;
	}
	struct os_hold hold = os_record_hold(mp);
	bool is_shared = mp->mp_flags & OS_MEMPOOL_F_SHARED;
	if (!is_shared) {
		os_init_link(mp, os_init_record(mp, hold));
	}
	os_record_release(hold);
	return is_shared ? OS_EINVAL : OS_OK;
}

EXPORT os_error_t os_mempool_ext_clear(struct os_mempool_ext *mpe)
{
	os_error_t error = os_mempool_clear(mpe ? &mpe->mpe_mp : NULL);

	if (!error) {
		mpe->mpe_put_cb = NULL;
		mpe->mpe_put_arg = NULL;
	}
	return error;
}
