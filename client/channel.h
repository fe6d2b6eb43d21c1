/* SPDX-License-Identifier: MIT */
/*
 * A channel as mempoolctl sees it: its numbers, who has it open, and the seats of a broadcast.
 */
#ifndef CLIENT_CHANNEL_H
#define CLIENT_CHANNEL_H

#include <mempool/admin.h>

struct channel {
	uint32_t number;
	struct mempool_channel_stats stats;
	struct mempool_channel_user *users; /* by slot */
	size_t n_users;
	struct mempool_seat seats[MEMPOOL_SUBSCRIBERS_MAX];
};

/*
 * Reads channel @number of an open pool. When that fails, complains and returns false. The caller
 * finishes the channel either way.
 */
bool channel_read(struct channel *channel, struct mempool *pool, uint32_t number);
void channel_finish(struct channel *channel);

/* What kind the channel is, in a word. NULL: nobody has opened it yet, or it is of none we know. */
const char *channel_kind(const struct channel *channel);

#endif
