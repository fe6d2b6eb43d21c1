/* SPDX-License-Identifier: MIT */
/*
 * Huge pages of shared memory: whether the system has them, and how much of a mapping is on them.
 */
#ifndef MP_DAEMON_HUGEPAGE_H
#define MP_DAEMON_HUGEPAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/wire/protocol.h"

#define HUGEPAGE_SIZE (2u << 20)

/*
 * Whether memory of that backing (enum wire_backing) may be on huge pages, when it is asked for by
 * madvise(): by /dev/shm's option huge=, or the setting shmem_enabled for memfds.
 */
bool hugepage_possible(uint8_t backing);

/* Whether that suffices for what the terms ask. */
bool hugepage_suffices(const struct wire_terms *terms);

/* Bytes of the mapping at @at, one that mmap() returned, that huge pages are mapped to. */
uint64_t hugepage_count(const void *at);

#endif
