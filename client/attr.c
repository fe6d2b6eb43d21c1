/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "client/attr.h"
#include "client/call.h"
#include "client/complain.h"
#include "client/number.h"
#include "client/text.h"

/* The option as the user gives it: "--blocks". */
static const char *attr_option(const struct call *call, enum attr_flag flag, char option[32])
{
	snprintf(option, 32, "--%s", call->command->flags[flag].name);
	return option;
}

/* The options that are counts. All fields that they go to are of 32 bits. */
static const struct attr_count {
	enum attr_flag flag;
	uint32_t min, max;
	size_t at; /* offset of the field in struct mempool_attr */
	bool is_power;
} counts[] = {
#define AT(field) offsetof(struct mempool_attr, field)
	{ATTR_BLOCKS, 1, MEMPOOL_BLOCKS_MAX, AT(blocks), false},
	{ATTR_MAX_BLOCKS, 1, MEMPOOL_BLOCKS_MAX, AT(max_blocks), false},
	{ATTR_ALIGNMENT, 8, MEMPOOL_ALIGNMENT_MAX, AT(alignment), true},
	{ATTR_PROCESSES, 1, MEMPOOL_PROCESSES_MAX, AT(processes), false},
	{ATTR_THREADS, 1, MEMPOOL_THREADS_MAX, AT(threads), false},
	{ATTR_SHARDS, 1, MEMPOOL_SHARDS_MAX, AT(shards), true},
	{ATTR_QUOTA, 0, MEMPOOL_BLOCKS_MAX, AT(quota), false},
	{ATTR_SCHEMA_VERSION, 0, UINT32_MAX, AT(schema_version), false},
	{ATTR_CHANNELS, 1, MEMPOOL_CHANNELS_MAX, AT(channels), false},
	{ATTR_CHANNEL_DEPTH, 8, MEMPOOL_CHANNEL_DEPTH_MAX, AT(channel_depth), true},
#undef AT
};

static bool attr_parse_count(const struct call *call, const struct attr_count *count,
			     struct mempool_attr *attr)
{
	const char *text = call->values[count->flag];
	uint64_t n, min = count->flag == ATTR_MAX_BLOCKS ? attr->blocks : count->min;
	char option[32];

	if (text == NULL) {
		return true;
	}
	attr_option(call, count->flag, option);
	if (!number_parse_count(option, text, min, count->max, &n)) {
		return false;
	}
	if (count->is_power && (n & (n - 1)) != 0) {
		complain("%s: %" PRIu64 " is not a power of two", option, n);
		return false;
	}
	memcpy((char *)attr + count->at, &(uint32_t){(uint32_t)n}, sizeof(uint32_t));
	return true;
}

static bool attr_parse_counts(const struct call *call, struct mempool_attr *attr)
{
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		if (!attr_parse_count(call, &counts[i], attr)) {
			return false;
		}
	}
	return true;
}

/* What makes a pool: without it there is none. */
static bool attr_parse_size(const struct call *call, struct mempool_attr *attr)
{
	const char *size = call->values[ATTR_BLOCK_SIZE];

	if (size == NULL || call->values[ATTR_BLOCKS] == NULL) {
		complain("create: %s is missing; see mempoolctl create --help",
			 size == NULL ? "--block-size" : "--blocks");
		return false;
	}
	return number_parse_size("--block-size", size, MEMPOOL_BLOCK_SIZE_MIN,
				 MEMPOOL_BLOCK_SIZE_MAX, &attr->block_size);
}

/* A thread has two magazines of 8, 24, 40 ... 248 blocks. */
static bool attr_parse_thread_cache(const struct call *call, struct mempool_attr *attr)
{
	const char *text = call->values[ATTR_THREAD_CACHE];
	uint64_t n;

	if (text == NULL) {
		return true;
	}
	if (strcmp(text, "none") == 0 || strcmp(text, "off") == 0) {
		attr->thread_cache = MEMPOOL_NO_CACHE;
		return true;
	}
	if (!number_parse("--thread-cache", text, 16, 496, &n)) {
		return false;
	}
	if (n % 32 != 16) {
		complain("--thread-cache: \"%s\" is none of 16, 48, 80 ... 496, nor none or off",
			 text);
		return false;
	}
	attr->thread_cache = (uint32_t)n;
	return true;
}

static bool attr_parse_rights(const struct call *call, struct mempool_attr *attr)
{
	const char *mode = call->values[ATTR_MODE];
	const char *owner = call->values[ATTR_OWNER], *group = call->values[ATTR_GROUP];

	return (mode == NULL || number_parse_mode("--mode", mode, &attr->mode)) &&
	       (owner == NULL || number_parse_user("--owner", owner, &attr->uid)) &&
	       (group == NULL || number_parse_group("--group", group, &attr->gid));
}

static bool attr_parse_schema(const struct call *call, struct mempool_attr *attr)
{
	const char *schema = call->values[ATTR_SCHEMA];

	if (schema != NULL && !number_parse_id("--schema", schema, &attr->schema)) {
		return false;
	}
	if (attr->schema == 0 && attr->schema_version != 0) {
		complain("create: --schema-version goes with --schema; say both or none");
		return false;
	}
	return true;
}

/* Reads a flag whose value is one of three words, which stand for 0, 1 and 2. */
static bool attr_parse_word(const struct call *call, enum attr_flag flag,
			    const char *const words[3], uint32_t *n)
{
	const char *text = call->values[flag];
	char option[32];

	if (text == NULL) {
		return true;
	}
	for (uint32_t i = 0; i < 3; i++) {
		if (strcmp(text, words[i]) == 0) {
			*n = i;
			return true;
		}
	}
	complain("%s: \"%s\" is none of %s, %s, %s", attr_option(call, flag, option), text,
		 words[0], words[1], words[2]);
	return false;
}

static bool attr_parse_memory(const struct call *call, struct mempool_attr *attr)
{
	return attr_parse_word(call, ATTR_BACKING, text_backings, &attr->backing) &&
	       attr_parse_word(call, ATTR_HUGE_PAGES, text_efforts, &attr->huge_pages) &&
	       attr_parse_word(call, ATTR_PREFAULT, text_efforts, &attr->prefault);
}

bool attr_parse(const struct call *call, struct mempool_attr *attr)
{
	const char *grace = call->values[ATTR_GIFT_GRACE];

	return attr_parse_size(call, attr) && attr_parse_counts(call, attr) &&
	       attr_parse_thread_cache(call, attr) && attr_parse_schema(call, attr) &&
	       attr_parse_rights(call, attr) && attr_parse_memory(call, attr) &&
	       (grace == NULL || number_parse_time("--gift-grace", grace, &attr->gift_grace_ms));
}
