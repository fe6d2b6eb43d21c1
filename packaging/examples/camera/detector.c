/* SPDX-License-Identifier: MIT */
/*
 * detector [MICROSECONDS]
 *
 * Takes frames as jobs, and needs MICROSECONDS for each (5000). As many detectors as you like share
 * the work; a frame whose detector is killed is not looked at again.
 */
#define _GNU_SOURCE 1
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "studio.h"

int main(int argc, char **argv)
{
	long us = argc > 1 ? atol(argv[1]) : 5000;
	const struct timespec work = {us / 1000000, us % 1000000 * 1000};
	struct sight sight = {0};
	struct mempool *pool = studio_open();
	struct mempool_channel *channel = studio_open_channel(
		pool, STUDIO_JOBS, MEMPOOL_CHANNEL_WORK | MEMPOOL_CHANNEL_RECEIVE);

	while (studio_is_open()) {
		struct frame *frame = mempool_channel_receive(channel, STUDIO_WAIT_MS);
		if (frame == NULL && !studio_is_quiet(errno)) {
			errx(1, "%s", mempool_errmsg());
		}
		if (frame != NULL) {
			nanosleep(&work, NULL);
			sight_count(&sight, frame);
			if (mempool_put(pool, frame) < 0) {
				errx(1, "%s", mempool_errmsg());
			}
		}
	}
	sight_print(&sight, "detector");
	studio_close(pool, channel, &sight);
}
