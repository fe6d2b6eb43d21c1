/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "lib/call.h"
#include "lib/channel.h"
#include "lib/core/futex.h"
#include "lib/core/quota.h"
#include "lib/error.h"
#include "lib/export.h"
#include "lib/poison.h"
#include "lib/why.h"

/* For people. */
static uint32_t channel_number(const struct mempool_channel *channel)
{
	const struct mp_pool *core = &channel->pool->core;

	return (uint32_t)((size_t)((unsigned char *)channel->core - core->channels) /
			  core->shape.channel_size);
}

/* Notes a sentence on the channel; @timeout_ms is for those that tell how long it was. */
static __attribute__((noinline, cold)) int
channel_why(const struct mempool_channel *channel, int error, enum why_kind kind, int timeout_ms)
{
	uint32_t b = kind == WHY_FULL ? channel->pool->core.shape.depth : (uint32_t)timeout_ms;

	return why(channel->pool, error, kind, channel_number(channel), b, 0);
}

/* ---- opening and closing ---- */

/* Whether there is something to receive; for the bell. */
static bool channel_is_due(const void *of)
{
	const struct mempool_channel *channel = of;

	const struct mp_pool *core = &channel->pool->core;

	return mp_channel_is_filled(core, channel->core) ||
	       (channel->ends && mp_channel_is_over(core, channel->core, channel->ends));
}

/* Whether a handle of the pool sends by that channel; with process.mutex held. */
static bool channel_is_sent_by(const struct mempool *pool, const struct mp_channel *core)
{
	for (const struct mempool_channel *c = pool->channels; c; c = c->next) {
		if (c->core == core && !c->claim) {
			return true;
		}
	}
	return false;
}

/* Lists the new handle; marks this process as a sender, if it is the first that sends. */
static void channel_list(struct mempool_channel *channel)
{
	struct process *process = process_get();
	struct mempool *pool = channel->pool;
	struct calm calm;

	calm_begin(&calm);
	pthread_mutex_lock(&process->mutex);
	if (!channel->claim && !channel_is_sent_by(pool, channel->core)) {
		mp_ends_begin(&pool->core, channel->core);
	}
	channel->next = pool->channels;
	pool->channels = channel;
	pthread_mutex_unlock(&process->mutex);
	calm_end(&calm);
}

void channel_stop_sending(const struct mempool_channel *channel)
{
	const struct mp_pool *core = &channel->pool->core;

	if (!channel->claim && !channel_is_sent_by(channel->pool, channel->core)) {
		mp_ends_stop(core, channel->core, core->slot);
	}
}

static struct mempool_channel *channel_make(struct mempool *pool, struct mp_channel *core,
					    uint64_t claim, unsigned flags)
{
	struct mempool_channel *channel = calloc(1, sizeof *channel);

	if (!channel) {
		return NULL;
	}
	channel->pool = pool;
	channel->core = core;
	channel->claim = claim;
	channel->kind = claim                          ? CHANNEL_RECEIVES
			: flags & MEMPOOL_CHANNEL_ENDS ? CHANNEL_SENDS_TOLD
						       : CHANNEL_SENDS;
	channel->noted = claim ? mp_ends_note_senders(&pool->core, core)
			       : mp_ends_note_receivers(&pool->core, core);
	channel->ends = flags & MEMPOOL_CHANNEL_ENDS ? &channel->noted : NULL;
	channel->bell.word = &core->hungry;
	channel->bell.is_due = channel_is_due;
	channel->bell.of = channel;
	channel_list(channel);
	return channel;
}

EXPORT int mempool_channel_open(struct mempool *pool, uint32_t number, unsigned flags,
				struct mempool_channel **channel)
{
	uint64_t claim = 0;

	int error = call_check(pool);
	if (error) {
		return error;
	}
	if (mp_load(&pool->core.header->broken)) {
		return why(pool, -EIO, WHY_BROKEN, 0, 0, 0);
	}
	if (number >= pool->core.shape.n_channels) {
		return fail(EINVAL, "there is no channel %u of %s: it has %u, counted from 0",
			    number, pool->name, pool->core.shape.n_channels);
	}
	if (flags & ~(MEMPOOL_CHANNEL_RECEIVE | MEMPOOL_CHANNEL_ENDS)) {
		return fail(EINVAL, "flags %#x for channel %u of %s are not known", flags, number,
			    pool->name);
	}
	struct mp_channel *core = mp_pool_channel(&pool->core, number);
	if (flags & MEMPOOL_CHANNEL_RECEIVE) {
		claim = mp_channel_claim(&pool->core, core);
		if (!claim) {
			return fail(EBUSY, "somebody receives from channel %u of %s already",
				    number, pool->name);
		}
	}
	*channel = channel_make(pool, core, claim, flags);
	if (!*channel) {
		if (claim) {
			mp_channel_leave(core, claim);
		}
		return fail(ENOMEM, "no memory for a handle of channel %u of %s", number,
			    pool->name);
	}
	return 0;
}

