/* SPDX-License-Identifier: MIT */
/*
 * Named operations on words that several processes, or a process and its successors, look at.
 *
 * Stores must keep their order for two readers, who need it of different parties.
 *
 * Who comes after a death sees a prefix of the dead process's stores in program order, on every
 * machine: a thread dies between two of its instructions, none of those after is executed, and
 * the kernel tells of the death (a pidfd, a robust mutex, a lock on a file) after barriers of its
 * own on the CPU that had the thread. So the *compiler* has to keep the order, and no more:
 * mp_store_ordered(). tests/order looks at what it made.
 *
 * Who looks on while the thread runs sees its stores in the order in which they come out of that
 * CPU. x86-64 lets them out as the program has them, and loads as well; aarch64 lets both out in
 * any order, unless an instruction says otherwise. So each store that such a reader goes by is a
 * mp_store_release(), and the reader's load a mp_load_acquire().
 *
 *				C11		x86-64		aarch64
 *	mp_load			relaxed		mov		ldr
 *	mp_load_acquire		acquire		mov		ldar, or ldapr from Armv8.3 on
 *	mp_store		relaxed		mov		str
 *	mp_store_ordered	see below	mov		str
 *	mp_store_release	release		mov		stlr
 *	mp_cas, mp_add, mp_or,	seq_cst		lock cmpxchg,	ldaxr and stlxr; or casal,
 *	mp_and					lock xadd ...	ldaddal ... from Armv8.1 on
 *	mp_fence_after_rmw	seq_cst fence	nothing		dmb ish
 *	mp_write_fence		release fence	nothing		dmb ish
 *	mp_read_fence		acquire fence	nothing		dmb ishld
 *	mp_fence		seq_cst fence	mfence		dmb ish
 *	mp_compiler_fence	signal fence	nothing		nothing
 *
 * What follows from the last column:
 *	- A read-modify-write is an acquire and a release, and no fence for a load of another word
 *	  that follows: the load may come before the write (stlxr). Who stores by it and then looks
 *	  whether somebody sleeps, while that one marks itself asleep and then looks for what was
 *	  stored, needs mp_fence_after_rmw() between, and so does the other.
 *	- A load-acquire does not wait for a store-release before it: ldapr does not. Nobody may
 *	  rely on ldar, which does; a later compiler makes the one of the other.
 *	- Several stores of one thread are seen in order if each but the first is a release. One
 *	  release after many plain stores is enough for who loads that one, by acquire, before it
 *	  looks at the others.
 *	- A CAS that fails orders nothing.
 * All of it holds for every 64-bit Arm: with or without LSE, LSE2 and LDAPR. Memory is
 * multi-copy atomic there: what one other process has seen, all see.
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
/* Keeps the compiler from moving anything across; costs nothing. */
#define mp_compiler_fence() atomic_signal_fence(memory_order_seq_cst)
/* A full barrier. */
#define mp_fence() atomic_thread_fence(memory_order_seq_cst)

/*
 * What differs by machine.
 *
 * mp_store_ordered() stores, in program order with the stores before it, for who comes after a
 * death. Others may see it before those, until a release of this thread that they acquire. On
 * x86-64 it is a release, of which compilers make the same mov, and better code around it.
 *
 * mp_fence_after_rmw() is a full barrier, to stand behind a read-modify-write. It costs nothing
 * where that is one itself.
 *
 * MP_KEEPS_ORDER says whether other CPUs see loads, and stores, in program order.
 */
#if defined(__x86_64__)

#define mp_store_ordered(p, v) mp_store_release((p), (v))
#define mp_fence_after_rmw() mp_compiler_fence()
#define MP_KEEPS_ORDER true

#else

/* Functions, so that what is stored, and where, is computed before the fence. */
static inline void mp_store_ordered32(mp_atomic32 *p, uint32_t v)
{
	mp_compiler_fence();
	mp_store(p, v);
}

static inline void mp_store_ordered64(mp_atomic64 *p, uint64_t v)
{
	mp_compiler_fence();
	mp_store(p, v);
}

#define mp_store_ordered(p, v)                       \
	_Generic((p), mp_atomic32 *                  \
		 : mp_store_ordered32, mp_atomic64 * \
		 : mp_store_ordered64)((p), (v))
#define mp_fence_after_rmw() mp_fence()
#define MP_KEEPS_ORDER false

#endif

/* Adds and returns the old value; acquires and releases. */
#define mp_add(p, v) atomic_fetch_add_explicit((p), (v), memory_order_seq_cst)
/* Sets bits and returns the old value; acquires and releases. */
#define mp_or(p, v) atomic_fetch_or_explicit((p), (v), memory_order_seq_cst)
/* Clears the bits that @v lacks and returns the old value; acquires and releases. */
#define mp_and(p, v) atomic_fetch_and_explicit((p), (v), memory_order_seq_cst)
/* Adds to a counter that this thread alone writes; as mp_store_ordered(), or for a live reader. */
#define mp_count(p, v) mp_store_ordered((p), mp_load(p) + (v))
#define mp_count_release(p, v) mp_store_release((p), mp_load(p) + (v))

/* Replace @expected by @desired; acquire and release. False: something else was there. */
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

/*
 * For loops that wait for another CPU to change a word. On aarch64 not yield, which most CPUs take
 * for a nop: isb empties the pipeline, so that the loop leaves memory alone for as long as pause
 * does.
 */
static inline void mp_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" : : : "memory");
#endif
}

/* Keeps loads that precede it from coming after loads that follow. */
#define mp_read_fence() atomic_thread_fence(memory_order_acquire)

/* Keeps stores that precede it from coming after stores that follow. */
#define mp_write_fence() atomic_thread_fence(memory_order_release)

#endif
