/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/complain.h"
#include "client/out.h"
#include "client/table.h"

#define GAP 2 /* spaces between columns */

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

static int table_column_width(const struct table *table, size_t column)
{
	size_t width = strlen(table->columns[column].heading);

	for (size_t i = column; i < table->n_cells; i += table->n_columns) {
		size_t length = strlen(table->cells[i]);

		width = length > width ? length : width;
	}
	return (int)width;
}

/*
 * Prints one cell. Spaces are printed before a cell, never at the end of a line: @owed is how many
 * the cells to the left have left to print.
 */
static void table_print_cell(const char *cell, bool right, int width, int *owed)
{
	int length = (int)strlen(cell);

	if (length > 0) {
		int before = *owed + (right ? width - length : 0);

		out_print("%*s%s", before, "", cell);
		*owed = right ? GAP : width - length + GAP;
	} else {
		*owed += width + GAP;
	}
}

void table_print(const struct table *table)
{
	size_t n = table->n_columns;
	int *widths = calloc(n, sizeof(*widths));

	if (widths == NULL) {
		complain_no_memory();
	}
	for (size_t i = 0; i < n; i++) {
		widths[i] = table_column_width(table, i);
	}
	for (size_t row = 0; row <= table->n_cells / n; row++) {
		int owed = 0;

		for (size_t i = 0; i < n; i++) {
			const struct column *column = &table->columns[i];
			const char *cell =
				row == 0 ? column->heading : table->cells[(row - 1) * n + i];

			table_print_cell(cell, column->right, widths[i], &owed);
		}
		out_print("\n");
	}
	free(widths);
}

void table_finish(struct table *table)
{
	for (size_t i = 0; i < table->n_cells; i++) {
		free(table->cells[i]);
	}
	free(table->cells);
}
