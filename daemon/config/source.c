/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "daemon/config/parse.h"
#include "daemon/config/rule.h"
#include "daemon/config/source.h"

#define MAIN_NAME "mempoold.conf"
#define MAX_SIZE (1u << 20) /* bytes of a file */

/* What became of reading a file. */
enum outcome {
	ABSENT,
	UNUSABLE, /* the fault was told */
	READ,
};

struct text {
	char *bytes;
	size_t n;
};

int source_find(struct source *source, const char *named, bool is_private)
{
	const char *etc = MP_CONFIG_DIR "/" MAIN_NAME;
	const char *xdg = secure_getenv("XDG_CONFIG_HOME"), *home = secure_getenv("HOME");
	char *main = source->main;
	int n = 0;

	*source = (struct source){.required = named && strcmp(named, etc) != 0};
	if (named) {
		n = snprintf(main, PATH_MAX, "%s", named);
	} else if (is_private) {
		return 0;
	} else if (geteuid() == 0) {
		n = snprintf(main, PATH_MAX, "%s", etc);
	} else if (xdg && *xdg == '/') {
		n = snprintf(main, PATH_MAX, "%s/mempoold/" MAIN_NAME, xdg);
	} else if (home && *home == '/') {
		n = snprintf(main, PATH_MAX, "%s/.config/mempoold/" MAIN_NAME, home);
	}
	if (strcmp(main, etc) == 0) {
		strcpy(source->vendor, MP_VENDOR_DIR);
	}
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* ---- trust ---- */

/* Why somebody else could have written the file, or NULL. */
static const char *source_distrust(const struct stat *st)
{
	bool is_kept = S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX;

	if (st->st_uid != 0 && st->st_uid != geteuid()) {
		return "belongs to somebody else: chown it to root";
	}
	if (st->st_mode & (S_IWGRP | S_IWOTH) && !is_kept) {
		return "can be written by others: chmod go-w it";
	}
	return NULL;
}

/*
 * Whether all folders on @path, which has no links, are to be trusted. Tells the fault of @file if
 * not. Changes @path.
 */
static bool source_folders_are_trusted(const char *file, char *path, struct faults *faults)
{
	const char *why;
	struct stat st;
	char *slash;

	while ((slash = strrchr(path, '/')) != NULL && path[1]) {
		slash[slash == path] = 0;
		why = stat(path, &st) < 0 ? strerror(errno) : source_distrust(&st);
		if (why) {
			fault(faults, file, 0, "not read, as its folder %s %s", path, why);
			return false;
		}
	}
	return true;
}

/*
 * Whether the file, its folders and, if it is a link, the folders of its target are to be trusted.
 * Tells the fault if not.
 */
static bool source_is_trusted(const char *file, int fd, const struct stat *st,
			      struct faults *faults)
{
	char link[40], folder[PATH_MAX], path[PATH_MAX + 8];
	const char *why = source_distrust(st), *slash = strrchr(file, '/');
	ssize_t n;

	if (why) {
		fault(faults, file, 0, "not read, as it %s", why);
		return false;
	}
	snprintf(path, sizeof path, "%.*s", slash ? (int)(slash - file) + 1 : 1,
		 slash ? file : ".");
	if (!realpath(path, folder)) {
		fault(faults, file, 0, "not read, as its folder cannot be looked at: %s",
		      strerror(errno));
		return false;
	}
	snprintf(path, sizeof path, "%s/file", folder);
	if (!source_folders_are_trusted(file, path, faults)) {
		return false;
	}
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	path[n < 0 ? 0 : n] = 0;
	return n < 0 || source_folders_are_trusted(file, path, faults);
}

/* ---- reading ---- */

static bool source_is_null_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(1, 3);
}

static bool source_read_all(int fd, size_t size, struct text *text)
{
	text->bytes = malloc(size + 1);
	while (text->bytes && text->n < size) {
		ssize_t n = read(fd, text->bytes + text->n, size - text->n);
		if (n <= 0) {
			break;
		}
		text->n += (size_t)n;
	}
	return text->bytes && text->n == size;
}

/* Reads the open file into @text if it is to be trusted. */
static enum outcome source_read_open(const char *file, int fd, struct text *text,
				     struct faults *faults)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		fault(faults, file, 0, "cannot be looked at: %s", strerror(errno));
	} else if (source_is_null_device(&st)) {
		return READ;
	} else if (!S_ISREG(st.st_mode) || (size_t)st.st_size > MAX_SIZE) {
		fault(faults, file, 0, "is no file of at most 1 MiB: put one there, or remove it");
	} else if (source_is_trusted(file, fd, &st, faults)) {
		if (source_read_all(fd, (size_t)st.st_size, text)) {
			return READ;
		}
		fault(faults, file, 0, "cannot be read: read it again when it is whole");
	}
	return UNUSABLE;
}

