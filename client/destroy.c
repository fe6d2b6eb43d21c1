/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl destroy: takes pools' names away. The daemon frees a pool's memory when no process has
 * it open any more.
 */

#include <mempool/mempool.h>

#include "client/call.h"
#include "client/json.h"
#include "client/out.h"
#include "client/refusal.h"

static struct json_object *destroy_json(const char *name, bool destroyed)
{
	struct json_object *object = json_new_object();

	json_add_text(object, "name", name);
	json_add_flag(object, "destroyed", destroyed);
	return object;
}

static bool destroy_pool(struct call *call, const char *name)
{
	int r = mempool_destroy(call->conn, name);

	if (r < 0) {
		refusal_complain(r, "could not destroy pool %s", name);
	} else if (!call->json) {
		out_print("destroyed %s\n", name);
	}
	return r == 0;
}

enum status destroy_run(struct call *call)
{
	enum status status = STATUS_DONE;

	if (!call_connect(call)) {
		return STATUS_FAILED;
	}

	struct json_object *array = json_new_array();

	for (int i = 0; i < call->n_names; i++) {
		bool destroyed = destroy_pool(call, call->names[i]);

		json_append(array, destroy_json(call->names[i], destroyed));
		if (!destroyed) {
			status = STATUS_FAILED;
		}
	}
	if (call->json) {
		json_print(array);
	} else {
		json_object_put(array);
	}
	return status;
}
