/* SPDX-License-Identifier: MIT */
/* Where configuration files are, which goes before which, and which are not trusted. */
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/source.h"
#include "tests/unit/told.h"

static char dir[64];
static struct source source;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

static const char *path_of(const char *file)
{
	static char path[200];
	snprintf(path, sizeof path, "%s/%s", dir, file);
	return path;
}

static void put(const char *file, const char *text)
{
	FILE *to = fopen(path_of(file), "w");
	ck_assert_ptr_nonnull(to);
	fputs(text, to);
	fclose(to);
	ck_assert_int_eq(chmod(path_of(file), 0644), 0);
}

static void make_dir(const char *name)
{
	ck_assert_int_eq(mkdir(path_of(name), 0755), 0);
}

static void setup(void)
{
	strcpy(dir, "/tmp/mempool-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	make_dir("etc");
	make_dir("etc/pools.d");
	make_dir("lib");
	make_dir("lib/pools.d");
	source = (struct source){.required = false};
	strcpy(source.main, path_of("etc/mempoold.conf"));
	strcpy(source.vendor, path_of("lib"));
}

static void teardown(void)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void read_all(void)
{
	begin();
	source_read_main(&source, &config, &faults);
	source_read_pools(&source, &config, &faults);
}

static void expect_pools(const char *names)
{
	char found[200] = "";
	for (size_t i = 0; i < config.n_presets; i++) {
		strcat(found, config.presets[i].name);
		strcat(found, " ");
	}
	ck_assert_str_eq(found, names);
}

static void put_pool(const char *file, const char *blocks)
{
	char text[100];
	snprintf(text, sizeof text, "[pool]\nblock_size = 64\nblocks = %s\n", blocks);
	put(file, text);
}

START_TEST(what_is_not_there_is_the_default)
{
	setup();
	read_all();
	expect_good();
	ck_assert_ptr_null(config.file);
	expect_pools("");
	source.required = true;
	read_all();
	ck_assert_uint_eq(faults.n, 1);
	ck_assert_ptr_nonnull(strstr(told, "mempoold.conf: is not there: make it, "));
	teardown();
}
END_TEST

START_TEST(the_administrators_file_goes_before_the_vendors)
{
	setup();
	put("lib/mempoold.conf", "[limits]\npools = 2\n");
	read_all();
	ck_assert_uint_eq(config.limits.pools, 2);
	put("etc/mempoold.conf", "[limits]\nsessions = 99\n");
	read_all();
	expect_good();
	ck_assert_uint_eq(config.limits.pools, 1024);
	ck_assert_uint_eq(config.limits.sessions, 99);
	put("etc/mempoold.conf", "");
	read_all();
	expect_good();
	ck_assert_uint_eq(config.limits.pools, 1024);
	teardown();
}
END_TEST

START_TEST(pools_of_both_folders_in_order_and_masks)
{
	setup();
	put_pool("lib/pools.d/a.pool", "1");
	put_pool("lib/pools.d/b.pool", "1");
	put_pool("lib/pools.d/c.pool", "1");
	put_pool("lib/pools.d/d.pool", "1");
	put_pool("etc/pools.d/b.pool", "2");
	put_pool("etc/pools.d/0.pool", "2");
	put_pool("etc/pools.d/.hidden.pool", "2");
	put_pool("etc/pools.d/b.pool.dpkg-new", "3");
	put("etc/pools.d/c.pool", "");
	ck_assert_int_eq(symlink("/dev/null", path_of("etc/pools.d/d.pool")), 0);
	read_all();
	expect_good();
	expect_pools("0 a b ");
	ck_assert_uint_eq(config.presets[2].blocks, 2);
	teardown();
}
END_TEST

START_TEST(one_bad_pool_does_not_keep_others_away)
{
	setup();
	put_pool("etc/pools.d/a.pool", "1");
	put_pool("etc/pools.d/b.pool", "0");
	put_pool("etc/pools.d/d.pool", "1");
	ck_assert_int_eq(symlink("/nowhere", path_of("etc/pools.d/c.pool")), 0);
	read_all();
	ck_assert_uint_eq(faults.n, 2);
	ck_assert_ptr_nonnull(strstr(told, "b.pool:3: blocks cannot be '0': "));
	ck_assert_ptr_nonnull(strstr(told, "c.pool: cannot be opened: "));
	expect_pools("a d ");
	teardown();
}
END_TEST

/* The file alone has that mode, or the folder. */
static void expect_untrusted(const char *what, mode_t mode, const char *text)
{
	struct stat st;
	ck_assert_int_eq(stat(path_of(what), &st), 0);
	ck_assert_int_eq(chmod(path_of(what), mode), 0);
	read_all();
	ck_assert_msg(faults.n > 0, "%s", what);
	ck_assert_ptr_nonnull(strstr(told, text));
	ck_assert_uint_eq(config.limits.pools + (uint32_t)config.n_presets, 1024);
	ck_assert_int_eq(chmod(path_of(what), st.st_mode & 07777), 0);
	read_all();
	expect_good();
}

START_TEST(what_others_can_write_is_not_read)
{
	setup();
	put("etc/mempoold.conf", "[limits]\npools = 2\n");
	expect_untrusted("etc/mempoold.conf", 0664, "as it can be written by others: chmod ");
	expect_untrusted("etc/mempoold.conf", 0646, "as it can be written by others: chmod ");
	expect_untrusted("etc", 0777, "/etc can be written by others: chmod ");
	expect_untrusted(".", 0777, " can be written by others: chmod ");
	unlink(path_of("etc/mempoold.conf"));
	put_pool("etc/pools.d/a.pool", "1");
	expect_untrusted("etc/pools.d/a.pool", 0664, "a.pool: not read, as it can be written by");
	expect_untrusted("etc/pools.d", 0777, "/etc/pools.d can be written by others: chmod ");
	teardown();
}
END_TEST

START_TEST(a_link_is_trusted_as_what_it_leads_to)
{
	setup();
	make_dir("open");
	put("open/real.conf", "[limits]\npools = 2\n");
	ck_assert_int_eq(symlink("../open/real.conf", path_of("etc/mempoold.conf")), 0);
	read_all();
	expect_good();
	ck_assert_uint_eq(config.limits.pools, 2);
	expect_untrusted("open", 0777, "/open can be written by others: chmod ");
	teardown();
}
END_TEST

START_TEST(what_belongs_to_somebody_else_is_not_read)
{
	if (geteuid() != 0) {
		return; /* only root gives files away */
	}
	setup();
	put("etc/mempoold.conf", "[limits]\npools = 2\n");
	ck_assert_int_eq(chown(path_of("etc/mempoold.conf"), 1, 0), 0);
	read_all();
	ck_assert_ptr_nonnull(strstr(told, "not read, as it belongs to somebody else: chown "));
	ck_assert_uint_eq(config.limits.pools, 1024);
	ck_assert_int_eq(chown(path_of("etc/mempoold.conf"), 0, 0), 0);
	ck_assert_int_eq(chown(path_of("etc"), 1, 0), 0);
	read_all();
	ck_assert_ptr_nonnull(strstr(told, "/etc belongs to somebody else: chown "));
	ck_assert_uint_eq(config.limits.pools, 1024);
	teardown();
}
END_TEST

START_TEST(what_is_no_file_is_told)
{
	setup();
	ck_assert_int_eq(mkfifo(path_of("etc/mempoold.conf"), 0600), 0);
	make_dir("etc/pools.d/a.pool");
	read_all();
	ck_assert_uint_eq(faults.n, 2);
	ck_assert_ptr_nonnull(strstr(told, "mempoold.conf: is no file of at most 1 MiB: "));
	ck_assert_ptr_nonnull(strstr(told, "a.pool: is no file of at most 1 MiB: "));
	teardown();
}
END_TEST

START_TEST(where_to_look)
{
	setenv("XDG_CONFIG_HOME", "/home/x/.config", 1);
	ck_assert_int_eq(source_find(&source, NULL, false), 0);
	if (geteuid() == 0) {
		ck_assert_ptr_nonnull(strstr(source.main, "etc/mempoold/mempoold.conf"));
		ck_assert_str_ne(source.vendor, "");
		char etc[PATH_MAX];
		strcpy(etc, source.main);
		ck_assert_int_eq(source_find(&source, etc, true), 0);
		ck_assert_str_ne(source.vendor, "");
		ck_assert(!source.required);
	} else {
		ck_assert_str_eq(source.main, "/home/x/.config/mempoold/mempoold.conf");
		ck_assert_str_eq(source.vendor, "");
	}
	ck_assert_int_eq(source_find(&source, NULL, true), 0);
	ck_assert_str_eq(source.main, "");
	ck_assert_int_eq(source_find(&source, "/x/my.conf", true), 0);
	ck_assert_str_eq(source.main, "/x/my.conf");
	ck_assert_str_eq(source.vendor, "");
	ck_assert(source.required);
}
END_TEST

SUITE("source", what_is_not_there_is_the_default, the_administrators_file_goes_before_the_vendors,
      pools_of_both_folders_in_order_and_masks, one_bad_pool_does_not_keep_others_away,
      what_others_can_write_is_not_read, a_link_is_trusted_as_what_it_leads_to,
      what_belongs_to_somebody_else_is_not_read, what_is_no_file_is_told, where_to_look)
