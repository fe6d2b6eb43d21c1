/* SPDX-License-Identifier: MIT */
/*
 * bench: what getting and putting a block costs, beside what people use instead, in one run.
 *
 * Each peer has two workers, each pinned to a CPU (worker.h). The repeats are the outermost loop
 * and the peers the innermost, so that what changes on the machine during the run changes all of
 * them. A figure is the median of its repeats; the ratios are what counts. Nothing here fails a
 * build: absolute times belong to a machine.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/bench/crew.h"
#include "tests/bench/options.h"
#include "tests/bench/peer.h"
#include "tests/bench/table.h"
#include "tests/support/service.h"

#define HELD_STEP 19u /* each repeat holds so many blocks more: another fill of the caches */

static const char usage[] =
	"usage: bench [--repeats N] [--slice MS] [--quick] [--only NAME] [--mempoold PATH] "
	"[--help]\n"
	"Times get and put of mempool beside DPDK, glibc and a free list under a robust mutex.\n"
	"\n" OPTIONS_USAGE;

static const struct peer dpdk_elsewhere = {.name = "dpdk", .program = BENCH_DPDK};

static const struct peer *const peers[TABLE_PEERS] = {
	&peer_mempool,
	&dpdk_elsewhere,
	&peer_glibc,
	&peer_mutex,
};

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
	struct options options;
	static struct table table;
	struct crew crews[TABLE_PEERS];
	struct service service = {0};
	unsigned cpus[2];

	options_parse(&options, argc, argv, usage);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	unsigned n_cpus = crew_cpus(cpus);
	service_start(&service);
	setenv("RUNTIME_DIRECTORY", service.dir, 1); /* DPDK makes a directory in it */
	for (unsigned i = 0; i < TABLE_PEERS; i++) {
		if (options_ask_for(&options, peers[i]->name)) {
			crew_start(&crews[i], peers[i], worker_pair, cpus);
		} else {
			crew_skip(&crews[i], peers[i]);
		}
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
