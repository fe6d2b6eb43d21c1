/* SPDX-License-Identifier: MIT */
/*
 * Kills the daemon again and again while clients work. Their rates must not drop to zero; the next
 * daemon must reclaim what a client had that died while there was no daemon; and a new client must
 * be able to attach then.
 *
 *	outage [--rounds N] [--seed N]
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/crash/crowd.h"
#include "tests/support/service.h"

#define BLOCKS 20000
#define WORKERS 3

struct outage {
	struct service service;
	struct crowd crowd;
	struct worker workers[WORKERS];
	struct mempool_conn *conn;
	struct mempool *pool;
	unsigned stalls, deaths;
};

/* Counts a stall for each worker that does not do 1000 operations. */
static void outage_check_rates(struct outage *o)
{
	for (int i = 0; i < WORKERS; i++) {
		uint64_t before = crowd_operations(&o->crowd, &o->workers[i]);
		int64_t deadline = now_ms() + HANG_MS;
		while (crowd_operations(&o->crowd, &o->workers[i]) < before + 1000) {
			if (now_ms() > deadline) {
				o->stalls++;
				break;
			}
		}
	}
}

static void outage_run_round(struct outage *o, unsigned *seed)
{
	int victim = (int)crowd_random(seed, WORKERS);
	bool dies = crowd_random(seed, 2) == 0;

	service_kill(&o->service);
	outage_check_rates(o);
	usleep(crowd_random(seed, 5000));
	if (dies) {
		crowd_kill(&o->crowd, &o->workers[victim]);
		o->deaths++;
	}
	service_restart(&o->service);
	if (dies) {
		crowd_start(&o->crowd, &o->workers[victim]);
	}
	outage_check_rates(o);
}

static bool outage_is_everything_here(void *data)
{
	struct outage *o = data;
	static void *blocks[BLOCKS];
	uint32_t n = 0;

	while (n < BLOCKS && (blocks[n] = mempool_get(o->pool))) {
		n++;
	}
	mempool_put_bulk(o->pool, blocks, n);
	return n == BLOCKS;
}

static int outage_conclude(struct outage *o, unsigned rounds, unsigned seed)
{
	struct mempool_report report;

	for (int i = 0; i < WORKERS; i++) {
		crowd_kill(&o->crowd, &o->workers[i]);
	}
	bool all = wait_until(outage_is_everything_here, o, HANG_MS);
	bool sound = mempool_check(o->pool, &report) == 0;
	printf("seed %u: daemon killed %u times, %u clients meanwhile: %u stalls, %lu duplicated, "
	       "%lu refused, %s, %s\n",
	       seed, rounds, o->deaths, o->stalls, (unsigned long)o->crowd.ledger->duplicated,
	       (unsigned long)o->crowd.ledger->refused,
	       all ? "all blocks obtainable" : "BLOCKS LOST", sound ? "sound" : report.first);
	return !all || !sound || o->stalls || o->crowd.ledger->duplicated ||
	       o->crowd.ledger->refused;
}

int main(int argc, char **argv)
{
	static struct outage o;
	unsigned rounds = 50, first = (unsigned)now_ns();

	for (int i = 1; i + 1 < argc; i += 2) {
		unsigned n = (unsigned)strtoul(argv[i + 1], NULL, 10);
		if (!strcmp(argv[i], "--rounds")) {
			rounds = n;
		} else if (!strcmp(argv[i], "--seed")) {
			first = n;
		}
	}
	if (argc % 2 == 0) {
		errx(2, "usage: outage [--rounds N] [--seed N]");
	}
	unsigned seed = first;
	printf("seed %u\n", first);
	fflush(stdout);
	service_start(&o.service);
	o.conn = service_connect();
	o.pool = service_pool(o.conn, "outage", 64, BLOCKS);
	crowd_make(&o.crowd, "outage", BLOCKS, first);
	for (int i = 0; i < WORKERS; i++) {
		crowd_start(&o.crowd, &o.workers[i]);
	}
	for (unsigned i = 0; i < rounds; i++) {
		outage_run_round(&o, &seed);
	}
	int failed = outage_conclude(&o, rounds, first);
	mempool_close(o.pool);
	mempool_destroy(o.conn, "outage");
	mempool_disconnect(o.conn);
	unsigned left = service_stop(&o.service);
	if (left) {
		printf("%u objects were left in /dev/shm\n", left);
	}
	return failed || left;
}
