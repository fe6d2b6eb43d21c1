/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/complain.h"
#include "client/out.h"
#include "client/table.h"

#define INDENT 4 /* before a last cell on a line of its own */

/* What is decided before the first row is printed. */
struct layout {
	int width; /* characters of a line; 0: any number */
	int gap;   /* spaces between columns */
	int *columns;
};

void table_init(struct table *table, const struct column *columns, size_t n_columns)
{
	*table = (struct table){.columns = columns, .n_columns = n_columns};
}

static char **table_next_cell(struct table *table)
{
	if (table->n_cells == table->capacity) {
		size_t capacity = table->capacity == 0 ? 64 : table->capacity * 2;
		char **cells = reallocarray(table->cells, capacity, sizeof(*cells));

		if (cells == NULL) {
			complain_no_memory();
		}
		table->cells = cells;
		table->capacity = capacity;
	}
	return &table->cells[table->n_cells++];
}

void table_add(struct table *table, const char *format, ...)
{
	va_list arguments;
	char *cell;

	va_start(arguments, format);
	if (vasprintf(&cell, format, arguments) < 0) {
		complain_no_memory();
	}
	va_end(arguments);
	*table_next_cell(table) = cell;
}

static const char *table_cell(const struct table *table, size_t row, size_t column)
{
	return row == 0 ? table->columns[column].heading
			: table->cells[(row - 1) * table->n_columns + column];
}

static size_t table_n_rows(const struct table *table)
{
	return table->n_cells / table->n_columns + 1;
}

/* The length of the longest cell that has at most @max characters, and of the heading. */
static int table_column_width(const struct table *table, size_t column, int max)
{
	int width = 0;

	for (size_t row = 0; row < table_n_rows(table); row++) {
		int length = (int)strlen(table_cell(table, row, column));

		width = length > width && (length <= max || row == 0) ? length : width;
	}
	return width;
}

/* The width of all columns but the first and the last, with the gap before each. */
static int table_middle_width(const struct layout *layout, size_t n)
{
	int width = 0;

	for (size_t i = 1; i + 1 < n; i++) {
		width += layout->gap + layout->columns[i];
	}
	return width;
}

/* Gives the first column what the middle ones leave; narrows the gaps when that is too little. */
static void table_lay_out(const struct table *table, struct layout *layout)
{
	size_t n = table->n_columns;

	layout->gap = 2;
	for (size_t i = 0; i < n; i++) {
		layout->columns[i] = table_column_width(table, i, INT_MAX);
	}
	if (layout->width == 0) {
		return;
	}

	int room = layout->width - table_middle_width(layout, n);

	if (room < layout->columns[0]) {
		layout->gap = room < 12 ? 1 : 2;
		room = layout->width - table_middle_width(layout, n);
		layout->columns[0] = table_column_width(table, 0, room);
	}
}

/* Prints the text, or its two ends when it is longer than @max. */
static void table_print_ends(const char *text, int max)
{
	int length = (int)strlen(text), left = (max - 3) / 2;

	if (length <= max || max < 10) {
		out_print("%s", text);
		return;
	}
	out_print("%.*s...%s", left, text, text + length - (max - 3 - left));
}

/* A row while it is printed. */
struct row {
	int used; /* characters of its line */
	int owed; /* spaces before the next cell; none are printed at the end of a line */
};

static void table_print_cell(const struct layout *layout, struct row *row, const char *cell,
			     bool right, int width)
{
	int length = (int)strlen(cell);
	int before = row->owed + (right ? width - length : 0);

	if (length == 0) {
		row->owed += width + layout->gap;
		return;
	}
	out_print("%*s%s", before, "", cell);
	row->used += before + length;
	row->owed = (right ? 0 : width - length) + layout->gap;
}

/* Prints the last cell where the line has room for it, else on the next. */
static void table_print_last(const struct layout *layout, struct row *row, const char *cell,
			     const struct column *column, int width)
{
	width = column->right ? width : (int)strlen(cell);
	if (layout->width == 0 || row->used + row->owed + width <= layout->width) {
		table_print_cell(layout, row, cell, column->right, width);
	} else if (cell[0] != '\0' && cell != column->heading) {
		out_print("\n%*s", INDENT, "");
		table_print_ends(cell, layout->width - INDENT);
	}
	out_print("\n");
}

static void table_print_row(const struct table *table, const struct layout *layout, size_t at)
{
	size_t n = table->n_columns;
	struct row row = {0};

	for (size_t i = 0; i < n; i++) {
		const struct column *column = &table->columns[i];
		const char *cell = table_cell(table, at, i);

		if (i == 0 && (int)strlen(cell) > layout->columns[0]) {
			out_print("%s\n", cell);
			cell = "";
		}
		if (i + 1 < n) {
			table_print_cell(layout, &row, cell, column->right, layout->columns[i]);
		} else {
			table_print_last(layout, &row, cell, column, layout->columns[i]);
		}
	}
}

void table_print(const struct table *table, int width)
{
	struct layout layout = {.width = width};

	layout.columns = calloc(table->n_columns, sizeof(*layout.columns));
	if (layout.columns == NULL) {
		complain_no_memory();
	}
	table_lay_out(table, &layout);
	for (size_t row = 0; row < table_n_rows(table); row++) {
		table_print_row(table, &layout, row);
	}
	free(layout.columns);
}

void table_finish(struct table *table)
{
	for (size_t i = 0; i < table->n_cells; i++) {
		free(table->cells[i]);
	}
	free(table->cells);
}
