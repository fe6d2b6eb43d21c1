/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <mempool/admin.h>

#include "client/out.h"
#include "client/progress.h"
#include "client/text.h"

static struct {
	const char *verb, *name;
	bool shown;
} line;

static void progress_tell(void *arg, uint64_t done, uint64_t total)
{
	unsigned percent = total > 0 ? (unsigned)(done * 100.0 / total) : 100;
	int width = out_width(STDERR_FILENO);
	char rest[80];
	int n = snprintf(rest, sizeof(rest), ": %s of %s, %u%%", text_size(TEXT, done),
			 text_size(TEXT, total), percent);
	/* A line that the terminal breaks could not be removed; the end of a name is left out. */
	int room = width - n - (int)strlen(line.verb) - 2;

	(void)arg;
	fprintf(stderr, "\r\033[K%s %.*s%s", line.verb, room > 0 ? room : 0, line.name, rest);
	line.shown = true;
}

void progress_begin(struct mempool_conn *conn, const char *verb, const char *name)
{
	line.verb = verb;
	line.name = name;
	if (isatty(STDERR_FILENO)) {
		mempool_set_progress(conn, progress_tell, NULL);
	}
}

void progress_end(void)
{
	if (line.shown) {
		fputs("\r\033[K", stderr);
		line.shown = false;
	}
}
