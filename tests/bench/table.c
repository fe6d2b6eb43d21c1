/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "tests/bench/figures.h"
#include "tests/bench/table.h"

void table_init(struct table *table, unsigned repeats)
{
	struct row *row = table->rows;

	memset(table, 0, sizeof *table);
	table->repeats = repeats;
	for (unsigned n_cpus = 1; n_cpus <= 2; n_cpus++) {
		for (unsigned bulk = 0; bulk < BENCH_BULKS; bulk++) {
			for (unsigned size = 0; size < BENCH_SIZES; size++) {
				row->size = size;
				row->n_cpus = n_cpus;
				row->bulk = bulk;
				row++;
			}
		}
	}
}

static void print_number(double number)
{
	if (number > 0) {
		printf(" %8.2f", number);
	} else {
		printf(" %8s", "-");
	}
}

static void print_row(const struct row *row, unsigned repeats)
{
	printf("%-11s %4u %5u ", row->n_cpus == 1 ? "1 thread" : "2 processes",
	       (unsigned)bench_bulks[row->bulk], (unsigned)bench_sizes[row->size]);
	for (unsigned i = 0; i < TABLE_PEERS; i++) {
		print_number(figures_median(row->ns[i], repeats));
	}
	printf("  ");
	for (unsigned i = 1; i < TABLE_PEERS; i++) {
		print_number(figures_ratio(row->ns[0], row->ns[i], repeats));
	}
	printf("   ");
	for (unsigned i = 0; i < TABLE_PEERS; i++) {
		printf(" %3.0f", figures_spread(row->ns[i], repeats));
	}
	printf("\n");
}

static void print_head(const struct crew crews[TABLE_PEERS])
{
	char over[24];

	printf("%-22s  %-35s  %-28s  %s\n", "", "ns a block got and put", "mempool / peer",
	       "spread, %");
	printf("%-11s %4s %5s ", "", "bulk", "bytes");
	for (unsigned i = 0; i < TABLE_PEERS; i++) {
		printf(" %8s", crews[i].peer->name);
	}
	printf("  ");
	for (unsigned i = 1; i < TABLE_PEERS; i++) {
		snprintf(over, sizeof over, "/%s", crews[i].peer->name);
		printf(" %8s", over);
	}
	printf("\n");
}

void table_print(const struct table *table, const struct crew crews[TABLE_PEERS])
{
	print_head(crews);
	for (unsigned i = 0; i < TABLE_ROWS; i++) {
		if (i != 0 && i % BENCH_SIZES == 0) {
			printf("\n");
		}
		print_row(&table->rows[i], table->repeats);
	}
	printf("\nglibc: two processes share nothing, a bulk is a loop. mutex: a bulk locks once.\n"
	       "dpdk: cache of %u, two processes by fork after rte_eal_init(), no huge pages.\n",
	       BENCH_CACHE);
	for (unsigned i = 0; i < TABLE_PEERS; i++) {
		if (crews[i].absent[0] != '\0') {
			printf("%s is absent: %s\n", crews[i].peer->name, crews[i].absent);
		}
	}
}
