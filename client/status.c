/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl status: prints how the service is: what is used of its limits, and what is wrong.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include <mempool/admin.h>

#include "client/call.h"
#include "client/json.h"
#include "client/out.h"
#include "client/pool.h"
#include "client/refusal.h"
#include "client/table.h"
#include "client/text.h"

static const struct column columns[] = {
	{.heading = ""},
	{.heading = "ALL", .right = true},
	{.heading = "LIMIT", .right = true},
	{.heading = "OWN", .right = true},
	{.heading = "LIMIT", .right = true},
};

/* What may be wrong, and what the system may lack: for people, and for JSON. */
static const struct fault {
	uint32_t fault;
	const char *name;
	const char *text;
} faults[] = {
	{MEMPOOL_FAULT_REGISTRY, "registry",
	 "the registry has lost its name in /dev/shm: pools are lost at the next restart"},
	{MEMPOOL_FAULT_SOCKET, "socket",
	 "the socket's file is gone: nobody else can connect, see the log of mempoold"},
	{MEMPOOL_FAULT_DESCRIPTORS, "descriptors",
	 "mempoold has no descriptor left for new connections: raise LimitNOFILE"},
	{MEMPOOL_FAULT_NO_PROC, "no-proc", "mempoold sees no /proc"},
	{MEMPOOL_FAULT_NO_URING, "no-io-uring",
	 "io_uring is not allowed: one thread reserves the memory of all pools"},
	{MEMPOOL_FAULT_NO_PASSRIGHTS, "no-passrights",
	 "Linux before 6.16 takes descriptors for mempoold from anybody"},
};

#define N_FAULTS (sizeof(faults) / sizeof(*faults))

static void status_add_row(struct table *table, const char *what, const char *all, const char *max,
			   const char *own, const char *max_own)
{
	table_add(table, "%s", what);
	table_add(table, "%s", all);
	table_add(table, "%s", max);
	table_add(table, "%s", own);
	table_add(table, "%s", max_own);
}

static const char *status_number(char text[TEXT_MAX], uint64_t n)
{
	snprintf(text, TEXT_MAX, "%" PRIu64, n);
	return text;
}

static const char *status_limit(char text[TEXT_MAX], uint64_t max)
{
	return max == 0 ? "-" : status_number(text, max);
}

static const char *status_size_limit(char text[TEXT_MAX], uint64_t max)
{
	return max == 0 ? "-" : text_size(text, max);
}

static void status_print_limits(const struct mempool_status *s)
{
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	status_add_row(&table, "pools", status_number(TEXT, s->pools),
		       status_limit(TEXT, s->max_pools), status_number(TEXT, s->own_pools),
		       status_limit(TEXT, s->max_own_pools));
	status_add_row(&table, "memory", text_size(TEXT, s->bytes),
		       status_size_limit(TEXT, s->max_bytes), text_size(TEXT, s->own_bytes),
		       status_size_limit(TEXT, s->max_own_bytes));
	status_add_row(&table, "blocks", "", "", status_number(TEXT, s->own_blocks),
		       status_limit(TEXT, s->max_own_blocks));
	status_add_row(&table, "clients", status_number(TEXT, s->clients), "-",
		       status_number(TEXT, s->own_clients), status_limit(TEXT, s->max_own_clients));
	status_add_row(&table, "sessions", status_number(TEXT, s->sessions),
		       status_limit(TEXT, s->max_sessions), status_number(TEXT, s->own_sessions),
		       status_limit(TEXT, s->max_own_sessions));
	table_print(&table, out_width(STDOUT_FILENO));
	table_finish(&table);
}

static void status_print_faults(const struct mempool_status *s, const struct pool_list *pools)
{
	bool sound = s->broken + s->nameless + s->unkept == 0;

	for (size_t i = 0; i < N_FAULTS; i++) {
		if (s->faults & faults[i].fault) {
			bool lack = faults[i].fault >= MEMPOOL_FAULT_NO_PROC;
			out_print("%s: %s\n", lack ? "note" : "wrong", faults[i].text);
			sound = sound && lack;
		}
	}
	for (size_t i = 0; i < pools->n_pools; i++) {
		const struct mempool_info *info = &pools->pools[i].info;

		if (info->broken) {
			out_print("wrong: pool %s is broken: destroy it and make it anew\n",
				  info->name);
		} else if (info->nameless) {
			out_print("wrong: somebody removed pool %s from /dev/shm; it works on\n",
				  info->name);
		}
	}
	if (s->unkept > 0) {
		out_print("wrong: %" PRIu32 " pools will be lost at the next restart of mempoold, "
			  "see its log\n",
			  s->unkept);
	}
	if (sound) {
		out_print("nothing is wrong\n");
	}
}

