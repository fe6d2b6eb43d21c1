/* SPDX-License-Identifier: MIT */
/*
 * Spellings: what `mempoolctl create` takes behind an option, a *.pool file takes behind the key of
 * the same meaning, and both take it for the same. They have a reader each, because the client
 * includes nothing of the daemon.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/attr.h"
#include "client/call.h"
#include "client/commands.h"
#include "client/options.h"
#include "daemon/config/table.h"
#include "tests/unit/told.h"

#define NOTHING UINT64_MAX /* the spelling is refused */

bool call_connect(struct call *call)
{
	return call == NULL; /* nobody connects here */
}

/* Where options and keys go to. */
#define AT(field) offsetof(struct mempool_attr, field), offsetof(struct preset, field)
static const struct meaning {
	const char *key;
	size_t in_attr, in_preset;
	bool is_large; /* 64 bits */
} meanings[] = {
	{"block_size", AT(block_size), true},
	{"blocks", AT(blocks), false},
	{"max_blocks", AT(max_blocks), false},
	{"alignment", AT(alignment), false},
	{"user", AT(uid), false},
	{"owner", AT(uid), false},
	{"group", AT(gid), false},
	{"mode", AT(mode), false},
	{"processes", AT(processes), false},
	{"threads", AT(threads), false},
	{"thread_cache", AT(thread_cache), false},
	{"shards", AT(shards), false},
	{"channels", AT(channels), false},
	{"channel_depth", AT(channel_depth), false},
	{"quota", AT(quota), false},
	{"schema", AT(schema), true},
	{"schema_version", AT(schema_version), false},
	{"gift_grace", AT(gift_grace_ms), false},
	{"backing", AT(backing), false},
	{"huge_pages", AT(huge_pages), false},
	{"prefault", AT(prefault), false},
};

#define N_MEANINGS (sizeof meanings / sizeof *meanings)

static const struct meaning *meaning_of(const char *key)
{
	for (size_t i = 0; i < N_MEANINGS; i++) {
		if (strcmp(meanings[i].key, key) == 0) {
			return &meanings[i];
		}
	}
	ck_abort_msg("there is no key %s", key);
}

static uint64_t value_at(const void *base, size_t at, bool is_large)
{
	uint64_t large;
	uint32_t n;
	memcpy(&n, (const char *)base + at, sizeof n);
	memcpy(&large, (const char *)base + at, is_large ? sizeof large : sizeof n);
	return is_large ? large : n;
}

/* What else is said, so that only the spelling can be wrong. */
static const char *const others[][3] = {
	{"block_size", "--block-size", "64"},
	{"blocks", "--blocks", "1"},
	{"schema", "--schema", "1"},
};

static char complaint[1000];

/* Has stderr go to a file, as complaints do, and getopt's. */
static bool parse_line(struct call *call, struct mempool_attr *attr, int n, char **words)
{
	FILE *kept = stderr;
	stderr = fmemopen(complaint, sizeof complaint, "w");
	bool good = options_parse_command(call, n, words) && attr_parse(call, attr);
	fclose(stderr);
	stderr = kept;
	return good;
}

/* What the command line takes the spelling for. */
static uint64_t by_option(const struct meaning *meaning, const char *text)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct call call = {.command = &commands[COMMAND_CREATE]};
	char option[40], word[] = "x";
	char *words[12];
	int n = 0;

	snprintf(option, sizeof option, "--%s", meaning->key);
	for (char *c = option; (c = strchr(c, '_')); *c = '-') {
	}
	words[n++] = word;
	words[n++] = word;
	words[n++] = option;
	words[n++] = (char *)(uintptr_t)text;
	for (size_t i = 0; i < 3; i++) {
		if (strcmp(meaning->key, others[i][0]) != 0) {
			words[n++] = (char *)(uintptr_t)others[i][1];
			words[n++] = (char *)(uintptr_t)others[i][2];
		}
	}
	words[n] = NULL;
	if (!parse_line(&call, &attr, n, words)) {
		return NOTHING;
	}
	ck_assert_int_eq(call.n_names, 1);
	return value_at(&attr, meaning->in_attr, meaning->is_large);
}

