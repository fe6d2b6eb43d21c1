/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl create: makes a pool, which stays when mempoolctl ends.
 */
#include <inttypes.h>
#include <string.h>

#include "client/call.h"
#include "client/complain.h"
#include "client/json.h"
#include "client/number.h"
#include "client/out.h"
#include "client/pool.h"
#include "client/progress.h"
#include "client/text.h"

/* The flags' indices in the command's table. */
enum {
	BLOCK_SIZE,
	BLOCKS,
	ALIGNMENT,
	MODE,
	OWNER,
	GROUP,
	PROCESSES,
	THREADS,
	THREAD_CACHE,
	SHARDS,
	GIFT_GRACE,
	MAX_BLOCKS,
	QUOTA,
	SCHEMA,
	SCHEMA_VERSION,
	CHANNELS,
	CHANNEL_DEPTH,
	BACKING,
	HUGE_PAGES,
	PREFAULT,
};

/* Reads a flag that is a count. When the user did not give it, leaves @n at zero, the default. */
static bool create_parse_count(const struct call *call, int flag, uint32_t max, uint32_t *n)
{
	char what[32] = "--";
	uint64_t value;

	if (call->values[flag] == NULL) {
		return true;
	}
	strncat(what, call->command->flags[flag].name, sizeof(what) - 3);
	if (!number_parse(what, call->values[flag], 1, max, &value)) {
		return false;
	}
	*n = (uint32_t)value;
	return true;
}

static bool create_check_power(const char *what, uint32_t n)
{
	if ((n & (n - 1)) != 0) {
		complain("%s: %" PRIu32 " is not a power of two", what, n);
		return false;
	}
	return true;
}

static bool create_parse_blocks(const struct call *call, struct mempool_attr *attr)
{
	const char *size = call->values[BLOCK_SIZE], *blocks = call->values[BLOCKS];
	uint64_t n;

	if (size == NULL || blocks == NULL) {
		complain("create: %s is missing; see mempoolctl create --help",
			 size == NULL ? "--block-size" : "--blocks");
		return false;
	}
	if (!number_parse_size("--block-size", size, MEMPOOL_BLOCK_SIZE_MIN, MEMPOOL_BLOCK_SIZE_MAX,
			       &attr->block_size) ||
	    !number_parse_size("--blocks", blocks, 1, MEMPOOL_BLOCKS_MAX, &n)) {
		return false;
	}
	attr->blocks = (uint32_t)n;
	return true;
}

static bool create_parse_thread_cache(const struct call *call, struct mempool_attr *attr)
{
	const char *text = call->values[THREAD_CACHE];

	if (text != NULL && strcmp(text, "off") == 0) {
		attr->thread_cache = MEMPOOL_NO_CACHE;
		return true;
	}
	return create_parse_count(call, THREAD_CACHE, MEMPOOL_BLOCKS_MAX, &attr->thread_cache);
}

static bool create_parse_rights(const struct call *call, struct mempool_attr *attr)
{
	const char *mode = call->values[MODE];
	const char *owner = call->values[OWNER], *group = call->values[GROUP];

	return (mode == NULL || number_parse_mode("--mode", mode, &attr->mode)) &&
	       (owner == NULL || number_parse_user("--owner", owner, &attr->uid)) &&
	       (group == NULL || number_parse_group("--group", group, &attr->gid));
}

static bool create_parse_max_blocks(const struct call *call, struct mempool_attr *attr)
{
	const char *text = call->values[MAX_BLOCKS];
	uint64_t n;

	if (text == NULL) {
		return true;
	}
	if (!number_parse_size("--max-blocks", text, attr->blocks, MEMPOOL_BLOCKS_MAX, &n)) {
		return false;
	}
	attr->max_blocks = (uint32_t)n;
	return true;
}

static bool create_parse_schema(const struct call *call, struct mempool_attr *attr)
{
	const char *schema = call->values[SCHEMA];

	if (schema == NULL && call->values[SCHEMA_VERSION] != NULL) {
		complain("create: --schema-version goes with --schema; that is missing");
		return false;
	}
	return (schema == NULL || number_parse_id("--schema", schema, &attr->schema)) &&
	       create_parse_count(call, SCHEMA_VERSION, UINT32_MAX, &attr->schema_version);
}

static bool create_parse_terms(const struct call *call, struct mempool_attr *attr)
{
	return create_parse_max_blocks(call, attr) && create_parse_schema(call, attr) &&
	       create_parse_count(call, QUOTA, MEMPOOL_BLOCKS_MAX, &attr->quota) &&
	       create_parse_count(call, CHANNELS, MEMPOOL_CHANNELS_MAX, &attr->channels) &&
	       create_parse_count(call, CHANNEL_DEPTH, MEMPOOL_CHANNEL_DEPTH_MAX,
				  &attr->channel_depth) &&
	       create_check_power("--channel-depth", attr->channel_depth);
}

