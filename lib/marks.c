/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/marks.h"

#define WORTH_A_MAP 32768u /* steps that take as long as a mapping and its first pages */

void marks_begin(struct marks *marks, uint64_t range, uint64_t n)
{
	uint64_t windows = (range + MARKS_ON_STACK - 1) / MARKS_ON_STACK;
	size_t bytes = (size_t)((range + 63) / 64 * 8);
	int error = errno;

	marks->n = MARKS_ON_STACK;
	marks->bits = marks->small;
	marks->mapped = 0;
	if (windows > 1 && windows * n > WORTH_A_MAP) {
		void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (at != MAP_FAILED) {
			marks->n = range;
			marks->bits = at;
			marks->mapped = bytes;
		}
		errno = error;
	}
	if (!marks->mapped) {
		memset(marks->small, 0, sizeof marks->small);
	}
}

void marks_clear(struct marks *marks)
{
	if (!marks->mapped) {
		memset(marks->small, 0, sizeof marks->small);
	}
}

void marks_end(struct marks *marks)
{
	if (marks->mapped) {
		munmap(marks->bits, marks->mapped);
	}
}
