/* SPDX-License-Identifier: MIT */
/*
 * mempool's tokens through a pipe, 8 bytes each: what there is without channels. Blocking reads and
 * writes; a bulk is one write of all its tokens. Pipe 0 leads there, 1 back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/relay_pool.h"

static struct mempool *pool;
static int pipes[2][2];
static unsigned seat;

RELAY_INLINE bool get(void *end, void **blocks, size_t n)
{
	return relay_pool_get(end, blocks, n);
}

RELAY_INLINE bool put(void *end, void **blocks, size_t n)
{
	return relay_pool_put(end, blocks, n);
}

RELAY_INLINE bool post(void *end, void **blocks, size_t n)
{
	struct mempool_token tokens[RELAY_BULK];

	if (n == 1) {
		tokens[0] = mempool_give(end, *blocks);
		if (tokens[0].v == 0) {
			return false;
		}
	} else if (mempool_give_bulk(end, blocks, tokens, n) != 0) {
		return false;
	}
	/* Whole: a write of no more than PIPE_BUF bytes is. */
	return write(pipes[seat][1], tokens, n * sizeof *tokens) == (ssize_t)(n * sizeof *tokens);
}

RELAY_INLINE size_t fetch(void *end, void **blocks, size_t n)
{
	struct mempool_token tokens[RELAY_BULK];

	ssize_t size = read(pipes[!seat][0], tokens, n * sizeof *tokens);
	if (size <= 0 || (size_t)size % sizeof *tokens != 0) {
		return 0;
	}
	if (n == 1) {
		*blocks = mempool_take(end, tokens[0]);
		return *blocks != NULL;
	}
	size_t got = (size_t)size / sizeof *tokens;
	return mempool_take_bulk(end, tokens, blocks, got) == (ssize_t)got ? got : 0;
}

RELAY_INLINE bool reply(void *end, void **block)
{
	return post(end, block, 1);
}

static bool prepare(char why[BENCH_WHY])
{
	for (unsigned i = 0; i < 2; i++) {
		if (pipe2(pipes[i], O_CLOEXEC) < 0 ||
		    fcntl(pipes[i][1], F_SETPIPE_SZ, RELAY_DEPTH * 8) < 0) {
			snprintf(why, BENCH_WHY, "pipe: %s", strerror(errno));
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
	(void)size;
	pool = relay_pool("relay.pipe", why);
	return pool;
}

static bool relay(void *end, uint32_t kind, uint32_t bulk, uint64_t blocks)
{
	static const struct relay_ops ops = {get, post, fetch, put, reply};

	return relay_run(ops, end, seat, kind, bulk, blocks);
}

const struct peer relay_pipe = {.name = "pipe of tokens",
				.prepare = prepare,
				.enter = enter,
				.open = open_end,
				.relay = relay};
