/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "lib/call.h"
#include "lib/channel.h"
#include "lib/error.h"
#include "lib/export.h"
#include "lib/kind.h"
#include "lib/why.h"

/* ---- opening and closing ---- */

/* Whether a handle of its pool has the channel open to do the same; with process.mutex held. */
static bool channel_has_twin(const struct mempool_channel *channel)
{
	for (const struct mempool_channel *c = channel->pool->channels; c; c = c->next) {
		if (c->core == channel->core && c->receives == channel->receives) {
			return true;
		}
	}
	return false;
}

/* Marks this process as one that does what the handle is for, if that has marks. */
static void channel_mark(const struct mempool_channel *channel)
{
	struct mp_pool *core = &channel->pool->core;

	if (!channel->receives) {
		mp_ends_begin(core, channel->core);
	} else if (channel->kind->which == MP_CHANNEL_WORK) {
		mp_ends_begin_receiving(core, channel->core);
	}
}

void channel_unmark(const struct mempool_channel *channel)
{
	const struct mp_pool *core = &channel->pool->core;

	if (channel_has_twin(channel)) {
		return;
	}
	if (!channel->receives) {
		mp_ends_stop(core, channel->core, core->slot);
	} else if (channel->kind->which == MP_CHANNEL_WORK) {
		mp_ends_stop_receiving(core, channel->core, core->slot);
	}
}

/* Lists the new handle; marks this process, if no other handle does the same. */
static void channel_list(struct mempool_channel *channel)
{
	struct process *process = process_get();
	struct mempool *pool = channel->pool;
	struct calm calm;

	calm_begin(&calm);
	pthread_mutex_lock(&process->mutex);
	if (!channel_has_twin(channel)) {
		channel_mark(channel);
	}
	channel->next = pool->channels;
	pool->channels = channel;
	pthread_mutex_unlock(&process->mutex);
	calm_end(&calm);
}

/* The kind of channel that the flags are for. NULL: they do not go together. */
static const struct kind *channel_kind_of(unsigned flags)
{
	const unsigned kinds = MEMPOOL_CHANNEL_WORK | MEMPOOL_CHANNEL_BROADCAST;
	const unsigned subscriber = MEMPOOL_CHANNEL_RECEIVE | MEMPOOL_CHANNEL_BROADCAST;

	if ((flags & kinds) == kinds ||
	    (flags & MEMPOOL_CHANNEL_LOSSY && (flags & subscriber) != subscriber)) {
		return NULL;
	}
	return kind_get(flags & MEMPOOL_CHANNEL_WORK        ? MP_CHANNEL_WORK
			: flags & MEMPOOL_CHANNEL_BROADCAST ? MP_CHANNEL_BROADCAST
							    : MP_CHANNEL_QUEUE);
}

/* Whether there is such a channel, and may be opened with those flags. */
static int channel_check_flags(const struct mempool *pool, uint32_t number, unsigned flags)
{
	const unsigned known = MEMPOOL_CHANNEL_RECEIVE | MEMPOOL_CHANNEL_WORK |
			       MEMPOOL_CHANNEL_BROADCAST | MEMPOOL_CHANNEL_LOSSY |
			       MEMPOOL_CHANNEL_ENDS | MEMPOOL_CHANNEL_EINTR;

	if (number >= pool->core.shape.n_channels) {
		return fail(EINVAL, "there is no channel %u of %s: it has %u, counted from 0",
			    number, pool->name, pool->core.shape.n_channels);
	}
	if (flags & ~known) {
		return fail(EINVAL, "flags %#x for channel %u of %s are not known", flags, number,
			    pool->name);
	}
	if (!channel_kind_of(flags)) {
		return fail(EINVAL,
			    "flags %#x for channel %u of %s do not go together: it is "
			    "MEMPOOL_CHANNEL_WORK or _BROADCAST or neither, and _LOSSY goes with "
			    "_BROADCAST and _RECEIVE",
			    flags, number, pool->name);
	}
	if (flags & MEMPOOL_CHANNEL_BROADCAST && number >= MP_BROADCASTS_MAX) {
		return fail(EINVAL, "channel %u of %s cannot be a broadcast: take one from 0 to %d",
			    number, pool->name, MP_BROADCASTS_MAX - 1);
	}
	return 0;
}

/* Makes the channel one of that kind. */
static int channel_adopt(const struct mempool *pool, uint32_t number, const struct kind *kind)
{
	struct mp_channel *core = mp_pool_channel(&pool->core, number);

	if (mp_channel_is_of_kind(core, kind->which)) {
		return 0;
	}
	const struct kind *other = kind_get(mp_channel_kind(core));
	return fail(EPROTOTYPE,
		    "channel %u of %s is no channel of the kind %s, but of the kind %s, as who "
		    "opened it first said: open it as that, or take another channel",
		    number, pool->name, kind->name, other ? other->name : "nobody knows");
}

