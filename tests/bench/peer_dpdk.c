/* SPDX-License-Identifier: MIT */
/*
 * DPDK's rte_mempool with a cache: its own program, so that the rest needs no DPDK.
 *
 * No huge pages and no files: the heap is a memfd mapped shared, so a process forked after
 * rte_eal_init() works on the same pools. It takes the next lcore number and with it a cache of its
 * own. Started by the driver with its two ends of the line as descriptors 3 and 4:
 *
 *	bench-dpdk CPU CPU NAME
 */
#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include "tests/bench/loops.h"
#include "tests/bench/peer.h"
#include "tests/bench/worker.h"

static struct rte_mempool *pools[BENCH_SIZES];
static char main_lcore[32];

LOOPS_INLINE bool get(void *pool, void **block)
{
	return rte_mempool_get(pool, block) == 0;
}

LOOPS_INLINE bool put(void *pool, void *block)
{
	rte_mempool_put(pool, block);
	return true;
}

LOOPS_INLINE bool get_bulk(void *pool, void **blocks, size_t n)
{
	return rte_mempool_get_bulk(pool, blocks, (unsigned)n) == 0;
}

LOOPS_INLINE bool put_bulk(void *pool, void **blocks, size_t n)
{
	rte_mempool_put_bulk(pool, blocks, (unsigned)n);
	return true;
}

static int init_eal(void)
{
	char *args[] = {
		"bench-dpdk",
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
	char name[32];

	if (init_eal() < 0) {
		snprintf(why, BENCH_WHY, "rte_eal_init: %s", rte_strerror(rte_errno));
		return false;
	}
	for (unsigned i = 0; i < BENCH_SIZES; i++) {
		snprintf(name, sizeof name, "bench%u", i);
		pools[i] = rte_mempool_create(name, BENCH_BLOCKS, bench_sizes[i], BENCH_CACHE, 0,
					      NULL, NULL, NULL, NULL, SOCKET_ID_ANY, 0);
		if (pools[i] == NULL) {
			snprintf(why, BENCH_WHY, "rte_mempool_create: %s", rte_strerror(rte_errno));
			return false;
		}
	}
	return true;
}

static void enter(unsigned seat)
{
	RTE_PER_LCORE(_lcore_id) = seat;
}

static void *open_size(unsigned size, char why[BENCH_WHY])
{
	(void)why;
	return pools[size];
}

LOOPS_DEFINE

const struct peer peer_dpdk = {.name = "dpdk",
			       .prepare = prepare,
			       .enter = enter,
			       .open = open_size,
			       .run = run,
			       .hold = hold,
			       .drop = drop};

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "bench-dpdk is started by bench\n");
		return 2;
	}
	const unsigned cpus[2] = {(unsigned)strtoul(argv[1], NULL, 10),
				  (unsigned)strtoul(argv[2], NULL, 10)};
	const int lines[2] = {WORKER_LINE, WORKER_LINE + 1};
	snprintf(main_lcore, sizeof main_lcore, "0@%u", cpus[0]);
	worker_pair(&peer_dpdk, lines, cpus);
	return 0;
}
