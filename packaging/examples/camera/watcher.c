/* SPDX-License-Identifier: MIT */
/*
 * watcher display | recorder
 *
 * Watches the camera. A display would rather miss frames than hold the camera up, so it is a lossy
 * subscriber. A recorder wants each of them: while it lives and is not too far behind, it gets all
 * that the camera takes. Neither copies a frame.
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "studio.h"

int main(int argc, char **argv)
{
	bool is_display = argc == 2 && strcmp(argv[1], "display") == 0;
	struct sight sight = {0};

	if (!is_display && (argc != 2 || strcmp(argv[1], "recorder") != 0)) {
		errx(2, "usage: watcher display | recorder");
	}
	struct mempool *pool = studio_open();
	struct mempool_channel *channel =
		studio_open_channel(pool, STUDIO_FRAMES,
				    MEMPOOL_CHANNEL_BROADCAST | MEMPOOL_CHANNEL_RECEIVE |
					    (is_display ? MEMPOOL_CHANNEL_LOSSY : 0));

	while (studio_is_open()) {
		const struct frame *frame = mempool_channel_borrow(channel, STUDIO_WAIT_MS);
		if (frame == NULL && !studio_is_quiet(errno)) {
			errx(1, "%s", mempool_errmsg());
		}
		if (frame != NULL) {
			sight_count(&sight, frame);
			mempool_channel_return(channel, frame);
		}
	}
	sight_print(&sight, argv[1]);
	studio_close(pool, channel, &sight);
}
