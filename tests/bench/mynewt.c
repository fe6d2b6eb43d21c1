/* SPDX-License-Identifier: MIT */
/*
 * mynewt: ns a get and a put of os/os_mempool.h, beside pools in Mynewt's manner (mynewt_list.h),
 * and of a pool of mempoold by both sets of calls.
 *
 *	mynewt [REPEATS]
 *
 * Three rounds: the process has one thread; another one sleeps beside; two threads get and put on
 * one pool. Within a round the peers take turns, so that what slows the machine down slows all of
 * them; figures are medians, ratios the medians of the ratios within the repeats.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <mempool/mempool.h>
#include <os/os_mempool.h>

#include "tests/bench/figures.h"
#include "tests/bench/mynewt_list.h"
#include "tests/support/service.h"

#define PAIRS 50000
#define CHECKED_PAIRS 200 /* of a list that is walked */
#define BLOCKS 1000
#define MANY 10000 /* free blocks of the pools with checks; other pools */
#define SIZE 64

static struct list_pool list, long_list;
static struct os_mempool pool, checked, shared;
static struct mempool *handle;

static bool has_failed; /* a get or put has */

/* A function that gets and puts so often. */
#define PAIRS_BY(name, pool, get, put)                   \
	static void name(unsigned n)                     \
	{                                                \
		for (unsigned i = 0; i < n; i++) {       \
			if (put(pool, get(pool)) != 0) { \
				has_failed = true;       \
			}                                \
		}                                        \
	}

PAIRS_BY(pairs_list, &list, list_get, list_put)
PAIRS_BY(pairs_locked, &list, list_get_locked, list_put_locked)
PAIRS_BY(pairs_walked, &long_list, list_get_locked, list_put_checked)
PAIRS_BY(pairs_os, &pool, os_memblock_get, os_memblock_put)
PAIRS_BY(pairs_os_checked, &checked, os_memblock_get, os_memblock_put)
PAIRS_BY(pairs_os_shared, &shared, os_memblock_get, os_memblock_put)
PAIRS_BY(pairs_mempool, handle, mempool_get, mempool_put)

enum { LIST, LOCKED, WALKED, OS, OS_CHECKED, OS_AMONG, OS_SHARED, MEMPOOL, N_PEERS };
enum { ALONE, BESIDE, TWO, N_ROUNDS };

static const struct {
	const char *name;
	void (*pairs)(unsigned n);
	unsigned n;
	bool takes_threads;
} peers[N_PEERS] = {
	[LIST] = {"list, no lock", pairs_list, PAIRS, false},
	[LOCKED] = {"list, one mutex", pairs_locked, PAIRS, true},
	[WALKED] = {"list, one mutex, check, 10000 free", pairs_walked, CHECKED_PAIRS, true},
	[OS] = {"os_mempool", pairs_os, PAIRS, true},
	[OS_CHECKED] = {"os_mempool, check, 10000 free", pairs_os_checked, PAIRS, true},
	[OS_AMONG] = {"os_mempool among 10000 pools", pairs_os, PAIRS, true},
	[OS_SHARED] = {"os_mempool on mempoold", pairs_os_shared, PAIRS, true},
	[MEMPOOL] = {"mempool_get, mempool_put", pairs_mempool, PAIRS, true},
};

static const char *const round_names[N_ROUNDS] = {"one thread", "one beside", "two threads"};
static double ns[N_ROUNDS][N_PEERS][FIGURES_MAX];

/* --- measuring ------------------------------------------------------------------------------ */

struct runner {
	pthread_barrier_t *barrier;
	int peer, cpu;
	int64_t begin, end;
};

static void *run(void *arg)
{
	struct runner *runner = arg;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET((unsigned)runner->cpu, &cpus);
	pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus);
	pthread_barrier_wait(runner->barrier);
	runner->begin = now_ns();
	peers[runner->peer].pairs(peers[runner->peer].n);
	runner->end = now_ns();
	return NULL;
}

static double measure_two(int peer)
{
	pthread_barrier_t barrier;
	pthread_t threads[2];
	struct runner runners[2];

	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 2; i++) {
		runners[i] = (struct runner){.barrier = &barrier, .peer = peer, .cpu = i};
		pthread_create(&threads[i], NULL, run, &runners[i]);
	}
	int64_t begin = INT64_MAX, end = 0;
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		begin = runners[i].begin < begin ? runners[i].begin : begin;
		end = runners[i].end > end ? runners[i].end : end;
	}
	pthread_barrier_destroy(&barrier);
	return (double)(end - begin) / peers[peer].n;
}

/* Of this thread: what others do on the machine does not count. */
static int64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static double measure_one(int peer)
{
	int64_t begin = cpu_ns();
	peers[peer].pairs(peers[peer].n);
	return (double)(cpu_ns() - begin) / peers[peer].n;
}

