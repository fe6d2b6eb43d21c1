/* SPDX-License-Identifier: MIT */
/*
 * What a program can ask about a channel of an open pool, also of one that it has not opened: how
 * far it is, who has it open, who sits where.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <mempool/admin.h>

#include "lib/core/ends.h"
#include "lib/core/stats.h"
#include "lib/end.h"
#include "lib/error.h"
#include "lib/export.h"
#include "lib/kind.h"
#include "lib/look.h"

/* Begins a look at that channel, and reads it, or its seats alone. 0, or a negative errno. */
static int seats_begin(struct look *look, struct mempool *pool, uint32_t number,
		       int (*read)(struct look *look, uint32_t number))
{
	int error = look_begin(look, pool);
	if (error) {
		return error;
	}
	error = number < pool->core.shape.n_channels
			? read(look, number)
			: fail(EINVAL, "there is no channel %u of %s: it has %u, counted from 0",
			       number, pool->name, pool->core.shape.n_channels);
	if (error) {
		look_end(look);
	}
	return error;
}

/* Of a slot as the segment names it, which may be none. */
static int32_t seats_pid_of(const struct mp_pool *core, uint32_t slot)
{
	return slot < core->shape.n_slots ? (int32_t)mp_load(&core->slots[slot].pid) : 0;
}

/* Counts, for a struct of stats->size bytes. 0, or a negative errno. */
static int seats_count(struct mempool *pool, uint32_t number,
		       const struct mempool_channel_stats *stats, struct mp_channel_tally *tally)
{
	struct look look;

	if (stats->size <= offsetof(struct mempool_channel_stats, kind)) {
		return fail(EINVAL, "the struct for the numbers of channel %u of %s has no size",
			    number, pool->name);
	}
	int error = seats_begin(&look, pool, number, look_read_channel);
	if (error) {
		return error;
	}
	mp_tally_channel(&pool->core, number, tally);
	look_end(&look);
	return 0;
}

/* Fills as many bytes of @stats as it has. */
static void seats_fill(const struct mempool *pool, const struct mp_channel_tally *tally,
		       struct mempool_channel_stats *stats)
{
	struct mempool_channel_stats all = {
		.size = stats->size,
		.kind = tally->kind,
		.depth = pool->core.shape.depth,
		.senders = tally->senders,
		.receivers = tally->receivers,
		.sent = tally->sent,
		.retired = tally->retired,
		.lag = tally->lag,
		.lost = tally->lost,
	};

	memset(stats, 0, all.size);
	memcpy(stats, &all, all.size < sizeof all ? all.size : sizeof all);
}

EXPORT int mempool_channel_info(struct mempool *pool, uint32_t number,
				struct mempool_channel_stats *stats)
{
	struct mp_channel_tally tally;

	int error = seats_count(pool, number, stats, &tally);
	if (error) {
		return error;
	}
	seats_fill(pool, &tally, stats);
	return 0;
}

/* Replaces lag and lost by those of that subscriber alone. */
static void seats_count_subscriber(const struct mp_pool *core, const struct mp_subscriber *s,
				   struct mp_channel_tally *tally)
{
	struct mp_seat_tally seat;

	mp_tally_seat(core, s->channel, s->seat, &seat);
	tally->lag = tally->sent > seat.cursor ? tally->sent - seat.cursor : 0;
	tally->lost = seat.lost;
}

EXPORT int mempool_channel_stat(struct mempool_channel *channel,
				struct mempool_channel_stats *stats)
{
	struct mempool *pool = channel->pool;
	struct mp_channel_tally tally;

	int error = seats_count(pool, channel_number(channel), stats, &tally);
	if (error) {
		return error;
	}
	if (channel->receives && channel->kind->which == MP_CHANNEL_BROADCAST) {
		seats_count_subscriber(&pool->core, &channel->subscriber, &tally);
	}
	seats_fill(pool, &tally, stats);
	return 0;
}

EXPORT ssize_t mempool_channel_users(struct mempool *pool, uint32_t number,
				     struct mempool_channel_user *users, size_t n)
{
	const struct mp_pool *core = &pool->core;
	struct look look;
	size_t found = 0;

	int error = seats_begin(&look, pool, number, look_read_channel);
	if (error) {
		return error;
	}
	struct mp_channel *channel = mp_pool_channel(core, number);
	for (uint32_t slot = 0; slot < core->shape.n_slots; slot++) {
		struct mempool_channel_user user = {
			.slot = slot,
			.pid = seats_pid_of(core, slot),
			.sends = mp_ends_sends(core, channel, slot),
			.receives = mp_ends_receives(core, channel, slot),
		};
		if ((user.sends || user.receives) && found++ < n) {
			users[found - 1] = user;
		}
	}
	look_end(&look);
	return (ssize_t)found;
}

EXPORT int mempool_channel_seat(struct mempool *pool, uint32_t number, uint32_t n,
				struct mempool_seat *seat)
{
	struct mp_seat_tally tally;
	struct look look;

	int error = seats_begin(&look, pool, number, look_read_seats);
	if (error) {
		return error;
	}
	error = n < MP_SEATS_MAX ? look_read_slots(&look)
				 : fail(EINVAL,
					"there is no seat %u of channel %u of %s: a broadcast has "
					"%d, counted from 0",
					n, number, pool->name, MP_SEATS_MAX);
	if (error == 0) {
		mp_tally_seat(&pool->core, number, n, &tally);
		*seat = (struct mempool_seat){
			.slot = tally.slot,
			.pid = seats_pid_of(&pool->core, tally.slot),
			.lossy = tally.lossy,
			.cursor = tally.cursor,
			.lost = tally.lost,
		};
	}
	look_end(&look);
	return error;
}
