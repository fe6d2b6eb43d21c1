/* SPDX-License-Identifier: MIT */
/*
 * What programs for Mynewt expect of "os/os.h" when they use memory pools: alignment, and the other
 * headers of os/. A program may have a "syscfg/syscfg.h" of its own.
 */
#ifndef OS_OS_H
#define OS_OS_H

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#ifdef __has_include
#if __has_include(<syscfg/syscfg.h>)
#include <syscfg/syscfg.h>
#endif
#endif

/* Settings of the build. Of pools there are three, and each may be chosen for one pool as well. */
#ifndef MYNEWT_VAL
/* clang-format off */
#define MYNEWT_VAL(_name) MYNEWT_VAL_ ## _name
/* clang-format on */
#endif
#ifndef MYNEWT_VAL_OS_MEMPOOL_CHECK
#define MYNEWT_VAL_OS_MEMPOOL_CHECK 0
#endif
#ifndef MYNEWT_VAL_OS_MEMPOOL_POISON
#define MYNEWT_VAL_OS_MEMPOOL_POISON 0
#endif
#ifndef MYNEWT_VAL_OS_MEMPOOL_GUARD
#define MYNEWT_VAL_OS_MEMPOOL_GUARD 0
#endif

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
