/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/bell.h"
#include "lib/core/futex.h"

/* ---- the ringer ---- */

/* With the bell LOOKING. Returns whether something is due; if not, @seen is what to sleep on. */
static bool bell_look(const struct bell *bell, uint32_t *seen)
{
	if (bell->is_due(bell->of)) {
		return true;
	}
	*seen = mp_futex_prepare(bell->word);
	return bell->is_due(bell->of);
}

/* Rings, if something is due. Returns whether to sleep, while the word is what @seen is then. */
static bool bell_try(struct bell *bell, uint32_t *seen)
{
	*seen = mp_load_acquire(bell->word);
	if (!mp_cas32(&bell->state, BELL_ARMED, BELL_LOOKING)) {
		return true;
	}
	if (!bell_look(bell, seen)) {
		/* If it fails, the receiver has made it ARMED, or the bell is STOPPED. */
		mp_cas32(&bell->state, BELL_LOOKING, BELL_ARMED);
		return true;
	}
	if (!mp_cas32(&bell->state, BELL_LOOKING, BELL_RUNG)) {
		return false;
	}
	eventfd_write(bell->fd, 1);
	return true;
}

/* The ringer's life. */
static void *bell_ring(void *arg)
{
	struct bell *bell = arg;

	while (mp_load_acquire(&bell->state) != BELL_STOPPED) {
		uint32_t seen;
		if (bell_try(bell, &seen) && mp_load_acquire(&bell->state) != BELL_STOPPED) {
			mp_futex_wait(bell->word, seen, NULL);
		}
	}
	return NULL;
}

/* ---- the receiver ---- */

/* Empties the eventfd, which is written or about to be. False: it was not, for long. */
static bool bell_read(const struct bell *bell)
{
	struct pollfd written = {.fd = bell->fd, .events = POLLIN};
	struct timespec deadline;
	eventfd_t unused;

	if (eventfd_read(bell->fd, &unused) == 0) {
		return true;
	}
	mp_deadline(&deadline, BELL_WAIT_MS);
	do {
		poll(&written, 1, BELL_WAIT_MS); /* or until a signal */
		if (eventfd_read(bell->fd, &unused) == 0) {
			return true;
		}
	} while (!mp_is_late(&deadline));
	return false;
}

void bell_settle(struct bell *bell)
{
	mp_fence();
	if (mp_load_acquire(&bell->state) == BELL_LOOKING) {
		/* If it fails, the ringer is at RUNG now, or at a look that sees all taken. */
		mp_cas32(&bell->state, BELL_LOOKING, BELL_ARMED);
	}
	if (mp_load_acquire(&bell->state) == BELL_RUNG && bell_read(bell)) {
		mp_store_release(&bell->state, BELL_ARMED);
	}
	mp_futex_prepare(bell->word);
	if (bell->is_due(bell->of)) {
		mp_futex_stir(bell->word);
	}
}

/* ---- its life ---- */

int bell_start(struct bell *bell)
{
	if (bell_is_started(bell)) {
		return bell->fd;
	}
	bell->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (bell->fd < 0) {
		return -errno;
	}
	mp_store_release(&bell->state, BELL_ARMED);
	int error = pthread_create(&bell->ringer, NULL, bell_ring, bell);
	if (error) {
		mp_store(&bell->state, BELL_NONE);
		close(bell->fd);
		return -error;
	}
	return bell->fd;
}

void bell_stop(struct bell *bell)
{
	if (!bell_is_started(bell)) {
		return;
	}
	mp_store_release(&bell->state, BELL_STOPPED);
	mp_futex_stir(bell->word);
	pthread_join(bell->ringer, NULL);
	close(bell->fd);
}
