/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/bell.h"
#include "lib/core/channel.h"
#include "lib/core/futex.h"
#include "lib/error.h"
#include "lib/process.h"

/* The ringer's life. */
static void *bell_ring(void *arg)
{
	struct bell *bell = arg;
	uint32_t state;

	while ((state = mp_load_acquire(&bell->state)) != BELL_STOPPED) {
		if (state == BELL_RUNG) {
			mp_futex_wait(&bell->state, BELL_RUNG, NULL);
		} else if (mp_channel_is_filled(bell->pool, bell->channel)) {
			eventfd_write(bell->fd, 1);
			mp_cas32(&bell->state, BELL_ARMED, BELL_RUNG);
		} else {
			mp_channel_await_token(bell->pool, bell->channel, NULL);
		}
	}
	return NULL;
}

void bell_rearm(struct bell *bell)
{
	eventfd_t unused;

	/* A token that came meanwhile the ringer finds by itself, once it is awake. */
	if (mp_load_acquire(&bell->state) == BELL_RUNG) {
		eventfd_read(bell->fd, &unused);
		mp_store_release(&bell->state, BELL_ARMED);
		mp_futex_wake(&bell->state);
	}
}

int bell_start(struct bell *bell, const struct mp_pool *pool, struct mp_channel *channel)
{
	struct calm calm;

	if (mp_load(&bell->state) != BELL_NONE) {
		return bell->fd;
	}
	bell->pool = pool;
	bell->channel = channel;
	bell->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (bell->fd < 0) {
		return fail(errno, "no descriptor for the channel's bell");
	}
	mp_store(&bell->state, BELL_ARMED);
	/* With signals blocked, so that the ringer runs none of the program's handlers. */
	calm_begin(&calm);
	int error = pthread_create(&bell->ringer, NULL, bell_ring, bell);
	calm_end(&calm);
	if (error) {
		mp_store(&bell->state, BELL_NONE);
		close(bell->fd);
		return fail(error, "no thread for the channel's bell");
	}
	return bell->fd;
}

void bell_stop(struct bell *bell)
{
	if (mp_load(&bell->state) == BELL_NONE) {
		return;
	}
	mp_store_release(&bell->state, BELL_STOPPED);
	mp_futex_wake(&bell->state);
	mp_futex_wake(&bell->channel->hungry);
	pthread_join(bell->ringer, NULL);
	close(bell->fd);
}