bool channel_is_busy(const struct mempool_channel *channel)
{
	return mp_load(&channel->busy) || mp_load(&channel->sleepers);
}

void channel_free(struct mempool_channel *channel)
{
	bell_stop(&channel->bell);
	if (channel->claim) {
		mp_channel_leave(channel->core, channel->claim);
	}
	free(channel);
}

/* Takes the channel off its pool's list. False: a thread is inside a call on it. */
static bool channel_unlist(struct mempool_channel *channel)
{
	struct process *process = process_get();
	struct calm calm;

	calm_begin(&calm);
	pthread_mutex_lock(&process->mutex);
	bool idle = !channel_is_busy(channel);
	struct mempool_channel **link = &channel->pool->channels;
	while (idle && *link != channel) {
		link = &(*link)->next;
	}
	if (idle) {
		*link = channel->next;
		channel_stop_sending(channel);
	}
	pthread_mutex_unlock(&process->mutex);
	calm_end(&calm);
	return idle;
}

EXPORT int mempool_channel_close(struct mempool_channel *channel)
{
	int error = call_check_own(channel->pool);
	if (error) {
		return error;
	}
	if (!channel_unlist(channel)) {
		return fail(EBUSY, "a thread is inside a call on this handle of channel %u of %s",
			    channel_number(channel), channel->pool->name);
	}
	channel_free(channel);
	return 0;
}

/* ---- calls ---- */

#define SPINS 100 /* tries before a call sleeps: some microseconds, less than a sleep and a wake */

static __attribute__((noinline, cold)) int channel_refuse(const struct mempool_channel *channel)
{
	if (pool_is_foreign(channel->pool)) {
		return why_not_begun(channel->pool, -ECHILD);
	}
	return why(channel->pool, -EINVAL, WHY_TIMEOUT, 0, 0, 0);
}

/* The same, of a handle of another kind than a plain one of those that may do this. */
static __attribute__((noinline)) int channel_check_kind(const struct mempool_channel *channel,
							bool receive, int timeout_ms)
{
	if (receive || channel->kind != CHANNEL_SENDS_TOLD) {
		return channel_why(channel, -EBADF, receive ? WHY_SENDS : WHY_RECEIVES, 0);
	}
	if (timeout_ms < -1) {
		return channel_refuse(channel);
	}
	return mp_ends_is_deserted(&channel->pool->core, channel->core, channel->ends)
		       ? channel_why(channel, -EPIPE, WHY_DESERTED, 0)
		       : 0;
}

/* Whether this handle may send, or receive: 0, or a negative errno with its sentence. */
static inline int channel_check(const struct mempool_channel *channel, bool receive, int timeout_ms)
{
	if (unlikely(pool_is_foreign(channel->pool))) {
		return channel_refuse(channel);
	}
	if (unlikely(channel->kind != (receive ? CHANNEL_RECEIVES : CHANNEL_SENDS))) {
		return channel_check_kind(channel, receive, timeout_ms);
	}
	return likely(timeout_ms >= -1) ? 0 : channel_refuse(channel);
}

/* Whether the other end has come and gone, of a handle that is to be told. */
static bool channel_has_lost_other(const struct mempool_channel *channel)
{
	return channel->claim
		       ? mp_channel_is_over(&channel->pool->core, channel->core, channel->ends)
		       : mp_ends_is_deserted(&channel->pool->core, channel->core, channel->ends);
}

/*
 * Why a call that found no room, or no token, must return: a negative errno with its sentence. 0:
 * it may sleep.
 */
