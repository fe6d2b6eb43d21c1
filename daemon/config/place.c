/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/user.h"
#include "daemon/config/cookie.h"
#include "daemon/config/place.h"

#define PRIVATE_COOKIE "instance"
#define USER_COOKIE "instance.user" /* of an instance that could not be called user-UID */

/* Others could put a socket and an instance of theirs into a directory that is theirs. */
static int place_check_owner(const char *dir, const char *what)
{
	struct stat st;

	if (stat(dir, &st) < 0) {
		log_error("cannot look at %s: %s; say --runtime-dir DIR", dir, strerror(errno));
		return -errno;
	}
	if (st.st_uid != geteuid()) {
		log_error("%s%s belongs to %s and not to %s, and is not used: set XDG_RUNTIME_DIR "
			  "as a login of that user does, or say --runtime-dir DIR",
			  what, dir, user_describe(st.st_uid).text, user_describe(geteuid()).text);
		return -EPERM;
	}
	return 0;
}

/* The directory of an ordinary user's own instance. */
static int place_choose_users(char dir[PATH_MAX])
{
	const char *base = secure_getenv("XDG_RUNTIME_DIR");
	int r;

	if (!base || !*base) {
		log_error("XDG_RUNTIME_DIR is not set; say --runtime-dir DIR");
		return -ENOENT;
	}
	r = place_check_owner(base, "$XDG_RUNTIME_DIR, ");
	if (r == 0 && snprintf(dir, PATH_MAX, "%s/mempoold", base) >= PATH_MAX) {
		r = -ENAMETOOLONG;
	}
	return r;
}

/* Chooses the runtime directory, which has the socket in it. Returns 0 or -errno. */
static int place_choose_directory(char dir[PATH_MAX], const struct options *options)
{
	int n;

	if (!options->runtime_dir && geteuid() != 0) {
		return place_choose_users(dir);
	}
	n = snprintf(dir, PATH_MAX, "%s",
		     options->runtime_dir ? options->runtime_dir : "/run/mempoold");
	if (n >= PATH_MAX) {
		log_error("the runtime directory's path is too long");
		return -ENAMETOOLONG;
	}
	return 0;
}

/* Anybody may reach root's socket, rights are looked at per request; others keep to themselves. */
static int place_make_directory(const char *dir)
{
	mode_t mode = geteuid() == 0 ? 0755 : 0700;
	struct stat st;

	if (mkdir(dir, mode) == 0) {
		if (chmod(dir, mode) < 0) {
			log_error("cannot set the mode of %s: %s", dir, strerror(errno));
			return -errno;
		}
	} else if (errno != EEXIST) {
		log_error("cannot make the runtime directory %s: %s", dir, strerror(errno));
		return -errno;
	}
	if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)) {
		log_error("the runtime directory %s is no directory", dir);
		return -ENOTDIR;
	}
	return 0;
}

/* Chooses the directory, makes it where needed, and notes its path from the root. */
static int place_settle(struct place *place, char dir[PATH_MAX], const struct options *options)
{
	int r = place_choose_directory(dir, options);

	if (r == 0) {
		r = place_make_directory(dir);
	}
	if (r == 0 && !options->runtime_dir && geteuid() != 0) {
		r = place_check_owner(dir, "");
	}
	if (r == 0 && !realpath(dir, place->dir)) {
		r = -errno;
		log_error("cannot find %s: %s", dir, strerror(-r));
	}
	return r;
}

/* ---- the instance ---- */

static int place_name_cookie(struct place *place, const char *file)
{
	int n = snprintf(place->cookie, sizeof place->cookie, "%s/%s", place->dir, file);

	if ((size_t)n >= sizeof place->cookie) {
		log_error("the runtime directory's path is too long");
		return -ENAMETOOLONG;
	}
	return 0;
}

static int place_choose_private(struct place *place)
{
	int r = place_name_cookie(place, PRIVATE_COOKIE);

	strcpy(place->prefix, "dir-");
	if (r == 0) {
		r = cookie_open_or_make(place->cookie, place->prefix, place->instance);
		place->cookie_fd = r;
	}
	return r < 0 ? r : 0;
}

/* user-UID, unless somebody else once had that name: then a cookie says what it is. */
static int place_choose_user(struct place *place)
{
	int r = *place->dir ? place_name_cookie(place, USER_COOKIE) : -ENOENT;

	snprintf(place->prefix, sizeof place->prefix, "user-%u-", geteuid());
	if (r == 0) {
		r = cookie_open(place->cookie, place->prefix, place->instance);
		place->cookie_fd = r;
	}
	if (r == -ENOENT) {
		snprintf(place->instance, sizeof place->instance, "user-%u", geteuid());
	}
	return r < 0 && r != -ENOENT ? r : 0;
}

static int place_choose_instance(struct place *place, const struct options *options)
{
	if (options->instance) {
		snprintf(place->instance, sizeof place->instance, "%s", options->instance);
	} else if (options->runtime_dir) {
		return place_choose_private(place);
	} else if (geteuid() == 0) {
		snprintf(place->instance, sizeof place->instance, "system");
	} else {
		return place_choose_user(place);
	}
	return 0;
}

int place_choose_another(struct place *place)
{
	char taken[PLACE_INSTANCE];
	int r;

	if (!*place->cookie) {
		return -EEXIST; /* the name was said, and stays */
	}
	place_finish(place);
	strcpy(taken, place->instance);
	/* Another daemon in this directory may just have chosen. */
	r = cookie_open_or_make(place->cookie, place->prefix, place->instance);
	if (r >= 0 && !strcmp(place->instance, taken)) {
		close(r);
		r = cookie_replace(place->cookie, place->prefix, place->instance);
	}
	if (r >= 0) {
		place->cookie_fd = r;
		log_warning("the instance is %s from now on, as somebody else has the name %s; %s "
			    "says so",
			    place->instance, taken, place->cookie);
	}
	return r < 0 ? r : 0;
}

void place_keep(struct place *place)
{
	int r = place->cookie_fd < 0 ? 0 : cookie_restore(place->cookie, place->instance);

	if (r > 0) {
		log_warning("%s had vanished, and was made again: it names the instance",
			    place->cookie);
	} else if (r < 0 && r != place->lost) {
		log_warning("%s has vanished: %s; for the next daemon of these pools say "
			    "--instance %s",
			    place->cookie, strerror(-r), place->instance);
	}
	place->lost = r < 0 ? r : 0;
}

void place_finish(struct place *place)
{
	if (place->cookie_fd >= 0) {
		close(place->cookie_fd);
		place->cookie_fd = -1;
	}
}

/* With a socket and an instance of one's own no directory is needed. */
static bool place_needs_directory(const struct options *options)
{
	const char *base = secure_getenv("XDG_RUNTIME_DIR");
	char dir[PATH_MAX];
	struct stat st;

	if (!options->socket || options->runtime_dir) {
		return true;
	}
	/* In the usual one may stand that a user's instance has another name. */
	return !options->instance && geteuid() != 0 && base &&
	       snprintf(dir, sizeof dir, "%s/mempoold", base) < PATH_MAX && stat(dir, &st) == 0 &&
	       st.st_uid == geteuid() && stat(base, &st) == 0 && st.st_uid == geteuid();
}

int place_resolve(struct place *place, const struct options *options)
{
	char dir[PATH_MAX];
	int n, r = 0;

	*place = (struct place){.cookie_fd = -1};
	if (place_needs_directory(options)) {
		r = place_settle(place, dir, options);
	}
	if (r == 0) {
		r = place_choose_instance(place, options);
	}
	if (r < 0) {
		return r;
	}
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