/* Reads a flag whose value is one of three words, which stand for 0, 1 and 2. */
static bool create_parse_word(const struct call *call, int flag, const char *const words[3],
			      uint32_t *n)
{
	const char *text = call->values[flag];

	if (text == NULL) {
		return true;
	}
	for (uint32_t i = 0; i < 3; i++) {
		if (strcmp(text, words[i]) == 0) {
			*n = i;
			return true;
		}
	}
	complain("--%s: %s is none of %s, %s, %s", call->command->flags[flag].name, text, words[0],
		 words[1], words[2]);
	return false;
}

static bool create_parse_memory(const struct call *call, struct mempool_attr *attr)
{
	return create_parse_word(call, BACKING, text_backings, &attr->backing) &&
	       create_parse_word(call, HUGE_PAGES, text_efforts, &attr->huge_pages) &&
	       create_parse_word(call, PREFAULT, text_efforts, &attr->prefault);
}

static bool create_parse_attr(const struct call *call, struct mempool_attr *attr)
{
	const char *grace = call->values[GIFT_GRACE];

	return create_parse_blocks(call, attr) && create_parse_terms(call, attr) &&
	       create_parse_rights(call, attr) && create_parse_memory(call, attr) &&
	       create_parse_count(call, ALIGNMENT, MEMPOOL_ALIGNMENT_MAX, &attr->alignment) &&
	       create_check_power("--alignment", attr->alignment) &&
	       create_parse_count(call, PROCESSES, MEMPOOL_PROCESSES_MAX, &attr->processes) &&
	       create_parse_count(call, THREADS, MEMPOOL_THREADS_MAX, &attr->threads) &&
	       create_parse_thread_cache(call, attr) &&
	       create_parse_count(call, SHARDS, MEMPOOL_SHARDS_MAX, &attr->shards) &&
	       create_check_power("--shards", attr->shards) &&
	       (grace == NULL || number_parse_seconds("--gift-grace", grace, &attr->gift_grace_ms));
}

static bool create_print(const struct call *call, const char *name)
{
	struct pool_list list = {0};
	bool loaded = pool_list_load(&list, call->conn, name) && pool_list_look(&list, call->conn);

	if (loaded && call->json) {
		json_print(pool_json(&list.pools[0]));
	} else if (loaded) {
		const struct mempool_info *info = &list.pools[0].info;

		out_print("created %s: %" PRIu32 " blocks of %s, %s of memory\n", name,
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

	if (!create_parse_attr(call, &attr)) {
		return STATUS_USAGE;
	}
	if (!call_connect(call)) {
		return STATUS_FAILED;
	}

	progress_begin(call->conn, "making", name);

	int r = mempool_create(call->conn, name, &attr, &pool);

	progress_end();
	if (r < 0) {
		complain_error(r, "could not create pool %s", name);
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
			[BLOCK_SIZE] = {"block-size", "N",
					"bytes of a block; K, M or G may follow"},
			[BLOCKS] = {"blocks", "N", "blocks of the pool; K or M may follow"},
			[ALIGNMENT] = {"alignment", "N",
				       "bytes blocks are aligned to, 8 to 4096 (default: 64)"},
			[MODE] = {"mode", "OCT", "permission bits in octal (default: 0600)"},
			[OWNER] = {"owner", "USER", "the user who owns the pool (default: you)"},
			[GROUP] = {"group", "GROUP", "the group of the pool (default: yours)"},
			[PROCESSES] =
				{"processes", "N",
				 "processes that may have the pool open at once (default: 256)"},
			[THREADS] = {"threads", "N",
				     "threads that may have a cache at once (default: 64)"},
			[THREAD_CACHE] = {"thread-cache", "N|off", "blocks a thread may cache"},
			[SHARDS] = {"shards", "N",
				    "shards of the depot, up to 8 (default: by CPUs and blocks)"},
			[GIFT_GRACE] =
				{"gift-grace", "SECONDS",
				 "how long a dead process's gifts may be taken (default: 10)"},
			[MAX_BLOCKS] =
				{"max-blocks", "N",
				 "blocks it may grow to; their bookkeeping is reserved at once"},
			[QUOTA] = {"quota", "N",
				   "blocks one process may own at once (default: any number)"},
			[SCHEMA] = {"schema", "N",
				    "number for the format of the payload; decimal, or 0x and hex"},
			[SCHEMA_VERSION] = {"schema-version", "N", "version of that format"},
			[CHANNELS] = {"channels", "N",
				      "channels of the pool, up to 64 (default: 4)"},
			[CHANNEL_DEPTH] = {"channel-depth", "N",
					   "blocks a channel holds (default: 256)"},
			[BACKING] = {"backing", "auto|shm|memfd",
				     "where its memory is; nobody can truncate a memfd (default: "
				     "auto)"},
			[HUGE_PAGES] = {"huge-pages", "no|try|require",
					"whether blocks are on huge pages (default: no)"},
			[PREFAULT] = {"prefault", "no|try|require",
				      "whether create touches all pages and open maps them "
				      "(default: no)"},
		},
	.run = create_run,
};
