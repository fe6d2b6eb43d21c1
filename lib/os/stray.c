/* SPDX-License-Identifier: MIT */
#include "lib/os/layout.h"
#include "lib/os/pattern.h"
#include "lib/os/stray.h"

/* Whether that is how the free list can go on when so many blocks of it are left. */
static bool os_stray_goes_on(const struct os_mempool *mp, const struct os_memblock *next,
			     uint32_t n_left)
{
	return n_left ? os_index(mp, next) != UINT32_MAX : !next;
}

/* The free list ends here, as what comes next is not to be found. */
static void os_stray_cut(struct os_mempool *mp, const void *block)
{
	if (os_pattern_guards_links(mp)) {
		os_pattern_stop(mp, block, OS_PATTERN_WRITTEN_FREE);
	}
	SLIST_FIRST(mp) = NULL;
	mp->mp_num_free = 0;
	mp->mp_min_free = 0;
}

void *os_stray_pop(struct os_mempool *mp)
{
	struct os_memblock *block = SLIST_FIRST(mp);

	if (mp->mp_num_free == 0) {
		return NULL;
	}
	if (os_index(mp, block) == UINT32_MAX) {
		os_stray_cut(mp, block);
		return NULL;
	}
	SLIST_FIRST(mp) = os_next(block);
	mp->mp_num_free--;
	if (mp->mp_num_free < mp->mp_min_free) {
		mp->mp_min_free = mp->mp_num_free;
	}
	if (!os_stray_goes_on(mp, SLIST_FIRST(mp), mp->mp_num_free)) {
		os_stray_cut(mp, block);
	}
	return block;
}

static bool os_stray_is_listed(const struct os_mempool *mp, const void *block)
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

os_error_t os_stray_check(const struct os_mempool *mp, const void *block)
{
	if (os_index(mp, block) == UINT32_MAX) {
		return OS_INVALID_PARM;
	}
	return mp->mp_num_free >= mp->mp_num_blocks || os_stray_is_listed(mp, block) ? OS_EINVAL
										     : OS_OK;
}

void os_stray_push(struct os_mempool *mp, void *block)
{
	os_pattern_write(mp, block);
	os_set_next(block, SLIST_FIRST(mp));
	SLIST_FIRST(mp) = block;
	mp->mp_num_free++;
}

bool os_stray_is_sane(const struct os_mempool *mp)
{
	const struct os_memblock *block = SLIST_FIRST(mp);

	for (uint32_t i = 0; i < mp->mp_num_free; i++) {
		if (os_index(mp, block) == UINT32_MAX || !os_pattern_has_guard(mp, block) ||
		    !os_pattern_has_poison(mp, block)) {
			return false;
		}
		block = os_next(block);
	}
	return !block && mp->mp_num_free <= mp->mp_num_blocks;
}
