/* SPDX-License-Identifier: MIT */
/*
 * The middle of a send: what a sibling thread does after the send has given its block, and before
 * it posts the token. The channel is deep enough for a page that holds nothing but cells. While
 * that page may not be touched, the send faults when it comes to post, and the handler is the
 * sibling.
 */
#ifndef TESTS_UNIT_MIDWAY_H
#define TESTS_UNIT_MIDWAY_H

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/core/word.h"
#include "tests/support/arena.h"
#include "tests/unit/suite.h"

static struct {
	void *cells; /* a page of them */
	size_t size; /* of the page */
	struct member *sender;
	uint32_t index;   /* of the block that is sent */
	bool withdraws;   /* whether the sibling takes it back */
	uint32_t touched; /* how often the page was, while none might */
} midway;

/* How deep a channel must be. */
static inline uint32_t midway_depth(void)
{
	return (uint32_t)(2 * (size_t)sysconf(_SC_PAGESIZE) / sizeof(mp_atomic64));
}

static inline void midway_on_touch(int signal)
{
	uint64_t word = mp_load(&midway.sender->pool.words[midway.index].whole);

	(void)signal;
	midway.touched++;
	if (mprotect(midway.cells, midway.size, PROT_READ | PROT_WRITE) != 0 ||
	    midway.touched > 1) {
		_exit(98);
	}
	if (midway.withdraws &&
	    mp_word_take(&midway.sender->pool, word >> 32 << 32 | midway.index, true) < 0) {
		_exit(97);
	}
}

/* Of a channel that is full: its hint says that the first place in the page is free. */
static inline void midway_begin(struct member *by, struct mp_channel *full, const void *block,
				bool withdraws)
{
	uintptr_t cells = (uintptr_t)full->cell;

	midway.size = (size_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = (cells + midway.size - 1) / midway.size * midway.size;
	midway.cells = (void *)first;
	midway.sender = by;
	midway.index = (uint32_t)mp_pool_index(&by->pool, block);
	midway.withdraws = withdraws;
	mp_store(&full->tail, (first - cells) / sizeof *full->cell);
	/* As if another had filled what was free a moment ago. */
	mp_store(&full->limit, mp_load(&full->tail) + 1);
	signal(SIGSEGV, midway_on_touch);
	ck_assert_int_eq(mprotect(midway.cells, midway.size, PROT_NONE), 0);
}

static inline void midway_end(void)
{
	signal(SIGSEGV, SIG_DFL);
	ck_assert_uint_eq(midway.touched, 1);
}

#endif
