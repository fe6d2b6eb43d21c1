/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/cgroup.h"

#define NO_LIMIT ((uint64_t)1 << 60) /* version 1 says none by a number beyond it */

struct cgroup_bound {
	const char *file, *setting;
};

struct cgroup_version {
	const char *mounts[2]; /* where its files may be */
	const char *usage;
	const char *spare; /* line of memory.stat: what is given back at once */
	struct cgroup_bound bounds[2];
};

static const struct cgroup_version version_2 = {
	.mounts = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"},
	.usage = "memory.current",
	.spare = "inactive_file ",
	.bounds = {{"memory.max", "MemoryMax="}, {"memory.high", "MemoryHigh="}},
};

static const struct cgroup_version version_1 = {
	.mounts = {"/sys/fs/cgroup/memory"},
	.usage = "memory.usage_in_bytes",
	.spare = "total_inactive_file ",
	.bounds = {{"memory.limit_in_bytes", "MemoryLimit="}},
};

/* Reads a file of the folder. False: it cannot be read. */
static bool cgroup_read(const char *folder, const char *file, char *text, size_t size)
{
	char path[PATH_MAX];
	ssize_t n = -1;
	int fd;

	if (snprintf(path, sizeof path, "%s/%s", folder, file) >= (int)sizeof path) {
		return false;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, size - 1);
		close(fd);
	}
	text[n < 0 ? 0 : n] = 0;
	return n > 0;
}

/* A number alone in its file. False: there is none, as with "max". */
static bool cgroup_read_number(const char *folder, const char *file, uint64_t *number)
{
	char text[32];

	return cgroup_read(folder, file, text, sizeof text) &&
	       sscanf(text, "%" SCNu64, number) == 1;
}

/* What is used in the folder's cgroup and would not make way. */
static uint64_t cgroup_used(const struct cgroup_version *version, const char *folder)
{
	char text[8192];
	uint64_t used = 0, spare = 0;

	if (!cgroup_read_number(folder, version->usage, &used)) {
		return 0;
	}
	if (cgroup_read(folder, "memory.stat", text, sizeof text)) {
		const char *at = strstr(text, version->spare);
		while (at && at > text && at[-1] != '\n') {
			at = strstr(at + 1, version->spare);
		}
		spare = at ? strtoull(at + strlen(version->spare), NULL, 10) : 0;
	}
	return spare < used ? used - spare : 0;
}

static void cgroup_look_at(const struct cgroup_version *version, const char *folder,
			   struct cgroup_limit *tightest)
{
	const char *slash = strrchr(folder, '/');
	uint64_t limit, used = UINT64_MAX;

	for (int i = 0; i < 2 && version->bounds[i].file; i++) {
		const struct cgroup_bound *bound = &version->bounds[i];
		if (!cgroup_read_number(folder, bound->file, &limit) || limit >= NO_LIMIT) {
			continue;
		}
		used = used == UINT64_MAX ? cgroup_used(version, folder) : used;
		uint64_t left = used < limit ? limit - used : 0;
		if (left < tightest->left) {
			tightest->left = left;
			tightest->limit = limit;
			tightest->file = bound->file;
			tightest->setting = bound->setting;
			snprintf(tightest->group, sizeof tightest->group, "%s", slash + 1);
		}
	}
}

/* The cgroup of that name and all above it; in a container the lower ones may not be there. */
static void cgroup_look_up(const struct cgroup_version *version, const char *root, const char *name,
			   struct cgroup_limit *tightest)
{
	char folder[PATH_MAX];

	for (int i = 0; i < 2 && version->mounts[i]; i++) {
		size_t mount = strlen(root) + strlen(version->mounts[i]);
		if (snprintf(folder, sizeof folder, "%s%s%s", root, version->mounts[i], name) >=
		    (int)sizeof folder) {
			continue;
		}
		while (strlen(folder) > mount) {
			cgroup_look_at(version, folder, tightest);
			*strrchr(folder, '/') = 0;
		}
		cgroup_look_at(version, folder, tightest);
	}
}

/* Whether the word is among those with commas between. */
static bool cgroup_has_controller(const char *list, size_t n, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = list; at < list + n; at += strcspn(at, ",:") + 1) {
		if (!strncmp(at, word, length) && strchr(",:", at[length])) {
			return true;
		}
	}
	return false;
}

void cgroup_look(const char *root, struct cgroup_limit *tightest)
{
	char folder[PATH_MAX], text[8192];
	char *rest = text, *line;

	*tightest = (struct cgroup_limit){.limit = UINT64_MAX, .left = UINT64_MAX};
	if (snprintf(folder, sizeof folder, "%s/proc/self", root) >= (int)sizeof folder ||
	    !cgroup_read(folder, "cgroup", text, sizeof text)) {
		return;
	}
	/* 4:memory:/name, or 0::/name of version 2. */
	while ((line = strsep(&rest, "\n")) != NULL) {
		const char *list = strchr(line, ':');
		const char *name = list ? strchr(list + 1, ':') : NULL;
		if (!name || name[1] != '/') {
			continue;
		}
		if (!strncmp(line, "0::", 3)) {
			cgroup_look_up(&version_2, root, name + 1, tightest);
		} else if (cgroup_has_controller(list + 1, (size_t)(name - list - 1), "memory")) {
			cgroup_look_up(&version_1, root, name + 1, tightest);
		}
	}
}
