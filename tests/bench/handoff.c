/* SPDX-License-Identifier: MIT */
/*
 * handoff: what it costs to hand a block from one process to another and have it back in the pool,
 * beside what people use instead, in one run.
 *
 * The two workers of a peer (worker.h) are producer and consumer, each pinned to its CPU; relay.h
 * has what they do. Each figure's number of blocks is chosen once, so that a slice lasts about as
 * long as was asked for; both know it, so nobody has to be told of the end. As in bench, repeats
 * are the outermost loop and peers the innermost, and the ratios are what counts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/bench/crew.h"
#include "tests/bench/figures.h"
#include "tests/bench/options.h"
#include "tests/bench/relay.h"
#include "tests/support/service.h"

#define FIRST_BLOCKS 4096u /* to find out how fast it goes */
#define SKIPPED 77

extern const struct peer relay_mempool, relay_mempool_waiting, relay_pipe;

static const struct peer dpdk = {.name = "dpdk", .program = BENCH_RELAY_DPDK};
static const struct peer dpdk_512 = {.name = "dpdk, cache 512", .program = BENCH_RELAY_DPDK};
static const struct peer dpdk_sp = {.name = "dpdk SP/SC", .program = BENCH_RELAY_DPDK};
static const struct peer iceoryx = {.name = "iceoryx", .program = BENCH_RELAY_ICEORYX};

/* The first is the one the others are compared with. */
static const struct contestant {
	const struct peer *peer;
	bool single_only;
} contestants[] = {
	{&relay_mempool, false}, {&relay_mempool_waiting, false},
	{&dpdk, false},          {&dpdk_512, false},
	{&dpdk_sp, false},       {&iceoryx, true},
	{&relay_pipe, false},
};

static const struct column {
	const char *name;
	enum relay_kind kind;
	uint32_t bulk;
} columns[] = {
	{"1", RELAY_STREAM, 1},  {"32", RELAY_STREAM, RELAY_BULK},
	{"1", RELAY_WRITTEN, 1}, {"32", RELAY_WRITTEN, RELAY_BULK},
	{"1", RELAY_ECHO, 1},
};

enum {
	CONTESTANTS = sizeof contestants / sizeof *contestants,
	COLUMNS = sizeof columns / sizeof *columns,
};

struct figures {
	uint64_t blocks; /* in a slice */
	double ns[FIGURES_MAX];
};

static struct crew crews[CONTESTANTS];
static struct figures table[CONTESTANTS][COLUMNS];

static const char usage[] =
	"usage: handoff [--repeats N] [--slice MS] [--quick] [--only NAME] [--mempoold PATH] "
	"[--help]\n"
	"Times handing blocks from one process to another: mempool beside DPDK, iceoryx and a "
	"pipe.\n"
	"\n" OPTIONS_USAGE;

static void start(const struct options *options, const unsigned cpus[2])
{
	for (unsigned c = 0; c < CONTESTANTS; c++) {
		const struct peer *peer = contestants[c].peer;
		if (options_ask_for(options, peer->name)) {
			crew_start(&crews[c], peer, worker_pair, cpus);
		} else {
			crew_skip(&crews[c], peer);
		}
	}
}

static double relay(unsigned c, unsigned column, uint64_t blocks)
{
	const struct slice slice = {
		.kind = columns[column].kind,
		.bulk = columns[column].bulk,
		.blocks = blocks,
	};

	if (contestants[c].single_only && slice.bulk > 1) {
		return 0;
	}
	return crew_run(&crews[c], 2, slice);
}

/* Chooses the numbers of blocks. */
static void calibrate(unsigned slice_ms)
{
	for (unsigned c = 0; c < CONTESTANTS; c++) {
		for (unsigned i = 0; i < COLUMNS; i++) {
			double ns = relay(c, i, FIRST_BLOCKS);
			double blocks = ns > 0 ? slice_ms * 1e6 / ns : 0;
			table[c][i].blocks = ((uint64_t)blocks / RELAY_BULK + 1) * RELAY_BULK;
		}
	}
}

