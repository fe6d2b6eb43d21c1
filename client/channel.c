/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "client/channel.h"
#include "client/complain.h"
#include "client/refusal.h"

/* Who has it open. More may come between two calls, so there is room for all there can be. */
static ssize_t channel_read_users(struct channel *channel, struct mempool *pool)
{
	channel->users = calloc(MEMPOOL_PROCESSES_MAX, sizeof(*channel->users));
	if (channel->users == NULL) {
		complain_no_memory();
	}
	return mempool_channel_users(pool, channel->number, channel->users, MEMPOOL_PROCESSES_MAX);
}

bool channel_read(struct channel *channel, struct mempool *pool, uint32_t number)
{
	*channel = (struct channel){.number = number, .stats.size = sizeof(channel->stats)};

	int r = mempool_channel_info(pool, number, &channel->stats);
	ssize_t n = r == 0 ? channel_read_users(channel, pool) : r;

	for (uint32_t i = 0; n >= 0 && r == 0 && i < MEMPOOL_SUBSCRIBERS_MAX; i++) {
		r = mempool_channel_seat(pool, number, i, &channel->seats[i]);
	}
	if (n < 0 || r < 0) {
		refusal_complain(n < 0 ? (int)n : r, "could not read channel %u", number);
		return false;
	}
	channel->n_users = (size_t)n;
	return true;
}

void channel_finish(struct channel *channel)
{
	free(channel->users);
}

const char *channel_kind(const struct channel *channel)
{
	switch (channel->stats.kind) {
	case MEMPOOL_KIND_QUEUE:
		return "queue";
	case MEMPOOL_KIND_WORK:
		return "work";
	case MEMPOOL_KIND_BROADCAST:
		return "broadcast";
	default:
		return NULL;
	}
}
