/* SPDX-License-Identifier: MIT */
/*
 * The options of `mempoolctl create`, which say what the pool is like.
 */
#ifndef CLIENT_ATTR_H
#define CLIENT_ATTR_H

#include <stdbool.h>

#include <mempool/mempool.h>

struct call;

/* The flags' indices in the command's table. */
enum attr_flag {
	ATTR_BLOCK_SIZE,
	ATTR_BLOCKS,
	ATTR_ALIGNMENT,
	ATTR_MODE,
	ATTR_OWNER,
	ATTR_GROUP,
	ATTR_PROCESSES,
	ATTR_THREADS,
	ATTR_THREAD_CACHE,
	ATTR_SHARDS,
	ATTR_GIFT_GRACE,
	ATTR_MAX_BLOCKS,
	ATTR_QUOTA,
	ATTR_SCHEMA,
	ATTR_SCHEMA_VERSION,
	ATTR_CHANNELS,
	ATTR_CHANNEL_DEPTH,
	ATTR_BACKING,
	ATTR_HUGE_PAGES,
	ATTR_PREFAULT,
};

/*
 * Fills @attr from the call's flags; where a flag is missing, the field keeps its value. When a
 * value is wrong, complains and returns false.
 */
bool attr_parse(const struct call *call, struct mempool_attr *attr);

#endif
