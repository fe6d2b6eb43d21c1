/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl check: walks the invariants of pools, also while processes use them.
 */
#include <errno.h>
#include <inttypes.h>

#include "client/call.h"
#include "client/json.h"
#include "client/out.h"
#include "client/pool.h"
#include "client/refusal.h"

static struct json_object *check_json(const char *name, const struct mempool_report *report)
{
	struct json_object *object = json_new_object();

	json_add_text(object, "name", name);
	json_add_flag(object, "sound", report->lost + report->duplicated + report->broken == 0);
	json_add_number(object, "blocks", report->blocks);
	json_add_number(object, "lost", report->lost);
	json_add_number(object, "duplicated", report->duplicated);
	json_add_number(object, "broken", report->broken);
	json_add_text(object, "first", report->first);
	return object;
}

static void check_print_report(const char *name, const struct mempool_report *report)
{
	out_print("%s: %" PRIu64 " blocks walked: lost %" PRIu64 ", duplicated %" PRIu64
		  ", broken %" PRIu64 "\n",
		  name, report->blocks, report->lost, report->duplicated, report->broken);
	if (report->first[0] != '\0') {
		out_print("    %s\n", report->first);
	}
}

/* Walks one pool, and tells what was found. Returns whether the pool is sound. */
static bool check_pool(struct call *call, const char *name, struct json_object *array)
{
	struct mempool_report report = {0};
	struct mempool *pool;
	int r = mempool_open(call->conn, name, MEMPOOL_OBSERVE, &pool);

	if (r < 0) {
		refusal_complain(r, "could not open pool %s", name);
		return false;
	}
	r = mempool_check(pool, &report);
	mempool_close(pool);
	if (r < 0 && r != -EUCLEAN) {
		refusal_complain(r, "could not check pool %s", name);
		return false;
	}
	json_append(array, check_json(name, &report));
	if (!call->json) {
		check_print_report(name, &report);
	}
	return r == 0;
}

static bool check_named(struct call *call, struct json_object *array)
{
	bool sound = true;

	for (int i = 0; i < call->n_names; i++) {
		sound = check_pool(call, call->names[i], array) && sound;
	}
	return sound;
}

/* Checks all pools but destroyed ones, which have no name any more to open them by. */
static bool check_all(struct call *call, struct json_object *array)
{
	struct pool_list list = {0};
	bool sound = pool_list_load_all(&list, call->conn, NULL);

	if (sound && list.n_pools == 0 && !call->json) {
		out_print("no pools\n");
	}
	for (size_t i = 0; i < list.n_pools; i++) {
		const struct mempool_info *info = &list.pools[i].info;

		if (!info->destroyed) {
			sound = check_pool(call, info->name, array) && sound;
		} else if (!call->json) {
			out_print("%s: destroyed, not walked\n", info->name);
		}
	}
	pool_list_finish(&list);
	return sound;
}

enum status check_run(struct call *call)
{
	if (!call_connect(call)) {
		return STATUS_FAILED;
	}

	struct json_object *array = json_new_array();
	bool sound = call->n_names > 0 ? check_named(call, array) : check_all(call, array);

	if (call->json) {
		json_print(array);
	} else {
		json_object_put(array);
	}
	return sound ? STATUS_DONE : STATUS_FAILED;
}
