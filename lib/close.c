/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "lib/call.h"
#include "lib/channel.h"
#include "lib/close.h"
#include "lib/conn.h"
#include "lib/core/word.h"
#include "lib/descriptor.h"
#include "lib/error.h"
#include "lib/export.h"
#include "lib/map.h"
#include "lib/thread.h"

/* Gives the attachment back to the daemon, which else would find out by itself after a while. */
static void close_detach(struct mempool *pool)
{
	union wire_message m;

	if (pool->attachment && pool->access != WIRE_OBSERVER) {
		wire_init(&m, WIRE_DETACH, 0);
		m.detach.pool_id = pool->id;
		m.detach.attachment = pool->attachment;
		m.detach.slot = pool->core.slot;
		conn_tell(pool->conn, &m);
	}
}

void close_handle(struct mempool *pool)
{
	map_close(pool);
	close_detach(pool);
	free(pool);
}

/*
 * Whether any thread is inside a call; the mutex is held. If none is, all they did in their calls
 * comes before what the caller does: acquires what mp_leave() and mp_add() release.
 */
static bool close_is_busy(const struct process *process, const struct mempool *pool)
{
	for (const struct thread *t = process->threads; t; t = t->next) {
		const struct mp_local *local = &t->locals[pool->place];
		if (local->handle == pool->tag &&
		    (mp_load_acquire(&local->cache->busy) || mp_load_acquire(&local->waiting))) {
			return true;
		}
	}
	for (const struct mempool_channel *c = pool->channels; c; c = c->next) {
		if (channel_is_busy(c)) {
			return true;
		}
	}
	return mp_load_acquire(&pool->bare_waits) > 0;
}

/* Whether this process still has blocks of the pool, or gifts that nobody took. */
static bool close_has_blocks(const struct mp_pool *core)
{
	uint32_t born = mp_pool_born(core);
	for (uint32_t i = 0; i < born; i++) {
		uint64_t word = mp_load(&core->words[i].whole);
		if ((uint32_t)word == core->used ||
		    (uint32_t)word == mp_word_low(MP_MOVING, core->slot)) {
			return true;
		}
	}
	return false;
}

/* Finishes the locals of all threads, and takes the pool off the list; the mutex is held. */
static void close_retire(struct process *process, struct mempool *pool)
{
	for (struct thread *t = process->threads; t; t = t->next) {
		struct mp_local *local = &t->locals[pool->place];
		if (local->handle == pool->tag) {
			mp_local_finish(&pool->core, local);
			local->handle = NULL;
		}
	}
	struct mempool **link = &process->pools;
	while (*link != pool) {
		link = &(*link)->next;
	}
	*link = pool->next;
	process->places[pool->place] = false;
}

/* Frees what channels are open when the pool is closed by force. It is on no list any more. */
static void close_channels(struct mempool *pool)
{
	while (pool->channels) {
		struct mempool_channel *channel = pool->channels;
		pool->channels = channel->next;
		channel_unmark(channel);
		channel_free(channel, NULL);
	}
}

/* Why the pool cannot be closed now, or NULL; the mutex is held. */
static const char *close_find_hindrance(const struct process *process, struct mempool *pool,
					bool force)
{
	if (close_is_busy(process, pool)) {
		return "a thread is inside a call on it";
	}
	if (!force && pool->channels) {
		return "channels of it are open";
	}
	if (force || pool->access == WIRE_OBSERVER) {
		return NULL;
	}
	mp_channel_keep_all(&pool->core); /* what was sent is not ours to wait for */
	if (close_has_blocks(&pool->core)) {
		return "this process still has blocks of it, or gifts that nobody took";
	}
	return NULL;
}

/*
 * The last close. When it is forced, the daemon's pass over our slot brings the blocks back. A
 * failure is told without the mutex held: the thread may have no part yet to keep the sentence in,
 * and making one takes the mutex.
 */
static int close_last(struct process *process, struct mempool *pool, bool force)
{
	struct calm calm;

	thread_finish_vanished(); /* a thread that no longer exists is inside no call */
	calm_begin(&calm);
	pthread_mutex_lock(&process->mutex);
	const char *hindrance = close_find_hindrance(process, pool, force);
	if (!hindrance) {
		close_retire(process, pool);
	}
	pthread_mutex_unlock(&process->mutex);
	calm_end(&calm);
	if (hindrance) {
		return fail(EBUSY, "%s cannot be closed: %s", pool->name, hindrance);
	}
	struct mempool_conn *conn = pool->conn;
	close_channels(pool);
	descriptor_stop_pool(pool);
	close_handle(pool);
	conn_unref(conn);
	return 0;
}

static int close_pool(struct mempool *pool, bool force)
{
	struct process *process = process_get();
	int cancel, error = call_check_own(pool);

	if (error) {
		return error;
	}
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&process->opening);
	if (force || pool->opens == 1) {
		error = close_last(process, pool, force);
	} else {
		pool->opens--;
	}
	pthread_mutex_unlock(&process->opening);
	pthread_setcancelstate(cancel, NULL);
	return error;
}

EXPORT int mempool_close(struct mempool *pool)
{
	return close_pool(pool, false);
}

EXPORT int mempool_close_force(struct mempool *pool)
{
	return close_pool(pool, true);
}
