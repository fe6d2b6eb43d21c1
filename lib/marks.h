/* SPDX-License-Identifier: MIT */
/*
 * Marks: one bit for each of many numbers, for calls that must not fail for want of memory and may
 * be made in signal handlers. Where they do not fit on the caller's stack, and the kernel gives no
 * memory either, they are as many as fit: the caller then goes over its numbers once for each
 * window of marks.n of them.
 *
 *	marks_begin(&marks, range, n);
 *	for (first = 0; first < range; first += marks.n) {
 *		for each of the n numbers that is in [first, first + marks.n)
 *			was_there = marks_set(&marks, number - first);
 *		marks_clear(&marks);
 *	}
 *	marks_end(&marks);
 *
 * That takes range / 32768 rounds at most: 32 for a million. Memory is asked for only where rounds
 * would cost more.
 */
#ifndef MP_MARKS_H
#define MP_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARKS_ON_STACK 32768u

struct marks {
	uint64_t n; /* marks there are */
	uint64_t *bits;
	size_t mapped; /* bytes at bits; 0: they are small */
	uint64_t small[MARKS_ON_STACK / 64];
};

/* Begins with no number marked; @range is what the numbers are below, @n how many there are. */
void marks_begin(struct marks *marks, uint64_t range, uint64_t n);

/* Marks number @i, which is below marks.n. Whether it was marked already. */
static inline bool marks_set(struct marks *marks, uint64_t i)
{
	uint64_t bit = UINT64_C(1) << i % 64, before = marks->bits[i / 64];

	marks->bits[i / 64] = before | bit;
	return before & bit;
}

static inline bool marks_has(const struct marks *marks, uint64_t i)
{
	return marks->bits[i / 64] >> i % 64 & 1;
}

void marks_clear(struct marks *marks);
void marks_end(struct marks *marks);

#endif
