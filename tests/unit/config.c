/* SPDX-License-Identifier: MIT */
/* Configuration files: what lines may look like, and what is said of those that do not. */
#include "daemon/config/parse.h"
#include "tests/unit/told.h"

START_TEST(a_file_may_be_empty_or_without_keys)
{
	read_main("");
	expect_good();
	read_main("# nothing\n; nothing\n\n[daemon]\n[limits]\r\n\t[pools]");
	expect_good();
	ck_assert_uint_eq(config.limits.pools, 1024);
}
END_TEST

START_TEST(blanks_and_line_ends_do_not_matter)
{
	read_main("\xef\xbb\xbf[limits]\t\r\n\tpools=7\r\n   sessions : 99 ; few\n"
		  "pools_per_user   =   3");
	expect_good();
	ck_assert_uint_eq(config.limits.pools, 7);
	ck_assert_uint_eq(config.limits.sessions, 99);
	ck_assert_uint_eq(config.limits.pools_per_user, 3);
}
END_TEST

/* A line that begins with blanks goes on with the one above, to inih; not here. */
START_TEST(an_indented_key_is_a_key)
{
	read_main("[access a]\n  read = root\n  write = root\n");
	expect_good();
	ck_assert_uint_eq(config.rules.rules[0].lists[RULE_READ].n, 1);
	ck_assert(config.rules.rules[0].lists[RULE_WRITE].said);
}
END_TEST

START_TEST(every_fault_is_told_with_its_line)
{
	read_main("[daemon]\nlog_level = loud\n\n[limits]\n# fine\nsessions = 0\nnonsense\n");
	ck_assert_uint_eq(faults.n, 3);
	ck_assert_ptr_nonnull(strstr(told, "main:2: log_level cannot be 'loud': say error, "));
	ck_assert_ptr_nonnull(strstr(told, "main:6: sessions cannot be '0': say a number from 1"));
	ck_assert_ptr_nonnull(strstr(told, "main:7: neither a [section] nor `key = value`: "));
}
END_TEST

START_TEST(unknown_names_have_a_hint)
{
	read_main("[limits]\nsesions = 1\n");
	expect_fault("main:2: unknown key 'sesions' in [limits]: did you mean 'sessions'?\n");
	read_main("[daemon]\nsessions = 1\n");
	expect_fault("main:2: 'sessions' does not belong to [daemon]: put it below [limits]\n");
	read_main("[daemon]\nfrobnicate = 1\n");
	expect_fault("main:2: unknown key 'frobnicate' in [daemon]: remove it; ");
	read_main("sessions = 1\n");
	expect_fault("main:1: 'sessions' is in no section: put [daemon] above it\n");
}
END_TEST

/* And what stands in them is not. */
START_TEST(unknown_sections_are_told_once)
{
	read_main("[limit]\nsessions = 1\nfrobnicate = 1\n");
	expect_fault("main:1: unknown section [limit]: did you mean [limits]?\n");
	read_main("[pool]\n");
	expect_fault("main:1: unknown section [pool]: did you mean [pools]?\n");
	read_main("[limits\nsessions = 0\n");
	expect_fault("main:1: the heading does not end: put a ] behind it\n");
}
END_TEST

START_TEST(a_key_is_said_once)
{
	read_main("[limits]\npools = 1\n[daemon]\n[limits]\npools = 2\n");
	expect_fault("main:5: pools is said in line 2 already: remove one\n");
	ck_assert_uint_eq(config.limits.pools, 1);
}
END_TEST

START_TEST(lines_that_inih_would_cut_are_faults)
{
	char text[300] = "[daemon]\nsocket = /";
	memset(text + strlen(text), 'x', 250);
	read_main(text);
	expect_fault("main:2: the line is too long: ");
	memset(text, 'x', sizeof text);
	memcpy(text, "[daemon]\n#", 10);
	begin();
	parse_main(&config, text, sizeof text, "main", &faults);
	expect_fault("main:2: the line is too long: ");
}
END_TEST

