/* SPDX-License-Identifier: MIT */
/*
 * An input that is being read, front to back. Behind its end there are zeros.
 */
#ifndef TESTS_FUZZ_BYTES_H
#define TESTS_FUZZ_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *at;
	size_t left;
};

/* The next @size bytes, or what there is of them, into @to; the rest is zeroed. */
static inline size_t bytes_copy(struct bytes *in, void *to, size_t size)
{
	size_t n = size < in->left ? size : in->left;

	memset(to, 0, size);
	if (n > 0) {
		memcpy(to, in->at, n);
		in->at += n;
		in->left -= n;
	}
	return n;
}

static inline uint8_t bytes_u8(struct bytes *in)
{
	uint8_t value;
	bytes_copy(in, &value, sizeof value);
	return value;
}

static inline uint16_t bytes_u16(struct bytes *in)
{
	uint16_t value;
	bytes_copy(in, &value, sizeof value);
	return value;
}

static inline uint64_t bytes_u64(struct bytes *in)
{
	uint64_t value;
	bytes_copy(in, &value, sizeof value);
	return value;
}

#endif
