/* SPDX-License-Identifier: MIT */
/*
 * What programs for Mynewt expect of "os/os.h" when they use memory pools: alignment, and the other
 * headers of os/.
 */
#ifndef OS_OS_H
#define OS_OS_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Blocks begin at multiples of this: 4, 8 or 16. A program may choose before it includes us. */
#ifndef OS_ALIGNMENT
#if UINTPTR_MAX > 0xffffffffu
#define OS_ALIGNMENT 8
#else
#define OS_ALIGNMENT 4
#endif
#endif

/* @n, or the next multiple of @a, a power of two, above it. */
#define OS_ALIGN(n, a) (((n) + ((a)-1)) / (a) * (a))

#ifndef __cplusplus
#ifndef min
#define min(a, b) ((b) < (a) ? (b) : (a))
#endif
#ifndef max
#define max(a, b) ((b) > (a) ? (b) : (a))
#endif
#endif

#include <os/queue.h>
#include <os/os_error.h>
#include <os/os_mempool.h>

#endif
