/* SPDX-License-Identifier: MIT */
#include "daemon/config/config.h"
#include "daemon/config/table.h"

#define DAY_MS 86400000u
#define MAX_BLOCKS (1u << 26)
#define NO_END UINT64_MAX

#define AT(field) .at = offsetof(struct config, field)
#define LIMIT(field) \
	.section = "limits", .name = #field, .at = offsetof(struct config, limits.field)

static const char *const answers[] = {"no", "yes", NULL};
static const char *const stops[] = {"keep", "unused", NULL};
static const char *const backings[] = {"auto", "shm", "memfd", NULL};
static const char *const efforts[] = {"no", "try", "require", NULL};

static const struct setting main_settings[SETTING_MAIN_N] = {
	{"daemon", "socket", "", "Where to listen; `socket` in runtime_dir when not said.", "PATH",
	 .type = SETTING_PATH, .max = 107, AT(socket), .fixed = true},
	{"daemon", "socket_mode", "", "Who may connect; when not said, 0666 for root, else 0600.",
	 .type = SETTING_MODE, .min = 1, .max = 0777, AT(socket_mode), .fixed = true},
	{"daemon", "socket_group", "", "Group of the socket; the daemon's when not said.",
	 .type = SETTING_GROUP, AT(socket_group), .fixed = true},
	{"daemon", "runtime_dir", "",
	 "Folder of the socket; /run/mempoold for root, else $XDG_RUNTIME_DIR/mempoold.", "DIR",
	 .type = SETTING_PATH, .max = SETTING_TEXT - 1, AT(runtime_dir), .fixed = true},
	{"daemon", "instance", "",
	 "Name space in /dev/shm; `system` for root, else `user-UID`, with a runtime_dir its own.",
	 "NAME", .type = SETTING_INSTANCE, AT(instance), .fixed = true},
	{"daemon", "log_level", "info", "What is logged.", "LEVEL", .type = SETTING_LEVEL,
	 AT(log_level)},

	{LIMIT(sessions), .standard = "4096", .type = SETTING_COUNT, .min = 1, .max = 1u << 20,
	 .about = "Connections in all."},
	{LIMIT(sessions_kept), .standard = "32", .type = SETTING_COUNT, .max = 1u << 20,
	 .about = "Of them, kept for root and the daemon's own user."},
	{LIMIT(sessions_per_user), .standard = "256", .type = SETTING_COUNT, .min = 1,
	 .max = 1u << 20, .about = "Connections of a user. No limit per user binds root."},
	{LIMIT(seats_per_user), .standard = "16384", .type = SETTING_COUNT, .min = 1,
	 .max = 1u << 22, .about = "Pools that the processes of a user have open, in all."},
	{LIMIT(seats_per_process), .standard = "4", .type = SETTING_COUNT, .min = 1, .max = 4096,
	 .about = "Times a process has one pool open; a library needs one."},
	{LIMIT(pool_seats_per_user), .standard = "50%", .type = SETTING_PERCENT, .min = 1,
	 .max = 100, .about = "Of a pool's `processes`, those of one user who does not own it."},
	{LIMIT(pool_seats_kept), .standard = "10%", .type = SETTING_PERCENT, .max = 100,
	 .about = "Of them, kept for the pool's owner and root; one at least, but with 0%."},
	{LIMIT(pools), .standard = "1024", .type = SETTING_COUNT, .min = 1, .max = 1024,
	 .about = "Pools in all."},
	{LIMIT(pools_kept), .standard = "10%", .type = SETTING_PERCENT, .max = 90,
	 .about = "Of them, kept for root and the daemon's own user; rounded down."},
	{LIMIT(pools_per_user), .standard = "256", .type = SETTING_COUNT, .max = 1024,
	 .about = "Pools that belong to a user."},
	{LIMIT(bytes), .standard = "0", .type = SETTING_SIZE, .max = NO_END,
	 .about = "Memory of all pools, root's too; 0: as much as there is."},
	{LIMIT(bytes_per_user), .standard = "0", .type = SETTING_SIZE, .max = NO_END,
	 .about = "Memory of the pools of a user; 0: no limit."},
	{LIMIT(memory_per_user), .standard = "50%", .type = SETTING_PERCENT, .min = 1, .max = 100,
	 .about = "Of the machine's memory, and of /dev/shm, what the pools of a user may have."},
	{LIMIT(memory_of_users), .standard = "80%", .type = SETTING_PERCENT, .min = 1, .max = 100,
	 .about = "Likewise, what all users but root and the daemon's own may have together."},
	{LIMIT(blocks_per_user), .standard = "0", .type = SETTING_SIZE, .max = NO_END,
	 .about = "Blocks in the pools of a user; 0: no limit."},

	{"pools", "mode", "0600", "Rights to pools for which nobody says: 2 write, 4 read.",
	 .type = SETTING_MODE, .min = 1, .max = 0777, AT(mode)},
	{"pools", "gift_grace", "10s", "How long the dead's gifts may be taken; likewise.",
	 .type = SETTING_TIME, .min = 1, .max = DAY_MS, AT(gift_grace_ms)},
	{"pools", "require_memfd", "yes",
	 "Whether others than a pool's owner and root may use it only if it is backed by memfd.",
	 .type = SETTING_WORD, .words = answers, AT(require_memfd)},
	{"pools", "on_stop", "keep",
	 "What becomes of pools when mempoold is stopped; unused: those nobody has open go.",
	 .type = SETTING_WORD, .words = stops, AT(on_stop)},
};

