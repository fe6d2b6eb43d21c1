/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE 1
#include "studio.h"

#include <err.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TRIES 50 /* to open a channel: five seconds */

static volatile sig_atomic_t is_over;

static void end(int signal)
{
	(void)signal;
	is_over = 1;
}

bool studio_is_open(void)
{
	return !is_over;
}

bool studio_is_quiet(int error)
{
	return error == EAGAIN || error == ETIMEDOUT || error == ENOTCONN || error == ENOMEM;
}

struct mempool *studio_open(void)
{
	struct sigaction action = {.sa_handler = end};
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool_conn *conn;
	struct mempool *pool;

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	attr.block_size = sizeof(struct frame);
	attr.blocks = 128;
	attr.channel_depth = 32;
	if (mempool_connect(&conn, NULL) < 0 ||
	    mempool_open_or_create(conn, "camera.frames", &attr, &pool) < 0) {
		errx(1, "%s", mempool_errmsg());
	}
	mempool_disconnect(conn); /* the pool keeps it */
	return pool;
}

struct mempool_channel *studio_open_channel(struct mempool *pool, uint32_t number, unsigned flags)
{
	const struct timespec pause = {.tv_nsec = 100000000};
	struct mempool_channel *channel;
	int error = -EBUSY;

	for (int i = 0; i < TRIES && (error == -EBUSY || error == -EUSERS); i++) {
		error = mempool_channel_open(pool, number, flags, &channel);
		if (error == 0) {
			return channel;
		}
		nanosleep(&pause, NULL);
	}
	errx(1, "%s", mempool_errmsg());
}

void studio_close(struct mempool *pool, struct mempool_channel *channel, const struct sight *sight)
{
	if (mempool_channel_close(channel) < 0 || mempool_close(pool) < 0) {
		errx(1, "%s", mempool_errmsg());
	}
	exit(sight->spoilt > 0);
}

static uint64_t frame_sum(const struct frame *frame)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(frame->pixels); i += 64) {
		sum += frame->pixels[i];
	}
	return sum;
}

void frame_draw(struct frame *frame, uint64_t number)
{
	memset(frame->pixels, (int)(number % 251), sizeof(frame->pixels));
	frame->number = number;
	frame->sum = frame_sum(frame);
}

void sight_count(struct sight *sight, const struct frame *frame)
{
	bool is_first = sight->seen++ == 0;

	sight->spoilt += frame->sum != frame_sum(frame) ||
			 frame->pixels[0] != frame->number % 251 ||
			 (!is_first && frame->number <= sight->last);
	sight->missed += is_first ? 0 : frame->number - sight->last - 1;
	sight->last = frame->number;
}

void sight_print(const struct sight *sight, const char *name)
{
	printf("%s: %llu frames, %llu missed, %llu spoilt\n", name, (unsigned long long)sight->seen,
	       (unsigned long long)sight->missed, (unsigned long long)sight->spoilt);
}
