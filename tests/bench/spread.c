/* SPDX-License-Identifier: MIT */
/*
 * spread: what it costs to hand a block to several processes, each block to all of them (broadcast)
 * or to one of them (work), beside what people use instead, in one run.
 *
 * Each peer is a party of nine processes; party.h has how they are timed and why so, spread.h what
 * they do. Each figure's number of blocks is chosen once, so that a slice lasts about as long as
 * was asked for. As in bench, repeats are the outermost loop and peers the innermost, and the
 * ratios are what counts. Batches are judged by CPU time, as the order in which nine processes get
 * two CPUs is the machine's; frames, which are streams, by frames a second.
 *
 * A frame is 3 MB, so what is done with it soon costs more than handing it on. Hence three figures:
 * only its number is written and read; all of it is read, in each cache line; and all is written,
 * too. A pipe copies the whole of it whatever is done with it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/bench/crew.h"
#include "tests/bench/figures.h"
#include "tests/bench/options.h"
#include "tests/bench/party.h"
#include "tests/bench/spread.h"
#include "tests/support/service.h"

#define SKIPPED 77

extern const struct peer spread_mempool, spread_mutex, spread_pipe;

static const struct peer iceoryx = {.name = "iceoryx", .program = BENCH_SPREAD_ICEORYX};

static const char usage[] =
	"usage: spread [--repeats N] [--slice MS] [--quick] [--only NAME] [--mempoold PATH] "
	"[--help]\n"
	"Times broadcasts and work queues: mempool beside iceoryx, pipes and a queue under a "
	"mutex.\n"
	"\n" OPTIONS_USAGE;

enum { MEMPOOL, ICEORYX, PIPES, MUTEX, CONTESTANTS };

/* The first is the one the others are compared with. */
static const struct peer *const contestants[CONTESTANTS] = {
	[MEMPOOL] = &spread_mempool,
	[ICEORYX] = &iceoryx,
	[PIPES] = &spread_pipe,
	[MUTEX] = &spread_mutex,
};

enum { COLUMNS_MAX = 4 };

static const struct group {
	const char *title;
	const char *under; /* what the names of the columns are */
	bool plays[CONTESTANTS];
	unsigned batch, warm;  /* as of a slice */
	unsigned first_blocks; /* to find out how fast it goes */
	unsigned n_columns;
	struct column {
		const char *name;
		enum spread_kind kind;
		unsigned receivers;
	} columns[COLUMNS_MAX];
} groups[] = {
	{.title = "broadcast",
	 .under = "subscribers",
	 .plays = {[MEMPOOL] = true, [ICEORYX] = true, [PIPES] = true},
	 .batch = SPREAD_BATCH,
	 .warm = SPREAD_WARM,
	 .first_blocks = 4096,
	 .n_columns = 4,
	 .columns = {{"1", SPREAD_BROADCAST, 1},
		     {"2", SPREAD_BROADCAST, 2},
		     {"4", SPREAD_BROADCAST, 4},
		     {"8", SPREAD_BROADCAST, 8}}},
	{.title = "broadcast, numbered",
	 .under = "subscribers",
	 .plays = {[MEMPOOL] = true, [ICEORYX] = true, [PIPES] = true},
	 .batch = SPREAD_BATCH,
	 .warm = SPREAD_WARM,
	 .first_blocks = 4096,
	 .n_columns = 4,
	 .columns = {{"1", SPREAD_NUMBERED, 1},
		     {"2", SPREAD_NUMBERED, 2},
		     {"4", SPREAD_NUMBERED, 4},
		     {"8", SPREAD_NUMBERED, 8}}},
	{.title = "frames to 3",
	 .under = "of each frame",
	 .plays = {[MEMPOOL] = true, [PIPES] = true},
	 .first_blocks = 8,
	 .n_columns = 3,
	 .columns = {{"number", SPREAD_FRAME, SPREAD_FRAME_READERS},
		     {"read", SPREAD_FRAME_READ, SPREAD_FRAME_READERS},
		     {"written", SPREAD_FRAME_WRITTEN, SPREAD_FRAME_READERS}}},
	{.title = "work",
	 .under = "receivers",
	 .plays = {[MEMPOOL] = true, [MUTEX] = true},
	 .batch = SPREAD_WORK_BATCH,
	 .first_blocks = 4096,
	 .n_columns = 3,
	 .columns = {{"1", SPREAD_WORK, 1}, {"2", SPREAD_WORK, 2}, {"4", SPREAD_WORK, 4}}},
	{.title = "work, stream",
	 .under = "receivers",
	 .plays = {[MEMPOOL] = true, [MUTEX] = true},
	 .first_blocks = 4096,
	 .n_columns = 3,
	 .columns = {{"1", SPREAD_WORK, 1}, {"2", SPREAD_WORK, 2}, {"4", SPREAD_WORK, 4}}},
};

