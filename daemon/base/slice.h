/* SPDX-License-Identifier: MIT */
/*
 * A slice: what one event callback does before the loop looks at other events. Long work looks at
 * slice_over() between its steps, stops there and goes on in another callback. The longest slice is
 * kept, for introspection: nothing may keep the loop longer than 10 ms.
 *
 * A turn of the loop is all callbacks between two looks for events. What there may be any number of
 * in one turn, such as requests and deaths, looks at slice_turn_over() and puts off what is left,
 * so that a turn takes some ten milliseconds however many events there are.
 */
#ifndef MP_DAEMON_SLICE_H
#define MP_DAEMON_SLICE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define SLICE_BUDGET_NS 2000000u /* work in steps stops here */
#define TURN_BUDGET_NS 4000000u  /* after this, callbacks put off what they can */

struct slice {
	uint64_t begun_ns;
	uint64_t turn_begun_ns; /* when its first slice began; 0: no slice yet */
	uint64_t longest_ns;
};

static inline uint64_t slice_now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline void slice_begin(struct slice *slice)
{
	slice->begun_ns = slice_now_ns();
	if (slice->turn_begun_ns == 0) {
		slice->turn_begun_ns = slice->begun_ns;
	}
}

/* The loop is about to look for events. */
static inline void slice_begin_turn(struct slice *slice)
{
	slice->turn_begun_ns = 0;
}

static inline bool slice_turn_over(const struct slice *slice)
{
	return slice_now_ns() - slice->turn_begun_ns >= TURN_BUDGET_NS;
}

static inline bool slice_over(const struct slice *slice)
{
	return slice_now_ns() - slice->begun_ns >= SLICE_BUDGET_NS;
}

static inline void slice_end(struct slice *slice)
{
	uint64_t ns = slice_now_ns() - slice->begun_ns;
	if (ns > slice->longest_ns) {
		slice->longest_ns = ns;
	}
}

#endif
