/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/user.h"
#include "daemon/store/object.h"

void object_registry_name(char name[OBJECT_NAME], const char *instance)
{
	snprintf(name, OBJECT_NAME, "/mempool.%s.registry", instance);
}

void object_pool_name(char name[OBJECT_NAME], const char *instance, const char *pool, uint64_t id,
		      enum object_kind kind)
{
	snprintf(name, OBJECT_NAME, "/mempool.%s.%s.%016" PRIx64 ".%s", instance, pool, id,
		 kind == OBJECT_CONTROL ? "ctl" : "dat");
}

void object_liveness_name(char name[OBJECT_NAME], const char *instance, uint64_t id,
			  uint64_t attachment)
{
	snprintf(name, OBJECT_NAME, "/mempool.%s.%016" PRIx64 ".%016" PRIx64 ".live", instance, id,
		 attachment);
}

bool object_is_named(const char *name, int fd)
{
	char path[sizeof "/dev/shm" + OBJECT_NAME];
	struct stat at, own;

	snprintf(path, sizeof path, "/dev/shm%s", name);
	return lstat(path, &at) == 0 && fstat(fd, &own) == 0 && at.st_dev == own.st_dev &&
	       at.st_ino == own.st_ino;
}

uint64_t object_random(void)
{
	uint64_t number = 0;

	/* 0 means none, so it is not returned. getrandom() is never short for up to 256 bytes. */
	while (number == 0) {
		if (getrandom(&number, sizeof number, 0) != sizeof number) {
			number = 0;
		}
	}
	return number;
}

int object_create(const char *name, int flags)
{
	int fd = shm_open(name, flags | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

int object_check(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	if (!S_ISREG(st.st_mode) || (st.st_mode & 07777) != 0600 || st.st_uid != geteuid() ||
	    st.st_nlink != 1) {
		return -EUCLEAN;
	}
	return 0;
}

int object_open(const char *name, int flags, uint64_t size)
{
	struct stat st;
	int fd = shm_open(name, flags | O_CLOEXEC, 0);
	int r;

	if (fd < 0) {
		return -errno;
	}
	r = object_check(fd);
	if (r == 0 && (fstat(fd, &st) < 0 || (uint64_t)st.st_size != size)) {
		r = -EUCLEAN;
	}
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int object_reserve(int fd, uint64_t at, uint64_t size)
{
	int r;

	do {
		r = fallocate(fd, 0, (off_t)at, (off_t)size);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

void object_punch(int fd, uint64_t at, uint64_t size)
{
	int r;

	do {
		r = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at,
			      (off_t)size);
	} while (r < 0 && errno == EINTR);
}

struct object_path object_tell(const char *file)
{
	struct object_path path;

	snprintf(path.text, sizeof path.text, "/dev/shm/%s", file);
	for (char *c = path.text; *c; c++) {
		bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			     (*c >= '-' && *c <= '9') || *c == '_';
		*c = plain ? *c : '?';
	}
	return path;
}

static void object_report(const char *file)
{
	const struct object_path told = object_tell(file);
	char path[sizeof told.text];
	struct stat st;

	snprintf(path, sizeof path, "/dev/shm/%s", file);
	if (lstat(path, &st) < 0) {
		return;
	}
	if (st.st_uid == geteuid()) {
		log_warning("%s is no object the registry knows; left alone, remove it by hand: "
			    "rm -f %s",
			    told.text, told.text);
	} else {
		log_warning("%s is no object of this daemon's, but %s's; an administrator removes "
			    "it: rm -rf %s",
			    told.text, user_describe(st.st_uid).text, told.text);
	}
}

void object_report_unknown(const char *instance, int (*known)(void *arg, const char *name),
			   void *arg)
{
	char prefix[OBJECT_NAME];
	DIR *dir = opendir("/dev/shm");
	const struct dirent *entry;

	if (!dir) {
		return;
	}
	snprintf(prefix, sizeof prefix, "mempool.%s.", instance);
	while ((entry = readdir(dir))) {
		if (!strncmp(entry->d_name, prefix, strlen(prefix)) && !known(arg, entry->d_name)) {
			object_report(entry->d_name);
		}
	}
	closedir(dir);
}
