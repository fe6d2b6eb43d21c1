/* SPDX-License-Identifier: MIT */
/*
 * DPDK's rte_mempool with a cache, and rte_ring between two processes; a program of its own, as
 * peer_dpdk.c, which says how. Its name says which ring:
 *
 *	dpdk		many producers, one consumer, as mempool's channels; cache of 256
 *	dpdk, cache 512	the same with the largest cache there is
 *	dpdk SP/SC	one producer, one consumer
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mempool.h>
#include <rte_ring.h>

#include "tests/bench/peer.h"
#include "tests/bench/relay.h"
#include "tests/bench/worker.h"

static const char *name;
static unsigned seat;
static struct end {
	struct rte_mempool *pool;
	struct rte_ring *rings[2]; /* there, back */
	struct rte_ring *out, *in;
} only;
static char main_lcore[32];

RELAY_INLINE bool get(void *at, void **blocks, size_t n)
{
	struct end *end = at;

	return (n == 1 ? rte_mempool_get(end->pool, blocks)
		       : rte_mempool_get_bulk(end->pool, blocks, (unsigned)n)) == 0;
}

RELAY_INLINE bool put(void *at, void **blocks, size_t n)
{
	struct end *end = at;

	if (n == 1) {
		rte_mempool_put(end->pool, *blocks);
	} else {
		rte_mempool_put_bulk(end->pool, blocks, (unsigned)n);
	}
	return true;
}

/* The calls that say which kind of ring it is need not look. */
RELAY_INLINE bool send_many(void *at, void **blocks, size_t n)
{
	struct end *end = at;

	while (rte_ring_mp_enqueue_bulk(end->out, blocks, (unsigned)n, NULL) == 0) {
		relay_pause();
	}
	return true;
}

RELAY_INLINE bool send_single(void *at, void **blocks, size_t n)
{
	struct end *end = at;

	while (rte_ring_sp_enqueue_bulk(end->out, blocks, (unsigned)n, NULL) == 0) {
		relay_pause();
	}
	return true;
}

RELAY_INLINE size_t receive(void *at, void **blocks, size_t n)
{
	struct end *end = at;
	unsigned got;

	while ((got = rte_ring_sc_dequeue_burst(end->in, blocks, (unsigned)n, NULL)) == 0) {
		relay_pause();
	}
	return got;
}

RELAY_INLINE bool reply_many(void *at, void **block)
{
	return send_many(at, block, 1);
}

RELAY_INLINE bool reply_single(void *at, void **block)
{
	return send_single(at, block, 1);
}

static bool is_single(void)
{
	return strcmp(name, "dpdk SP/SC") == 0;
}

static int init_eal(void)
{
	char *args[] = {
		"bench-relay-dpdk",
		"--no-huge",
		"-m",
		"128",
		"--no-shconf",
		"--no-pci",
		"--no-telemetry",
		"--log-level=error",
		"--lcores",
		main_lcore,
	};

	/* A refused option would have the whole usage printed. */
	if (freopen("/dev/null", "w", stdout) == NULL) {
		return -1;
	}
	return rte_eal_init((int)(sizeof args / sizeof *args), args);
}

static bool prepare(char why[BENCH_WHY])
{
	unsigned cache = strcmp(name, "dpdk, cache 512") == 0 ? 512 : BENCH_CACHE;
	unsigned flags = RING_F_SC_DEQ | (is_single() ? RING_F_SP_ENQ : 0);

	if (init_eal() < 0) {
		snprintf(why, BENCH_WHY, "rte_eal_init: %s", rte_strerror(rte_errno));
		return false;
	}
	only.pool = rte_mempool_create("pool", RELAY_BLOCKS, RELAY_BLOCK_SIZE, cache, 0, NULL, NULL,
				       NULL, NULL, SOCKET_ID_ANY, 0);
	only.rings[0] = rte_ring_create("there", RELAY_DEPTH, SOCKET_ID_ANY, flags);
	only.rings[1] = rte_ring_create("back", RELAY_DEPTH, SOCKET_ID_ANY, flags);
	if (only.pool == NULL || only.rings[0] == NULL || only.rings[1] == NULL) {
		snprintf(why, BENCH_WHY, "DPDK's pool or rings: %s", rte_strerror(rte_errno));
		return false;
	}
	return true;
}

static void enter(unsigned mine)
{
	seat = mine;
	RTE_PER_LCORE(_lcore_id) = mine;
}

static void *open_end(unsigned size, char why[BENCH_WHY])
{
	(void)size;
	(void)why;
	only.out = only.rings[seat];
	only.in = only.rings[!seat];
	return &only;
}

static bool relay_many(void *end, uint32_t kind, uint32_t bulk, uint64_t blocks)
{
	static const struct relay_ops ops = {get, send_many, receive, put, reply_many};

	return relay_run(ops, end, seat, kind, bulk, blocks);
}

static bool relay_single(void *end, uint32_t kind, uint32_t bulk, uint64_t blocks)
{
	static const struct relay_ops ops = {get, send_single, receive, put, reply_single};

	return relay_run(ops, end, seat, kind, bulk, blocks);
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "relay-dpdk is started by handoff\n");
		return 2;
	}
	name = argv[3];
	const struct peer peer = {
		.name = name,
		.prepare = prepare,
		.enter = enter,
		.open = open_end,
		.relay = is_single() ? relay_single : relay_many,
	};
	const unsigned cpus[2] = {(unsigned)strtoul(argv[1], NULL, 10),
				  (unsigned)strtoul(argv[2], NULL, 10)};
	const int lines[2] = {WORKER_LINE, WORKER_LINE + 1};
	snprintf(main_lcore, sizeof main_lcore, "0@%u", cpus[0]);
	worker_pair(&peer, lines, cpus);
	return 0;
}
