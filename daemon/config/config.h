/* SPDX-License-Identifier: MIT */
/*
 * The configuration: what mempoold.conf and the *.pool files say, read and checked, and nothing
 * done about it yet. Where the files are is told in source.h, what may stand in them in setting.c
 * and rule.h.
 *
 * The form is that of INI files, by inih: [section], key = value, comments behind # or ; at the
 * start of a line, or behind a blank and ; further on. A key stands once; those of access rules may
 * stand again, and add to the list.
 */
#ifndef MP_DAEMON_CONFIG_H
#define MP_DAEMON_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/config/fault.h"
#include "daemon/pool/limit.h"
#include "daemon/config/rule.h"
#include "daemon/config/setting.h"

/* A pool that is to be there, as a *.pool file describes it. Zeros: the default. */
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

/* What a setting was set to, and where. */
struct config_said {
	char *text; /* NULL: it was not */
	unsigned line;
};

/* What becomes of pools when the daemon is asked to end; in the order of the setting's words. */
enum {
	CONFIG_KEEP,
	CONFIG_UNUSED, /* those that nobody has open are destroyed */
};

struct config {
	char socket[SETTING_TEXT];
	char runtime_dir[SETTING_TEXT];
	char instance[SETTING_TEXT];
	uint32_t socket_mode;  /* 0: not said */
	uint32_t socket_group; /* -1: not said */
	uint32_t log_level;
	uint32_t mode; /* of pools for which nobody says; so is gift_grace_ms */
	uint32_t gift_grace_ms;
	uint32_t on_stop;       /* CONFIG_KEEP or CONFIG_UNUSED */
	uint32_t require_memfd; /* 1: who does not own a pool opens it only if it is memfds */
	struct limits limits;
	struct rules rules;
	struct preset *presets;
	size_t n_presets;
	char *file;                              /* the main one; NULL: there is none */
	struct config_said said[SETTING_MAIN_N]; /* in the order of setting_main */
};

/* Everything at its default. */
void config_init(struct config *config);
void config_finish(struct config *config);

/*
 * Reads the main file, @n bytes at @text, into a config that was initialised. @file is its name in
 * what is told of it. Pure but for looking up users and groups.
 */
void config_parse(struct config *config, const char *text, size_t n, const char *file,
		  struct faults *faults);

/*
 * Reads a *.pool file likewise, and adds the pool; not when it has faults. The pool has the file's
 * name, without folder and suffix, unless it says another.
 */
void config_parse_pool(struct config *config, const char *text, size_t n, const char *file,
		       struct faults *faults);

#endif