static int channel_must_end(const struct mempool_channel *channel, bool receive, int timeout_ms,
			    const struct timespec *deadline)
{
	if (mp_load(&channel->pool->core.header->broken)) {
		return channel_why(channel, -EIO, WHY_BROKEN, 0);
	}
	if (channel->ends && channel_has_lost_other(channel)) {
		return channel_why(channel, -EPIPE, receive ? WHY_OVER : WHY_DESERTED, 0);
	}
	if (timeout_ms == 0) {
		return channel_why(channel, -EAGAIN, receive ? WHY_EMPTY : WHY_FULL, 0);
	}
	if (timeout_ms > 0 && mp_is_late(deadline)) {
		return channel_why(channel, -ETIMEDOUT, receive ? WHY_LATE_BLOCK : WHY_LATE_ROOM,
				   timeout_ms);
	}
	return 0;
}

/* Why the first block was not sent; what channel_must_end() has said stands. Returns @error. */
static __attribute__((noinline, cold)) int channel_not_sent(const struct mempool_channel *channel,
							    void *const *blocks, int error)
{
	switch (error) {
	case 0:
	case -EAGAIN:
	case -ETIMEDOUT:
	case -EIO:
	case -EPIPE:
		return error;
	default:
		return why_refused(channel->pool, blocks[0], error);
	}
}

/* The rest of a send that found the channel full: tries some times, then sleeps. */
static __attribute__((noinline)) ssize_t
channel_send_later(struct mempool_channel *channel, void *const *blocks, uint32_t n, int timeout_ms)
{
	struct mempool *pool = channel->pool;
	struct timespec deadline, *until = timeout_ms < 0 ? NULL : &deadline;
	uint32_t sent = 0;
	int error = channel_must_end(channel, false, timeout_ms, NULL);

	for (int i = 0; error == 0 && i < SPINS; i++) {
		mp_pause();
		sent = mp_channel_send(&pool->core, channel->core, blocks, n, &error);
		error = sent == 0 && error == -EAGAIN ? 0 : error;
		if (sent > 0) {
			return sent;
		}
	}
	if (error) {
		return channel_not_sent(channel, blocks, error);
	}
	mp_deadline(&deadline, timeout_ms);
	mp_add(&channel->sleepers, 1);
	while ((error = channel_must_end(channel, false, timeout_ms, until)) == 0) {
		mp_channel_await_room(&pool->core, channel->core, channel->ends, until);
		sent = mp_channel_send(&pool->core, channel->core, blocks, n, &error);
		if (sent > 0 || error != -EAGAIN) {
			break;
		}
	}
	mp_add(&channel->sleepers, -1);
	return sent > 0 ? (ssize_t)sent : channel_not_sent(channel, blocks, error);
}

static inline ssize_t channel_send(struct mempool_channel *channel, void *const *blocks, uint32_t n,
				   int timeout_ms)
{
	int error = channel_check(channel, false, timeout_ms);
	if (unlikely(error)) {
		return error;
	}
	struct mp_pool *core = &channel->pool->core;
	poison_hide_all(channel->pool, blocks, n);
	ssize_t sent = mp_channel_send(core, channel->core, blocks, n, &error);
	if (unlikely(sent == 0 && error == -EAGAIN)) {
		sent = channel_send_later(channel, blocks, n, timeout_ms);
	} else if (unlikely(sent == 0)) {
		sent = channel_not_sent(channel, blocks, error);
	}
	uint32_t gone = sent > 0 ? (uint32_t)sent : 0;
	poison_show_all(channel->pool, blocks + gone, n - gone, true);
	if (gone > 0) {
		mp_quota_return(core, gone);
	}
	return sent;
}