enum { BROADCAST, NUMBERED, FRAMES, GROUPS = sizeof groups / sizeof *groups };
enum { CPU, WALL, CLOCKS };

struct figures {
	uint64_t blocks; /* in a slice */
	double ns[CLOCKS][FIGURES_MAX];
};

static struct crew crews[CONTESTANTS];
static struct figures table[GROUPS][COLUMNS_MAX][CONTESTANTS];

/* ---- measuring ---- */

static void start(const struct options *options, const unsigned cpus[2])
{
	for (unsigned c = 0; c < CONTESTANTS; c++) {
		if (options_ask_for(options, contestants[c]->name)) {
			crew_start(&crews[c], contestants[c], party_play, cpus);
		} else {
			crew_skip(&crews[c], contestants[c]);
		}
	}
}

/* Wall ns a block; the CPU time is the crew's to tell. */
static double spread(unsigned g, unsigned column, unsigned c, uint64_t blocks)
{
	const struct slice slice = {
		.kind = groups[g].columns[column].kind,
		.receivers = groups[g].columns[column].receivers,
		.batch = groups[g].batch,
		.warm = groups[g].warm,
		.blocks = blocks,
	};

	return groups[g].plays[c] ? crew_run(&crews[c], 1, slice) : 0;
}

static void calibrate(unsigned g, unsigned column, unsigned slice_ms)
{
	for (unsigned c = 0; c < CONTESTANTS; c++) {
		double ns = spread(g, column, c, groups[g].first_blocks);
		double blocks = ns > 0 ? slice_ms * 1e6 / ns : 0;
		table[g][column][c].blocks = (uint64_t)blocks + 1;
	}
}

static void measure(unsigned g, unsigned column, unsigned repeat)
{
	for (unsigned c = 0; c < CONTESTANTS; c++) {
		struct figures *figures = &table[g][column][c];
		double ns = spread(g, column, c, figures->blocks);
		figures->ns[WALL][repeat] = ns;
		figures->ns[CPU][repeat] = ns > 0 ? crews[c].cpu_ns : 0;
	}
}

static void measure_all(const struct options *options)
{
	for (unsigned g = 0; g < GROUPS; g++) {
		for (unsigned i = 0; i < groups[g].n_columns; i++) {
			calibrate(g, i, options->slice_ms);
		}
	}
	for (unsigned repeat = 0; repeat < options->repeats; repeat++) {
		for (unsigned g = 0; g < GROUPS; g++) {
			for (unsigned i = 0; i < groups[g].n_columns; i++) {
				measure(g, i, repeat);
			}
		}
	}
}

/* ---- printing ---- */

static void print_number(double value)
{
	if (value > 0) {
		printf(value < 1 ? " %8.4f" : value < 10000 ? " %8.2f" : " %8.0f", value);
	} else {
		printf(" %8s", "-");
	}
}

