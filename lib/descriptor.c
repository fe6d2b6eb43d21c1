/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "lib/call.h"
#include "lib/core/census.h"
#include "lib/core/futex.h"
#include "lib/core/pressure.h"
#include "lib/descriptor.h"
#include "lib/error.h"
#include "lib/export.h"
#include "lib/kind.h"

#define LOOK_AGAIN_MS 1 /* after a look that found a block that cannot be had now */

/* ---- channels ---- */

static bool descriptor_is_broken(const struct mempool *pool)
{
	return mp_load(&pool->core.header->broken);
}

static bool descriptor_has_token(void *of)
{
	const struct mempool_channel *channel = of;

	return channel->kind->is_filled(channel) ||
	       (channel->ends && channel->kind->is_over(channel)) ||
	       descriptor_is_broken(channel->pool);
}

static uint32_t descriptor_prepare_hungry(void *of)
{
	const struct mempool_channel *channel = of;

	return mp_futex_prepare(&channel->core->hungry);
}

static void descriptor_sleep_hungry(void *of, uint32_t seen)
{
	const struct mempool_channel *channel = of;

	mp_futex_wait(&channel->core->hungry, seen, NULL);
}

static void descriptor_stir_hungry(void *of)
{
	const struct mempool_channel *channel = of;

	mp_futex_stir(&channel->core->hungry);
}

static const struct bell_watch descriptor_of_receiver = {
	.is_due = descriptor_has_token,
	.prepare = descriptor_prepare_hungry,
	.sleep = descriptor_sleep_hungry,
	.stir = descriptor_stir_hungry,
};

static bool descriptor_has_room(void *of)
{
	const struct mempool_channel *channel = of;
	const struct mp_pool *core = &channel->pool->core;

	return channel->kind->has_room(channel) ||
	       (channel->ends && mp_ends_is_deserted(core, channel->core, channel->ends)) ||
	       descriptor_is_broken(channel->pool);
}

static uint32_t descriptor_prepare_crowded(void *of)
{
	const struct mempool_channel *channel = of;

	return mp_channel_prepare_crowded(channel->core);
}

static void descriptor_sleep_crowded(void *of, uint32_t seen)
{
	const struct mempool_channel *channel = of;

	mp_futex_wait(&channel->core->crowded, seen, NULL);
}

static void descriptor_stir_crowded(void *of)
{
	const struct mempool_channel *channel = of;

	mp_futex_stir(&channel->core->crowded);
}

static const struct bell_watch descriptor_of_sender = {
	.is_due = descriptor_has_room,
	.prepare = descriptor_prepare_crowded,
	.sleep = descriptor_sleep_crowded,
	.stir = descriptor_stir_crowded,
};

__attribute__((noinline)) void descriptor_settle_channel(struct mempool_channel *channel,
							 ssize_t result, uint32_t n)
{
	bool is_short = result != -EDQUOT && result < (ssize_t)n;

	if (is_short || !channel->bell.watch->is_due(channel)) {
		bell_settle(&channel->bell);
	}
}

/* ---- pools ---- */

static bool descriptor_has_block(void *of)
{
	struct mempool *pool = of;
	enum mp_supply supply = mp_census_supply(&pool->core);

	pool->is_held = supply == MP_SUPPLY_HELD;
	return supply == MP_SUPPLY_SOME || descriptor_is_broken(pool);
}

static uint32_t descriptor_raise(void *of)
{
	struct mempool *pool = of;

	return mp_pressure_raise(&pool->core);
}

static void descriptor_sleep_pressed(void *of, uint32_t seen)
{
	struct mempool *pool = of;
	struct timespec soon;

	mp_deadline(&soon, LOOK_AGAIN_MS);
	mp_pressure_sleep(&pool->core, seen, pool->is_held ? &soon : NULL);
}

static void descriptor_stir_pressed(void *of)
{
	struct mempool *pool = of;

	mp_pressure_stir(&pool->core);
}

static void descriptor_calm(void *of)
{
	struct mempool *pool = of;

	mp_pressure_calm(&pool->core);
}

static const struct bell_watch descriptor_of_pool = {
	.is_due = descriptor_has_block,
	.prepare = descriptor_raise,
	.sleep = descriptor_sleep_pressed,
	.stir = descriptor_stir_pressed,
	.after_ringing = descriptor_calm,
};

void descriptor_settle_pool(struct mempool *pool, int error)
{
	if (bell_is_started(&pool->bell) && (error == -ENOMEM || error == -EAGAIN)) {
		bell_settle(&pool->bell);
	}
}

void descriptor_stop_pool(struct mempool *pool)
{
	if (bell_is_started(&pool->bell)) {
		bell_stop(&pool->bell);
		mp_pressure_calm(&pool->core);
	}
}

/* ---- starting ---- */

/* Starts the bell; threads that ask at once all have the same one. */
static int descriptor_start(struct bell *bell, const struct bell_watch *watch, void *of,
			    const mp_atomic32 *word)
{
	struct process *process = process_get();
	struct calm calm;

	calm_begin(&calm);
	pthread_mutex_lock(&process->mutex);
	int fd = bell_start(bell, watch, of, word);
	pthread_mutex_unlock(&process->mutex);
	calm_end(&calm);
	return fd;
}

/* What to do about such a failure. */
static const char *descriptor_remedy(int error)
{
	return error == -EAGAIN
		       ? " (no thread: see RLIMIT_NPROC, and RLIMIT_MEMLOCK after mlockall())"
	       : error == -EMFILE ? " (see ulimit -n)"
				  : "";
}

EXPORT int mempool_channel_fd(struct mempool_channel *channel)
{
	const struct mempool *pool = channel->pool;

	int error = call_check_own(pool);
	if (error) {
		return error;
	}
	int fd = channel->receives ? descriptor_start(&channel->bell, &descriptor_of_receiver,
						      channel, &channel->core->hungry)
				   : descriptor_start(&channel->bell, &descriptor_of_sender,
						      channel, &channel->core->crowded);
	if (fd < 0) {
		return fail(-fd, "no descriptor that tells of channel %u of %s: %s%s",
			    channel_number(channel), pool->name, strerror(-fd),
			    descriptor_remedy(fd));
	}
	if (mp_load(&channel->way) == CHANNEL_SENDS) {
		mp_store_release(&channel->way, CHANNEL_SENDS_OTHERWISE);
	}
	return fd;
}

EXPORT int mempool_fd(struct mempool *pool)
{
	int error = call_check(pool);
	if (error) {
		return error;
	}
	int fd = descriptor_start(&pool->bell, &descriptor_of_pool, pool,
				  &pool->core.header->pressure);
	return fd >= 0 ? fd
		       : fail(-fd, "no descriptor that tells of free blocks of %s: %s%s",
			      pool->name, strerror(-fd), descriptor_remedy(fd));
}
