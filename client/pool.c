/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/complain.h"
#include "client/json.h"
#include "client/pool.h"
#include "client/refusal.h"
#include "client/text.h"

static void pool_list_add(struct pool_list *list, const struct mempool_info *info)
{
	struct pool *pools = reallocarray(list->pools, list->n_pools + 1, sizeof(*pools));

	if (pools == NULL) {
		complain_no_memory();
	}
	list->pools = pools;
	pools[list->n_pools++] = (struct pool){.info = *info, .remark = ""};
}

/* Whether @name is @prefix, or begins with @prefix and a dot. Of NULL: always. */
static bool pool_has_prefix(const char *name, const char *prefix)
{
	size_t n = prefix != NULL ? strlen(prefix) : 0;

	return n == 0 || (strncmp(name, prefix, n) == 0 &&
			  (name[n] == '\0' || name[n] == '.' || prefix[n - 1] == '.'));
}

static int pool_list_read_all(struct pool_list *list, struct mempool_conn *conn, const char *prefix)
{
	struct mempool_info info;
	uint32_t cursor = 0;
	int r;

	while ((r = mempool_next_pool(conn, &cursor, &info)) > 0) {
		if (pool_has_prefix(info.name, prefix)) {
			pool_list_add(list, &info);
		}
	}
	return r;
}

static int pool_list_read_one(struct pool_list *list, struct mempool_conn *conn, const char *name)
{
	struct mempool_info info;
	int r = mempool_find_pool(conn, name, &info);

	if (r == 0) {
		pool_list_add(list, &info);
	}
	return r;
}

bool pool_list_load(struct pool_list *list, struct mempool_conn *conn, const char *name)
{
	int r = pool_list_read_one(list, conn, name);

	if (r < 0) {
		refusal_complain(r, "could not find pool %s", name);
	}
	return r == 0;
}

bool pool_list_load_all(struct pool_list *list, struct mempool_conn *conn, const char *prefix)
{
	int r = pool_list_read_all(list, conn, prefix);

	if (r < 0) {
		refusal_complain(r, "could not list the pools");
	}
	return r == 0;
}

void pool_list_finish(struct pool_list *list)
{
	for (size_t i = 0; i < list->n_pools; i++) {
		free(list->pools[i].usage);
	}
	free(list->pools);
}

/*
 * Why mempoolctl cannot observe a pool, for @error of mempool_open(). NULL: the reason is not this
 * pool.
 */
static const char *pool_blind_remark(int error)
{
	switch (-error) {
	case EACCES:
		return "not yours to read";
	case ENOENT:
		return "destroyed";
	case EIO:
		return "broken";
	case EPROTONOSUPPORT:
		return "of another version";
	default:
		return NULL;
	}
}

static void pool_count(struct pool *pool, struct mempool *open)
{
	size_t n = pool->info.processes;

	pool->usage = calloc(n == 0 ? 1 : n, sizeof(*pool->usage));
	if (pool->usage == NULL) {
		complain_no_memory();
	}

	int r = mempool_census(open, &pool->stats, pool->usage, n);

	pool->seen = r == 0;
	pool->info.broken = r == -EIO;
	pool->remark = r == 0 ? "" : r == -EIO ? "broken" : "not counted";
}

static bool pool_look(struct pool *pool, struct mempool_conn *conn)
{
	const struct mempool_info *info = &pool->info;
	struct mempool *open;

	if (info->destroyed || info->broken) {
		pool->remark = info->broken ? "broken" : info->replaced ? "replaced" : "destroyed";
		return true;
	}

	int r = mempool_open(conn, info->name, MEMPOOL_OBSERVE, &open);

	if (r == 0) {
		pool_count(pool, open);
		mempool_close(open);
		return true;
	}
	pool->info.broken = r == -EIO;
	pool->remark = pool_blind_remark(r);
	if (pool->remark == NULL) {
		refusal_complain(r, "could not open pool %s", info->name);
		return false;
	}
	return true;
}

