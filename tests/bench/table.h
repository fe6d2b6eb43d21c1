/* SPDX-License-Identifier: MIT */
/*
 * The table: every figure of a run, their medians, and the ratios between peers.
 */
#ifndef BENCH_TABLE_H
#define BENCH_TABLE_H

#include "tests/bench/crew.h"
#include "tests/bench/figures.h"
#include "tests/bench/peer.h"

enum {
	TABLE_PEERS = 4, /* the first is the one the others are compared with */
	TABLE_ROWS = BENCH_SIZES * BENCH_BULKS * 2,
	TABLE_REPEATS_MAX = FIGURES_MAX,
};

struct row {
	unsigned size; /* index into bench_sizes */
	unsigned n_cpus;
	unsigned bulk;                             /* index into bench_bulks */
	double ns[TABLE_PEERS][TABLE_REPEATS_MAX]; /* 0: none */
};

struct table {
	unsigned repeats;
	struct row rows[TABLE_ROWS];
};

/* Lays the rows; figures are put into rows[].ns by whoever measures. */
void table_init(struct table *table, unsigned repeats);

/* Prints it, with a line for every crew that is absent. */
void table_print(const struct table *table, const struct crew crews[TABLE_PEERS]);

#endif
