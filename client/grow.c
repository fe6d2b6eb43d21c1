/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl grow: adds blocks to a pool, also while processes use it.
 */
#include <inttypes.h>

#include "client/call.h"
#include "client/complain.h"
#include "client/json.h"
#include "client/number.h"
#include "client/out.h"
#include "client/pool.h"
#include "client/progress.h"
#include "client/text.h"

static bool grow_parse_blocks(const struct call *call, uint64_t *blocks)
{
	if (call->n_names < 2) {
		complain("grow: the number of blocks is missing; see mempoolctl grow --help");
		return false;
	}
	return number_parse_count("grow", call->names[1], 1, MEMPOOL_BLOCKS_MAX, blocks);
}

static bool grow_print(const struct call *call, const char *name)
{
	struct pool_list list = {0};
	bool loaded = pool_list_load(&list, call->conn, name) && pool_list_look(&list, call->conn);

	if (loaded && call->json) {
		json_print(pool_json(&list.pools[0]));
	} else if (loaded) {
		const struct mempool_info *info = &list.pools[0].info;

		out_print("grown %s: %" PRIu32 " blocks of at most %" PRIu32 ", %s of memory\n",
			  name, info->blocks, info->max_blocks, text_size(TEXT, info->memory));
	}
	pool_list_finish(&list);
	return loaded;
}

static enum status grow_run(struct call *call)
{
	const char *name = call->names[0];
	uint64_t blocks;

	if (!grow_parse_blocks(call, &blocks)) {
		return STATUS_USAGE;
	}
	if (!call_connect(call)) {
		return STATUS_FAILED;
	}

	progress_begin(call->conn, "growing", name);

	int r = mempool_grow(call->conn, name, (uint32_t)blocks);

	progress_end();
	if (r < 0) {
		complain_error(r, "could not grow pool %s", name);
		return STATUS_FAILED;
	}
	return grow_print(call, name) ? STATUS_DONE : STATUS_FAILED;
}

const struct command grow_command = {
	.name = "grow",
	.arguments = "POOL BLOCKS",
	.about = "grow a pool to BLOCKS blocks in all, at most its --max-blocks",
	.min_names = 1,
	.max_names = 2,
	.run = grow_run,
};
