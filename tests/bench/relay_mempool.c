/* SPDX-License-Identifier: MIT */
/*
 * mempool's own channels, by their calls: polled, as DPDK's rings are, and waiting in the kernel
 * while there is nothing to do. Channel 0 leads there, 1 back.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/bench/relay_pool.h"

struct end {
	struct mempool *pool;
	struct mempool_channel *out, *in;
};

static unsigned seat;

RELAY_INLINE bool get(void *at, void **blocks, size_t n)
{
	const struct end *end = at;
	return relay_pool_get(end->pool, blocks, n);
}

RELAY_INLINE bool put(void *at, void **blocks, size_t n)
{
	const struct end *end = at;
	return relay_pool_put(end->pool, blocks, n);
}

RELAY_INLINE bool send_one(const struct end *end, void *block, const int timeout_ms)
{
	int error;

	while ((error = mempool_channel_send(end->out, block, timeout_ms)) == -EAGAIN) {
		relay_pause();
	}
	return error == 0;
}

RELAY_INLINE bool send_all(const struct end *end, void **blocks, size_t n, const int timeout_ms)
{
	if (n == 1) {
		return send_one(end, *blocks, timeout_ms);
	}
	while (n > 0) {
		ssize_t sent = mempool_channel_send_bulk(end->out, blocks, n, timeout_ms);
		if (sent > 0) {
			blocks += sent;
			n -= (size_t)sent;
		} else if (sent == -EAGAIN) {
			relay_pause();
		} else {
			return false;
		}
	}
	return true;
}

RELAY_INLINE size_t receive_one(const struct end *end, void **block, const int timeout_ms)
{
	while ((*block = mempool_channel_receive(end->in, timeout_ms)) == NULL) {
		if (errno != EAGAIN) {
			return 0;
		}
		relay_pause();
	}
	return 1;
}

RELAY_INLINE size_t receive_some(const struct end *end, void **blocks, size_t n,
				 const int timeout_ms)
{
	ssize_t got;

	if (n == 1) {
		return receive_one(end, blocks, timeout_ms);
	}
	while ((got = mempool_channel_receive_bulk(end->in, blocks, n, timeout_ms)) == -EAGAIN) {
		relay_pause();
	}
	return got > 0 ? (size_t)got : 0;
}

RELAY_INLINE bool send_polling(void *at, void **blocks, size_t n)
{
	return send_all(at, blocks, n, 0);
}

RELAY_INLINE size_t receive_polling(void *at, void **blocks, size_t n)
{
	return receive_some(at, blocks, n, 0);
}

RELAY_INLINE bool reply_polling(void *at, void **block)
{
	return send_all(at, block, 1, 0);
}

RELAY_INLINE bool send_waiting(void *at, void **blocks, size_t n)
{
	return send_all(at, blocks, n, -1);
}

RELAY_INLINE size_t receive_waiting(void *at, void **blocks, size_t n)
{
	return receive_some(at, blocks, n, -1);
}

RELAY_INLINE bool reply_waiting(void *at, void **block)
{
	return send_all(at, block, 1, -1);
}

static void enter(unsigned mine)
{
	seat = mine;
}

static void *open_end(const char *name, struct end *end, char why[BENCH_WHY])
{
	end->pool = relay_pool(name, why);
	if (end->pool == NULL) {
		return NULL;
	}
	if (mempool_channel_open(end->pool, seat, 0, &end->out) != 0 ||
	    mempool_channel_open(end->pool, !seat, MEMPOOL_CHANNEL_RECEIVE, &end->in) != 0) {
		snprintf(why, BENCH_WHY, "%s", mempool_errmsg());
		return NULL;
	}
	return end;
}

static void *open_polling(unsigned size, char why[BENCH_WHY])
{
	static struct end end;

	(void)size;
	return open_end("relay.polling", &end, why);
}

static void *open_waiting(unsigned size, char why[BENCH_WHY])
{
	static struct end end;

	(void)size;
	return open_end("relay.waiting", &end, why);
}

static bool relay_polling(void *end, uint32_t kind, uint32_t bulk, uint64_t blocks)
{
	static const struct relay_ops ops = {get, send_polling, receive_polling, put,
					     reply_polling};

	return relay_run(ops, end, seat, kind, bulk, blocks);
}

static bool relay_waiting(void *end, uint32_t kind, uint32_t bulk, uint64_t blocks)
{
	static const struct relay_ops ops = {get, send_waiting, receive_waiting, put,
					     reply_waiting};

	return relay_run(ops, end, seat, kind, bulk, blocks);
}

const struct peer relay_mempool = {
	.name = "mempool", .enter = enter, .open = open_polling, .relay = relay_polling};
const struct peer relay_mempool_waiting = {
	.name = "mempool, waiting", .enter = enter, .open = open_waiting, .relay = relay_waiting};
