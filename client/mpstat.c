/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl mpstat: lists pools in the columns that Mynewt's users know. A block that a get can
 * have counts as free: in the depot, in a thread's cache, or reclaimed.
 */
#include <inttypes.h>
#include <unistd.h>

#include "client/call.h"
#include "client/json.h"
#include "client/out.h"
#include "client/pool.h"
#include "client/table.h"

static const struct column columns[] = {
	{.heading = "name"},
	{.heading = "blksz", .right = true},
	{.heading = "cnt", .right = true},
	{.heading = "free", .right = true},
	{.heading = "min", .right = true},
	{.heading = ""},
};

static uint64_t mpstat_free(const struct pool *pool)
{
	return pool->stats.free + pool->stats.cached + pool->stats.reclaimed;
}

/*
 * The lowest number of free blocks. The library samples min_free only when a thread exchanges
 * magazines with the depot, so the number now may be lower; then that is the lowest.
 */
static uint64_t mpstat_min(const struct pool *pool)
{
	uint64_t now = mpstat_free(pool), least = pool->stats.min_free;

	return least < now ? least : now;
}

static void mpstat_add_row(struct table *table, const struct pool *pool)
{
	table_add(table, "%s", pool->info.name);
	table_add(table, "%" PRIu64, pool->info.block_size);
	table_add(table, "%" PRIu32, pool->info.blocks);
	if (pool->seen) {
		table_add(table, "%" PRIu64, mpstat_free(pool));
		table_add(table, "%" PRIu64, mpstat_min(pool));
	} else {
		table_add(table, "-");
		table_add(table, "-");
	}
	table_add(table, "%s", pool->remark);
}

static void mpstat_print_table(const struct pool_list *list)
{
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < list->n_pools; i++) {
		mpstat_add_row(&table, &list->pools[i]);
	}
	table_print(&table, out_width(STDOUT_FILENO));
	table_finish(&table);
}

/* The object of `list`, and the two numbers that only Mynewt's columns have. */
static struct json_object *mpstat_json(const struct pool *pool)
{
	struct json_object *object = pool_json(pool);

	if (pool->seen) {
		json_add_number(object, "available", mpstat_free(pool));
		json_add_number(object, "min_available", mpstat_min(pool));
	} else {
		json_add_null(object, "available");
		json_add_null(object, "min_available");
	}
	return object;
}

static void mpstat_print_json(const struct pool_list *list)
{
	struct json_object *array = json_new_array();

	for (size_t i = 0; i < list->n_pools; i++) {
		json_append(array, mpstat_json(&list->pools[i]));
	}
	json_print(array);
}

enum status mpstat_run(struct call *call)
{
	struct pool_list list = {0};

	if (!call_connect(call)) {
		return STATUS_FAILED;
	}

	bool loaded = call->n_names > 0 ? pool_list_load(&list, call->conn, call->names[0])
					: pool_list_load_all(&list, call->conn, NULL);

	loaded = loaded && pool_list_look(&list, call->conn);
	if (loaded && call->json) {
		mpstat_print_json(&list);
	} else if (loaded) {
		mpstat_print_table(&list);
	}
	pool_list_finish(&list);
	return loaded ? STATUS_DONE : STATUS_FAILED;
}