/* What a file takes it for. */
static uint64_t by_key(const struct meaning *meaning, const char *text)
{
	char file[600];
	int n = snprintf(file, sizeof file, "[pool]\n%s = %s\n", meaning->key, text);

	for (size_t i = 0; i < 3; i++) {
		if (strcmp(meaning->key, others[i][0]) != 0) {
			n += snprintf(file + n, sizeof file - (size_t)n, "%s = %s\n", others[i][0],
				      others[i][2]);
		}
	}
	begin();
	read_pool(file, "x.pool");
	if (config.n_presets == 0) {
		return NOTHING;
	}
	return value_at(&config.presets[0], meaning->in_preset, meaning->is_large);
}

static void expect(const char *key, const char *text, uint64_t wanted)
{
	const struct meaning *meaning = meaning_of(key);
	uint64_t option = by_option(meaning, text), file = by_key(meaning, text);
	ck_assert_msg(option == wanted, "--%s '%s' is %" PRId64 ", not %" PRId64 ": %s", key, text,
		      (int64_t)option, (int64_t)wanted, complaint);
	ck_assert_msg(file == wanted, "%s = %s is %" PRId64 ", not %" PRId64 ": %s", key, text,
		      (int64_t)file, (int64_t)wanted, told);
}

#define K 1024ull
#define M (K * K)
#define G (K * M)

START_TEST(sizes_have_one_meaning_on_both_sides)
{
	static const struct {
		const char *text;
		uint64_t n;
	} sizes[] = {
		{"64", 64},
		{"0064", 64},
		{"64B", 64},
		{"64b", 64},
		{"64.0", 64},
		{"1K", K},
		{"1k", K},
		{"1KB", K},
		{"1kB", K},
		{"1kb", K},
		{"1Ki", K},
		{"1KiB", K},
		{"1KIB", K},
		{"1kib", K},
		{"1.5K", 3 * K / 2},
		{"1.50k", 3 * K / 2},
		{"0.5K", K / 2},
		{"0.0625KiB", 64},
		{"1.125KB", K + K / 8},
		{"2M", 2 * M},
		{"2m", 2 * M},
		{"2MB", 2 * M},
		{"2MiB", 2 * M},
		{"2mb", 2 * M},
		{"0.000030517578125M", 32},
		{"1.5M", 3 * M / 2},
		{"1G", G},
		{"1g", G},
		{"1GiB", G},
		{"0.25gb", G / 4},
		{"0.0009765625T", G},
		{"0.0009765625tib", G},
		{"0.000000059604644775390625G", NOTHING}, /* 64, but 18 decimals will do */
		{"16", 16},
		{"15", NOTHING},
		{"0", NOTHING},
		{"1.0000001G", NOTHING},
		{"2G", NOTHING},
		{"1T", NOTHING},
		{"1.3K", NOTHING},
		{"64.5", NOTHING},
		{"64.5B", NOTHING},
		{"1.K", NOTHING},
		{"1.", NOTHING},
		{".5K", NOTHING},
		{"1.5.5K", NOTHING},
		{"1,5K", NOTHING},
		{"1 K", NOTHING},
		{"1K B", NOTHING},
		{"-1", NOTHING},
		{"+64", NOTHING},
		{"-1K", NOTHING},
		{"0x40", NOTHING},
		{"6e2", NOTHING},
		{"64x", NOTHING},
		{"1Kx", NOTHING},
		{"1KK", NOTHING},
		{"1Bi", NOTHING},
		{"1iB", NOTHING},
		{"1BK", NOTHING},
		{"1P", NOTHING},
		{"K", NOTHING},
		{"B", NOTHING},
		{"1@", NOTHING},
		{"1\x0b", NOTHING},
		{"18446744073709551616", NOTHING},
		{"18446744073709551680", NOTHING}, /* 64, would it wrap */
		{"16777216T", NOTHING},
		{"18014398509481985K", NOTHING},
		{"99999999999999999999999999.5K", NOTHING},
		{"a lot", NOTHING},
	};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		expect("block_size", sizes[i].text, sizes[i].n);
	}
}
END_TEST

