/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl show: everything about one pool.
 */
#include <inttypes.h>

#include "client/call.h"
#include "client/json.h"
#include "client/out.h"
#include "client/pool.h"
#include "client/text.h"

static void print_number(const char *key, uint64_t n, const char *meaning)
{
	out_print("%-14s %12" PRIu64 "%s%s\n", key, n, meaning[0] != '\0' ? "  " : "", meaning);
}

static void print_size(const char *key, uint64_t bytes)
{
	out_print("%-14s %12s\n", key, text_size(TEXT, bytes));
}

static void print_geometry(const struct mempool_info *info)
{
	out_print("%-14s %12s\n", "owner", text_user(TEXT, info->uid));
	out_print("%-14s %12s\n", "group", text_group(TEXT, info->gid));
	out_print("%-14s %8s%04o\n", "mode", "", info->mode & 07777);
	print_size("block size", info->block_size);
	print_size("stride", info->stride);
	print_number("blocks", info->blocks, "");
	print_number("max blocks", info->max_blocks, "it may grow to");
	print_size("memory", info->memory);
	print_number("processes", info->processes, "may have it open at once");
	print_number("threads", info->threads, "may have a cache at once");
	print_number("magazine", info->magazine, "blocks change hands at once");
	print_number("shards", info->shards, "of the depot");
	out_print("%-14s %10.3f s  a dead giver's gifts may still be taken\n", "gift grace",
		  info->gift_grace_ms / 1000.0);
	print_number("channels", info->channels, "");
	print_number("channel depth", info->channel_depth, "blocks in each");
	out_print("%-14s %12s\n", "lifetime", text_lifetime(info->lifetime));
	out_print("%-14s %12s\n", "backing", text_backings[info->backing % 3]);
	out_print("%-14s %12s\n", "huge pages", text_efforts[info->huge_pages % 3]);
	out_print("%-14s %12s\n", "prefault", text_efforts[info->prefault % 3]);
	if (info->quota > 0) {
		print_number("quota", info->quota, "blocks a process may own");
	}
	if (info->schema > 0) {
		out_print("%-14s %#12" PRIx64 "  version %" PRIu32 "\n", "schema", info->schema,
			  info->schema_version);
	}
	print_number("clients", info->clients, "have it open");
}

static void print_counts(const struct mempool_stats *stats)
{
	print_number("used", stats->used, "blocks owned by processes");
	print_number("cached", stats->cached, "free, in caches of threads");
	print_number("free", stats->free, "free for anybody");
	print_number("min free", stats->min_free, "the lowest it has been");
	print_number("moving", stats->moving, "given and not yet taken");
	print_number("reclaimed", stats->reclaimed, "of the dead or newborn, free for anybody");
	print_number("gets", stats->gets, "");
	print_number("puts", stats->puts, "");
	print_number("failures", stats->failures, "gets that found no block");
	print_number("waits", stats->waits, "for a block");
	print_number("recoveries", stats->recoveries, "passes over what dead processes held");
	print_number("recovered", stats->recovered, "blocks taken back by them");
	print_number("repairs", stats->repairs, "shards rebuilt after a death");
}

static void print_pool(const struct pool *pool)
{
	out_print("%-14s %12s\n", "name", pool->info.name);
	print_geometry(&pool->info);
	if (pool->seen) {
		print_counts(&pool->stats);
	} else {
		out_print("%-14s %12s  %s\n", "counts", "-", pool->remark);
	}
}

static enum status show_run(struct call *call)
{
	struct pool_list list = {0};

	if (!call_connect(call)) {
		return STATUS_FAILED;
	}

	bool loaded = pool_list_load(&list, call->conn, call->names[0]) &&
		      pool_list_look(&list, call->conn);

	if (loaded && call->json) {
		json_print(pool_json(&list.pools[0]));
	} else if (loaded) {
		print_pool(&list.pools[0]);
	}
	pool_list_finish(&list);
	return loaded ? STATUS_DONE : STATUS_FAILED;
}

const struct command show_command = {
	.name = "show",
	.arguments = "POOL",
	.about = "show everything about a pool",
	.min_names = 1,
	.max_names = 1,
	.run = show_run,
};
