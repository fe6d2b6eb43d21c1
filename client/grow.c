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
#include "client/refusal.h"
#include "client/text.h"

static bool grow_parse_blocks(const struct call *call, uint64_t *blocks)
{
	if (call->n_names < 2) {
		complain("grow: the number of blocks is missing; see mempoolctl grow --help");
		return false;
	}
	return number_parse_count("grow", call->names[1], 1, MEMPOOL_BLOCKS_MAX, blocks);
}

/*
 * Grows the pool. When it has more blocks than that, complains: pages of free blocks stay reserved,
 * as packaging/doc/decisions/memory.md says.
 */
static bool grow_pool(struct call *call, const struct mempool_info *before, uint32_t blocks)
{
	if (blocks < before->blocks) {
		complain("pool %s has %" PRIu32 " blocks, and no pool shrinks: its memory stays "
			 "reserved, so that no access fails for want of it; make a new pool with "
			 "fewer blocks",
			 before->name, before->blocks);
		return false;
	}
	progress_begin(call->conn, "growing", before->name);

	int r = mempool_grow(call->conn, before->name, blocks);

	progress_end();
	if (r < 0) {
		refusal_complain(r, "could not grow pool %s", before->name);
	}
	return r == 0;
}

static void grow_print_json(const struct pool *pool, const struct mempool_info *before)
{
	struct json_object *object = pool_json(pool);

	json_add_number(object, "blocks_before", before->blocks);
	json_add_number(object, "memory_before", before->memory);
	json_print(object);
}

static void grow_print(const struct mempool_info *info, const struct mempool_info *before)
{
	if (info->blocks == before->blocks) {
		out_print("%s has %" PRIu32 " blocks already, of at most %" PRIu32
			  "; nothing was added\n",
			  info->name, info->blocks, info->max_blocks);
		return;
	}
	out_print("grown %s: %" PRIu32 " blocks of at most %" PRIu32 " (%" PRIu32 " -> %" PRIu32
		  "), %s of memory, %s before\n",
		  info->name, info->blocks, info->max_blocks, before->blocks, info->blocks,
		  text_size(TEXT, info->memory), text_size(TEXT, before->memory));
}

/* Says what has become of the pool. */
static bool grow_tell(const struct call *call, const struct mempool_info *before)
{
	struct pool_list list = {0};
	bool loaded = pool_list_load(&list, call->conn, before->name) &&
		      pool_list_look(&list, call->conn);

	if (loaded && call->json) {
		grow_print_json(&list.pools[0], before);
	} else if (loaded) {
		grow_print(&list.pools[0].info, before);
	}
	pool_list_finish(&list);
	return loaded;
}

enum status grow_run(struct call *call)
{
	struct pool_list list = {0};
	uint64_t blocks;

	if (!grow_parse_blocks(call, &blocks)) {
		return STATUS_USAGE;
	}

	bool grown = call_connect(call) && pool_list_load(&list, call->conn, call->names[0]) &&
		     grow_pool(call, &list.pools[0].info, (uint32_t)blocks) &&
		     grow_tell(call, &list.pools[0].info);

	pool_list_finish(&list);
	return grown ? STATUS_DONE : STATUS_FAILED;
}
