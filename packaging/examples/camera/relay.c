/* SPDX-License-Identifier: MIT */
/*
 * relay
 *
 * Watches the camera, and sends each frame on as a job for detectors. A block that others read as
 * well cannot be sent on: the relay keeps the frame for good if it is the last who has it, and else
 * copies it. So does whoever has more than the 12 subscribers that a broadcast allows: a relay that
 * sends on by another broadcast has 12 of its own.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "studio.h"

static struct mempool *pool;
static uint64_t copied, kept;

/* A block of ours with the borrowed frame, which is ours no more. NULL: no block for a copy. */
static struct frame *have(struct mempool_channel *from, const struct frame *borrowed)
{
	struct frame *frame = mempool_channel_own(from, borrowed);

	if (frame != NULL) {
		kept++;
		return frame;
	}
	frame = mempool_get(pool);
	if (frame != NULL) {
		memcpy(frame, borrowed, sizeof(*frame));
		copied++;
	}
	mempool_channel_return(from, borrowed);
	return frame;
}

int main(void)
{
	struct sight sight = {0};

	pool = studio_open();
	struct mempool_channel *from = studio_open_channel(
		pool, STUDIO_FRAMES,
		MEMPOOL_CHANNEL_BROADCAST | MEMPOOL_CHANNEL_RECEIVE | MEMPOOL_CHANNEL_LOSSY);
	struct mempool_channel *to = studio_open_channel(pool, STUDIO_JOBS, MEMPOOL_CHANNEL_WORK);

	while (studio_is_open()) {
		const struct frame *borrowed = mempool_channel_borrow(from, STUDIO_WAIT_MS);
		if (borrowed == NULL && !studio_is_quiet(errno)) {
			errx(1, "%s", mempool_errmsg());
		}
		if (borrowed == NULL) {
			continue;
		}
		sight_count(&sight, borrowed);
		struct frame *frame = have(from, borrowed);
		if (frame != NULL && mempool_channel_send(to, frame, 0) < 0) {
			mempool_put(pool, frame); /* the detectors are behind */
		}
	}
	sight_print(&sight, "relay");
	printf("relay: %llu copied, %llu kept\n", (unsigned long long)copied,
	       (unsigned long long)kept);
	mempool_channel_close(to);
	studio_close(pool, from, &sight);
}
