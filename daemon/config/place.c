/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/config/place.h"

/* FNV-1a, a byte at a time. */
static uint64_t place_hash_number(uint64_t hash, uint64_t number)
{
	for (int i = 0; i < 8; i++) {
		hash = (hash ^ (number >> 8 * i & 0xff)) * 0x100000001b3u;
	}
	return hash;
}

/* Where the socket and nothing else lives. Returns 0 or -errno. */
static int place_choose_directory(char dir[PATH_MAX], const struct options *options)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	int n;

	if (options->runtime_dir) {
		n = snprintf(dir, PATH_MAX, "%s", options->runtime_dir);
	} else if (geteuid() == 0) {
		n = snprintf(dir, PATH_MAX, "/run/mempoold");
	} else if (base && *base) {
		n = snprintf(dir, PATH_MAX, "%s/mempoold", base);
	} else {
		log_error("XDG_RUNTIME_DIR is not set; say --runtime-dir DIR");
		return -ENOENT;
	}
	if (n >= PATH_MAX) {
		log_error("the runtime directory's path is too long");
		return -ENAMETOOLONG;
	}
	return 0;
}

/* Anybody may reach root's socket, rights are looked at per request; others keep to themselves. */
static int place_make_directory(const char *dir, struct stat *st)
{
	mode_t mode = geteuid() == 0 ? 0755 : 0700;

	if (mkdir(dir, mode) == 0) {
		if (chmod(dir, mode) < 0) {
			log_error("cannot set the mode of %s: %s", dir, strerror(errno));
			return -errno;
		}
	} else if (errno != EEXIST) {
		log_error("cannot make the runtime directory %s: %s", dir, strerror(errno));
		return -errno;
	}
	if (stat(dir, st) < 0 || !S_ISDIR(st->st_mode)) {
		log_error("the runtime directory %s is no directory", dir);
		return -ENOTDIR;
	}
	return 0;
}

static void place_choose_instance(struct place *place, const struct options *options,
				  const struct stat *dir)
{
	uint64_t hash = place_hash_number(0xcbf29ce484222325u, dir->st_dev);

	if (options->instance) {
		snprintf(place->instance, sizeof place->instance, "%s", options->instance);
	} else if (options->runtime_dir) {
		hash = place_hash_number(hash, dir->st_ino);
		snprintf(place->instance, sizeof place->instance, "dir-%016" PRIx64, hash);
	} else if (geteuid() == 0) {
		snprintf(place->instance, sizeof place->instance, "system");
	} else {
		snprintf(place->instance, sizeof place->instance, "user-%u", geteuid());
	}
}

int place_resolve(struct place *place, const struct options *options)
{
	char dir[PATH_MAX];
	struct stat st = {0};
	int n, r = 0;

	/* With a socket and an instance of one's own no directory is needed. */
	if (!options->socket || options->runtime_dir) {
		r = place_choose_directory(dir, options);
		if (r == 0) {
			r = place_make_directory(dir, &st);
		}
	}
	if (r < 0) {
		return r;
	}
	place_choose_instance(place, options, &st);
	if (options->socket) {
		n = snprintf(place->socket, sizeof place->socket, "%s", options->socket);
	} else {
		n = snprintf(place->socket, sizeof place->socket, "%s/socket", dir);
	}
	if ((size_t)n >= sizeof place->socket) {
		log_error("the socket's path has %d bytes, a socket address holds %zu", n,
			  sizeof place->socket - 1);
		return -ENAMETOOLONG;
	}
	return 0;
}
