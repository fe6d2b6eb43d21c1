/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/pool/pools.h"
#include "daemon/base/log.h"
#include "daemon/config/config.h"
#include "daemon/pool/build.h"
#include "daemon/pool/limit.h"
#include "daemon/pool/pool.h"
#include "daemon/pool/room.h"
#include "daemon/request/create.h"
#include "daemon/request/preset.h"
#include "daemon/store/hugepage.h"

/* The CREATE that a client would send to have the pool made. */
static struct wire_create preset_create_of(const struct preset *preset)
{
	bool no_cache = preset->thread_cache == UINT32_MAX;
	struct wire_create create = {
		.shape = {.block_size = preset->block_size,
			  .blocks = preset->blocks,
			  .max_blocks = preset->max_blocks,
			  .alignment = preset->alignment,
			  .capacity = no_cache ? 0 : preset->thread_cache / 2,
			  .n_caches = no_cache          ? 0
				      : preset->threads ? preset->threads
							: mp_caches_default(preset->processes),
			  .n_slots = preset->processes,
			  .n_shards = preset->shards,
			  .n_channels = preset->channels,
			  .depth = preset->channel_depth},
		.terms = {.schema = preset->schema,
			  .schema_version = preset->schema_version,
			  .quota = preset->quota,
			  .lifetime = WIRE_PERSISTENT,
			  .backing = (uint8_t)preset->backing,
			  .huge_pages = (uint8_t)preset->huge_pages,
			  .prefault = (uint8_t)preset->prefault},
		.uid = preset->uid,
		.gid = preset->gid,
		.mode = preset->mode,
		.gift_grace_ms = preset->gift_grace_ms,
	};

	memcpy(create.name, preset->name, strlen(preset->name));
	return create;
}

/* ---- one that is being made; on the heap until that has ended ---- */

struct preset_build {
	struct pool_asker asker;
	char *file; /* its name */
};

static bool preset_on_progress(void *arg, uint64_t done, uint64_t total)
{
	(void)arg;
	(void)done;
	(void)total;
	return true;
}

static void preset_free(struct preset_build *build)
{
	free(build->file);
	free(build);
}

static void preset_on_end(void *arg, struct pool *pool, int error)
{
	struct preset_build *build = arg;
	const struct registry_pool *record = pool->record;

	if (error == 0) {
		log_info("pool '%s' of uid %u made by %s: %u blocks of %llu bytes, %llu MiB",
			 record->name, record->uid, build->file, pool->shape.blocks,
			 (unsigned long long)pool->shape.block_size,
			 (unsigned long long)pool_reserved(pool) >> 20);
	} else if (error == -ENOENT) {
		log_warning("%s: pool '%s' was destroyed while it was made; reload to have it",
			    build->file, record->name);
	} else if (error != -ESHUTDOWN) {
		log_error("%s: pool '%s' was not made: %s: %s, and reload", build->file,
			  record->name, strerror(-error), memory_remedy(record, error));
	}
	preset_free(build);
}

static bool preset_is_pending_pool(const struct pool *pool)
{
	return pool->build && build_asker(pool->build)->ended == preset_on_end;
}

static int preset_start(struct pools *pools, const struct registry_pool *record, const char *file)
{
	struct preset_build *build = calloc(1, sizeof *build);
	int r;

	if (!build) {
		return -ENOMEM;
	}
	build->asker = (struct pool_asker){
		.progress = preset_on_progress,
		.ended = preset_on_end,
		.arg = build,
	};
	build->file = strdup(file);
	r = build->file ? build_start(pools, record, &build->asker) : -ENOMEM;
	if (r < 0) {
		preset_free(build);
	}
	return r;
}

struct preset_difference {
	const char *key;
	bool differs;
};

/* Lists the keys in which an existing pool differs. That it has grown is no difference. */
static void preset_list_differences(const struct preset *preset, const struct registry_pool *is,
				    const struct registry_pool *wanted, char *text, size_t size)
{
	const struct wire_shape *a = &is->shape, *b = &wanted->shape;
	const struct preset_difference all[] = {
		{"block_size", a->block_size != b->block_size},
		{"blocks", a->blocks < b->blocks || a->blocks > b->max_blocks},
		{"max_blocks", a->max_blocks != b->max_blocks},
		{"alignment", a->alignment != b->alignment},
		{"user", is->uid != wanted->uid},
		{"group", is->gid != wanted->gid},
		{"mode", is->mode != wanted->mode},
		{"processes", a->n_slots != b->n_slots},
		{"threads",
		 a->n_caches != b->n_caches && (preset->threads || !a->n_caches || !b->n_caches)},
		{"thread_cache", preset->thread_cache && a->capacity != b->capacity},
		{"shards", preset->shards && a->n_shards != b->n_shards},
		{"channels", a->n_channels != b->n_channels},
		{"channel_depth", a->depth != b->depth},
		{"quota", is->terms.quota != wanted->terms.quota},
		{"schema", is->terms.schema != wanted->terms.schema},
		{"schema_version", is->terms.schema_version != wanted->terms.schema_version},
		{"lifetime", is->terms.lifetime != wanted->terms.lifetime},
		{"backing", preset->backing && is->terms.backing != wanted->terms.backing},
		{"huge_pages", is->terms.huge_pages != wanted->terms.huge_pages},
		{"prefault", is->terms.prefault != wanted->terms.prefault},
		{"gift_grace", is->gift_grace_ms != wanted->gift_grace_ms},
	};
	size_t n = 0;

	*text = 0;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (all[i].differs && n < size) {
			n += (size_t)snprintf(text + n, size - n, "%s%s", n ? ", " : "",
					      all[i].key);
		}
	}
}

