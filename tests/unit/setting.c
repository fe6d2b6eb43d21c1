/* SPDX-License-Identifier: MIT */
/* Settings: one table, of which everything else is made, and what values may look like. */
#include <inttypes.h>
#include <stdlib.h>

#include "daemon/config/table.h"
#include "daemon/config/parse.h"
#include "lib/core/layout.h"
#include "tests/unit/told.h"

static char why[400];

static bool takes(const char *name, const char *text)
{
	const struct setting *s = setting_find(&table_main, NULL, name);
	return setting_take(s, &config, text, why, sizeof why);
}

static void check_table(const struct setting_table *table, void *base)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct setting *s = &table->settings[i];
		ck_assert_ptr_nonnull(s->section);
		ck_assert_ptr_eq(setting_find(table, NULL, s->name), s);
		ck_assert_msg(setting_take(s, base, s->standard, why, sizeof why), "%s", why);
		ck_assert_int_eq(s->about[strlen(s->about) - 1], '.');
		for (size_t j = 0; j < i; j++) {
			ck_assert_uint_ne(s->at, table->settings[j].at);
		}
	}
}

START_TEST(every_default_is_allowed)
{
	struct preset preset;
	begin();
	check_table(&table_main, &config);
	check_table(&table_pool, &preset);
}
END_TEST

/* What is said by nobody is what the engine would choose. */
START_TEST(defaults_of_pools_are_those_of_the_engine)
{
	struct preset preset;
	struct mp_shape shape = {.block_size = 64, .blocks = 10};
	setting_reset(&table_pool, &preset);
	ck_assert_ptr_null(mp_shape_resolve(&shape, 1));
	ck_assert_uint_eq(preset.alignment, shape.alignment);
	ck_assert_uint_eq(preset.processes, shape.n_slots);
	ck_assert_uint_eq(preset.channels, shape.n_channels);
	ck_assert_uint_eq(preset.channel_depth, shape.depth);
	ck_assert_uint_eq(preset.threads, 0); /* by processes, see mp_caches_default() */
}
END_TEST

START_TEST(numbers_have_units_and_ranges)
{
	begin();
	ck_assert(takes("bytes", "3G"));
	ck_assert_uint_eq(config.limits.bytes, 3ull << 30);
	ck_assert(takes("bytes", "1.5MiB"));
	ck_assert_uint_eq(config.limits.bytes, 3ull << 19);
	ck_assert(takes("blocks_per_user", "3t"));
	ck_assert_uint_eq(config.limits.blocks_per_user, 3ull << 40);
	ck_assert(takes("sessions", "2K"));
	ck_assert_uint_eq(config.limits.sessions, 2048);
	ck_assert(takes("gift_grace", "250ms"));
	ck_assert_uint_eq(config.gift_grace_ms, 250);
	ck_assert(takes("gift_grace", "2"));
	ck_assert_uint_eq(config.gift_grace_ms, 2000);
	ck_assert(takes("pool_seats_kept", "7%"));
	ck_assert_uint_eq(config.limits.pool_seats_kept, 7);
	ck_assert(takes("mode", "0644"));
	ck_assert_uint_eq(config.mode, 0644);
	ck_assert(takes("socket_group", "4000000000"));
	ck_assert_uint_eq(config.socket_group, 4000000000u);
}
END_TEST

START_TEST(what_is_no_value_is_refused_and_changes_nothing)
{
	static const char *const bad[][2] = {
		{"sessions", "0"},
		{"sessions", "1M1"},
		{"sessions", "2M"},
		{"sessions", "-1"},
		{"sessions", "0x10"},
		{"sessions", ""},
		{"sessions", "none"},
		{"bytes", "16777216T"},
		{"bytes", "18446744073709551616"},
		{"bytes", "1kk"},
		{"bytes", "1.3K"},
		{"blocks_per_user", "1KB"},
		{"gift_grace", "2h"},
		{"gift_grace", "0"},
		{"gift_grace", "4294967296ms"},
		{"pool_seats_kept", "10"},
		{"pool_seats_kept", "101%"},
		{"pool_seats_kept", "%"},
		{"mode", "0888"},
		{"mode", "01777"},
		{"mode", "0"},
		{"log_level", "loud"},
		{"socket", "run/socket"},
		{"socket", "/234567890123456789012345678901234567890123456789012345678901234567890"
			   "23456789012345678901234567890123456789"},
		{"instance", "a.b"},
		{"socket_group", "no such group"},
		{"socket_group", "4294967295"},
	};
	struct config before;
	begin();
	before = config;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		ck_assert_msg(!takes(bad[i][0], bad[i][1]), "%s = %s", bad[i][0], bad[i][1]);
		ck_assert_ptr_nonnull(strstr(why, ": say "));
	}
	ck_assert_mem_eq(&config, &before, sizeof config);
}
END_TEST

