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
	if (bell->watch->is_due(bell->of)) {
		return true;
	}
	*seen = bell->watch->prepare(bell->of);
	return bell->watch->is_due(bell->of);
}

static bool bell_is_apart(const struct bell *bell)
{
	return bell->watch->after_ringing != NULL;
}

/* The bell is RUNG, or STOPPED. Returns whether to sleep on the word. */
static bool bell_rest(struct bell *bell)
{
	if (bell_is_apart(bell)) {
		mp_futex_wait(&bell->state, BELL_RUNG, NULL);
		return false;
	}
	return true;
}

/*
 * Something is due. Returns whether it rang. If not, a taker has made the bell ARMED; or the
 * program has closed the descriptor.
 */
static bool bell_write(struct bell *bell)
{
	bool has_rung =
		mp_cas32(&bell->state, BELL_LOOKING, BELL_RUNG) && eventfd_write(bell->fd, 1) == 0;

	if (has_rung && bell_is_apart(bell)) {
		bell->watch->after_ringing(bell->of);
	}
	return has_rung;
}

/* Rings, if something is due. Returns whether to sleep, while the word is what @seen is then. */
static bool bell_try(struct bell *bell, uint32_t *seen)
{
	*seen = mp_load_acquire(bell->word);
	if (!mp_cas32(&bell->state, BELL_ARMED, BELL_LOOKING)) {
		return bell_rest(bell);
	}
	mp_fence_after_rmw();
	if (!bell_look(bell, seen)) {
		/* If it fails, a taker has made it ARMED, or the bell is STOPPED. */
		mp_cas32(&bell->state, BELL_LOOKING, BELL_ARMED);
		return true;
	}
	return bell_write(bell) && !bell_is_apart(bell);
}

/* The ringer's life. */
static void *bell_ring(void *arg)
{
	struct bell *bell = arg;

	while (mp_load_acquire(&bell->state) != BELL_STOPPED) {
		uint32_t seen;
		if (bell_try(bell, &seen) && mp_load_acquire(&bell->state) != BELL_STOPPED) {
			bell->watch->sleep(bell->of, seen);
		}
	}
	return NULL;
}

/* ---- takers ---- */

/*
 * Empties the eventfd of a bell that is RUNG. False: another taker has, or the ringer did not write
 * it for long.
 */
static bool bell_read(const struct bell *bell)
{
	struct pollfd written = {.fd = bell->fd, .events = POLLIN};
	struct timespec deadline;
	eventfd_t unused;

	if (eventfd_read(bell->fd, &unused) == 0) {
		return true;
	}
	mp_deadline(&deadline, BELL_WAIT_MS);
	while (mp_load_acquire(&bell->state) == BELL_RUNG && !mp_is_late(&deadline)) {
		poll(&written, 1, 1); /* or until a signal; another taker wakes nobody */
		if (eventfd_read(bell->fd, &unused) == 0) {
			return true;
		}
	}
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
		if (bell_is_apart(bell)) {
			mp_futex_wake(&bell->state);
		}
	}
	if (bell_is_apart(bell)) {
		return;
	}
	bell->watch->prepare(bell->of);
	if (bell->watch->is_due(bell->of)) {
		bell->watch->stir(bell->of);
	}
}

/* ---- its life ---- */

int bell_start(struct bell *bell, const struct bell_watch *watch, void *of, const mp_atomic32 *word)
{
	if (bell_is_started(bell)) {
		return bell->fd;
	}
	bell->watch = watch;
	bell->of = of;
	bell->word = word;
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
	mp_fence(); /* before stir() looks whether the ringer has prepared */
	mp_futex_wake(&bell->state);
	bell->watch->stir(bell->of);
	pthread_join(bell->ringer, NULL);
	close(bell->fd);
}