static void status_print(const struct mempool_status *s, const struct pool_list *pools)
{
	out_print("version   %s\n", s->version);
	out_print("instance  %s\n", s->instance);
	out_print("process   %" PRId32 ", of %s, for %s\n", s->pid, text_user(TEXT, s->uid),
		  text_age(TEXT, s->started_at));
	out_print("adopted   %" PRIu32 " pools of an earlier mempoold\n", s->adopted);
	out_print("backing   %s in /dev/shm, %s in memfds\n", text_size(TEXT, s->shm_bytes),
		  text_size(TEXT, s->memfd_bytes));
	out_print("passes    %" PRIu64 " over what dead processes held\n\n", s->passes);
	status_print_limits(s);
	out_print("\n");
	status_print_faults(s, pools);
}

static void status_json_numbers(struct json_object *object, const struct mempool_status *s)
{
	const struct {
		const char *key;
		uint64_t n;
	} numbers[] = {
		{"pid", (uint64_t)s->pid},
		{"uid", s->uid},
		{"started_at", s->started_at},
		{"adopted", s->adopted},
		{"pools", s->pools},
		{"max_pools", s->max_pools},
		{"own_pools", s->own_pools},
		{"max_own_pools", s->max_own_pools},
		{"clients", s->clients},
		{"own_clients", s->own_clients},
		{"max_own_clients", s->max_own_clients},
		{"sessions", s->sessions},
		{"max_sessions", s->max_sessions},
		{"own_sessions", s->own_sessions},
		{"max_own_sessions", s->max_own_sessions},
		{"bytes", s->bytes},
		{"max_bytes", s->max_bytes},
		{"own_bytes", s->own_bytes},
		{"max_own_bytes", s->max_own_bytes},
		{"own_blocks", s->own_blocks},
		{"max_own_blocks", s->max_own_blocks},
		{"shm_bytes", s->shm_bytes},
		{"memfd_bytes", s->memfd_bytes},
		{"broken", s->broken},
		{"nameless", s->nameless},
		{"unkept", s->unkept},
		{"passes", s->passes},
		{"longest_slice_ns", s->longest_slice_ns},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		json_add_number(object, numbers[i].key, numbers[i].n);
	}
}

static void status_print_json(const struct mempool_status *s, const struct pool_list *pools)
{
	struct json_object *object = json_new_object(), *wrong = json_new_array();
	struct json_object *broken = json_new_array(), *nameless = json_new_array();

	json_add_text(object, "version", s->version);
	json_add_text(object, "instance", s->instance);
	status_json_numbers(object, s);
	for (size_t i = 0; i < N_FAULTS; i++) {
		if (s->faults & faults[i].fault) {
			json_append(wrong, json_object_new_string(faults[i].name));
		}
	}
	for (size_t i = 0; i < pools->n_pools; i++) {
		const struct mempool_info *info = &pools->pools[i].info;

		if (info->broken) {
			json_append(broken, json_object_new_string(info->name));
		}
		if (info->nameless) {
			json_append(nameless, json_object_new_string(info->name));
		}
	}
	json_object_object_add(object, "faults", wrong);
	json_object_object_add(object, "broken_pools", broken);
	json_object_object_add(object, "nameless_pools", nameless);
	json_print(object);
}

enum status status_run(struct call *call)
{
	struct mempool_status status;
	struct pool_list pools = {0};

	if (!call_connect(call)) {
		return STATUS_FAILED;
	}

	int r = mempool_status(call->conn, &status, sizeof status);
	bool loaded = false;

	if (r < 0) {
		refusal_complain(r, "mempoold does not tell its status");
	} else {
		loaded = pool_list_load_all(&pools, call->conn, NULL);
	}
	if (loaded && call->json) {
		status_print_json(&status, &pools);
	} else if (loaded) {
		status_print(&status, &pools);
	}
	pool_list_finish(&pools);
	return loaded ? STATUS_DONE : STATUS_FAILED;
}