START_TEST(counts_have_no_bytes)
{
	static const char *const keys[] = {"blocks", "max_blocks", "quota", "schema_version"};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		expect(keys[i], "7", 7);
		expect(keys[i], "2K", 2 * K);
		expect(keys[i], "2ki", 2 * K);
		expect(keys[i], "1.5k", 3 * K / 2);
		expect(keys[i], "64M", 64 * M);
		expect(keys[i], "2KB", NOTHING);
		expect(keys[i], "2B", NOTHING);
		expect(keys[i], "1.5", NOTHING);
		expect(keys[i], "4G", NOTHING);
		expect(keys[i], "4294967297", NOTHING);
		expect(keys[i], "many", NOTHING);
	}
	expect("quota", "0", 0);
	expect("blocks", "0", NOTHING);
	expect("max_blocks", "0", NOTHING);
	expect("processes", "4k", 4 * K);
	expect("processes", "4097", NOTHING);
	expect("threads", "1K", K);
	expect("threads", "0", NOTHING);
	expect("shards", "8", 8);
	expect("shards", "3", NOTHING);
	expect("shards", "16", NOTHING);
	expect("channels", "64", 64);
	expect("channels", "65", NOTHING);
	expect("channel_depth", "64K", 64 * K);
	expect("channel_depth", "8", 8);
	expect("channel_depth", "4", NOTHING);
	expect("channel_depth", "100", NOTHING);
	expect("alignment", "4K", 4 * K);
	expect("alignment", "8", 8);
	expect("alignment", "4", NOTHING);
	expect("alignment", "48", NOTHING);
}
END_TEST

START_TEST(times_have_units)
{
	expect("gift_grace", "10", 10000);
	expect("gift_grace", "10s", 10000);
	expect("gift_grace", "500ms", 500);
	expect("gift_grace", "0.25", 250);
	expect("gift_grace", "0.25s", 250);
	expect("gift_grace", "0.250000s", 250);
	expect("gift_grace", "2min", 120000);
	expect("gift_grace", "1.5min", 90000);
	expect("gift_grace", "1ms", 1);
	expect("gift_grace", "86400", 86400000);
	static const char *const bad[] = {
		"0",     "0.0005",       "86401",
		"0.5ms", "10S",          "10 s",
		"2h",    "1d",           "s",
		"-1",    "1.s",          "10sec",
		"2m",    "4294967296ms", "18446744073709551617",
		"soon",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		expect("gift_grace", bad[i], NOTHING);
	}
}
END_TEST

START_TEST(words_are_the_same)
{
	expect("thread_cache", "none", MEMPOOL_NO_CACHE);
	expect("thread_cache", "off", MEMPOOL_NO_CACHE);
	expect("thread_cache", "48", 48);
	expect("thread_cache", "496", 496);
	static const char *const no_caches[] = {"no", "0", "17", "64", "528", "None", "48K", "-1"};
	for (size_t i = 0; i < sizeof no_caches / sizeof *no_caches; i++) {
		expect("thread_cache", no_caches[i], NOTHING);
	}
	expect("backing", "auto", 0);
	expect("backing", "shm", 1);
	expect("backing", "memfd", 2);
	expect("backing", "disk", NOTHING);
	expect("huge_pages", "try", 1);
	expect("huge_pages", "yes", NOTHING);
	expect("prefault", "require", 2);
	expect("prefault", "2", NOTHING);
}
END_TEST

