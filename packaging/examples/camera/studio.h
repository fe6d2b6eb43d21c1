/* SPDX-License-Identifier: MIT */
/*
 * What the programs of this example share: frames, the pool they are in, and two channels.
 *
 *	camera --- frames, a broadcast ---> display	shows frames, and rather misses some
 *	                                +-> recorder	misses none while it lives
 *	                                +-> relay ----- jobs, work ---> detector
 *	                                                            +-> detector
 *
 * Any of them may be killed at any time, and started again. The others go on; all they notice is
 * that numbers of frames are missing, and they count those. A frame's number is the time it was
 * taken at, in periods, so a camera that starts again goes on where it should be by then.
 */
#ifndef EXAMPLES_STUDIO_H
#define EXAMPLES_STUDIO_H

#include <stdbool.h>
#include <stdint.h>

#include <mempool/mempool.h>

#define STUDIO_PERIOD_MS 10
#define STUDIO_WAIT_MS 100 /* how long a program waits before it looks whether it is to end */

enum { STUDIO_FRAMES, STUDIO_JOBS }; /* channels */

struct frame {
	uint64_t number;
	uint64_t sum; /* of the pixels */
	unsigned char pixels[65536 - 16];
};

/* What a program has seen of a stream of frames. */
struct sight {
	uint64_t last; /* number */
	uint64_t seen;
	uint64_t missed; /* numbers between those seen */
	uint64_t spoilt; /* frames that were not whole: never, if all is well */
};

/* Opens the pool, which the first who comes makes. Ends the program if that fails. */
struct mempool *studio_open(void);

/* Opens a channel; tries for some seconds while its last user is not buried yet. */
struct mempool_channel *studio_open_channel(struct mempool *pool, uint32_t number, unsigned flags);

/* Closes both, and the program ends: exit status 0 if no frame was spoilt. */
_Noreturn void studio_close(struct mempool *pool, struct mempool_channel *channel,
			    const struct sight *sight);

/* Whether the program is to go on: until SIGTERM or SIGINT. */
bool studio_is_open(void);

/* Whether a call that has failed did so for want of a frame, or of somebody who takes it. */
bool studio_is_quiet(int error);

/* Draws a frame, or looks at one and counts it. */
void frame_draw(struct frame *frame, uint64_t number);
void sight_count(struct sight *sight, const struct frame *frame);

/* Prints "NAME: 12 frames, 3 missed, 0 spoilt". */
void sight_print(const struct sight *sight, const char *name);

#endif
