/* SPDX-License-Identifier: MIT */
/*
 * The patterns in and behind free blocks of pools with OS_MEMPOOL_OPT_POISON or _GUARD, and the end
 * of a program whose blocks were written to. See layout.h.
 */
#ifndef MP_OS_PATTERN_H
#define MP_OS_PATTERN_H

#include <stdbool.h>

#include <os/os_mempool.h>

/* Writes the patterns that the pool's options ask for; the link is not touched. */
void os_pattern_write(const struct os_mempool *mp, void *block);

/* Whether the patterns are as they were written; true without the option. */
bool os_pattern_has_guard(const struct os_mempool *mp, const void *block);
bool os_pattern_has_poison(const struct os_mempool *mp, const void *block);

/* Whether the program is to end when the link of a free block was overwritten. */
bool os_pattern_guards_links(const struct os_mempool *mp);

#define OS_PATTERN_WRITTEN_FREE "written to while it was free"
#define OS_PATTERN_WRITTEN_PAST "written past its end"

/* Says which block of the pool, and what, and ends the program. */
_Noreturn void os_pattern_stop(const struct os_mempool *mp, const void *block, const char *what);

#endif
