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
	{"daemon", "socket", "", "Path of the socket; when not said, `socket` in runtime_dir.",
	 "PATH", .type = SETTING_PATH, .max = 107, AT(socket), .fixed = true},
	{"daemon", "socket_mode", "",
	 "Permission bits of the socket; when not said, 0666 for root, else 0600.",
	 .type = SETTING_MODE, .min = 1, .max = 0777, AT(socket_mode), .fixed = true},
	{"daemon", "socket_group", "", "Group of the socket; when not said, the daemon's.",
	 .type = SETTING_GROUP, AT(socket_group), .fixed = true},
	{"daemon", "runtime_dir", "",
	 "Folder of the socket; for root /run/mempoold, else $XDG_RUNTIME_DIR/mempoold.", "DIR",
	 .type = SETTING_PATH, .max = SETTING_TEXT - 1, AT(runtime_dir), .fixed = true},
	{"daemon", "instance", "",
	 "Name in /dev/shm; for root `system`, else `user-UID`, and one of its own for a "
	 "runtime_dir.",
	 "NAME", .type = SETTING_INSTANCE, AT(instance), .fixed = true},
	{"daemon", "log_level", "info", "The least severe level that mempoold logs.", "LEVEL",
	 .type = SETTING_LEVEL, AT(log_level)},

	{LIMIT(sessions), .standard = "4096", .type = SETTING_COUNT, .min = 1, .max = 1u << 20,
	 .about = "Connections that the daemon serves at once."},
	{LIMIT(sessions_kept), .standard = "32", .type = SETTING_COUNT, .max = 1u << 20,
	 .about = "Connections kept free for root and the daemon's own user, of all `sessions`."},
	{LIMIT(sessions_per_user), .standard = "256", .type = SETTING_COUNT, .min = 1,
	 .max = 1u << 20,
	 .about =
		 "Connections of one user. No limit per user binds root or the daemon's own user."},
	{LIMIT(seats_per_user), .standard = "16384", .type = SETTING_COUNT, .min = 1,
	 .max = 1u << 22,
	 .about = "How many times the processes of one user may have pools open, together."},
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
	 .about = "Pools that may belong to one user."},
	{LIMIT(bytes), .standard = "0", .type = SETTING_SIZE, .max = NO_END,
	 .about = "Memory of all pools together, root's too; 0: as much as there is."},
	{LIMIT(bytes_per_user), .standard = "0", .type = SETTING_SIZE, .max = NO_END,
	 .about = "Memory of the pools of a user; 0: no limit."},
	{LIMIT(memory_per_user), .standard = "50%", .type = SETTING_PERCENT, .min = 1, .max = 100,
	 .about = "Of the machine's memory, and of /dev/shm, what the pools of a user may have."},
	{LIMIT(memory_of_users), .standard = "80%", .type = SETTING_PERCENT, .min = 1, .max = 100,
	 .about = "Likewise, what all users but root and the daemon's own may have together."},
	{LIMIT(blocks_per_user), .standard = "0", .type = SETTING_LARGE, .max = NO_END,
	 .about = "Blocks in all pools of one user; 0: no limit."},

	{"pools", "mode", "0600", "Mode of a pool whose creator sets none: 2 is write, 4 is read.",
	 .type = SETTING_MODE, .min = 1, .max = 0777, AT(mode)},
	{"pools", "gift_grace", "10s",
	 "How long a dead giver's gifts may be taken, in a pool whose creator sets no time.",
	 .type = SETTING_TIME, .min = 1, .max = DAY_MS, AT(gift_grace_ms)},
	{"pools", "require_memfd", "yes",
	 "Whether users other than root and a pool's owner may open it only if memfds back it.",
	 .type = SETTING_WORD, .words = answers, AT(require_memfd)},
	{"pools", "on_stop", "keep",
	 "What becomes of pools when mempoold stops; unused: it destroys those that nobody has "
	 "open.",
	 .type = SETTING_WORD, .words = stops, AT(on_stop)},
};

#undef AT
#define POOL(key, field) .section = "pool", .name = key, .at = offsetof(struct preset, field)

