/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <string.h>

#include "client/commands.h"

static const struct flag blocks_flags[] = {
	[BLOCKS_HELD_BY] = {"held-by", "PID", "list only blocks that this process holds"},
	[BLOCKS_STATE] = {"state", "STATE",
			  "list only free, cached, used, moving, shared or reclaimed"},
	{NULL},
};

static const struct flag create_flags[] = {
	[ATTR_BLOCK_SIZE] = {"block-size", "N",
			     "bytes of a block, such as 4096, 64K, 1.5M or 2GiB"},
	[ATTR_BLOCKS] = {"blocks", "N",
			 "blocks of the pool; K or M may follow, as behind any count"},
	[ATTR_ALIGNMENT] = {"alignment", "N",
			    "bytes blocks are aligned to, 8 to 4096 (default: 64)"},
	[ATTR_MODE] = {"mode", "OCT", "permission bits in octal (default: 0600)"},
	[ATTR_OWNER] = {"owner", "USER",
			"the user who owns the pool, --user is the same (default: you)",
			.also = "user"},
	[ATTR_GROUP] = {"group", "GROUP", "the group of the pool (default: yours)"},
	[ATTR_PROCESSES] = {"processes", "N",
			    "processes that may have the pool open at once (default: 256)"},
	[ATTR_THREADS] = {"threads", "N",
			  "threads that may have a cache at once (default: by processes)"},
	[ATTR_THREAD_CACHE] = {"thread-cache", "N|none",
			       "blocks a thread may cache: 16, 48, 80 ... 496, none or off"},
	[ATTR_SHARDS] = {"shards", "N",
			 "shards of the depot, up to 8 (default: by CPUs and blocks)"},
	[ATTR_GIFT_GRACE] = {"gift-grace", "TIME",
			     "how long a dead process's gifts may be taken (default: 10s)"},
	[ATTR_MAX_BLOCKS] = {"max-blocks", "N",
			     "blocks it may grow to; their bookkeeping is reserved at once"},
	[ATTR_QUOTA] = {"quota", "N",
			"blocks one process may own at once (default: 0, any number)"},
	[ATTR_SCHEMA] =
		{"schema", "N",
		 "number of the payload's format, decimal or 0x and hex (default: 0, none)"},
	[ATTR_SCHEMA_VERSION] = {"schema-version", "N", "version of that format"},
	[ATTR_CHANNELS] = {"channels", "N", "channels of the pool, up to 64 (default: 4)"},
	[ATTR_CHANNEL_DEPTH] = {"channel-depth", "N", "blocks a channel holds (default: 256)"},
	[ATTR_BACKING] = {"backing", "auto|shm|memfd",
			  "where its memory is; nobody can truncate a memfd (default: auto)"},
	[ATTR_HUGE_PAGES] = {"huge-pages", "no|try|require",
			     "whether blocks are on huge pages (default: no)"},
	[ATTR_PREFAULT] = {"prefault", "no|try|require",
			   "whether create touches all pages and open maps them (default: no)"},
	[CREATE_IF_MISSING] = {"if-missing", NULL,
			       "take the pool that is there, if its blocks fit"},
	{NULL},
};

_Static_assert(sizeof create_flags / sizeof *create_flags <= CALL_FLAGS_MAX + 1,
	       "a call keeps the value of each flag");

static const struct flag purge_flags[] = {
	[PURGE_CHANNEL] = {"channel", "N", "the channel's number, from 0"},
	{NULL},
};

const struct command commands[COMMANDS_N] = {
	[COMMAND_LIST] =
		{
			.name = "list",
			.arguments = "[PREFIX]",
			.about = "list the pools, or those named PREFIX or PREFIX.*",
			.max_names = 1,
		},
	[COMMAND_SHOW] =
		{
			.name = "show",
			.arguments = "POOL",
			.about = "show everything about a pool",
			.min_names = 1,
			.max_names = 1,
		},
	[COMMAND_CLIENTS] =
		{
			.name = "clients",
			.arguments = "[POOL]",
			.about = "list the processes that have a pool open",
			.max_names = 1,
		},
	[COMMAND_BLOCKS] =
		{
			.name = "blocks",
			.arguments = "POOL",
			.about = "list the blocks of a pool, and which process holds each",
			.min_names = 1,
			.max_names = 1,
			.flags = blocks_flags,
		},
	[COMMAND_CHANNELS] =
		{
			.name = "channels",
			.arguments = "POOL",
			.about = "list the channels of a pool, who sends and who receives",
			.min_names = 1,
			.max_names = 1,
		},
	[COMMAND_CREATE] =
		{
			.name = "create",
			.arguments = "POOL",
			.required = "--block-size N --blocks N",
			.about = "make a pool",
			.min_names = 1,
			.max_names = 1,
			.flags = create_flags,
		},
	[COMMAND_GROW] =
		{
			.name = "grow",
			.arguments = "POOL BLOCKS",
			.about = "grow a pool to BLOCKS blocks in all, at most its --max-blocks",
			.min_names = 1,
			.max_names = 2,
		},
	[COMMAND_PURGE] =
		{
			.name = "purge",
			.arguments = "POOL",
			.required = "--channel N",
			.about = "put back what waits in a channel of a pool that nobody receives",
			.min_names = 1,
			.max_names = 1,
			.flags = purge_flags,
		},
	[COMMAND_DESTROY] =
		{
			.name = "destroy",
			.arguments = "POOL...",
			.about = "destroy pools; processes that have one open keep it",
			.min_names = 1,
			.max_names = INT_MAX,
		},
	[COMMAND_CHECK] =
		{
			.name = "check",
			.arguments = "[POOL...]",
			.about = "check pools for lost and duplicated blocks",
			.max_names = INT_MAX,
		},
	[COMMAND_MPSTAT] =
		{
			.name = "mpstat",
			.arguments = "[NAME]",
			.about = "list the pools, or NAME, in Mynewt's columns: name blksz cnt "
				 "free min",
			.max_names = 1,
		},
	[COMMAND_STATUS] =
		{
			.name = "status",
			.arguments = "",
			.about = "show how the service is, and what is wrong",
		},
};

const struct command *commands_find(const char *name)
{
	for (int i = 0; i < COMMANDS_N; i++) {
		if (strcmp(commands[i].name, name) == 0) {
			return &commands[i];
		}
	}
	return NULL;
}