static void measure_once(unsigned repeat)
{
	for (unsigned i = 0; i < COLUMNS; i++) {
		for (unsigned c = 0; c < CONTESTANTS; c++) {
			table[c][i].ns[repeat] = relay(c, i, table[c][i].blocks);
		}
	}
}

static void print_number(double value)
{
	if (value > 0) {
		printf(value < 1 ? " %7.3f" : value < 10000 ? " %7.2f" : " %7.0f", value);
	} else {
		printf(" %7s", "-");
	}
}

static void print_head(void)
{
	printf("%-18s %-39s  %-39s  %s\n", "", "ns a block", "mempool / peer", "spread, %");
	printf("%-18s", "");
	for (unsigned twice = 0; twice < 2; twice++) {
		printf(" %7s %7s %7s %7s %7s ", "stream", "", "written", "", "echo");
	}
	printf("\n%-18s", "blocks a call");
	for (unsigned twice = 0; twice < 2; twice++) {
		for (unsigned i = 0; i < COLUMNS; i++) {
			printf(" %7s", columns[i].name);
		}
		printf(" ");
	}
	printf("\n");
}

static void print_contestant(unsigned c, unsigned repeats)
{
	printf("%-18s", contestants[c].peer->name);
	for (unsigned i = 0; i < COLUMNS; i++) {
		print_number(figures_median(table[c][i].ns, repeats));
	}
	printf(" ");
	for (unsigned i = 0; i < COLUMNS; i++) {
		print_number(c == 0 ? 0 : figures_ratio(table[0][i].ns, table[c][i].ns, repeats));
	}
	printf(" ");
	for (unsigned i = 0; i < COLUMNS; i++) {
		printf(" %3.0f", figures_spread(table[c][i].ns, repeats));
	}
	printf("\n");
}

static void print_all(const struct options *options, const unsigned cpus[2])
{
	printf("medians of %u slices of about %u ms, interleaved; CPU %u to CPU %u; pools of %d "
	       "blocks of %d bytes,\n%d under way at most (iceoryx: 256); build type %s\n\n",
	       options->repeats, options->slice_ms, cpus[0], cpus[1], RELAY_BLOCKS,
	       RELAY_BLOCK_SIZE, RELAY_DEPTH, BENCH_BUILD);
	print_head();
	for (unsigned c = 0; c < CONTESTANTS; c++) {
		print_contestant(c, options->repeats);
	}
	printf("\nstream: get, send; receive, put. written: the first 8 bytes too, and read. echo: "
	       "there and back.\n"
	       "mempool and dpdk poll; \"waiting\" sleeps when there is nothing to do.\n"
	       "dpdk: many producers, one consumer, as mempool; cache of %u; two processes by fork "
	       "after\nrte_eal_init(), no huge pages. SP/SC: one producer, one consumer.\n",
	       BENCH_CACHE);
	for (unsigned c = 0; c < CONTESTANTS; c++) {
		if (crews[c].absent[0] != '\0') {
			printf("%s is absent: %s\n", contestants[c].peer->name, crews[c].absent);
		}
	}
}

int main(int argc, char **argv)
{
	struct options options;
	struct service service = {0};
	unsigned cpus[2];

	options_parse(&options, argc, argv, usage);
	if (crew_cpus(cpus) < 2) {
		fprintf(stderr, "handoff: needs two CPUs\n");
		return SKIPPED;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	service_start(&service);
	setenv("RUNTIME_DIRECTORY", service.dir, 1); /* for DPDK's directory and iceoryx's file */
	start(&options, cpus);
	calibrate(options.slice_ms);
	for (unsigned i = 0; i < options.repeats; i++) {
		measure_once(i);
	}
	print_all(&options, cpus);
	for (unsigned c = 0; c < CONTESTANTS; c++) {
		crew_stop(&crews[c]);
	}
	service_stop(&service);
	while (wait(NULL) > 0) {
		/* second workers, and iceoryx's daemon */
	}
	return 0;
}
