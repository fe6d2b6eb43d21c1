/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>

#include "lib/os/layout.h"
#include "lib/os/pattern.h"

#define POISON 0xde7ec7edu
#define GUARD 0xbaff1ed1u

void os_pattern_write(const struct os_mempool *mp, void *block)
{
	size_t body = os_body(os_alignment(mp), mp->mp_block_size);
	const uint32_t poison = POISON, guard = GUARD;

	if (mp->mp_flags & OS_MEMPOOL_OPT_POISON) {
		for (size_t at = sizeof(struct os_memblock); at < body; at += sizeof poison) {
			memcpy((char *)block + at, &poison, sizeof poison);
		}
	}
	if (mp->mp_flags & OS_MEMPOOL_OPT_GUARD) {
		memcpy((char *)block + body, &guard, sizeof guard);
	}
}

static bool os_pattern_has_word(const void *block, size_t at, uint32_t word)
{
	return memcmp((const char *)block + at, &word, sizeof word) == 0;
}

bool os_pattern_has_guard(const struct os_mempool *mp, const void *block)
{
	return !(mp->mp_flags & OS_MEMPOOL_OPT_GUARD) ||
	       os_pattern_has_word(block, os_body(os_alignment(mp), mp->mp_block_size), GUARD);
}

bool os_pattern_has_poison(const struct os_mempool *mp, const void *block)
{
	size_t body = os_body(os_alignment(mp), mp->mp_block_size);

	for (size_t at = sizeof(struct os_memblock);
	     mp->mp_flags & OS_MEMPOOL_OPT_POISON && at < body; at += sizeof(uint32_t)) {
		if (!os_pattern_has_word(block, at, POISON)) {
			return false;
		}
	}
	return true;
}

bool os_pattern_guards_links(const struct os_mempool *mp)
{
	return mp->mp_flags & (OS_MEMPOOL_OPT_CHECK | OS_MEMPOOL_OPT_POISON);
}

_Noreturn void os_pattern_stop(const struct os_mempool *mp, const void *block, const char *what)
{
	fprintf(stderr, "os_mempool %s: block %p: %s\n", mp->name ? mp->name : "without name",
		block, what);
	abort();
}