static void print_head(const struct group *group, unsigned clock)
{
	int width = 9 * (int)group->n_columns;

	printf("%-22s %-*s  %-*s  %s\n", group->title, width,
	       clock == CPU ? " CPU ns a block" : " wall ns a block", width, " mempool / peer",
	       "spread, %");
	printf("%-22s", group->under);
	for (unsigned twice = 0; twice < 2; twice++) {
		for (unsigned i = 0; i < group->n_columns; i++) {
			printf(" %8s", group->columns[i].name);
		}
		printf("  ");
	}
	printf("\n");
}

static void print_contestant(unsigned g, unsigned clock, unsigned c, unsigned repeats)
{
	const unsigned n = groups[g].n_columns;

	printf("%-22s", contestants[c]->name);
	for (unsigned i = 0; i < n; i++) {
		print_number(figures_median(table[g][i][c].ns[clock], repeats));
	}
	printf("  ");
	for (unsigned i = 0; i < n; i++) {
		const double *ours = table[g][i][MEMPOOL].ns[clock];
		const double *theirs = table[g][i][c].ns[clock];
		print_number(c == MEMPOOL ? 0 : figures_ratio(ours, theirs, repeats));
	}
	printf("  ");
	for (unsigned i = 0; i < n; i++) {
		printf(" %3.0f", figures_spread(table[g][i][c].ns[clock], repeats));
	}
	printf("\n");
}

static void print_group(unsigned g, unsigned repeats)
{
	for (unsigned clock = 0; clock < CLOCKS; clock++) {
		print_head(&groups[g], clock);
		for (unsigned c = 0; c < CONTESTANTS; c++) {
			if (groups[g].plays[c]) {
				print_contestant(g, clock, c, repeats);
			}
		}
		printf("\n");
	}
}

static void print_aim(unsigned g, unsigned column, unsigned clock, unsigned peer, double aim,
		      unsigned repeats)
{
	const double ratio = figures_ratio(table[g][column][MEMPOOL].ns[clock],
					   table[g][column][peer].ns[clock], repeats);

	printf("%s, %s %s, %s: mempool / %s ", groups[g].title, groups[g].columns[column].name,
	       groups[g].under, clock == CPU ? "CPU" : "wall", contestants[peer]->name);
	if (ratio > 0) {
		printf("%.4f, at most %.2f: %s\n", ratio, aim, ratio <= aim ? "kept" : "BROKEN");
	} else {
		printf("is missing\n");
	}
}

static void print_all(const struct options *options, const unsigned cpus[2])
{
	printf("medians of %u slices of about %u ms, interleaved; CPUs %u and %u; build type %s\n"
	       "blocks of %d bytes, batches of %d; frames of %d bytes; see tests/bench/party.h\n\n",
	       options->repeats, options->slice_ms, cpus[0], cpus[1], BENCH_BUILD,
	       SPREAD_BLOCK_SIZE, SPREAD_BATCH, SPREAD_FRAME_SIZE);
	for (unsigned g = 0; g < GROUPS; g++) {
		print_group(g, options->repeats);
	}
	for (unsigned i = 0; i < groups[BROADCAST].n_columns; i++) {
		print_aim(BROADCAST, i, CPU, ICEORYX, 0.1, options->repeats);
	}
	for (unsigned i = 0; i < groups[FRAMES].n_columns; i++) {
		print_aim(FRAMES, i, WALL, PIPES, 0.2, options->repeats);
	}
	for (unsigned c = 0; c < CONTESTANTS; c++) {
		if (crews[c].absent[0] != '\0') {
			printf("%s is absent: %s\n", contestants[c]->name, crews[c].absent);
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
		fprintf(stderr, "spread: needs two CPUs\n");
		return SKIPPED;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	service_start(&service);
	setenv("RUNTIME_DIRECTORY", service.dir, 1); /* for iceoryx's files */
	start(&options, cpus);
	measure_all(&options);
	print_all(&options, cpus);
	for (unsigned c = 0; c < CONTESTANTS; c++) {
		crew_stop(&crews[c]);
	}
	service_stop(&service);
	while (wait(NULL) > 0) {
		/* receivers, and iceoryx's daemon */
	}
	return 0;
}
