/* SPDX-License-Identifier: MIT */
/*
 * mempool's own: a broadcast channel for each number of subscribers, whose number is that; channel
 * 0 is for work. Frames have a pool of their own. In batches there is always room and always a
 * block, so no call waits.
 */
#include <stdio.h>

#include "tests/bench/relay_pool.h"
#include "tests/bench/spread.h"
#include "tests/bench/worker.h"

enum { WORK = 0, CHANNELS = SPREAD_RECEIVERS + 1 };

struct line {
	struct mempool *pool;
	struct mempool_channel *channel; /* this process's end of it */
};

struct end {
	struct line lines[CHANNELS];
	struct line frames;
	struct line now; /* of this slice */
	int timeout_ms;
};

static unsigned seat;

RELAY_INLINE bool get(void *at, void **block)
{
	const struct end *end = at;

	*block = mempool_get(end->now.pool);
	return *block != NULL;
}

RELAY_INLINE bool get_frame(void *at, void **block)
{
	const struct end *end = at;

	*block = mempool_get_wait(end->now.pool, end->timeout_ms);
	return *block != NULL;
}

RELAY_INLINE bool send_one(void *at, void *block)
{
	const struct end *end = at;

	return mempool_channel_send(end->now.channel, block, end->timeout_ms) == 0;
}

RELAY_INLINE const void *borrow(void *at)
{
	const struct end *end = at;

	return mempool_channel_borrow(end->now.channel, end->timeout_ms);
}

RELAY_INLINE bool give_back(void *at, const void *block)
{
	const struct end *end = at;

	return mempool_channel_return(end->now.channel, block) == 0;
}

RELAY_INLINE const void *receive(void *at)
{
	const struct end *end = at;

	return mempool_channel_receive(end->now.channel, end->timeout_ms);
}

RELAY_INLINE bool put(void *at, const void *block)
{
	const struct end *end = at;

	return mempool_put(end->now.pool, (void *)block) == 0;
}

static void enter(unsigned mine)
{
	seat = mine;
}

/* Opens this process's end of a channel, if it has one. */
static bool open_line(struct line *line, struct mempool *pool, unsigned number, unsigned receivers,
		      unsigned flags)
{
	line->pool = pool;
	if (seat > receivers) {
		return true;
	}
	flags |= seat > 0 ? MEMPOOL_CHANNEL_RECEIVE : 0;
	return mempool_channel_open(pool, number, flags, &line->channel) == 0;
}

static bool open_lines(struct end *end, char why[BENCH_WHY])
{
	struct mempool_attr blocks = MEMPOOL_ATTR_INIT, frames = MEMPOOL_ATTR_INIT;

	blocks.block_size = SPREAD_BLOCK_SIZE;
	blocks.blocks = SPREAD_BLOCKS;
	blocks.channels = CHANNELS;
	blocks.channel_depth = SPREAD_DEPTH;
	frames.block_size = SPREAD_FRAME_SIZE;
	frames.blocks = SPREAD_FRAMES;
	struct mempool *pool = relay_pool_of("spread.blocks", &blocks, why);
	struct mempool *frame_pool = relay_pool_of("spread.frames", &frames, why);
	bool opened =
		pool != NULL && frame_pool != NULL &&
		open_line(&end->frames, frame_pool, 0, SPREAD_FRAME_READERS,
			  MEMPOOL_CHANNEL_BROADCAST) &&
		open_line(&end->lines[WORK], pool, WORK, SPREAD_RECEIVERS, MEMPOOL_CHANNEL_WORK);
	for (unsigned n = 1; opened && n <= SPREAD_RECEIVERS; n *= 2) {
		opened = open_line(&end->lines[n], pool, n, n, MEMPOOL_CHANNEL_BROADCAST);
	}
	return opened;
}

static void *open_end(unsigned size, char why[BENCH_WHY])
{
	static struct end end;

	(void)size;
	if (!open_lines(&end, why)) {
		snprintf(why, BENCH_WHY, "%s", mempool_errmsg());
		return NULL;
	}
	return &end;
}

static int64_t spread(void *at, const struct slice *slice, unsigned mine, uint64_t blocks)
{
	static const struct spread_ops broadcast = {get, send_one, borrow, give_back};
	static const struct spread_ops frame = {get_frame, send_one, borrow, give_back};
	static const struct spread_ops work = {get, send_one, receive, put};
	struct end *end = at;

	end->timeout_ms = slice->batch == 0 ? -1 : 0;
	if (slice->kind == SPREAD_WORK) {
		end->now = end->lines[WORK];
		return spread_work(work, end, mine, slice->receivers, blocks);
	}
	if (spread_is_frame(slice->kind)) {
		end->now = end->frames;
		return spread_broadcast(frame, end, mine, slice->kind, blocks);
	}
	end->now = end->lines[slice->receivers];
	return spread_broadcast(broadcast, end, mine, slice->kind, blocks);
}

const struct peer spread_mempool = {
	.name = "mempool", .enter = enter, .open = open_end, .spread = spread};
