/* SPDX-License-Identifier: MIT */
/*
 * What the blocks of these examples begin with: how long the data is, which message it is, and when
 * it was made. A pool does not know what is in its blocks, so programs that share one agree on
 * something like this; in C, in C++, and in any language that can read three numbers of 64 bits:
 *
 *	byte 0	length		bytes of data
 *	     8	sequence	1, 2, 3 ... of what one sender makes: a gap is what was lost
 *	     16	time_ns		CLOCK_MONOTONIC: one clock for all processes of a host
 *	     24	(zeros)
 *	     64	the data
 *
 * The data has a cache line of its own to begin on, as the block has, so that images and vectors
 * are aligned. Numbers are as the machine has them, since no block leaves it. Who makes such a pool
 * names PAYLOAD_SCHEMA, and who opens it asks for that: a program that expects something else is
 * refused, and does not misread what it gets.
 */
#ifndef EXAMPLES_PAYLOAD_H
#define EXAMPLES_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define PAYLOAD_SCHEMA 0x7061796c6f616421u /* attr.schema */
#define PAYLOAD_VERSION 1u                 /* attr.schema_version */

struct payload {
	uint64_t length;
	uint64_t sequence;
	uint64_t time_ns;
	uint64_t zeros[5];
};

/* The first byte of data, and how many there are at most in a block of that size. */
static inline unsigned char *payload_data(struct payload *payload)
{
	return (unsigned char *)(payload + 1);
}

static inline size_t payload_room(size_t block_size)
{
	return block_size < sizeof(struct payload) ? 0 : block_size - sizeof(struct payload);
}

/* Now, by the clock of time_ns. */
static inline uint64_t payload_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Who fills a block says so last, when the data is there; then it can be sent. */
static inline void payload_fill(struct payload *payload, size_t length, uint64_t sequence)
{
	memset(payload, 0, sizeof(*payload));
	payload->length = length;
	payload->sequence = sequence;
	payload->time_ns = payload_now();
}

/*
 * Who gets a block believes the length only if the block has room for it: a sender with a fault
 * must not make its receivers read past the end.
 */
static inline bool payload_is_sound(const struct payload *payload, size_t block_size)
{
	return payload->length <= payload_room(block_size);
}

#endif