#undef AT
#define POOL(key, field) .section = "pool", .name = key, .at = offsetof(struct preset, field)

static const struct setting pool_settings[SETTING_POOL_N] = {
	{POOL("name", name), .standard = "", .type = SETTING_POOL,
	 .about = "Name of the pool; when not said, the file's without .pool."},
	{POOL("block_size", block_size), .standard = "", .type = SETTING_SIZE, .min = 16,
	 .max = 1u << 30, .about = "Bytes of a block. It has to be said."},
	{POOL("blocks", blocks), .standard = "", .type = SETTING_COUNT, .min = 1, .max = MAX_BLOCKS,
	 .about = "How many there are. It has to be said."},
	{POOL("max_blocks", max_blocks), .standard = "", .type = SETTING_COUNT, .min = 1,
	 .max = MAX_BLOCKS, .about = "How many it may grow to; `blocks` when not said."},
	{POOL("alignment", alignment), .standard = "64", .type = SETTING_COUNT, .min = 8,
	 .max = 4096, .about = "Of each block, in bytes: a power of two."},
	{POOL("user", uid), .standard = "", .type = SETTING_USER,
	 .about = "Owner; the daemon's user when not said."},
	{POOL("group", gid), .standard = "", .type = SETTING_GROUP,
	 .about = "Group; that of `user` when not said."},
	{POOL("mode", mode), .standard = "", .type = SETTING_MODE, .min = 1, .max = 0777,
	 .about = "Rights, 2 write, 4 read; as mempoold.conf says when not said."},
	{POOL("processes", processes), .standard = "256", .type = SETTING_COUNT, .min = 1,
	 .max = 4096, .about = "That may have it open at once."},
	{POOL("threads", threads), .standard = "64", .type = SETTING_COUNT, .min = 1, .max = 4096,
	 .about = "That may have a cache at once; others do without."},
	{POOL("thread_cache", thread_cache), .standard = "", .type = SETTING_CACHE, .min = 16,
	 .max = 496,
	 .about = "Blocks a thread may cache: 16, 48, 80 ... 496; by blocks when not "
		  "said."},
	{POOL("shards", shards), .standard = "", .type = SETTING_COUNT, .min = 1, .max = 8,
	 .about = "Of the depot: 1, 2, 4 or 8; by CPUs and blocks when not said."},
	{POOL("channels", channels), .standard = "4", .type = SETTING_COUNT, .min = 1, .max = 64,
	 .about = "Ways for blocks from process to process."},
	{POOL("channel_depth", channel_depth), .standard = "256", .type = SETTING_COUNT, .min = 8,
	 .max = 65536, .about = "Blocks in each: a power of two."},
	{POOL("quota", quota), .standard = "0", .type = SETTING_COUNT, .max = MAX_BLOCKS,
	 .about = "Blocks that a process may own at once; 0: any number."},
	{POOL("schema", schema), .standard = "0", .type = SETTING_ID, .max = NO_END,
	 .about = "Of the payload: a number of its users' own; 0: none."},
	{POOL("schema_version", schema_version), .standard = "0", .type = SETTING_COUNT,
	 .max = UINT32_MAX, .about = "Of the schema."},
	{POOL("gift_grace", gift_grace_ms), .standard = "", .type = SETTING_TIME, .min = 1,
	 .max = DAY_MS, .about = "How long the dead's gifts may be taken; as mempoold.conf says."},
	{POOL("backing", backing), .standard = "auto", .type = SETTING_WORD, .words = backings,
	 .about = "Where its memory is; auto: memfd when others than the owner may open it."},
	{POOL("huge_pages", huge_pages), .standard = "no", .type = SETTING_WORD, .words = efforts,
	 .about = "Whether the blocks are to be on huge pages."},
	{POOL("prefault", prefault), .standard = "no", .type = SETTING_WORD, .words = efforts,
	 .about = "Whether all pages are touched now, and mapped by whoever opens it."},
};

const struct setting_table table_main = {main_settings, SETTING_MAIN_N};
const struct setting_table table_pool = {pool_settings, SETTING_POOL_N};