START_TEST(users_modes_and_schemas_are_the_same)
{
	static const char *const owners[] = {"user", "owner"};
	for (size_t i = 0; i < 2; i++) {
		expect(owners[i], "root", 0);
		expect(owners[i], "7", 7);
		expect(owners[i], "4294967294", UINT32_MAX - 1);
		expect(owners[i], "4294967295", NOTHING);
		expect(owners[i], "00000000007", NOTHING);
		expect(owners[i], "nobody-here", NOTHING);
		expect(owners[i], "-1", NOTHING);
	}
	expect("group", "root", 0);
	expect("group", "12", 12);
	expect("group", "@root", NOTHING);
	expect("mode", "640", 0640);
	expect("mode", "0640", 0640);
	expect("mode", "0", NOTHING);
	expect("mode", "0680", NOTHING);
	expect("mode", "1777", NOTHING);
	expect("mode", "u+rw", NOTHING);
	expect("schema", "0", 0);
	expect("schema", "48879", 48879);
	expect("schema", "0xBeef", 0xbeef);
	expect("schema", "0x", NOTHING);
	expect("schema", "0x0x5", NOTHING);
	expect("schema", "0XBEEF", NOTHING);
	expect("schema", "beef", NOTHING);
	expect("schema", "1K", NOTHING);
	expect("schema", "0x10000000000000000", NOTHING);
}
END_TEST

/* A file's blanks end the value; on a command line they are part of it. */
START_TEST(blanks_at_the_ends_are_no_part_of_a_number)
{
	static const char *const spaced[] = {"2K ", " 2K", "2 ", "2K\t", "", " "};
	for (size_t i = 0; i < sizeof spaced / sizeof *spaced; i++) {
		ck_assert_uint_eq(by_option(meaning_of("block_size"), spaced[i]), NOTHING);
		ck_assert_ptr_nonnull(strstr(complaint, spaced[i]));
		ck_assert_ptr_nonnull(strstr(complaint, "such as 4096, 64K"));
	}
	ck_assert_uint_eq(by_key(meaning_of("block_size"), " 2K \t"), 2 * K);
}
END_TEST

/* Whatever is said, both read the same. */
START_TEST(chance_finds_no_difference)
{
	static const char letters[] = "0123456789012345..kKmMgGtTiIbBsSxn%- ";
	static const char *const keys[] = {"block_size", "blocks",       "gift_grace",
					   "quota",      "thread_cache", "schema_version"};
	srandom(20261126);
	for (int i = 0; i < 30000; i++) {
		const struct meaning *meaning = meaning_of(keys[i % 6]);
		char text[12] = "";
		size_t n = 1 + (size_t)random() % (sizeof text - 1);
		for (size_t j = 0; j < n; j++) {
			text[j] = letters[(size_t)random() % (sizeof letters - 1)];
		}
		if (text[0] == ' ' || text[n - 1] == ' ' || text[0] == '-') {
			continue;
		}
		uint64_t option = by_option(meaning, text), file = by_key(meaning, text);
		ck_assert_msg(option == file,
			      "%s '%s' is %" PRId64 " on the command line, %" PRId64 " in a file",
			      meaning->key, text, (int64_t)option, (int64_t)file);
	}
}
END_TEST

/* So that a new one cannot be forgotten above. --if-missing alone says nothing of the pool. */
START_TEST(every_option_of_create_has_its_key)
{
	for (size_t i = 0; i < table_pool.n; i++) {
		const char *key = table_pool.settings[i].name;
		ck_assert(!strcmp(key, "name") || meaning_of(key));
	}
	for (const struct flag *flag = commands[COMMAND_CREATE].flags; flag->name; flag++) {
		char key[40];
		snprintf(key, sizeof key, "%s", flag->name);
		if (strcmp(key, "if-missing") == 0) {
			continue;
		}
		for (char *c = key; (c = strchr(c, '-')); *c = '_') {
		}
		ck_assert_ptr_nonnull(meaning_of(key));
		ck_assert_ptr_nonnull(setting_find(&table_pool, "pool", key));
	}
}
END_TEST

SUITE("spelling", sizes_have_one_meaning_on_both_sides, counts_have_no_bytes, times_have_units,
      words_are_the_same, users_modes_and_schemas_are_the_same,
      blanks_at_the_ends_are_no_part_of_a_number, chance_finds_no_difference,
      every_option_of_create_has_its_key)