START_TEST(control_characters_are_faults)
{
	static const char text[] = "[daemon]\n\001=\nlog_level = debug\0\n[limits]\n\033[2J\n";
	begin();
	parse_main(&config, text, sizeof text - 1, "main", &faults);
	ck_assert_uint_eq(faults.n, 3);
	ck_assert_ptr_null(strchr(told, '\033'));
	ck_assert_ptr_nonnull(strstr(told, "main:5: a control character"));
}
END_TEST

START_TEST(some_sessions_are_left_to_others)
{
	read_main("[limits]\nsessions = 32\n");
	expect_fault("main:2: sessions_kept leaves no session to others: ");
}
END_TEST

START_TEST(a_pool_is_described_by_a_file)
{
	begin();
	read_pool("[pool]\nblock_size = 2K\nblocks = 1M\nuser = 7\nmode = 0640\nschema = 0xfeed\n"
		  "thread_cache = none\n",
		  "/etc/camera.front.pool");
	read_pool("[pool]\nname = rear\nblock_size = 64\nblocks = 1\n", "camera.rear.pool");
	expect_good();
	ck_assert_uint_eq(config.n_presets, 2);
	const struct preset *p = config.presets;
	ck_assert_str_eq(p[0].name, "camera.front");
	ck_assert_str_eq(p[0].file, "/etc/camera.front.pool");
	ck_assert_uint_eq(p[0].block_size, 2048);
	ck_assert_uint_eq(p[0].blocks, 1u << 20);
	ck_assert_uint_eq(p[0].uid, 7);
	ck_assert_uint_eq(p[0].gid, UINT32_MAX);
	ck_assert_uint_eq(p[0].mode, 0640);
	ck_assert_uint_eq(p[0].schema, 0xfeed);
	ck_assert_uint_eq(p[0].thread_cache, UINT32_MAX);
	ck_assert_str_eq(p[1].name, "rear");
	ck_assert_uint_eq(p[1].mode, 0);
}
END_TEST

START_TEST(pools_that_cannot_be_are_faults)
{
	static const char *const bad[][2] = {
		{"[pool]\nblocks = 1\n", "a.pool: block_size is missing: "},
		{"[pool]\nblock_size = 64\n", "a.pool: blocks is missing: "},
		{"[pool]\nblock_size = 8\nblocks = 1\n", "a.pool:2: block_size cannot be '8': "},
		{"[pool]\nblock_size = 64\nblocks = 9\nmax_blocks = 8\n",
		 "a.pool: there is no such pool: the most blocks"},
		{"[pool]\nblock_size = 64\nblocks = 9\nthread_cache = 17\n",
		 "a.pool:4: thread_cache cannot be 17: "},
		{"[pool]\nblock_size = 64\nblocks = 9\nschema_version = 1\n",
		 "a.pool:4: schema_version without schema: "},
		{"[pool]\nblock_size = 64\nblocks = 9\nname = A\n",
		 "a.pool:4: name cannot be 'A': "},
		{"[daemon]\nlog_level = info\n", "a.pool:1: unknown section [daemon]: did you mean "
						 "[pool]?"},
		{"", "a.pool: blocks is missing: "},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		begin();
		read_pool(bad[i][0], "a.pool");
		expect_fault(bad[i][1]);
		ck_assert_uint_eq(config.n_presets, 0);
	}
}
END_TEST

START_TEST(two_files_are_not_one_pool)
{
	begin();
	read_pool("[pool]\nblock_size = 64\nblocks = 1\n", "a.pool");
	read_pool("[pool]\nname = a\nblock_size = 64\nblocks = 1\n", "b.pool");
	expect_fault("b.pool:2: pool 'a' is described by a.pool already: ");
	ck_assert_uint_eq(config.n_presets, 1);
	begin();
	read_pool("[pool]\nblock_size = 64\nblocks = 1\n", "A.pool");
	expect_fault("A.pool: name cannot be 'A': ");
}
END_TEST

SUITE("config", a_file_may_be_empty_or_without_keys, blanks_and_line_ends_do_not_matter,
      an_indented_key_is_a_key, every_fault_is_told_with_its_line, unknown_names_have_a_hint,
      unknown_sections_are_told_once, a_key_is_said_once, lines_that_inih_would_cut_are_faults,
      control_characters_are_faults, some_sessions_are_left_to_others,
      a_pool_is_described_by_a_file, pools_that_cannot_be_are_faults, two_files_are_not_one_pool)
