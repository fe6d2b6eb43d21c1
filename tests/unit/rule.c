/* SPDX-License-Identifier: MIT */
/* Access rules: which decides, and whom it lists. */
#include "tests/unit/told.h"

static uint32_t group; /* that whoever asks is in */

static bool is_member(const void *arg, uint32_t gid)
{
	(void)arg;
	return gid == group;
}

/* What the rules say of user 1000: '-' nothing, else whether. */
static char say(const char *pool, enum rule_action action)
{
	const struct rule *rule = rules_find(&config.rules, pool, action);
	return !rule ? '-' : rule_lists(rule, action, 1000, is_member, NULL) ? 'y' : 'n';
}

START_TEST(the_longest_pattern_decides)
{
	read_main("[access *]\nwrite = 1\n"
		  "[access camera.*]\nwrite = 1000\n"
		  "[access camera.raw.*]\nwrite = 1\n"
		  "[access camera.raw]\nwrite = 1000\n"
		  "[access camera.raw*]\nwrite = 1\n");
	expect_good();
	ck_assert_int_eq(say("x", RULE_WRITE), 'n');
	ck_assert_int_eq(say("camera", RULE_WRITE), 'n');
	ck_assert_int_eq(say("camera.x", RULE_WRITE), 'y');
	ck_assert_int_eq(say("camera.raw", RULE_WRITE), 'y');
	ck_assert_int_eq(say("camera.raws", RULE_WRITE), 'n');
	ck_assert_int_eq(say("camera.raw.x", RULE_WRITE), 'n');
}
END_TEST

START_TEST(a_rule_decides_on_what_it_names_only)
{
	read_main("[access camera.*]\ncreate = 1000\ndestroy =\n[access camera.raw.*]\nread = 1\n");
	expect_good();
	ck_assert_int_eq(say("camera.raw.x", RULE_READ), 'n');
	ck_assert_int_eq(say("camera.raw.x", RULE_CREATE), 'y');
	ck_assert_int_eq(say("camera.raw.x", RULE_DESTROY), 'n');
	ck_assert_int_eq(say("camera.raw.x", RULE_WRITE), '-');
	ck_assert_int_eq(say("camera.x", RULE_READ), '-');
	ck_assert_int_eq(say("mike", RULE_CREATE), '-');
}
END_TEST

START_TEST(users_groups_and_anybody_are_listed)
{
	read_main("[access a]\nread = root, 7\nread = @50\n[access b]\nread=*\n[access c]\n"
		  "read=root 1000\n");
	expect_good();
	ck_assert_uint_eq(rules_find(&config.rules, "a", RULE_READ)->lists[RULE_READ].n, 3);
	group = 49;
	ck_assert_int_eq(say("a", RULE_READ), 'n');
	group = 50;
	ck_assert_int_eq(say("a", RULE_READ), 'y');
	ck_assert_int_eq(say("b", RULE_READ), 'y');
	ck_assert_int_eq(say("c", RULE_READ), 'y');
}
END_TEST

START_TEST(unknown_users_and_groups_are_faults)
{
	read_main("[access a]\nread = root nobody.here\n");
	expect_fault("main:2: there is no user 'nobody.here': ");
	read_main("[access a]\nread = @nobody.here\n");
	expect_fault("main:2: there is no group 'nobody.here': ");
	read_main("[access a]\nread = 4294967295\n");
	expect_fault("main:2: there is no user '4294967295': ");
}
END_TEST

START_TEST(what_is_no_pattern_is_a_fault)
{
	static const char *const bad[] = {
		"[access]", "[access a*b]", "[access A]", "[access **]", "[access a b]",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		read_main(bad[i]);
		expect_fault("main:1: '");
	}
	read_main(
		"[access abcdefghijabcdefghijabcdefghijabcdefghijab]\n[access ab*]\n[access *]\n");
	expect_fault("main:1: the heading is longer");
}
END_TEST

START_TEST(unknown_actions_have_a_hint)
{
	read_main("[access a]\nrite = root\n");
	expect_fault("main:2: unknown key 'rite' in [access a]: did you mean 'write'?\n");
	read_main("[access a]\nmode = 0600\n");
	expect_fault("main:2: unknown key 'mode' in [access a]: remove it");
}
END_TEST

SUITE("rule", the_longest_pattern_decides, a_rule_decides_on_what_it_names_only,
      users_groups_and_anybody_are_listed, unknown_users_and_groups_are_faults,
      what_is_no_pattern_is_a_fault, unknown_actions_have_a_hint)
