/* SPDX-License-Identifier: MIT */
/*
 * A table for people: a line of headings, then rows, every column as wide as its widest cell,
 * numbers to the right. The last column may go without heading, for remarks.
 */
#ifndef CLIENT_TABLE_H
#define CLIENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct column {
	const char *heading;
	bool right;
};

struct table {
	const struct column *columns;
	size_t n_columns;
	char **cells; /* row by row */
	size_t n_cells;
	size_t capacity; /* of cells */
};

void table_init(struct table *table, const struct column *columns, size_t n_columns);

/* Appends a cell; the first cell after a full row begins the next. */
void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

void table_print(const struct table *table);
void table_finish(struct table *table);

#endif
