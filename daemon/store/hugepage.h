/* SPDX-License-Identifier: MIT */
/*
 * Huge pages of shared memory: whether the system has them, and how much of a mapping is on them.
 * They have 2 MiB where a page has 4 KiB. Where pages are larger, so are huge ones (32 or 512 MiB
 * on 64-bit Arm), and the windows by which memory is reserved are too small for one: pools may
 * still get them, but none is counted, and pools that require them are refused.
 */
#ifndef MP_DAEMON_HUGEPAGE_H
#define MP_DAEMON_HUGEPAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/wire/protocol.h"

#define HUGEPAGE_SIZE (2u << 20)

/*
 * Whether memory of that backing (enum wire_backing) may be on huge pages, if madvise() asks for
 * them. For /dev/shm the mount option huge= says so, for memfds the kernel's setting shmem_enabled.
 */
bool hugepage_possible(uint8_t backing);

/* Whether the system has the huge pages that the terms require; true when they require none. */
bool hugepage_suffices(const struct wire_terms *terms);

/* How many bytes of the mapping at @at, which mmap() returned, are on huge pages. */
uint64_t hugepage_count(const void *at);

#endif
