/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl create: makes a pool, which stays when mempoolctl ends.
 */
#include <inttypes.h>

#include "client/attr.h"
#include "client/call.h"
#include "client/commands.h"
#include "client/json.h"
#include "client/out.h"
#include "client/pool.h"
#include "client/progress.h"
#include "client/refusal.h"
#include "client/text.h"

static bool create_print(const struct call *call, const char *name)
{
	struct pool_list list = {0};
	bool loaded = pool_list_load(&list, call->conn, name) && pool_list_look(&list, call->conn);

	if (loaded && call->json) {
		json_print(pool_json(&list.pools[0]));
	} else if (loaded) {
		const struct mempool_info *info = &list.pools[0].info;

		out_print("%s%s: %" PRIu32 " blocks of %s, %s of memory\n",
			  call->values[CREATE_IF_MISSING] != NULL ? "have " : "created ", name,
			  info->blocks, text_size(TEXT, info->block_size),
			  text_size(TEXT, info->memory));
	}
	pool_list_finish(&list);
	return loaded;
}

enum status create_run(struct call *call)
{
	const char *name = call->names[0];
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *pool;

	if (!attr_parse(call, &attr)) {
		return STATUS_USAGE;
	}
	if (!call_connect(call)) {
		return STATUS_FAILED;
	}

	progress_begin(call->conn, "making", name);

	int r = call->values[CREATE_IF_MISSING] != NULL
			? mempool_open_or_create(call->conn, name, &attr, &pool)
			: mempool_create(call->conn, name, &attr, &pool);

	progress_end();
	if (r < 0) {
		refusal_complain(r, "could not create pool %s", name);
		return STATUS_FAILED;
	}
	mempool_close(pool);
	return create_print(call, name) ? STATUS_DONE : STATUS_FAILED;
}
