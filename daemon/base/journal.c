/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/journal.h"

static int journal = -1;

void journal_open(void)
{
	const struct sockaddr_un address = {
		.sun_family = AF_UNIX,
		.sun_path = "/run/systemd/journal/socket",
	};
	const char *stream = secure_getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2 ||
	    fstat(STDERR_FILENO, &st) < 0 || st.st_dev != device || st.st_ino != inode) {
		return;
	}
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (journal >= 0 &&
	    connect(journal, (const struct sockaddr *)&address, sizeof address) < 0) {
		close(journal);
		journal = -1;
	}
}

bool journal_is_open(void)
{
	return journal >= 0;
}

/* Writes a field for each of pool, owner and process that the line names. Returns the bytes. */
static size_t journal_add_fields(char *to, size_t size, const char *line)
{
	const char *pool = strstr(line, "pool '"), *owner = strstr(line, " of uid ");
	char name[65];
	unsigned uid;
	int pid;
	size_t n = 0;

	if (pool && sscanf(pool, "pool '%64[a-z0-9._-]'", name) == 1) {
		n += (size_t)snprintf(to + n, size - n, "MEMPOOL_POOL=%s\n", name);
	}
	if (owner && sscanf(owner, " of uid %u", &uid) == 1) {
		n += (size_t)snprintf(to + n, size - n, "MEMPOOL_OWNER=%u\n", uid);
	}
	for (const char *at = strstr(line, "uid "); at; at = strstr(at + 1, "uid ")) {
		if (sscanf(at, "uid %u, pid %d", &uid, &pid) == 2) {
			n += (size_t)snprintf(to + n, size - n, "MEMPOOL_UID=%u\nMEMPOOL_PID=%d\n",
					      uid, pid);
			break;
		}
	}
	return n;
}

bool journal_send(int priority, const char *line, size_t length)
{
	char text[2048];
	size_t n = (size_t)snprintf(text, sizeof text, "PRIORITY=%d\nSYSLOG_IDENTIFIER=mempoold\n",
				    priority);

	n += journal_add_fields(text + n, sizeof text - n, line);
	n += (size_t)snprintf(text + n, sizeof text - n, "MESSAGE=%.*s\n", (int)length, line);
	if (n >= sizeof text) {
		return true; /* never: log.c's lines are at most half as long */
	}
	return send(journal, text, n, MSG_NOSIGNAL) >= 0 || errno != EAGAIN;
}
