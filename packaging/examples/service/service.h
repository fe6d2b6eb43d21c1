/* SPDX-License-Identifier: MIT */
/*
 * What the server and its workers share: requests, the pool they are in, and two channels.
 *
 *	asker --.                  .-- jobs, work ----> worker
 *	asker ---> socket, server <                 '-> worker
 *	asker --'                  '<- answers, a queue ---'
 *
 * The server receives a message straight into a block, and sends the block to the workers. One of
 * them writes the answer into the same block, and sends it back. Nobody copies the text.
 *
 * Any of them may be killed at any time, and started again. A worker takes the request it has with
 * it: the server tells the asker so, when no answer has come in time. An answer to a server that is
 * no more, or that comes too late, has a sequence that nobody waits for, and is put.
 */
#ifndef EXAMPLES_SERVICE_H
#define EXAMPLES_SERVICE_H

#include <err.h>
#include <errno.h>
#include <stddef.h>
#include <time.h>

#include <mempool/mempool.h>

#include "payload.h"

#define SERVICE_POOL "service.requests"
#define SERVICE_BLOCKS 8
#define SERVICE_DEPTH 8   /* of each channel: no fewer than blocks, so there is always room */
#define SERVICE_TEXT 4032 /* bytes of a request; with the payload's header, a page */

enum { SERVICE_JOBS, SERVICE_ANSWERS }; /* channels */

/* A block: the payload is the text; an answer has its request's sequence. */
struct request {
	struct payload payload;
	char text[SERVICE_TEXT];
};
_Static_assert(offsetof(struct request, text) == sizeof(struct payload), "the text is the data");

/* Opens the pool, which the first who comes makes. Ends the program if that fails. */
static inline struct mempool *service_open(void)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool_conn *conn;
	struct mempool *pool;

	attr.block_size = sizeof(struct request);
	attr.blocks = SERVICE_BLOCKS;
	attr.channel_depth = SERVICE_DEPTH;
	attr.schema = PAYLOAD_SCHEMA;
	attr.schema_version = PAYLOAD_VERSION;
	if (mempool_connect(&conn, NULL) < 0 ||
	    mempool_open_or_create(conn, SERVICE_POOL, &attr, &pool) < 0) {
		errx(1, "%s", mempool_errmsg());
	}
	mempool_disconnect(conn); /* the pool keeps it */
	return pool;
}

/* How long the text is; no more than there is room for, whatever the sender says. */
static inline uint32_t service_length(const struct request *request)
{
	return payload_is_sound(&request->payload, sizeof(*request))
		       ? (uint32_t)request->payload.length
		       : 0;
}

/* Opens a channel; tries for some seconds while its last user is not buried yet. */
static inline struct mempool_channel *service_open_channel(struct mempool *pool, uint32_t number,
							   unsigned flags)
{
	const struct timespec pause = {.tv_nsec = 100000000};
	struct mempool_channel *channel;

	for (int i = 0; i < 50; i++) {
		int error = mempool_channel_open(pool, number, flags, &channel);
		if (error == 0) {
			return channel;
		}
		if (error != -EBUSY) {
			break;
		}
		nanosleep(&pause, NULL);
	}
	errx(1, "%s", mempool_errmsg());
}

#endif
