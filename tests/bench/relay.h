/* SPDX-License-Identifier: MIT */
/*
 * Relays: a block is handed on, from worker 0 to worker 1. What both do is here, compiled into each
 * peer with its own calls, as in loops.h; C and C++.
 *
 *	stream	0: get, send			1: receive, put
 *	written	0: get, write, send		1: receive, read, put
 *	echo	0: get, write, send		1: receive, read, send back
 *		   receive, read, put
 *
 * A stream runs as fast as the slower of the two, and the ring between them is as full as that
 * makes it. What is written is the first 8 bytes, a number that the other compares.
 */
#ifndef BENCH_RELAY_H
#define BENCH_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_INLINE static inline __attribute__((always_inline))

enum relay_kind {
	RELAY_STREAM,
	RELAY_WRITTEN,
	RELAY_ECHO,
};

enum {
	RELAY_BULK = 32,        /* the other bulk is 1 */
	RELAY_BLOCKS = 8191,    /* in every pool */
	RELAY_BLOCK_SIZE = 256, /* bytes */
	RELAY_DEPTH = 1024,     /* blocks under way at most, where that can be chosen */
};

/*
 * One peer's operations. @n is the constant 1 for the single calls; the compiler then sees that.
 * Each but receive answers whether it went well.
 */
struct relay_ops {
	bool (*get)(void *end, void **blocks, size_t n);
	bool (*send)(void *end, void **blocks, size_t n);      /* all, however long it takes */
	size_t (*receive)(void *end, void **blocks, size_t n); /* at least one; 0: it failed */
	bool (*put)(void *end, void **blocks, size_t n);
	bool (*reply)(void *end, void **block); /* sends back what was received */
};

/* Between two looks at something that another CPU is to change. */
RELAY_INLINE void relay_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

RELAY_INLINE void relay_write(void *block, uint64_t number)
{
	*(volatile uint64_t *)block = number;
}

RELAY_INLINE bool relay_is(const void *block, uint64_t number)
{
	return *(const volatile uint64_t *)block == number;
}

RELAY_INLINE bool relay_produce(struct relay_ops ops, void *end, const bool written, const size_t n,
				uint64_t blocks)
{
	void *batch[RELAY_BULK];

	for (uint64_t i = 0; i < blocks; i += n) {
		if (!ops.get(end, batch, n)) {
			return false;
		}
		for (size_t k = 0; written && k < n; k++) {
			relay_write(batch[k], i + k);
		}
		if (!ops.send(end, batch, n)) {
			return false;
		}
	}
	return true;
}

RELAY_INLINE bool relay_consume(struct relay_ops ops, void *end, const bool written, const size_t n,
				uint64_t blocks)
{
	void *batch[RELAY_BULK];

	for (uint64_t i = 0; i < blocks;) {
		/* What comes after these is the next relay's. */
		size_t most = n == 1 || blocks - i >= n ? n : (size_t)(blocks - i);
		size_t got = ops.receive(end, batch, most);
		if (got == 0) {
			return false;
		}
		for (size_t k = 0; written && k < got; k++) {
			if (!relay_is(batch[k], i + k)) {
				return false;
			}
		}
		if (!ops.put(end, batch, n == 1 ? 1 : got)) {
			return false;
		}
		i += got;
	}
	return true;
}

RELAY_INLINE bool relay_call(struct relay_ops ops, void *end, uint64_t blocks)
{
	void *block;

	for (uint64_t i = 0; i < blocks; i++) {
		if (!ops.get(end, &block, 1)) {
			return false;
		}
		relay_write(block, i);
		if (!ops.send(end, &block, 1) || ops.receive(end, &block, 1) != 1) {
			return false;
		}
		if (!relay_is(block, i) || !ops.put(end, &block, 1)) {
			return false;
		}
	}
	return true;
}

RELAY_INLINE bool relay_answer(struct relay_ops ops, void *end, uint64_t blocks)
{
	void *block;

	for (uint64_t i = 0; i < blocks; i++) {
		if (ops.receive(end, &block, 1) != 1 || !relay_is(block, i) ||
		    !ops.reply(end, &block)) {
			return false;
		}
	}
	return true;
}

RELAY_INLINE bool relay_stream(struct relay_ops ops, void *end, unsigned seat, const bool written,
			       uint32_t bulk, uint64_t blocks)
{
	if (bulk == 1) {
		return seat == 0 ? relay_produce(ops, end, written, 1, blocks)
				 : relay_consume(ops, end, written, 1, blocks);
	}
	return seat == 0 ? relay_produce(ops, end, written, RELAY_BULK, blocks)
			 : relay_consume(ops, end, written, RELAY_BULK, blocks);
}

/* The part of the worker @seat; @blocks is a multiple of @bulk. */
RELAY_INLINE bool relay_run(struct relay_ops ops, void *end, unsigned seat, uint32_t kind,
			    uint32_t bulk, uint64_t blocks)
{
	switch (kind) {
	case RELAY_STREAM:
		return relay_stream(ops, end, seat, false, bulk, blocks);
	case RELAY_WRITTEN:
		return relay_stream(ops, end, seat, true, bulk, blocks);
	default:
		return seat == 0 ? relay_call(ops, end, blocks) : relay_answer(ops, end, blocks);
	}
}

#endif