static const struct setting pool_settings[SETTING_POOL_N] = {
	{POOL("name", name), .standard = "", .type = SETTING_POOL,
	 .about = "Name of the pool; when not said, the file's name without .pool."},
	{POOL("block_size", block_size), .standard = "", .type = SETTING_SIZE, .min = 16,
	 .max = 1u << 30, .about = "Bytes of a block. It must be set."},
	{POOL("blocks", blocks), .standard = "", .type = SETTING_COUNT, .min = 1, .max = MAX_BLOCKS,
	 .about = "How many blocks the pool has at first. It must be set."},
	{POOL("max_blocks", max_blocks), .standard = "", .type = SETTING_COUNT, .min = 1,
	 .max = MAX_BLOCKS, .about = "How many blocks it may grow to; when not said, `blocks`."},
	{POOL("alignment", alignment), .standard = "64", .type = SETTING_COUNT, .min = 8,
	 .max = 4096, .about = "Alignment of each block in bytes: a power of two."},
	{POOL("user", uid), .standard = "", .also = "owner", .type = SETTING_USER,
	 .about = "Owner; when not said, the daemon's user. `owner` is the same key."},
	{POOL("group", gid), .standard = "", .type = SETTING_GROUP,
	 .about = "Group; when not said, that of `user`."},
	{POOL("mode", mode), .standard = "", .type = SETTING_MODE, .min = 1, .max = 0777,
	 .about = "Mode, 2 is write, 4 is read; when not said, what mempoold.conf says."},
	{POOL("processes", processes), .standard = "256", .type = SETTING_COUNT, .min = 1,
	 .max = 4096, .about = "How many processes may have it open at once."},
	{POOL("threads", threads), .standard = "", .type = SETTING_COUNT, .min = 1, .max = 4096,
	 .about = "How many threads may have a cache at once; further threads go without. When "
		  "not said, as many as `processes`, and at least 64."},
	{POOL("thread_cache", thread_cache), .standard = "", .type = SETTING_CACHE, .min = 16,
	 .max = 496,
	 .about = "Blocks that a thread may cache: 16, 48, 80 ... 496; when not said, "
		  "`blocks` decides."},
	{POOL("shards", shards), .standard = "", .type = SETTING_COUNT, .min = 1, .max = 8,
	 .about = "Shards of the depot: 1, 2, 4 or 8; when not said, CPUs and `blocks` decide."},
	{POOL("channels", channels), .standard = "4", .type = SETTING_COUNT, .min = 1, .max = 64,
	 .about = "Channels, which carry blocks from process to process."},
	{POOL("channel_depth", channel_depth), .standard = "256", .type = SETTING_COUNT, .min = 8,
	 .max = 65536, .about = "How many blocks a channel holds: a power of two."},
	{POOL("quota", quota), .standard = "0", .type = SETTING_COUNT, .max = MAX_BLOCKS,
	 .about = "How many blocks a process may own at once; 0: any number."},
	{POOL("schema", schema), .standard = "0", .type = SETTING_ID, .max = NO_END,
	 .about = "Number that its users give to the layout of what is in the blocks; 0: none."},
	{POOL("schema_version", schema_version), .standard = "0", .type = SETTING_COUNT,
	 .max = UINT32_MAX, .about = "Version of that schema."},
	{POOL("gift_grace", gift_grace_ms), .standard = "", .type = SETTING_TIME, .min = 1,
	 .max = DAY_MS,
	 .about = "How long a dead giver's gifts may be taken; when not said, what mempoold.conf "
		  "says."},
	{POOL("backing", backing), .standard = "auto", .type = SETTING_WORD, .words = backings,
	 .about = "What backs its memory; auto: memfd when others than the owner may open it, else "
		  "shm."},
	{POOL("huge_pages", huge_pages), .standard = "no", .type = SETTING_WORD, .words = efforts,
	 .about = "Whether the blocks are on huge pages."},
	{POOL("prefault", prefault), .standard = "no", .type = SETTING_WORD, .words = efforts,
	 .about = "Whether mempoold touches all pages when it makes the pool, and clients map them "
		  "all at open."},
};

const struct setting_table table_main = {main_settings, SETTING_MAIN_N};
const struct setting_table table_pool = {pool_settings, SETTING_POOL_N};
