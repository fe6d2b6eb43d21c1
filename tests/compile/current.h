/* SPDX-License-Identifier: MIT */
/*
 * A program in today's convention: sizes are uint16_t and uint32_t, errors os_error_t. Compiles as
 * C and as C++. main() is current_main.
 */
#include "os/mynewt.h"
#include <string.h>

#define CURRENT_BLOCKS 6
#define CURRENT_SIZE 40

static struct os_mempool current_pool;
static struct os_mempool_ext current_ext;
static os_membuf_t current_buffer[OS_MEMPOOL_SIZE(CURRENT_BLOCKS, CURRENT_SIZE)];
static os_membuf_t current_ext_buffer[OS_MEMPOOL_BYTES(2, 24) / sizeof(os_membuf_t)];
static os_mempool_put_fn current_put;

static os_error_t current_put(struct os_mempool_ext *mpe, void *data, void *arg)
{
	++*(int *)arg;
	return os_memblock_put_from_cb(&mpe->mpe_mp, data);
}

static int current_walk(const struct os_mempool *mp)
{
	struct os_memblock *at, *after;
	int n = 0;

	SLIST_FOREACH_SAFE(at, mp, mb_next, after)
	{
		n += os_memblock_from(mp, at);
	}
	return n;
}

/* Commas, in arguments, that a macro takes for its own. */
#ifdef __cplusplus
template <int blocks, int size> struct current_shape {
	static const int n = blocks, bytes = size;
};

static int current_commas(struct os_mempool *mp)
{
	return os_mempool_init(mp, current_shape<2, 24>::n, current_shape<2, 24>::bytes,
			       current_ext_buffer, "commas");
}
#else
static int current_commas(struct os_mempool *mp)
{
	return os_mempool_init(mp, 2, 24, (os_membuf_t[OS_MEMPOOL_SIZE(2, 24)]){0, 0},
			       ((char[]){'c', 'o', '\0'})) ||
	       os_mempool_init(mp, 2, 24, (os_membuf_t[OS_MEMPOOL_SIZE(2, 24)]){0}, "co");
}
#endif

/* An array that is too small is refused, with or without commas elsewhere. */
static int current_refuses_small(struct os_mempool *mp)
{
	static os_membuf_t small_buffer[1];
	return os_mempool_init(mp, 3, 24, small_buffer, "small") == OS_INVALID_PARM;
}

static int current_main(void)
{
	uint16_t blocks = CURRENT_BLOCKS;
	uint32_t size = CURRENT_SIZE;
	struct os_mempool_info info;
	int puts = 0;
	char name[] = "empty";
	os_error_t (*by_pointer)(struct os_mempool *, uint16_t, uint32_t, void *, char *) =
		os_mempool_init;

	os_mempool_module_init();
	if (current_commas(&current_pool) || !current_refuses_small(&current_pool)) {
		return 7;
	}
	if (os_mempool_init(&current_pool, blocks, size, current_buffer, "current") != OS_OK ||
	    os_mempool_ext_init(&current_ext, 2, 24, &current_ext_buffer[0], "ext") != 0) {
		return 1;
	}
	current_ext.mpe_put_cb = current_put;
	current_ext.mpe_put_arg = &puts;
	void *block = os_memblock_get(&current_ext.mpe_mp);
	if (os_memblock_put(&current_ext.mpe_mp, block) != OS_OK || puts != 1) {
		return 2;
	}
	if (current_walk(&current_pool) != CURRENT_BLOCKS || !os_mempool_is_sane(&current_pool) ||
	    (char *)SLIST_NEXT(SLIST_FIRST(&current_pool), mb_next) - (char *)current_buffer !=
		    (int)OS_MEMPOOL_BYTES(1, CURRENT_SIZE)) {
		return 3;
	}
	memset(os_memblock_get(&current_pool), 0xff, CURRENT_SIZE);
	if (os_mempool_get("current", &info) != &current_pool ||
	    info.omi_num_free != CURRENT_BLOCKS - 1 || current_pool.mp_min_free != blocks - 1 ||
	    strcmp(current_pool.name, info.omi_name) != 0) {
		return 4;
	}
	if (os_mempool_clear(&current_pool) != OS_OK || os_mempool_ext_clear(&current_ext) != 0 ||
	    by_pointer(&current_pool, 0, 8, NULL, name) != OS_OK) {
		return 5;
	}
	os_error_t (*ext_by_pointer)(struct os_mempool_ext *, uint16_t, uint32_t, void *, char *) =
		os_mempool_ext_init;
	if (ext_by_pointer(&current_ext, 0, 8, NULL, NULL) != OS_OK) {
		return 8;
	}
	return os_mempool_unregister(&current_pool) == OS_OK ? 0 : 6;
}
