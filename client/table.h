/* SPDX-License-Identifier: MIT */
/*
 * A table for people: a line of headings, then rows. Each column is as wide as its widest cell. A
 * column may have an empty heading, for remarks.
 *
 * Where lines have an end, as on a terminal, a row that is longer is folded: a first cell that does
 * not fit gets a line of its own above the row, a last cell one below it, so that names are always
 * whole. Elsewhere a row is a line.
 */
#ifndef CLIENT_TABLE_H
#define CLIENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

struct column {
	const char *heading;
	bool right; /* aligns the cells to the right, as for numbers */
};

struct table {
	const struct column *columns;
	size_t n_columns;
	char **cells; /* row by row */
	size_t n_cells;
	size_t capacity; /* of cells */
};

void table_init(struct table *table, const struct column *columns, size_t n_columns);

/* Appends a cell to the last row; if that is full, begins a new row with it. */
void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* @width: the characters of a line, or 0. */
void table_print(const struct table *table, int width);
void table_finish(struct table *table);

#endif
