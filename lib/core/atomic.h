/* SPDX-License-Identifier: MIT */
/*
 * Named operations on words that several processes, or a process and its successors, look at.
 *
 * Stores must keep their order for two readers. Threads that run see it by acquire and release, as
 * usual. Whoever comes after a death sees a prefix of the dead process's stores in program order,
 * as it died between two of its instructions; for that it suffices that the *compiler* keeps the
 * order. mp_store_release() serves both: the compiler moves nothing from before it behind it. It is
 * a plain store on x86-64. Later stores may move before it, unless they are releases too; so every
 * store that a death may cut off from its neighbours is a release.
 *
 * This is the only file that includes <stdatomic.h>.
 */
#ifndef MP_CORE_ATOMIC_H
#define MP_CORE_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef _Atomic uint32_t mp_atomic32;
typedef _Atomic uint64_t mp_atomic64;

/* The value, in no order with anything. */
#define mp_load(p) atomic_load_explicit((p), memory_order_relaxed)
/* The value; nothing that follows comes before it. */
#define mp_load_acquire(p) atomic_load_explicit((p), memory_order_acquire)
/* Stores in no order with anything. */
#define mp_store(p, v) atomic_store_explicit((p), (v), memory_order_relaxed)
/* Stores; nothing that precedes comes after it. */
#define mp_store_release(p, v) atomic_store_explicit((p), (v), memory_order_release)
/* Adds and returns the old value; a full barrier. */
#define mp_add(p, v) atomic_fetch_add_explicit((p), (v), memory_order_seq_cst)
/* Sets bits and returns the old value; a full barrier. */
#define mp_or(p, v) atomic_fetch_or_explicit((p), (v), memory_order_seq_cst)
/* Clears the bits that @v lacks and returns the old value; a full barrier. */
#define mp_and(p, v) atomic_fetch_and_explicit((p), (v), memory_order_seq_cst)
/* Adds to a counter that this thread alone writes. */
#define mp_count(p, v) mp_store((p), mp_load(p) + (v))
/* Keeps the compiler from moving anything across; costs nothing. */
#define mp_compiler_fence() atomic_signal_fence(memory_order_seq_cst)

/* Replace @expected by @desired. False: something else was there. Full barriers. */
static inline bool mp_cas(mp_atomic64 *p, uint64_t expected, uint64_t desired)
{
	return atomic_compare_exchange_strong_explicit(p, &expected, desired, memory_order_seq_cst,
						       memory_order_relaxed);
}

static inline bool mp_cas32(mp_atomic32 *p, uint32_t expected, uint32_t desired)
{
	return atomic_compare_exchange_strong_explicit(p, &expected, desired, memory_order_seq_cst,
						       memory_order_relaxed);
}

/* Has the CPU fetch the line, to write to it or to read it. */
#define mp_prefetch_for_write(p) __builtin_prefetch((const void *)(p), 1)
#define mp_prefetch(p) __builtin_prefetch((const void *)(p), 0)

/* For loops that wait for another CPU to change a word. */
static inline void mp_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

/* Keeps loads that precede it from coming after loads that follow. */
#define mp_read_fence() atomic_thread_fence(memory_order_acquire)

/* A full barrier. */
#define mp_fence() atomic_thread_fence(memory_order_seq_cst)

#endif
