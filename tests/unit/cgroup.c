/* SPDX-License-Identifier: MIT */
/* Memory cgroups, read from files that look as the kernel's: what the tightest of them leaves. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "daemon/base/cgroup.h"
#include "tests/unit/suite.h"

#define UNIT "/sys/fs/cgroup/system.slice/mempoold.service"
#define PARENT "/sys/fs/cgroup/system.slice"
#define V1 "/sys/fs/cgroup/memory/docker/abc"

static char root[] = "/tmp/mempool-test-cgroup-XXXXXX";
static struct cgroup_limit found;

/* Writes a file below the root, and makes its folders. */
static void put(const char *folder, const char *file, const char *text)
{
	char path[300];
	FILE *to;

	snprintf(path, sizeof path, "%s%s/", root, folder);
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		mkdir(path, 0755);
		*slash = '/';
	}
	snprintf(path, sizeof path, "%s%s/%s", root, folder, file);
	to = fopen(path, "w");
	ck_assert_ptr_nonnull(to);
	fputs(text, to);
	fclose(to);
}

static void begin(const char *own)
{
	ck_assert_ptr_nonnull(mkdtemp(root));
	put("/proc/self", "cgroup", own);
}

/* Looks, and removes the files. */
static void look(void)
{
	char command[100];

	cgroup_look(root, &found);
	snprintf(command, sizeof command, "rm -r %s", root);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(a_limit_less_what_is_used_is_left)
{
	begin("0::/system.slice/mempoold.service\n");
	put(UNIT, "memory.max", "100000000\n");
	put(UNIT, "memory.high", "max\n");
	put(UNIT, "memory.current", "40000000\n");
	look();
	ck_assert_uint_eq(found.left, 60000000);
	ck_assert_uint_eq(found.limit, 100000000);
	ck_assert_str_eq(found.setting, "MemoryMax=");
	ck_assert_str_eq(found.file, "memory.max");
	ck_assert_str_eq(found.group, "mempoold.service");
}
END_TEST

START_TEST(the_lower_of_max_and_high_counts)
{
	begin("0::/system.slice/mempoold.service\n");
	put(UNIT, "memory.max", "100000000\n");
	put(UNIT, "memory.high", "50000000\n");
	put(UNIT, "memory.current", "40000000\n");
	look();
	ck_assert_uint_eq(found.left, 10000000);
	ck_assert_str_eq(found.setting, "MemoryHigh=");
}
END_TEST

START_TEST(the_tightest_of_all_above_counts)
{
	begin("0::/system.slice/mempoold.service\n");
	put(UNIT, "memory.max", "100000000\n");
	put(UNIT, "memory.current", "10000000\n");
	put(PARENT, "memory.max", "1000000000\n");
	put(PARENT, "memory.current", "990000000\n");
	look();
	ck_assert_uint_eq(found.left, 10000000);
	ck_assert_str_eq(found.group, "system.slice");
}
END_TEST

START_TEST(what_makes_way_is_left)
{
	begin("0::/system.slice/mempoold.service\n");
	put(UNIT, "memory.max", "100\n");
	put(UNIT, "memory.current", "90\n");
	put(UNIT, "memory.stat", "anon 1\nworkingset_inactive_file 7\ninactive_file 40\nshmem 2\n");
	look();
	ck_assert_uint_eq(found.left, 50);
}
END_TEST

START_TEST(more_than_is_allowed_leaves_nothing)
{
	begin("0::/system.slice/mempoold.service\n");
	put(UNIT, "memory.max", "100\n");
	put(UNIT, "memory.current", "101\n");
	look();
	ck_assert_uint_eq(found.left, 0);
}
END_TEST

/* A container without a namespace of cgroups: its own is mounted where it believes the root is. */
START_TEST(version_one_is_read_too)
{
	begin("5:cpu,cpuacct:/docker/abc\n4:hugetlb,memory:/docker/abc\n0::/\n");
	put("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "2000\n");
	put("/sys/fs/cgroup/memory", "memory.usage_in_bytes", "1500\n");
	put("/sys/fs/cgroup/memory", "memory.stat", "inactive_file 1\ntotal_inactive_file 300\n");
	look();
	ck_assert_uint_eq(found.left, 800);
	ck_assert_str_eq(found.file, "memory.limit_in_bytes");
}
END_TEST

START_TEST(no_limit_is_none)
{
	begin("4:memory:/docker/abc\n0::/\n");
	put(V1, "memory.limit_in_bytes", "9223372036854771712\n");
	put(V1, "memory.usage_in_bytes", "1500\n");
	put("/sys/fs/cgroup/unified", "memory.max", "max\n");
	look();
	ck_assert_uint_eq(found.left, UINT64_MAX);
	ck_assert_ptr_null(found.file);
}
END_TEST

START_TEST(what_cannot_be_read_limits_nothing)
{
	begin("0:\n:\n\n0::/gone\n12:memory\n");
	look();
	ck_assert_uint_eq(found.left, UINT64_MAX);
	cgroup_look("/nowhere", &found);
	ck_assert_uint_eq(found.left, UINT64_MAX);
}
END_TEST

SUITE("cgroup", a_limit_less_what_is_used_is_left, the_lower_of_max_and_high_counts,
      the_tightest_of_all_above_counts, what_makes_way_is_left, more_than_is_allowed_leaves_nothing,
      version_one_is_read_too, no_limit_is_none, what_cannot_be_read_limits_nothing)