/* A number as one would write it for a setting of that type. */
static const char *write_number(const struct setting *s, uint64_t number)
{
	static char text[40];

	snprintf(text, sizeof text,
		 s->type == SETTING_PERCENT ? "%" PRIu64 "%%"
		 : s->type == SETTING_TIME  ? "%" PRIu64 "ms"
		 : s->type == SETTING_MODE  ? "%" PRIo64
					    : "%" PRIu64,
		 number);
	return text;
}

static void check_ends(const struct setting_table *table, void *base)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct setting *s = &table->settings[i];
		if (s->type > SETTING_CACHE || s->max == UINT64_MAX) {
			continue; /* no number, or one without an end */
		}
		ck_assert_msg(setting_take(s, base, write_number(s, s->max), why, sizeof why),
			      "%s: %s", s->name, why);
		ck_assert_msg(!setting_take(s, base, write_number(s, s->max + 1), why, sizeof why),
			      "%s takes more than %" PRIu64, s->name, s->max);
		ck_assert_ptr_nonnull(strstr(why, s->name));
		ck_assert_msg(setting_take(s, base, write_number(s, s->min), why, sizeof why),
			      "%s: %s", s->name, why);
		ck_assert_msg(!s->min || !setting_take(s, base, write_number(s, s->min - 1), why,
						       sizeof why),
			      "%s takes less than %" PRIu64, s->name, s->min);
	}
}

START_TEST(every_number_ends_at_its_limit)
{
	struct preset preset;
	begin();
	check_ends(&table_main, &config);
	check_ends(&table_pool, &preset);
}
END_TEST

/* The longest text of @n letters is taken, and one letter more is not. */
static void check_length(const struct setting_table *table, void *base, const char *name, size_t n)
{
	const struct setting *s = setting_find(table, NULL, name);
	char text[300];

	memset(text, 'n', sizeof text);
	text[0] = s->type == SETTING_PATH ? '/' : 'n';
	text[n] = 0;
	ck_assert_msg(setting_take(s, base, text, why, sizeof why), "%s: %s", name, why);
	text[n] = 'n';
	text[n + 1] = 0;
	ck_assert_msg(!setting_take(s, base, text, why, sizeof why), "%s", name);
}

START_TEST(every_text_ends_at_its_limit)
{
	struct preset preset;
	begin();
	check_length(&table_main, &config, "socket", 107);
	check_length(&table_main, &config, "runtime_dir", SETTING_TEXT - 1);
	check_length(&table_main, &config, "instance", SETTING_INSTANCE_LENGTH);
	check_length(&table_pool, &preset, "name", 64);
}
END_TEST

/* With its keys as they are, and with the # before them taken away. */
START_TEST(the_printed_file_is_what_holds_by_itself)
{
	static struct config plain;
	char *text = NULL;
	size_t n = 0;
	FILE *to = open_memstream(&text, &n);
	setting_print(&table_main, to);
	fclose(to);
	begin();
	plain = config;
	parse_main(&config, text, n, "main", &faults);
	for (char *c = text; (c = strstr(c, "\n#")); c++) {
		c[1] = c[2] == ' ' ? '#' : ' ';
	}
	parse_main(&config, text, n, "main", &faults);
	expect_good();
	ck_assert_mem_eq(&config, &plain, offsetof(struct config, rules));
	for (size_t i = 0; i < table_main.n; i++) {
		ck_assert_ptr_nonnull(config.said[i].text);
	}
	free(text);
}
END_TEST

START_TEST(the_nearest_name_is_found)
{
	const char *best = NULL;
	setting_consider("bloks", "block_size", &best);
	ck_assert_ptr_null(best);
	setting_consider("bloks", "quota", &best);
	ck_assert_ptr_null(best);
	setting_consider("bloks", "locks", &best);
	setting_consider("bloks", "blocks", &best);
	setting_consider("bloks", "clocks", &best);
	ck_assert_str_eq(best, "blocks");
}
END_TEST

SUITE("setting", every_default_is_allowed, defaults_of_pools_are_those_of_the_engine,
      numbers_have_units_and_ranges, what_is_no_value_is_refused_and_changes_nothing,
      every_number_ends_at_its_limit, every_text_ends_at_its_limit,
      the_printed_file_is_what_holds_by_itself, the_nearest_name_is_found)
