/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl show: prints everything about one pool.
 */
#include <inttypes.h>

#include "client/call.h"
#include "client/json.h"
#include "client/out.h"
#include "client/pool.h"
#include "client/text.h"

static void show_number(const char *key, uint64_t n, const char *meaning)
{
	out_print("%-14s %12" PRIu64 "%s%s\n", key, n, meaning[0] != '\0' ? "  " : "", meaning);
}

static void show_size(const char *key, uint64_t bytes)
{
	out_print("%-14s %12s\n", key, text_size(TEXT, bytes));
}

static void show_geometry(const struct mempool_info *info)
{
	out_print("%-14s %12s\n", "owner", text_user(TEXT, info->uid));
	out_print("%-14s %12s\n", "group", text_group(TEXT, info->gid));
	out_print("%-14s %8s%04o\n", "mode", "", info->mode & 07777);
	show_size("block size", info->block_size);
	show_size("stride", info->stride);
	show_number("blocks", info->blocks, "");
	show_number("max blocks", info->max_blocks, "it may grow to");
	show_size("memory", info->memory);
	show_number("processes", info->processes, "may have it open at once");
	show_number("threads", info->threads, "may have a cache at once");
	show_number("magazine", info->magazine,
		    "blocks that a thread and the depot exchange at once");
	show_number("shards", info->shards, "the depot has");
	out_print("%-14s %10.3f s  in which a dead process's gifts may be taken\n", "gift grace",
		  info->gift_grace_ms / 1000.0);
	show_number("channels", info->channels, "");
	show_number("channel depth", info->channel_depth, "blocks a channel holds");
	out_print("%-14s %12s\n", "lifetime", text_lifetime(info->lifetime));
	out_print("%-14s %12s\n", "backing", text_backings[info->backing % 3]);
	out_print("%-14s %12s\n", "huge pages", text_efforts[info->huge_pages % 3]);
	out_print("%-14s %12s\n", "prefault", text_efforts[info->prefault % 3]);
	if (info->quota > 0) {
		show_number("quota", info->quota, "blocks one process may own");
	}
	if (info->schema > 0) {
		out_print("%-14s %#12" PRIx64 "  version %" PRIu32 "\n", "schema", info->schema,
			  info->schema_version);
	}
	show_number("clients", info->clients, "have it open");
}

static void show_counts(const struct mempool_stats *stats)
{
	show_number("used", stats->used, "blocks that processes own");
	show_number("cached", stats->cached, "free blocks in caches of threads");
	show_number("free", stats->free, "free blocks in no thread's cache");
	show_number("min free", stats->min_free, "the lowest that was seen");
	show_number("moving", stats->moving, "blocks given and not yet taken");
	show_number("shared", stats->shared, "blocks that subscribers have, or are to get");
	show_number("reclaimed", stats->reclaimed,
		    "blocks of the dead, or never used; for anybody");
	show_number("gets", stats->gets, "");
	show_number("puts", stats->puts, "");
	show_number("failures", stats->failures, "gets that found no block");
	show_number("waits", stats->waits, "calls that waited for a block");
	show_number("recoveries", stats->recoveries, "passes over what dead processes held");
	show_number("recovered", stats->recovered, "blocks that those passes took back");
	show_number("repairs", stats->repairs, "shards that were rebuilt after a death");
}

static void show_pool(const struct pool *pool)
{
	out_print("%-14s %12s\n", "name", pool->info.name);
	show_geometry(&pool->info);
	if (pool->seen) {
		show_counts(&pool->stats);
	} else {
		out_print("%-14s %12s  %s\n", "counts", "-", pool->remark);
	}
}

enum status show_run(struct call *call)
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
		show_pool(&list.pools[0]);
	}
	pool_list_finish(&list);
	return loaded ? STATUS_DONE : STATUS_FAILED;
}
