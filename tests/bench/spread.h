/* SPDX-License-Identifier: MIT */
/*
 * Spreads: blocks go from one sender to several receivers. What all of them do is here, compiled
 * into each peer with its own calls, as in relay.h; C and C++.
 *
 *	broadcast	0: get, write, send	others: take, read, done, each block
 *	work		0: get, write, send	others: take, read, done, each block one of them
 *
 * What is written is a number, at the beginning; of a frame, where so named, once in each cache
 * line. Of work, each receiver ends when it gets a number that is none.
 */
#ifndef BENCH_SPREAD_H
#define BENCH_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/relay.h"

enum spread_kind {
	SPREAD_BROADCAST,     /* nothing written or read */
	SPREAD_NUMBERED,      /* broadcast: a number written and read */
	SPREAD_WORK,          /* likewise */
	SPREAD_FRAME,         /* broadcast: likewise */
	SPREAD_FRAME_READ,    /* all of it read */
	SPREAD_FRAME_WRITTEN, /* and all of it written */
};

enum {
	SPREAD_RECEIVERS = 8,     /* at most */
	SPREAD_BATCH = 256,       /* blocks that are sent before anybody takes one, */
	SPREAD_WARM = 64,         /* of which the first ones are not timed */
	SPREAD_WORK_BATCH = 1000, /* the same, and there is room for an end for each receiver */
	SPREAD_BLOCK_SIZE = RELAY_BLOCK_SIZE,
	SPREAD_BLOCKS = RELAY_BLOCKS,
	SPREAD_DEPTH = RELAY_DEPTH,
	SPREAD_FRAME_SIZE = 3 << 20, /* bytes */
	SPREAD_FRAMES = 4,           /* in a pool */
	SPREAD_FRAME_READERS = 3,
	SPREAD_LINE = 64, /* bytes in a cache line */
};

#define SPREAD_END UINT64_MAX

/* One peer's operations. Each answers whether it went well. */
struct spread_ops {
	bool (*get)(void *end, void **block);
	bool (*send)(void *end, void *block);
	const void *(*take)(void *end); /* NULL: it failed */
	bool (*done)(void *end, const void *block);
};

RELAY_INLINE void spread_write(void *block, uint64_t number, const size_t size)
{
	for (size_t at = 0; at < size; at += SPREAD_LINE) {
		*(volatile uint64_t *)((char *)block + at) = number;
	}
}

/* Returns the number at the beginning; of what is not read, @number. */
RELAY_INLINE uint64_t spread_read(const void *block, const size_t size, uint64_t number)
{
	for (size_t at = SPREAD_LINE; at < size; at += SPREAD_LINE) {
		(void)*(const volatile uint64_t *)((const char *)block + at);
	}
	return size > 0 ? *(const volatile uint64_t *)block : number;
}

RELAY_INLINE bool spread_send(struct spread_ops ops, void *end, const size_t written,
			      uint64_t number)
{
	void *block;

	if (!ops.get(end, &block)) {
		return false;
	}
	spread_write(block, number, written);
	return ops.send(end, block);
}

RELAY_INLINE bool spread_take(struct spread_ops ops, void *end, const size_t read, uint64_t *number)
{
	const void *block = ops.take(end);

	if (block == NULL) {
		return false;
	}
	*number = spread_read(block, read, *number);
	return ops.done(end, block);
}

/* Whether the kind is a frame's. */
RELAY_INLINE bool spread_is_frame(uint32_t kind)
{
	return kind >= SPREAD_FRAME;
}

/* Each of these answers how many blocks that were; -1: a call failed, or a number was wrong. */

RELAY_INLINE int64_t spread_each(struct spread_ops ops, void *end, unsigned seat,
				 const size_t written, const size_t read, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		uint64_t number = i;
		if (seat == 0 ? !spread_send(ops, end, written, i)
			      : !spread_take(ops, end, read, &number) || number != i) {
			return -1;
		}
	}
	return (int64_t)n;
}

RELAY_INLINE int64_t spread_offer(struct spread_ops ops, void *end, uint64_t n, unsigned receivers)
{
	for (uint64_t i = 0; i < n; i++) {
		if (!spread_send(ops, end, sizeof i, i)) {
			return -1;
		}
	}
	for (unsigned i = 0; i < receivers; i++) {
		if (!spread_send(ops, end, sizeof SPREAD_END, SPREAD_END)) {
			return -1;
		}
	}
	return (int64_t)n;
}

RELAY_INLINE int64_t spread_labour(struct spread_ops ops, void *end)
{
	uint64_t number = 0, next = 0;

	for (int64_t n = 0;; n++) {
		if (!spread_take(ops, end, sizeof number, &number) || number < next) {
			return -1;
		}
		if (number == SPREAD_END) {
			return n;
		}
		next = number + 1;
	}
}

/* The part of the process @seat in a batch of work for so many receivers. */
RELAY_INLINE int64_t spread_work(struct spread_ops ops, void *end, unsigned seat,
				 unsigned receivers, uint64_t n)
{
	return seat == 0 ? spread_offer(ops, end, n, receivers) : spread_labour(ops, end);
}

/* The part of the process @seat in a batch of a broadcast, whatever its kind. */
RELAY_INLINE int64_t spread_broadcast(struct spread_ops ops, void *end, unsigned seat,
				      uint32_t kind, uint64_t n)
{
	const size_t number = sizeof(uint64_t), all = SPREAD_FRAME_SIZE;

	switch (kind) {
	case SPREAD_BROADCAST:
		return spread_each(ops, end, seat, 0, 0, n);
	case SPREAD_FRAME_READ:
		return spread_each(ops, end, seat, number, all, n);
	case SPREAD_FRAME_WRITTEN:
		return spread_each(ops, end, seat, all, all, n);
	default:
		return spread_each(ops, end, seat, number, number, n);
	}
}

#endif
