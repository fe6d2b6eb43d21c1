/* SPDX-License-Identifier: MIT */
/* Stories of a daemon that is configured by files: these, what its log says, and other users. */
#ifndef TESTS_SYSTEM_CONFIGURED_H
#define TESTS_SYSTEM_CONFIGURED_H

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/system/story.h"

#define OTHER 65534 /* a user that is neither root nor the daemon's */

static struct mempool_info info;
static char said[200000]; /* by the log, or by a command */

/* ---- files ---- */

static inline void put(const char *file, const char *text)
{
	char path[200];
	snprintf(path, sizeof path, "%s/%s", service.dir, file);
	FILE *to = fopen(path, "w");
	ck_assert_ptr_nonnull(to);
	fputs(text, to);
	ck_assert_int_eq(fchmod(fileno(to), 0644), 0);
	fclose(to);
}

static inline void take_away(const char *file)
{
	char path[200];
	snprintf(path, sizeof path, "%s/%s", service.dir, file);
	ck_assert_int_eq(unlink(path), 0);
}

/* The folder, with that main file; the daemon is not started yet. */
static inline void prepare(const char *main)
{
	char path[200];
	service.configured = true;
	service_prepare(&service);
	ck_assert_int_eq(chmod(service.dir, 0755), 0);
	snprintf(path, sizeof path, "%s/pools.d", service.dir);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	put("mempoold.conf", main);
}

static inline void start(void)
{
	service_restart(&service);
	conn = service_connect();
}

static inline void stop(void)
{
	mempool_disconnect(conn);
	ck_assert_uint_eq(service_stop(&service), 0);
}

/* ---- what is said ---- */

static inline void read_from(FILE *from)
{
	size_t n = fread(said, 1, sizeof said - 1, from);
	said[n] = 0;
}

static inline bool log_has(void *text)
{
	char path[200];
	snprintf(path, sizeof path, "%s/log", service.dir);
	FILE *from = fopen(path, "r");
	if (!from) {
		return false;
	}
	read_from(from);
	fclose(from);
	return strstr(said, text);
}

static inline void expect_log(const char *text)
{
	ck_assert_msg(wait_until(log_has, (void *)(uintptr_t)text, HANG_MS), "no '%s' in %s", text,
		      said);
}

static inline void forget_log(void)
{
	char path[200];
	snprintf(path, sizeof path, "%s/log", service.dir);
	ck_assert_int_eq(truncate(path, 0), 0);
}

/* Has the files read again, and waits until that is over. */
static inline void reload(const char *text)
{
	forget_log();
	kill(service.pid, SIGHUP);
	expect_log(text);
}

/* ---- pools ---- */

static inline int create(const char *name, size_t size, uint32_t blocks)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *made;
	attr.block_size = size;
	attr.blocks = blocks;
	int error = mempool_create(conn, name, &attr, &made);
	return error ? error : mempool_close(made);
}

static inline bool is_there(const char *name)
{
	return mempool_find_pool(conn, name, &info) == 0;
}

static inline void destroy(const char *name)
{
	ck_assert_int_eq(mempool_destroy(conn, name), 0);
}

static inline struct actor other(void)
{
	struct actor a;
	actor_start_as(&a, OTHER);
	return a;
}

#endif
