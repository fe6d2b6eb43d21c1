/* SPDX-License-Identifier: MIT */
/*
 * bench: what getting and putting a block costs, beside what people use instead, in one run.
 *
 * Each peer has two workers, each pinned to a CPU (worker.h). The repeats are the outermost loop
 * and the peers the innermost, so that what changes on the machine during the run changes all of
 * them. A figure is the median of its repeats; the ratios are what counts. Nothing here fails a
 * build: absolute times belong to a machine.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/bench/crew.h"
#include "tests/bench/peer.h"
#include "tests/bench/table.h"
#include "tests/support/service.h"

#define HELD_STEP 19u /* each repeat holds so many blocks more: another fill of the caches */

struct options {
	unsigned repeats;
	unsigned slice_ms;
};

static const char usage[] =
	"usage: bench [--repeats N] [--slice MS] [--quick] [--mempoold PATH] [--help]\n"
	"Times get and put of mempool beside DPDK, glibc and a free list under a robust mutex.\n"
	"\n"
	"  --repeats N       slices of each figure, 1 to 99 (7)\n"
	"  --slice MS        length of a slice (30)\n"
	"  --quick           3 repeats of 10 ms\n"
	"  --mempoold PATH   the daemon to start ($MEMPOOLD, or the one of this build)\n";

static const struct peer dpdk_elsewhere = {.name = "dpdk", .program = BENCH_DPDK};

static const struct peer *const peers[TABLE_PEERS] = {
	&peer_mempool,
	&dpdk_elsewhere,
	&peer_glibc,
	&peer_mutex,
};

static unsigned number(const char *text, unsigned max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end != '\0' || value < 1 || value > max) {
		fprintf(stderr, "bench: '%s' is no number from 1 to %u\n", text, max);
		exit(2);
	}
	return (unsigned)value;
}

static void parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{"repeats", required_argument, NULL, 'r'},  {"slice", required_argument, NULL, 's'},
		{"quick", no_argument, NULL, 'q'},          {"help", no_argument, NULL, 'h'},
		{"mempoold", required_argument, NULL, 'm'}, {0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'r':
			options->repeats = number(optarg, TABLE_REPEATS_MAX);
			break;
		case 's':
			options->slice_ms = number(optarg, 10000);
			break;
		case 'q':
			options->repeats = 3;
			options->slice_ms = 10;
			break;
		case 'm':
			setenv("MEMPOOLD", optarg, 1);
			break;
		default:
			fputs(usage, c == 'h' ? stdout : stderr);
			exit(c == 'h' ? 0 : 2);
		}
	}
}

/* One repeat of every row: all peers, then the next row. */
static void measure_once(struct table *table, struct crew crews[TABLE_PEERS], unsigned n_cpus,
			 unsigned repeat, unsigned slice_ms)
{
	for (unsigned i = 0; i < TABLE_ROWS; i++) {
		struct row *row = &table->rows[i];
		const struct slice slice = {
			.size = row->size,
			.bulk = bench_bulks[row->bulk],
			.held = repeat * HELD_STEP % BENCH_HELD,
			.ns = slice_ms * 1000000ull,
		};
		for (unsigned p = 0; p < TABLE_PEERS; p++) {
			if (row->n_cpus <= n_cpus) {
				row->ns[p][repeat] = crew_run(&crews[p], row->n_cpus, slice);
			}
		}
	}
}

static void print_notes(const struct options *options, unsigned n_cpus, const unsigned cpus[2])
{
	printf("medians of %u slices of %u ms, interleaved; CPU %u", options->repeats,
	       options->slice_ms, cpus[0]);
	if (n_cpus == 2) {
		printf(" and %u", cpus[1]);
	}
	printf("; pools of %u blocks; build type %s\n", BENCH_BLOCKS, BENCH_BUILD);
	if (n_cpus == 1) {
		printf("one CPU: no figures for two processes\n");
	}
	printf("\n");
}

int main(int argc, char **argv)
{
	struct options options = {.repeats = 7, .slice_ms = 30};
	static struct table table;
	struct crew crews[TABLE_PEERS];
	struct service service = {0};
	unsigned cpus[2];

	parse(argc, argv, &options);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	unsigned n_cpus = crew_cpus(cpus);
	service_start(&service);
	setenv("RUNTIME_DIRECTORY", service.dir, 1); /* DPDK makes a directory in it */
	for (unsigned i = 0; i < TABLE_PEERS; i++) {
		crew_start(&crews[i], peers[i], cpus);
	}
	table_init(&table, options.repeats);
	for (unsigned i = 0; i < options.repeats; i++) {
		measure_once(&table, crews, n_cpus, i, options.slice_ms);
	}
	print_notes(&options, n_cpus, cpus);
	table_print(&table, crews);
	for (unsigned i = 0; i < TABLE_PEERS; i++) {
		crew_stop(&crews[i]);
	}
	service_stop(&service);
	while (wait(NULL) > 0) {
		/* second workers */
	}
	return 0;
}
