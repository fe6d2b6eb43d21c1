/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl create: makes a pool, which stays when mempoolctl ends.
 */
#include <inttypes.h>

#include "client/attr.h"
#include "client/call.h"
#include "client/json.h"
#include "client/out.h"
#include "client/pool.h"
#include "client/progress.h"
#include "client/refusal.h"
#include "client/text.h"

/* The flag after those that make an attribute. */
#define IF_MISSING (ATTR_PREFAULT + 1)

static bool create_print(const struct call *call, const char *name)
{
	struct pool_list list = {0};
	bool loaded = pool_list_load(&list, call->conn, name) && pool_list_look(&list, call->conn);

	if (loaded && call->json) {
		json_print(pool_json(&list.pools[0]));
	} else if (loaded) {
		const struct mempool_info *info = &list.pools[0].info;

		out_print("%s%s: %" PRIu32 " blocks of %s, %s of memory\n",
			  call->values[IF_MISSING] != NULL ? "have " : "created ", name,
			  info->blocks, text_size(TEXT, info->block_size),
			  text_size(TEXT, info->memory));
	}
	pool_list_finish(&list);
	return loaded;
}

static enum status create_run(struct call *call)
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

	int r = call->values[IF_MISSING] != NULL
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

const struct command create_command = {
	.name = "create",
	.arguments = "POOL",
	.required = "--block-size N --blocks N",
	.about = "make a pool",
	.min_names = 1,
	.max_names = 1,
	.flags =
		{
			[ATTR_BLOCK_SIZE] = {"block-size", "N",
					     "bytes of a block, such as 4096, 64K, 1.5M or 2GiB"},
			[ATTR_BLOCKS] =
				{"blocks", "N",
				 "blocks of the pool; K or M may follow, as behind any count"},
			[ATTR_ALIGNMENT] = {"alignment", "N",
					    "bytes blocks are aligned to, 8 to 4096 (default: 64)"},
			[ATTR_MODE] = {"mode", "OCT", "permission bits in octal (default: 0600)"},
			[ATTR_OWNER] = {"owner", "USER",
					"the user who owns the pool, --user is the same (default: "
					"you)",
					.also = "user"},
			[ATTR_GROUP] = {"group", "GROUP", "the group of the pool (default: yours)"},
			[ATTR_PROCESSES] =
				{"processes", "N",
				 "processes that may have the pool open at once (default: 256)"},
			[ATTR_THREADS] =
				{"threads", "N",
				 "threads that may have a cache at once (default: by processes)"},
			[ATTR_THREAD_CACHE] =
				{"thread-cache", "N|none",
				 "blocks a thread may cache: 16, 48, 80 ... 496, none or "
				 "off"},
			[ATTR_SHARDS] =
				{"shards", "N",
				 "shards of the depot, up to 8 (default: by CPUs and blocks)"},
			[ATTR_GIFT_GRACE] =
				{"gift-grace", "TIME",
				 "how long a dead process's gifts may be taken (default: 10s)"},
			[ATTR_MAX_BLOCKS] =
				{"max-blocks", "N",
				 "blocks it may grow to; their bookkeeping is reserved at once"},
			[ATTR_QUOTA] =
				{"quota", "N",
				 "blocks one process may own at once (default: 0, any number)"},
			[ATTR_SCHEMA] = {"schema", "N",
					 "number of the payload's format, decimal or 0x and hex "
					 "(default: 0, none)"},
			[ATTR_SCHEMA_VERSION] = {"schema-version", "N", "version of that format"},
			[ATTR_CHANNELS] = {"channels", "N",
					   "channels of the pool, up to 64 (default: 4)"},
			[ATTR_CHANNEL_DEPTH] = {"channel-depth", "N",
						"blocks a channel holds (default: 256)"},
			[ATTR_BACKING] =
				{"backing", "auto|shm|memfd",
				 "where its memory is; nobody can truncate a memfd (default: "
				 "auto)"},
			[ATTR_HUGE_PAGES] = {"huge-pages", "no|try|require",
					     "whether blocks are on huge pages (default: no)"},
			[ATTR_PREFAULT] = {"prefault", "no|try|require",
					   "whether create touches all pages and open maps them "
					   "(default: no)"},
			[IF_MISSING] = {"if-missing", NULL,
					"take the pool that is there, if its blocks fit"},
		},
	.run = create_run,
};