static uint32_t channel_at_most(size_t n)
{
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

EXPORT int mempool_channel_send(struct mempool_channel *channel, void *block, int timeout_ms)
{
	ssize_t sent = channel_send(channel, &block, 1, timeout_ms);

	return sent > 0 ? 0 : (int)sent;
}

EXPORT ssize_t mempool_channel_send_bulk(struct mempool_channel *channel, void *const *blocks,
					 size_t n, int timeout_ms)
{
	return channel_send(channel, blocks, channel_at_most(n), timeout_ms);
}

/* One try. Returns how many came, or a negative errno. */
static inline ssize_t channel_receive_once(struct mempool_channel *channel, void **blocks,
					   uint32_t n)
{
	struct mp_pool *core = &channel->pool->core;
	int error;

	uint32_t most = mp_quota_charge_some(core, n);
	if (unlikely(most == 0 && n > 0)) {
		return why_not_got(channel->pool, n, -EDQUOT);
	}
	uint32_t got = mp_channel_receive(core, channel->core, blocks, most, &error);
	if (unlikely(got < most)) {
		mp_quota_return(core, most - got);
	}
	if (unlikely(got == 0 && error)) {
		return channel_why(channel, error, WHY_SCRIBBLED, 0);
	}
	return got;
}

/* The rest of a receive that found nothing: tries some times, then sleeps. */
static __attribute__((noinline)) ssize_t
channel_receive_later(struct mempool_channel *channel, void **blocks, uint32_t n, int timeout_ms)
{
	struct mempool *pool = channel->pool;
	struct timespec deadline, *until = timeout_ms < 0 ? NULL : &deadline;
	int error = channel_must_end(channel, true, timeout_ms, NULL);
	ssize_t got = 0;

	for (int i = 0; error == 0 && got == 0 && i < SPINS; i++) {
		mp_pause();
		got = channel_receive_once(channel, blocks, n);
	}
	if (error || got) {
		return error ? error : got;
	}
	mp_deadline(&deadline, timeout_ms);
	while (got == 0 && (error = channel_must_end(channel, true, timeout_ms, until)) == 0) {
		mp_channel_await_token(&pool->core, channel->core, channel->ends, until);
		got = channel_receive_once(channel, blocks, n);
	}
	return got ? got : error;
}

/*
 * The end of a receive that asked for @n, of a handle that has a bell. The bell is settled when all
 * is taken, and when the caller may think so, as it got less than it asked for.
 */
static __attribute__((noinline)) void channel_settle(struct mempool_channel *channel, ssize_t got,
						     uint32_t n)
{
	bool is_short = got != -EDQUOT && got < (ssize_t)n;

	if (is_short || !channel_is_due(channel)) {
		bell_settle(&channel->bell);
	}
}

static inline ssize_t channel_receive(struct mempool_channel *channel, void **blocks, uint32_t n,
				      int timeout_ms)
{
	int error = channel_check(channel, true, timeout_ms);
	if (unlikely(error)) {
		return error;
	}
	if (unlikely(mp_load(&channel->busy))) {
		return channel_why(channel, -EDEADLK, WHY_RECEIVING, 0);
	}
	mp_store(&channel->busy, 1);
	mp_compiler_fence();
	ssize_t got = channel_receive_once(channel, blocks, n);
	if (unlikely(got == 0 && n > 0)) {
		got = channel_receive_later(channel, blocks, n, timeout_ms);
	}
	if (unlikely(bell_is_started(&channel->bell))) {
		channel_settle(channel, got, n);
	}
	mp_store_release(&channel->busy, 0);
	poison_show_all(channel->pool, blocks, got > 0 ? (size_t)got : 0, true);
	return got;
}

EXPORT void *mempool_channel_receive(struct mempool_channel *channel, int timeout_ms)
{
	void *block;

	ssize_t got = channel_receive(channel, &block, 1, timeout_ms);
	return likely(got > 0) ? block : call_nothing((int)got);
}

EXPORT ssize_t mempool_channel_receive_bulk(struct mempool_channel *channel, void **blocks,
					    size_t n, int timeout_ms)
{
	return channel_receive(channel, blocks, channel_at_most(n), timeout_ms);
}

/* Starts the bell; threads that ask at once all have the same one. */
static int channel_start_bell(struct mempool_channel *channel)
{
	struct process *process = process_get();
	struct calm calm;

	calm_begin(&calm);
	pthread_mutex_lock(&process->mutex);
	int fd = bell_start(&channel->bell);
	pthread_mutex_unlock(&process->mutex);
	calm_end(&calm);
	return fd;
}

EXPORT int mempool_channel_fd(struct mempool_channel *channel)
{
	int error = channel_check(channel, true, 0);
	if (error) {
		return error;
	}
	int fd = channel_start_bell(channel);
	return fd >= 0 ? fd
		       : fail(-fd, "no descriptor that tells of blocks in channel %u of %s: %s%s",
			      channel_number(channel), channel->pool->name, strerror(-fd),
			      fd == -EAGAIN   ? " (no thread: see RLIMIT_NPROC, and RLIMIT_MEMLOCK "
						"after mlockall())"
			      : fd == -EMFILE ? " (see ulimit -n)"
					      : "");
}
