/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/cmdline.h"
#include "client/complain.h"

#define CMDLINE_MAX 4096 /* bytes that are read of one */

/* Reads a file of /proc/PID. Returns how many bytes, or -1. */
static ssize_t cmdline_read_file(int32_t pid, const char *name, char *text, size_t size)
{
	char path[48];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%" PRId32 "/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return -1;
	}
	n = read(fd, text, size);
	close(fd);
	return n;
}

/*
 * Whether our /proc has a process of that number and name. The daemon may be in another PID
 * namespace, and the process may have died since it was listed.
 */
static bool cmdline_is_of(const struct mempool_client *client)
{
	char comm[sizeof(client->comm) + 1];
	ssize_t n = cmdline_read_file(client->pid, "comm", comm, sizeof(comm) - 1);

	comm[n > 0 ? n : 0] = '\0';
	comm[strcspn(comm, "\n")] = '\0'; /* a name may have one, too; the daemon ends it there */
	return !client->dead && client->comm[0] != '\0' && strcmp(comm, client->comm) == 0;
}

/* Writes one byte of it, escaped if need be. Returns where the next goes. */
static char *cmdline_escape(char *to, unsigned char byte)
{
	if (byte == '\0') {
		byte = ' '; /* one argument ends, the next begins */
	}
	if (byte == '\n' || byte == '\t' || byte == '\\') {
		*to++ = '\\';
		*to++ = byte == '\n' ? 'n' : byte == '\t' ? 't' : '\\';
	} else if (byte >= ' ' && byte <= '~') {
		*to++ = (char)byte;
	} else {
		to += sprintf(to, "\\x%02x", byte);
	}
	return to;
}

char *cmdline_read(const struct mempool_client *client)
{
	char bytes[CMDLINE_MAX], *text, *to;
	ssize_t n = cmdline_is_of(client)
			    ? cmdline_read_file(client->pid, "cmdline", bytes, sizeof(bytes))
			    : -1;

	while (n > 0 && (bytes[n - 1] == '\0' || bytes[n - 1] == ' ')) {
		n--;
	}
	if (n <= 0) {
		return NULL;
	}
	text = to = malloc((size_t)n * 4 + 1);
	if (text == NULL) {
		complain_no_memory();
	}
	for (ssize_t i = 0; i < n; i++) {
		to = cmdline_escape(to, (unsigned char)bytes[i]);
	}
	*to = '\0';
	return text;
}
