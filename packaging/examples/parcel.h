/* SPDX-License-Identifier: MIT */
/*
 * What producer and consumer tell each other: one parcel a packet on a SOCK_SEQPACKET Unix socket.
 * The producer sends a parcel with the token of a block it has given; the consumer sends the same
 * parcel back when the chunk is written and the block put. The payload itself never travels.
 *
 * A chunk is a piece of the file as long as a block, the last one perhaps shorter. A consumer's
 * death is the end of its connection; what it did not acknowledge is then sent to another.
 */
#ifndef EXAMPLES_PARCEL_H
#define EXAMPLES_PARCEL_H

#include <stdint.h>

#include <mempool/mempool.h>

#define PARCEL_QUIET_MS 20000 /* who hears nothing for so long gives up */

struct parcel {
	struct mempool_token token;
	uint32_t chunk;  /* number */
	uint32_t length; /* bytes */
};
_Static_assert(sizeof(struct parcel) == 16, "the same on both sides");

#endif
