/* SPDX-License-Identifier: MIT */
/*
 * The configuration: what mempoold.conf and the *.pool files say. This folder reads and checks
 * them, and does nothing else about them. source.h says where the files are; table.c and rule.h say
 * what may stand in them; parse.h reads it.
 */
#ifndef MP_DAEMON_CONFIG_H
#define MP_DAEMON_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/config/rule.h"
#include "daemon/config/setting.h"

/* A preset: a pool that a *.pool file describes. A field of 0 means the default. */
struct preset {
	char *file;
	char name[SETTING_TEXT];
	uint64_t block_size;
	uint64_t schema;
	uint32_t blocks, max_blocks, alignment;
	uint32_t uid, gid, mode; /* uid, gid: -1, not said */
	uint32_t processes, threads, thread_cache, shards;
	uint32_t channels, channel_depth;
	uint32_t quota, schema_version, gift_grace_ms;
	uint32_t backing, huge_pages, prefault;
};

/* What the main file says about a setting, and in which line. */
struct config_said {
	char *text; /* NULL: nothing */
	unsigned line;
};

/* What becomes of pools when a signal ends the daemon; in the order of the setting's words. */
enum {
	CONFIG_KEEP,
	CONFIG_UNUSED, /* those that nobody has open are destroyed */
};

/*
 * How much of the daemon anybody may use, and the error of a request beyond it. pool/limit.h says
 * whom a limit binds.
 */
struct limits {
	uint32_t sessions;            /* in all */
	uint32_t sessions_kept;       /* of them, for root and the daemon's own user */
	uint32_t sessions_per_user;   /* EUSERS */
	uint32_t seats_per_user;      /* LIVE attachments; EUSERS */
	uint32_t seats_per_process;   /* of one pool; EUSERS, root too: one is all that is needed */
	uint32_t pool_seats_kept;     /* percent of a pool's slots: seat/share.h; EUSERS */
	uint32_t pool_seats_per_user; /* likewise */
	uint32_t pools;               /* in all; at most 1024; EDQUOT, as the rest */
	uint32_t pools_kept;          /* percent of them, for root and the daemon's own user */
	uint32_t pools_per_user;
	uint64_t bytes; /* of all pools, root's too; 0, here and below: no limit */
	uint64_t bytes_per_user;
	uint32_t memory_per_user; /* percent of what there is: pool/room.h */
	uint32_t memory_of_users; /* likewise, of all that limits bind, together */
	uint64_t blocks_per_user;
};

struct config {
	char socket[SETTING_TEXT];
	char runtime_dir[SETTING_TEXT];
	char instance[SETTING_TEXT];
	uint32_t socket_mode;  /* 0: not said */
	uint32_t socket_group; /* -1: not said */
	uint32_t log_level;
	uint32_t mode; /* of pools whose creator sets none; likewise gift_grace_ms */
	uint32_t gift_grace_ms;
	uint32_t on_stop;       /* CONFIG_KEEP or CONFIG_UNUSED */
	uint32_t require_memfd; /* 1: users who do not own a pool open it only if memfds back it */
	struct limits limits;
	struct rules rules;
	struct preset *presets;
	size_t n_presets;
	char *file;                              /* the main one; NULL: there is none */
	struct config_said said[SETTING_MAIN_N]; /* in the order of table_main */
};

/* Frees what the configuration has, and zeroes it. */
void config_finish(struct config *config);

#endif