/* Begins to do what the handle is for. */
static int channel_begin(struct mempool_channel *channel)
{
	const char *pool = channel->pool->name;

	if (!channel->receives) {
		return 0;
	}
	switch (channel->kind->join(channel)) {
	case 0:
		return 0;
	case -EUSERS:
		return fail(EUSERS,
			    "channel %u of %s has %d subscribers, as many as it can: close one, or "
			    "send by another channel as well",
			    channel_number(channel), pool, MP_SEATS_MAX);
	case -EBUSY:
	default:
		return fail(EBUSY, "somebody receives from channel %u of %s already",
			    channel_number(channel), pool);
	}
}

/* Which way calls by the handle go. */
static enum channel_way channel_way_of(const struct mempool_channel *channel)
{
	bool is_queue = channel->kind->which == MP_CHANNEL_QUEUE;

	if (channel->receives) {
		return is_queue ? CHANNEL_RECEIVES : CHANNEL_RECEIVES_OTHERWISE;
	}
	return is_queue && !channel->ends ? CHANNEL_SENDS : CHANNEL_SENDS_OTHERWISE;
}

/* Sets what a handle whose pool and core are set needs besides, and begins. */
static int channel_init(struct mempool_channel *channel, unsigned flags)
{
	const struct mp_pool *core = &channel->pool->core;

	channel->receives = flags & MEMPOOL_CHANNEL_RECEIVE;
	channel->is_lossy = flags & MEMPOOL_CHANNEL_LOSSY;
	channel->heeds_signals = flags & MEMPOOL_CHANNEL_EINTR;
	channel->kind = channel_kind_of(flags);
	int error = channel_begin(channel);
	if (error) {
		return error;
	}
	channel->noted = channel->receives ? mp_ends_note_senders(core, channel->core)
					   : mp_ends_note_receivers(core, channel->core);
	channel->ends = flags & MEMPOOL_CHANNEL_ENDS ? &channel->noted : NULL;
	channel->way = channel_way_of(channel);
	channel_list(channel);
	return 0;
}

EXPORT int mempool_channel_open(struct mempool *pool, uint32_t number, unsigned flags,
				struct mempool_channel **channel)
{
	int error = call_check(pool);
	if (error) {
		return error;
	}
	if (mp_load(&pool->core.header->broken)) {
		return why(pool, -EIO, WHY_BROKEN, 0, 0, 0);
	}
	error = channel_check_flags(pool, number, flags);
	error = error ? error : channel_adopt(pool, number, channel_kind_of(flags));
	if (error) {
		return error;
	}
	struct mempool_channel *made = calloc(1, sizeof *made);
	if (!made) {
		return fail(ENOMEM, "no memory for a handle of channel %u of %s", number,
			    pool->name);
	}
	made->pool = pool;
	made->core = mp_pool_channel(&pool->core, number);
	error = channel_init(made, flags);
	if (error) {
		free(made);
		return error;
	}
	*channel = made;
	return 0;
}

bool channel_is_busy(const struct mempool_channel *channel)
{
	/* Acquire: what a borrow that was not busy any more has added to held is seen. */
	return mp_load_acquire(&channel->busy) || mp_load_acquire(&channel->sleepers);
}

void channel_free(struct mempool_channel *channel, struct mp_local *local)
{
	bell_stop(&channel->bell);
	if (channel->receives && mp_load(&channel->held) == 0) {
		channel->kind->leave(channel, local);
	}
	free(channel);
}

/* Why the handle cannot be closed now, or NULL. */
static const char *channel_find_hindrance(const struct mempool_channel *channel)
{
	return channel_is_busy(channel) ? "a thread is inside a call on it"
	       : mp_load_acquire(&channel->held)
		       ? "blocks that were borrowed by it are not returned, "
			 "do so first"
		       : NULL;
}

/* Takes the channel off its pool's list. Returns why it cannot, or NULL. */
static const char *channel_unlist(struct mempool_channel *channel)
{
	struct process *process = process_get();
	struct calm calm;

	calm_begin(&calm);
	pthread_mutex_lock(&process->mutex);
	const char *hindrance = channel_find_hindrance(channel);
	struct mempool_channel **link = &channel->pool->channels;
	while (!hindrance && *link != channel) {
		link = &(*link)->next;
	}
	if (!hindrance) {
		*link = channel->next;
		channel_unmark(channel);
	}
	pthread_mutex_unlock(&process->mutex);
	calm_end(&calm);
	return hindrance;
}

EXPORT int mempool_channel_close(struct mempool_channel *channel)
{
	int error = call_check_own(channel->pool);
	if (error) {
		return error;
	}
	const char *hindrance = channel_unlist(channel);
	if (hindrance) {
		return fail(EBUSY, "this handle of channel %u of %s cannot be closed: %s",
			    channel_number(channel), channel->pool->name, hindrance);
	}
	channel_free(channel, call_find_local(channel->pool));
	return 0;
}
