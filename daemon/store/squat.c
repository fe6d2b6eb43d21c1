/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/user.h"
#include "daemon/store/squat.h"

#define SERVICE_USER "mempoold" /* as the unit says */

bool squat_look(struct squat *squat, const char *name)
{
	struct stat st;

	snprintf(squat->path, sizeof squat->path, "/dev/shm%s", name);
	if (lstat(squat->path, &st) < 0 || st.st_uid == geteuid()) {
		return false;
	}
	squat->uid = st.st_uid;
	squat->is_directory = S_ISDIR(st.st_mode);
	return true;
}

/* Whether somebody has it locked, as a daemon has its registry. */
static bool squat_is_locked(const struct squat *squat)
{
	int fd = open(squat->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool locked = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;

	if (fd >= 0) {
		close(fd);
	}
	return locked;
}

/*
 * Whether root may take it away. What place.c names after other users or their directories is left
 * alone, as it may be theirs by right and root called by mistake; so is the registry of the user
 * whom the service runs as, and that of a daemon that lives, unless it calls itself the system's.
 */
static bool squat_may_be_evicted(const struct squat *squat, const char *name)
{
	const struct passwd *service = getpwnam(SERVICE_USER);

	return geteuid() == 0 && strncmp(name, "/mempool.user-", 14) != 0 &&
	       strncmp(name, "/mempool.dir-", 13) != 0 &&
	       !(service && service->pw_uid == squat->uid) &&
	       (!strcmp(name, "/mempool.system.registry") || !squat_is_locked(squat));
}

/*
 * Swaps it for a file of root's own, which is locked meanwhile, and removes what then has the other
 * name. Between the look and the swap the name may have become another daemon's of root: what came
 * out tells, and is swapped back. No link is followed by any of that.
 */
static void squat_swap(const struct squat *squat, const char *mine)
{
	struct stat st;

	if (renameat2(AT_FDCWD, mine, AT_FDCWD, squat->path, RENAME_EXCHANGE) < 0) {
		return; /* it has gone by itself */
	}
	if (lstat(mine, &st) == 0 && st.st_uid == geteuid()) {
		renameat2(AT_FDCWD, mine, AT_FDCWD, squat->path, RENAME_EXCHANGE);
		return;
	}
	log_warning("%s belonged to %s and not to root; removed", squat->path,
		    user_describe(squat->uid).text);
	if (unlink(mine) < 0 && rmdir(mine) < 0) {
		log_warning("it is %s now, and cannot be removed: %s", mine, strerror(errno));
	}
}

static void squat_evict(const struct squat *squat, const char *name)
{
	char mine[sizeof squat->path + 24], own[OBJECT_NAME + 24];
	struct stat st;
	int fd;

	snprintf(own, sizeof own, "%s.%016" PRIx64, name, object_random());
	snprintf(mine, sizeof mine, "/dev/shm%s", own);
	fd = object_create(own, O_RDWR);
	if (fd < 0) {
		return;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		squat_swap(squat, mine);
	}
	if (lstat(mine, &st) == 0 && st.st_uid == geteuid()) {
		unlink(mine);
	}
	close(fd);
}

void squat_tell(const struct squat *squat)
{
	log_error("%s belongs to %s and not to %s: when that user has no mempoold, an "
		  "administrator removes it: rm -%s %s; or say another --instance",
		  squat->path, user_describe(squat->uid).text, user_describe(geteuid()).text,
		  squat->is_directory ? "r" : "f", squat->path);
}

void squat_end(const char *name)
{
	struct squat squat;

	if (squat_look(&squat, name) && squat_may_be_evicted(&squat, name)) {
		squat_evict(&squat, name);
	}
}
