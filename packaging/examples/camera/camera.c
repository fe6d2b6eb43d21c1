/* SPDX-License-Identifier: MIT */
/*
 * camera
 *
 * Takes a frame each 10 ms and sends it to all who watch. It never waits: while nobody watches, or
 * the recorder is behind, or there is no block, it drops the frame.
 */
#define _GNU_SOURCE 1
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "studio.h"

/* Sleeps until the next period, and returns its number. */
static uint64_t wait_for_period(void)
{
	const uint64_t period_ns = STUDIO_PERIOD_MS * 1000000ull;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	uint64_t ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	uint64_t number = ns / period_ns + 1;
	const struct timespec rest = {.tv_nsec = (long)(number * period_ns - ns)};
	nanosleep(&rest, NULL);
	return number;
}

/* Takes the frame of that number. Returns false if it was dropped. */
static bool take(struct mempool *pool, struct mempool_channel *channel, uint64_t number)
{
	struct frame *frame = mempool_get(pool);

	if (frame == NULL) {
		return false;
	}
	frame_draw(frame, number);
	int error = mempool_channel_send(channel, frame, 0);
	if (error == 0) {
		return true;
	}
	if (!studio_is_quiet(-error) || mempool_put(pool, frame) < 0) {
		errx(1, "%s", mempool_errmsg());
	}
	return false;
}

int main(void)
{
	struct mempool *pool = studio_open();
	struct mempool_channel *channel =
		studio_open_channel(pool, STUDIO_FRAMES, MEMPOOL_CHANNEL_BROADCAST);
	struct sight sight = {0};
	uint64_t sent = 0, dropped = 0;

	while (studio_is_open()) {
		if (take(pool, channel, wait_for_period())) {
			sent++;
		} else {
			dropped++;
		}
	}
	printf("camera: %llu frames sent, %llu dropped\n", (unsigned long long)sent,
	       (unsigned long long)dropped);
	studio_close(pool, channel, &sight);
}
