/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl clients: lists the processes that have a pool open, and counts what each has of it.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/call.h"
#include "client/client.h"
#include "client/cmdline.h"
#include "client/json.h"
#include "client/out.h"
#include "client/pool.h"
#include "client/table.h"
#include "client/text.h"

static const struct column columns[] = {
	{.heading = "POOL"},
	{.heading = "PID", .right = true},
	{.heading = "USER"},
	{.heading = "COMMAND"},
	{.heading = "USED", .right = true},
	{.heading = "CACHED", .right = true},
	{.heading = "MOVING", .right = true},
	{.heading = "SHARED", .right = true},
	{.heading = "GETS", .right = true},
	{.heading = "PUTS", .right = true},
	{.heading = "AGE", .right = true},
	{.heading = ""},
	{.heading = "CMDLINE"},
};

static void clients_add_usage(struct table *table, const struct mempool_usage *usage)
{
	if (usage == NULL) {
		for (int i = 0; i < 6; i++) {
			table_add(table, "-");
		}
		return;
	}
	table_add(table, "%" PRIu64, usage->used);
	table_add(table, "%" PRIu64, usage->cached);
	table_add(table, "%" PRIu64, usage->moving);
	table_add(table, "%" PRIu64, usage->shared);
	table_add(table, "%s", text_count(TEXT, usage->gets));
	table_add(table, "%s", text_count(TEXT, usage->puts));
}

/* What the client has of the pool. NULL: this user may not see it, or nobody can. */
static const struct mempool_usage *clients_find_usage(const struct pool *pool,
						      const struct mempool_client *client)
{
	bool seen = pool != NULL && pool->seen && client->slot < pool->info.processes;

	return seen ? &pool->usage[client->slot] : NULL;
}

static void clients_add_remark(struct table *table, const struct mempool_client *client,
			       const struct pool *pool)
{
	const char *state = client->dead ? "dead" : "";
	const char *access = client->reader ? "reader" : "";
	const char *remark = pool != NULL ? pool->remark : "";

	table_add(table, "%s%s%s%s%s", state, *state && *access ? ", " : "", access,
		  (*state || *access) && *remark ? ", " : "", remark);
}

/* Where it cannot be read, the process's name has to do, in brackets. */
static void clients_add_cmdline(struct table *table, const struct mempool_client *client)
{
	char *cmdline = cmdline_read(client);

	if (cmdline != NULL) {
		table_add(table, "%s", cmdline);
	} else if (client->comm[0] != '\0') {
		table_add(table, "[%s]", text_clean(TEXT, client->comm));
	} else {
		table_add(table, "-");
	}
	free(cmdline);
}

static void clients_add_row(struct table *table, const struct mempool_client *client,
			    const struct pool *pool)
{
	table_add(table, "%s", client->pool);
	table_add(table, "%" PRId32, client->pid);
	table_add(table, "%s", text_user(TEXT, client->uid));
	table_add(table, "%s", client->comm[0] != '\0' ? text_clean(TEXT, client->comm) : "-");
	clients_add_usage(table, clients_find_usage(pool, client));
	table_add(table, "%s", text_age(TEXT, client->attached_at));
	clients_add_remark(table, client, pool);
	clients_add_cmdline(table, client);
}

static void clients_json_usage(struct json_object *object, const struct mempool_usage *usage)
{
	static const char *const keys[] = {"used", "cached", "moving", "shared", "gets", "puts"};

	if (usage == NULL) {
		for (int i = 0; i < 6; i++) {
			json_add_null(object, keys[i]);
		}
		return;
	}
	json_add_number(object, keys[0], usage->used);
	json_add_number(object, keys[1], usage->cached);
	json_add_number(object, keys[2], usage->moving);
	json_add_number(object, keys[3], usage->shared);
	json_add_number(object, keys[4], usage->gets);
	json_add_number(object, keys[5], usage->puts);
}

static void clients_json_cmdline(struct json_object *object, const struct mempool_client *client)
{
	char *cmdline = cmdline_read(client);

	if (cmdline != NULL) {
		json_add_text(object, "cmdline", cmdline);
	} else {
		json_add_null(object, "cmdline");
	}
	free(cmdline);
}

static struct json_object *clients_json(const struct mempool_client *client,
					const struct pool *pool)
{
	struct json_object *object = json_new_object();

	json_add_number(object, "pid", (uint64_t)client->pid);
	json_add_number(object, "uid", client->uid);
	json_add_text(object, "user", text_user(TEXT, client->uid));
	json_add_text(object, "comm", text_clean(TEXT, client->comm));
	clients_json_cmdline(object, client);
	json_add_text(object, "pool", client->pool);
	json_add_number(object, "slot", client->slot);
	json_add_text(object, "state", client->dead ? "dead" : "live");
	json_add_text(object, "access", client->reader ? "reader" : "writer");
	clients_json_usage(object, clients_find_usage(pool, client));
	json_add_number(object, "attached_at", client->attached_at);
	return object;
}

static void clients_print_json(const struct client_list *clients, const struct pool_list *pools)
{
	struct json_object *array = json_new_array();

	for (size_t i = 0; i < clients->n_clients; i++) {
		const struct mempool_client *client = &clients->clients[i];

		json_append(array, clients_json(client, pool_list_find(pools, client->pool_id)));
	}
	json_print(array);
}

static void clients_print_table(const struct client_list *clients, const struct pool_list *pools)
{
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	for (size_t i = 0; i < clients->n_clients; i++) {
		const struct mempool_client *client = &clients->clients[i];

		clients_add_row(&table, client, pool_list_find(pools, client->pool_id));
	}
	table_print(&table, out_width(STDOUT_FILENO));
	table_finish(&table);
}

enum status clients_run(struct call *call)
{
	const char *name = call->n_names > 0 ? call->names[0] : NULL;
	struct client_list clients = {0};
	struct pool_list pools = {0};

	if (!call_connect(call)) {
		return STATUS_FAILED;
	}

	bool loaded = (name != NULL ? pool_list_load(&pools, call->conn, name)
				    : pool_list_load_all(&pools, call->conn, NULL)) &&
		      client_list_load(&clients, call->conn, name) &&
		      pool_list_look(&pools, call->conn);

	if (loaded && call->json) {
		clients_print_json(&clients, &pools);
	} else if (loaded && clients.n_clients > 0) {
		clients_print_table(&clients, &pools);
	} else if (loaded) {
		out_print("no process has %s open\n", name != NULL ? name : "a pool");
	}
	client_list_finish(&clients);
	pool_list_finish(&pools);
	return loaded ? STATUS_DONE : STATUS_FAILED;
}