/* A pool has the name already: keeps it, and logs how it differs. */
static void preset_keep(const struct preset *preset, const struct registry_pool *wanted,
			const struct pool *pool)
{
	char text[256];

	if (pool->build) {
		if (!preset_is_pending_pool(pool)) {
			log_error("%s: pool '%s' is being made by uid %u: reload when it is there",
				  preset->file, preset->name, pool->record->creator);
		}
		return;
	}
	preset_list_differences(preset, pool->record, wanted, text, sizeof text);
	if (*text) {
		log_error("%s: pool '%s' exists and is kept, though it differs in %s: destroy it "
			  "and reload, or change the file",
			  preset->file, preset->name, text);
	}
}

/* Whether limits, memory or huge pages do not allow the pool; if so, logs that. */
static bool preset_has_no_room(const struct pools *pools, const struct preset *preset,
			       const struct registry_pool *record, const struct mp_shape *shape)
{
	uint64_t bytes = record->control_size + mp_shape_data(shape, shape->blocks);
	const struct limit_claim claim = {
		.uid = record->uid,
		.is_free = true,
		.backing = record->terms.backing,
		.pools = 1,
		.bytes = bytes,
		.blocks = shape->blocks,
	};
	char text[WIRE_TEXT];

	if (!hugepage_suffices(&record->terms)) {
		log_error("%s: pool '%s' is not made, as it requires huge pages, and there are "
			  "none: %s",
			  preset->file, preset->name, memory_remedy(record, -EOPNOTSUPP));
		return true;
	}
	if (limit_on_pool(pools, &claim, text, sizeof text)) {
		log_error("%s: pool '%s' is not made: %s", preset->file, preset->name, text);
		return true;
	}
	if (room_check(pools, record, bytes, true, text, sizeof text)) {
		log_error("%s: pool '%s' is not made, as it %s", preset->file, preset->name, text);
		return true;
	}
	return false;
}

static void preset_make(struct pools *pools, const struct preset *preset)
{
	const struct wire_create create = preset_create_of(preset);
	const struct create_owner owner = {geteuid(), getegid()};
	const struct pool *pool = pool_find_holder(pools, preset->name);
	struct registry_pool record;
	struct mp_shape shape;
	const char *why = create_record(&record, &shape, pools->config, &create, &owner);
	int r;

	if (why) {
		log_error("%s: pool '%s' is not made: %s", preset->file, preset->name, why);
		return;
	}
	if (pool) {
		preset_keep(preset, &record, pool);
		return;
	}
	if (preset_has_no_room(pools, preset, &record, &shape)) {
		return;
	}
	r = preset_start(pools, &record, preset->file);
	if (r < 0) {
		log_error("%s: pool '%s' is not made: %s: make room, and reload", preset->file,
			  preset->name, strerror(-r));
	}
}

void preset_make_all(struct pools *pools)
{
	for (size_t i = 0; i < pools->config->n_presets; i++) {
		preset_make(pools, &pools->config->presets[i]);
	}
}

bool preset_is_pending(const struct pools *pools)
{
	for (uint32_t i = 0; i < REGISTRY_POOLS; i++) {
		const struct pool *pool = pools->of[i];
		if (pool && preset_is_pending_pool(pool)) {
			return true;
		}
	}
	return false;
}

static bool preset_is_in(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_presets; i++) {
		if (!strcmp(config->presets[i].name, name)) {
			return true;
		}
	}
	return false;
}

void preset_tell_vanished(struct pools *pools, const struct config *old, const struct config *new)
{
	for (size_t i = 0; i < old->n_presets; i++) {
		const struct preset *preset = &old->presets[i];
		if (!preset_is_in(new, preset->name) && pool_find_holder(pools, preset->name)) {
			log_warning("%s is gone: pool '%s' stays; mempoolctl destroy removes it",
				    preset->file, preset->name);
		}
	}
}