bool pool_list_look(struct pool_list *list, struct mempool_conn *conn)
{
	for (size_t i = 0; i < list->n_pools; i++) {
		if (!pool_look(&list->pools[i], conn)) {
			return false;
		}
	}
	return true;
}

const struct pool *pool_list_find(const struct pool_list *list, uint64_t id)
{
	for (size_t i = 0; i < list->n_pools; i++) {
		if (list->pools[i].info.id == id) {
			return &list->pools[i];
		}
	}
	return NULL;
}

static void pool_json_count(struct json_object *object, const struct pool *pool, const char *key,
			    uint64_t n)
{
	if (pool->seen) {
		json_add_number(object, key, n);
	} else {
		json_add_null(object, key);
	}
}

static void pool_json_counts(struct json_object *object, const struct pool *pool)
{
	const struct mempool_stats *stats = &pool->stats;

	pool_json_count(object, pool, "used", stats->used);
	pool_json_count(object, pool, "cached", stats->cached);
	pool_json_count(object, pool, "free", stats->free);
	pool_json_count(object, pool, "min_free", stats->min_free);
	pool_json_count(object, pool, "moving", stats->moving);
	pool_json_count(object, pool, "shared", stats->shared);
	pool_json_count(object, pool, "reclaimed", stats->reclaimed);
	pool_json_count(object, pool, "gets", stats->gets);
	pool_json_count(object, pool, "puts", stats->puts);
	pool_json_count(object, pool, "failures", stats->failures);
	pool_json_count(object, pool, "waits", stats->waits);
	pool_json_count(object, pool, "recoveries", stats->recoveries);
	pool_json_count(object, pool, "recovered", stats->recovered);
	pool_json_count(object, pool, "repairs", stats->repairs);
}

struct json_object *pool_json(const struct pool *pool)
{
	const struct mempool_info *info = &pool->info;
	struct json_object *object = json_new_object();
	char id[17], mode[8], schema[19];

	snprintf(id, sizeof(id), "%016" PRIx64, info->id);
	snprintf(schema, sizeof(schema), "0x%016" PRIx64, info->schema);
	snprintf(mode, sizeof(mode), "%04o", info->mode & 07777);
	json_add_text(object, "name", info->name);
	json_add_text(object, "id", id);
	json_add_number(object, "uid", info->uid);
	json_add_number(object, "gid", info->gid);
	json_add_text(object, "mode", mode);
	json_add_number(object, "block_size", info->block_size);
	json_add_number(object, "stride", info->stride);
	json_add_number(object, "blocks", info->blocks);
	json_add_number(object, "max_blocks", info->max_blocks);
	json_add_number(object, "memory", info->memory);
	json_add_number(object, "processes", info->processes);
	json_add_number(object, "threads", info->threads);
	json_add_number(object, "magazine", info->magazine);
	json_add_number(object, "shards", info->shards);
	json_add_number(object, "gift_grace_ms", info->gift_grace_ms);
	json_add_number(object, "clients", info->clients);
	json_add_text(object, "lifetime", text_lifetime(info->lifetime));
	json_add_text(object, "backing", text_backings[info->backing % 3]);
	json_add_text(object, "huge_pages", text_efforts[info->huge_pages % 3]);
	json_add_text(object, "prefault", text_efforts[info->prefault % 3]);
	json_add_number(object, "quota", info->quota);
	json_add_text(object, "schema", schema);
	json_add_number(object, "schema_version", info->schema_version);
	json_add_number(object, "channels", info->channels);
	json_add_number(object, "channel_depth", info->channel_depth);
	pool_json_counts(object, pool);
	json_add_flag(object, "destroyed", info->destroyed);
	json_add_flag(object, "replaced", info->replaced);
	json_add_flag(object, "broken", info->broken);
	json_add_flag(object, "nameless", info->nameless);
	return object;
}

void pool_list_print_json(const struct pool_list *list)
{
	struct json_object *array = json_new_array();

	for (size_t i = 0; i < list->n_pools; i++) {
		json_append(array, pool_json(&list->pools[i]));
	}
	json_print(array);
}