/* Makes or unmakes the other pools. */
static void crowd(bool is_there)
{
	static struct os_mempool others[MANY];
	static os_membuf_t memory[MANY][OS_MEMPOOL_SIZE(2, 16)];

	for (int i = 0; i < MANY; i++) {
		if (is_there) {
			os_mempool_init(&others[i], 2, 16, memory[i], "other");
		} else {
			os_mempool_unregister(&others[i]);
		}
	}
}

static void measure_round(int round, unsigned repeats)
{
	for (unsigned repeat = 0; repeat < repeats; repeat++) {
		for (int peer = 0; peer < N_PEERS; peer++) {
			if (round != ALONE && !peers[peer].takes_threads) {
				continue;
			}
			if (peer == OS_AMONG) {
				crowd(true);
			}
			ns[round][peer][repeat] =
				round == TWO ? measure_two(peer) : measure_one(peer);
			if (peer == OS_AMONG) {
				crowd(false);
			}
		}
	}
}

static void *sleep_on(void *unused)
{
	pause();
	return unused;
}

/* --- making and printing -------------------------------------------------------------------- */

static bool make_pools(void)
{
	static os_membuf_t memory[4][OS_MEMPOOL_SIZE(MANY, SIZE)];
	struct mempool_conn *conn;

	list_init(&list, BLOCKS, SIZE, memory[0]);
	list_init(&long_list, MANY, SIZE, memory[1]);
	return os_mempool_init(&pool, BLOCKS, SIZE, memory[2], "pool") == OS_OK &&
	       os_mempool_init(&checked, MANY, SIZE, memory[3], "checked") == OS_OK &&
	       os_mempool_set_options(&checked, OS_MEMPOOL_OPT_CHECK) == OS_OK &&
	       os_mempool_open_shared(&shared, "shared", BLOCKS, SIZE) == OS_OK &&
	       mempool_connect(&conn, NULL) == 0 && mempool_open(conn, "shared", 0, &handle) == 0;
}

static void print_ratio(const char *what, int round, int ours, int theirs, unsigned repeats,
			double aim)
{
	double ratio = figures_ratio(ns[round][ours], ns[round][theirs], repeats);
	printf("%-12s %-62s %7.4f  at most %4.2f  %s\n", round_names[round], what, ratio, aim,
	       ratio <= aim ? "kept" : "BROKEN");
}

static void print(unsigned repeats)
{
	printf("ns a get and put, medians of %u repeats\n\n%-36s", repeats, "");
	for (int round = 0; round < N_ROUNDS; round++) {
		printf(" %12s", round_names[round]);
	}
	for (int peer = 0; peer < N_PEERS; peer++) {
		printf("\n%-36s", peers[peer].name);
		for (int round = 0; round < N_ROUNDS; round++) {
			printf(" %12.1f", figures_median(ns[round][peer], repeats));
		}
	}
	printf("\n\n");
	print_ratio("os_mempool to a list without lock", ALONE, OS, LIST, repeats, 1.5);
	print_ratio("os_mempool to a list and a mutex", BESIDE, OS, LOCKED, repeats, 1.0);
	print_ratio("os_mempool to a list and a mutex", TWO, OS, LOCKED, repeats, 0.5);
	print_ratio("os_mempool among 10000 pools to the same without", ALONE, OS_AMONG, OS,
		    repeats, 1.1);
	print_ratio("os_mempool with check to a list with check, 10000 free", ALONE, OS_CHECKED,
		    WALKED, repeats, 0.01);
	for (int round = 0; round < N_ROUNDS; round++) {
		print_ratio("os_mempool on mempoold to mempool_get and mempool_put", round,
			    OS_SHARED, MEMPOOL, repeats, 2.0);
	}
}

int main(int argc, char **argv)
{
	struct service service = {0};
	unsigned repeats = argc > 1 ? (unsigned)atoi(argv[1]) : 31;
	pthread_t thread;

	if (argc > 2 || repeats < 1 || repeats > FIGURES_MAX) {
		fprintf(stderr, "usage: mynewt [REPEATS]    (1 to %d)\n", FIGURES_MAX);
		return 2;
	}
	service_start(&service);
	bool made = make_pools();
	if (made) {
		measure_round(ALONE, repeats);
		pthread_create(&thread, NULL, sleep_on, NULL);
		measure_round(BESIDE, repeats);
		measure_round(TWO, repeats);
		print(repeats);
	}
	if (has_failed) {
		fprintf(stderr, "mynewt: a get or put failed\n");
	}
	if (!made) {
		fprintf(stderr, "mynewt: %s\n", mempool_errmsg());
	}
	service_stop(&service);
	return made && !has_failed ? 0 : 1;
}
