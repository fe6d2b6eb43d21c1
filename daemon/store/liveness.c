/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/liveness.h"
#include "daemon/store/object.h"

int liveness_create(const char *instance, uint64_t pool_id, uint64_t attachment)
{
	char name[OBJECT_NAME];
	int fd;

	object_liveness_name(name, instance, pool_id, attachment);
	/* Read-only: enough for a lock and a mapping, and the client cannot fill the file. */
	fd = object_create(name, O_RDONLY);
	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0) {
		int r = -errno;
		close(fd);
		shm_unlink(name);
		return r;
	}
	return fd;
}

enum liveness liveness_test_file(const char *path, uid_t owner)
{
	enum liveness answer = LIVENESS_UNKNOWN;
	struct stat st;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		return answer;
	}
	/* Who puts a file of that name there when ours was removed says nothing of the client. */
	if (fstat(fd, &st) < 0 || st.st_uid != owner || !S_ISREG(st.st_mode)) {
		answer = LIVENESS_UNKNOWN;
	} else if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		answer = LIVENESS_LOST;
	} else if (errno == EWOULDBLOCK) {
		answer = LIVENESS_HELD;
	}
	close(fd);
	return answer;
}

enum liveness liveness_test(const char *instance, uint64_t pool_id, uint64_t attachment)
{
	char path[sizeof "/dev/shm" + OBJECT_NAME] = "/dev/shm";

	object_liveness_name(path + strlen(path), instance, pool_id, attachment);
	return liveness_test_file(path, geteuid());
}

void liveness_remove(const char *instance, uint64_t pool_id, uint64_t attachment)
{
	char name[OBJECT_NAME];

	object_liveness_name(name, instance, pool_id, attachment);
	shm_unlink(name);
}
