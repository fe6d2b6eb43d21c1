/* SPDX-License-Identifier: MIT */
/*
 * Copies through pipes, one for each receiver, as large as the system allows: what there is without
 * shared memory. The sender writes a block into all pipes, a frame in pieces that fit into a pipe,
 * so that nobody waits for a frame of another's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/peer.h"
#include "tests/bench/spread.h"
#include "tests/bench/worker.h"

#define PIECE_MAX (1u << 20) /* bytes: what a pipe may be by default */

struct end {
	unsigned readers; /* of this slice */
	size_t size;      /* of its blocks */
	size_t piece;
	char *block;
};

static int pipes[SPREAD_RECEIVERS + 1][2]; /* by seat; the sender has none */
static unsigned seat;

RELAY_INLINE bool get(void *at, void **block)
{
	const struct end *end = at;

	*block = end->block;
	return true;
}

static bool write_all(int fd, const char *from, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, from, size);
		if (n <= 0) {
			return false;
		}
		from += n;
		size -= (size_t)n;
	}
	return true;
}

RELAY_INLINE bool send_all(void *at, void *block)
{
	const struct end *end = at;

	for (size_t from = 0; from < end->size; from += end->piece) {
		size_t left = end->size - from;
		size_t n = left < end->piece ? left : end->piece;
		for (unsigned i = 1; i <= end->readers; i++) {
			if (!write_all(pipes[i][1], (const char *)block + from, n)) {
				return false;
			}
		}
	}
	return true;
}

RELAY_INLINE const void *take(void *at)
{
	const struct end *end = at;

	for (size_t have = 0; have < end->size;) {
		ssize_t n = read(pipes[seat][0], end->block + have, end->size - have);
		if (n <= 0) {
			return NULL;
		}
		have += (size_t)n;
	}
	return end->block;
}

RELAY_INLINE bool done(void *at, const void *block)
{
	(void)at;
	(void)block;
	return true;
}

static bool prepare(char why[BENCH_WHY])
{
	for (unsigned i = 1; i <= SPREAD_RECEIVERS; i++) {
		if (pipe2(pipes[i], O_CLOEXEC) < 0) {
			snprintf(why, BENCH_WHY, "pipe: %s", strerror(errno));
			return false;
		}
		/* Smaller will do, if a batch fits. */
		(void)!fcntl(pipes[i][1], F_SETPIPE_SZ, PIECE_MAX);
		if (fcntl(pipes[i][1], F_GETPIPE_SZ) < SPREAD_BATCH * SPREAD_BLOCK_SIZE) {
			snprintf(why, BENCH_WHY, "a batch does not fit into a pipe");
			return false;
		}
	}
	return true;
}

static void enter(unsigned mine)
{
	seat = mine;
}

static void *open_end(unsigned size, char why[BENCH_WHY])
{
	static struct end end;

	(void)size;
	end.piece = (size_t)fcntl(pipes[1][1], F_GETPIPE_SZ);
	end.block = aligned_alloc(4096, SPREAD_FRAME_SIZE);
	if (end.block == NULL) {
		snprintf(why, BENCH_WHY, "no memory");
		return NULL;
	}
	memset(end.block, 1, SPREAD_FRAME_SIZE);
	return &end;
}

static int64_t spread(void *at, const struct slice *slice, unsigned mine, uint64_t blocks)
{
	static const struct spread_ops ops = {get, send_all, take, done};
	struct end *end = at;

	end->readers = slice->receivers;
	end->size = spread_is_frame(slice->kind) ? SPREAD_FRAME_SIZE : SPREAD_BLOCK_SIZE;
	return spread_broadcast(ops, at, mine, slice->kind, blocks);
}

const struct peer spread_pipe = {
	.name = "pipes", .prepare = prepare, .enter = enter, .open = open_end, .spread = spread};
