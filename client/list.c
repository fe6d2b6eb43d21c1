/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl list: prints a line for each pool.
 */
#include <inttypes.h>
#include <unistd.h>

#include "client/call.h"
#include "client/out.h"
#include "client/pool.h"
#include "client/table.h"
#include "client/text.h"

static const struct column columns[] = {
	{.heading = "NAME"},
	{.heading = "SIZE", .right = true},
	{.heading = "BLOCKS", .right = true},
	{.heading = "USED", .right = true},
	{.heading = "CACHED", .right = true},
	{.heading = "FREE", .right = true},
	{.heading = "MOVING", .right = true},
	{.heading = "SHARED", .right = true},
	{.heading = "RECLAIMED", .right = true},
	{.heading = "CLIENTS", .right = true},
	{.heading = ""},
};

static void list_add_count(struct table *table, const struct pool *pool, uint64_t n)
{
	if (pool->seen) {
		table_add(table, "%" PRIu64, n);
	} else {
		table_add(table, "-");
	}
}

static void list_add_row(struct table *table, const struct pool *pool)
{
	table_add(table, "%s", pool->info.name);
	table_add(table, "%s", text_size(TEXT, pool->info.block_size));
	table_add(table, "%" PRIu32, pool->info.blocks);
	list_add_count(table, pool, pool->stats.used);
	list_add_count(table, pool, pool->stats.cached);
	list_add_count(table, pool, pool->stats.free);
	list_add_count(table, pool, pool->stats.moving);
	list_add_count(table, pool, pool->stats.shared);
	list_add_count(table, pool, pool->stats.reclaimed);
	table_add(table, "%" PRIu32, pool->info.clients);
	table_add(table, "%s", pool->remark);
}

static void list_print_table(const struct pool_list *list)
{
	struct table table;

	if (list->n_pools == 0) {
		out_print("no pools\n");
		return;
	}
	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < list->n_pools; i++) {
		list_add_row(&table, &list->pools[i]);
	}
	table_print(&table, out_width(STDOUT_FILENO));
	table_finish(&table);
}

enum status list_run(struct call *call)
{
	const char *prefix = call->n_names > 0 ? call->names[0] : NULL;
	struct pool_list list = {0};

	if (!call_connect(call)) {
		return STATUS_FAILED;
	}

	bool loaded =
		pool_list_load_all(&list, call->conn, prefix) && pool_list_look(&list, call->conn);

	if (loaded && call->json) {
		pool_list_print_json(&list);
	} else if (loaded) {
		list_print_table(&list);
	}
	pool_list_finish(&list);
	return loaded ? STATUS_DONE : STATUS_FAILED;
}