static enum outcome source_read_file(const char *file, struct text *text, struct faults *faults)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	enum outcome outcome;

	*text = (struct text){.n = 0};
	if (fd < 0) {
		int error = errno;
		if (error == ENOENT && lstat(file, &st) < 0) {
			return ABSENT;
		}
		fault(faults, file, 0, "cannot be opened: %s", strerror(error));
		return UNUSABLE;
	}
	outcome = source_read_open(file, fd, text, faults);
	close(fd);
	if (outcome != READ) {
		free(text->bytes);
		text->bytes = NULL;
	}
	return outcome;
}

void source_read_main(const struct source *source, struct config *config, struct faults *faults)
{
	char vendor[PATH_MAX + sizeof MAIN_NAME];
	const char *file = source->main;
	enum outcome outcome = ABSENT;
	struct text text = {.n = 0};

	if (*file) {
		outcome = source_read_file(file, &text, faults);
	}
	if (outcome == ABSENT && source->required) {
		fault(faults, file, 0, "is not there: make it, or name another by --config");
	}
	if (outcome == ABSENT && *source->vendor) {
		snprintf(vendor, sizeof vendor, "%s/" MAIN_NAME, source->vendor);
		file = vendor;
		outcome = source_read_file(file, &text, faults);
	}
	if (outcome == READ) {
		config->file = strdup(file);
		parse_main(config, text.bytes ? text.bytes : "", text.n, file, faults);
		free(text.bytes);
	}
}

/* ---- pools ---- */

struct names {
	char **names;
	size_t n;
};

static bool source_is_pool_file(const char *name)
{
	size_t n = strlen(name);

	return *name != '.' && n > 5 && !strcmp(name + n - 5, ".pool");
}

/* Adds the names of a folder's *.pool files. A folder that is not there has none. */
static void source_list_folder(struct names *names, const char *folder, struct faults *faults)
{
	const struct dirent *entry;
	DIR *dir = opendir(folder);

	if (!dir) {
		if (errno != ENOENT) {
			fault(faults, folder, 0, "cannot be read: %s", strerror(errno));
		}
		return;
	}
	while ((entry = readdir(dir)) != NULL) {
		char **all,
			*name = source_is_pool_file(entry->d_name) ? strdup(entry->d_name) : NULL;
		all = name ? reallocarray(names->names, names->n + 1, sizeof *all) : NULL;
		if (all) {
			all[names->n++] = name;
			names->names = all;
		} else {
			free(name);
		}
	}
	closedir(dir);
}

static int source_compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Reads the file of that name: the one in @folder, which hides the vendor's even if it is empty. */
static void source_read_pool(const char *folder, const char *vendor, const char *name,
			     struct config *config, struct faults *faults)
{
	char file[2 * PATH_MAX];
	struct text text = {.n = 0};
	enum outcome outcome;

	snprintf(file, sizeof file, "%s/%s", folder, name);
	outcome = source_read_file(file, &text, faults);
	if (outcome == ABSENT && *vendor) {
		snprintf(file, sizeof file, "%s/%s", vendor, name);
		outcome = source_read_file(file, &text, faults);
	}
	if (outcome == READ && text.n > 0) {
		parse_pool(config, text.bytes, text.n, file, faults);
	}
	free(text.bytes);
}

/* A pool with an owner and no group has the owner's. */
static void source_find_groups(struct config *config)
{
	for (size_t i = 0; i < config->n_presets; i++) {
		struct preset *preset = &config->presets[i];
		if (preset->uid != UINT32_MAX && preset->gid == UINT32_MAX) {
			rule_find_group_of(preset->uid, &preset->gid);
		}
	}
}

void source_read_pools(const struct source *source, struct config *config, struct faults *faults)
{
	char folder[PATH_MAX + 16], vendor[PATH_MAX + 16] = "";
	const char *slash = strrchr(source->main, '/');
	struct names names = {.n = 0};

	if (*source->main == 0) {
		return;
	}
	snprintf(folder, sizeof folder, "%.*spools.d", slash ? (int)(slash - source->main) + 1 : 0,
		 source->main);
	source_list_folder(&names, folder, faults);
	if (*source->vendor) {
		snprintf(vendor, sizeof vendor, "%s/pools.d", source->vendor);
		source_list_folder(&names, vendor, faults);
	}
	if (names.n > 0) {
		qsort(names.names, names.n, sizeof *names.names, source_compare_names);
	}
	for (size_t i = 0; i < names.n; i++) {
		if (i == 0 || strcmp(names.names[i - 1], names.names[i]) != 0) {
			source_read_pool(folder, vendor, names.names[i], config, faults);
		}
	}
	for (size_t i = 0; i < names.n; i++) {
		free(names.names[i]);
	}
	free(names.names);
	source_find_groups(config);
}
