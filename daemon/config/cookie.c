/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/user.h"
#include "daemon/config/cookie.h"

#define TRIES 8 /* others make and remove it meanwhile */

static uint64_t cookie_random(void)
{
	uint64_t number;

	while (getrandom(&number, sizeof number, 0) != sizeof number) {
	}
	return number;
}

/* ---- reading ---- */

/* Whether it may be believed; logs why not. */
static bool cookie_is_ours(const char *path, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		log_error("%s is no plain file: remove it, or say --instance NAME", path);
	} else if (st.st_uid != geteuid()) {
		log_error("%s belongs to %s, and so does the instance: use another directory, or "
			  "say --instance NAME",
			  path, user_describe(st.st_uid).text);
	} else if (st.st_mode & 022) {
		log_error("%s can be written by others: chmod 600 it if it is right, or remove it",
			  path);
	} else {
		return true;
	}
	return false;
}

static bool cookie_is_name(const char *name, const char *prefix)
{
	size_t n = strlen(prefix);

	return !strncmp(name, prefix, n) && strspn(name + n, "0123456789abcdef") == COOKIE_DIGITS &&
	       name[n + COOKIE_DIGITS] == 0;
}

static int cookie_read(const char *path, const char *prefix, char name[COOKIE_NAME], int fd)
{
	char text[COOKIE_NAME + 2] = "";
	ssize_t n;

	if (!cookie_is_ours(path, fd)) {
		return -EUCLEAN;
	}
	n = pread(fd, text, sizeof text - 1, 0);
	if (n > 0 && text[n - 1] == '\n') {
		text[n - 1] = 0;
	}
	if (!cookie_is_name(text, prefix)) {
		log_error("%s does not hold the name of an instance: remove it, or say --instance "
			  "NAME",
			  path);
		return -EUCLEAN;
	}
	strcpy(name, text);
	return 0;
}

int cookie_open(const char *path, const char *prefix, char name[COOKIE_NAME])
{
	/* NONBLOCK: a FIFO may be in its place. */
	int r, fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		r = -errno;
		if (r != -ENOENT) {
			log_error("cannot read %s, which names the instance: %s", path,
				  r == -ELOOP ? "it is a symbolic link" : strerror(-r));
		}
		return r;
	}
	r = cookie_read(path, prefix, name, fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	/* Those who clean up by age leave locked files alone; so they are told that it is used. */
	(void)!flock(fd, LOCK_SH | LOCK_NB);
	return fd;
}

/* ---- making ---- */

static int cookie_write(const char *path, const char *name)
{
	int r = 0, fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0) {
		return -errno;
	}
	/* On the disk before it gets its name: else it could be found empty after a power cut. */
	if (dprintf(fd, "%s\n", name) < 0 || fsync(fd) < 0) {
		r = -errno;
		unlink(path);
	}
	close(fd);
	return r;
}

/* Gives the file its name, unless there is one of that name: then -EEXIST. */
static int cookie_publish(const char *from, const char *path)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, path, RENAME_NOREPLACE) == 0) {
		return 0;
	}
	/* Not every file system can. */
	return errno == EEXIST || link(from, path) < 0 ? -errno : 0;
}

static int cookie_make(const char *path, const char *name, bool replaces)
{
	char from[PATH_MAX + 24];
	int r;

	snprintf(from, sizeof from, "%s.%016" PRIx64, path, cookie_random());
	r = cookie_write(from, name);
	if (r < 0) {
		return r;
	}
	if (!replaces) {
		r = cookie_publish(from, path);
	} else if (rename(from, path) < 0) {
		r = -errno;
	}
	unlink(from); /* after a rename there is none */
	return r;
}

static int cookie_make_new(const char *path, const char *prefix, bool replaces)
{
	char name[COOKIE_NAME];
	int r;

	snprintf(name, sizeof name, "%s%016" PRIx64, prefix, cookie_random());
	r = cookie_make(path, name, replaces);
	if (r < 0 && r != -EEXIST) {
		log_error("cannot make %s, which names the instance: %s; say --instance NAME", path,
			  strerror(-r));
	}
	return r;
}

int cookie_open_or_make(const char *path, const char *prefix, char name[COOKIE_NAME])
{
	int r = -EEXIST;

	for (int i = 0; i < TRIES && r == -EEXIST; i++) {
		int fd = cookie_open(path, prefix, name);
		if (fd != -ENOENT) {
			return fd;
		}
		r = cookie_make_new(path, prefix, false);
		r = r == 0 ? -EEXIST : r;
	}
	return r;
}

int cookie_replace(const char *path, const char *prefix, char name[COOKIE_NAME])
{
	int r = cookie_make_new(path, prefix, true);
	return r < 0 ? r : cookie_open(path, prefix, name);
}

int cookie_restore(const char *path, const char *name)
{
	struct stat st;
	int r;

	if (lstat(path, &st) == 0 || errno != ENOENT) {
		return 0;
	}
	r = cookie_make(path, name, false);
	return r == 0 ? 1 : r == -EEXIST ? 0 : r;
}
