/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/complain.h"
#include "client/out.h"

static int first_error; /* errno of the first write that failed */

static void out_note_error(void)
{
	if (first_error == 0) {
		first_error = errno != 0 ? errno : EIO;
	}
}

void out_print(const char *format, ...)
{
	va_list arguments;

	if (first_error != 0) {
		return;
	}
	errno = 0;
	va_start(arguments, format);
	if (vprintf(format, arguments) < 0) {
		out_note_error();
	}
	va_end(arguments);
}

bool out_has_failed(void)
{
	return first_error != 0;
}

int out_width(int fd)
{
	const char *columns = getenv("COLUMNS");
	int n = columns != NULL && strlen(columns) <= 5 ? atoi(columns) : 0;
	struct winsize size;

	if (n > 0) {
		return n;
	}
	if (!isatty(fd)) {
		return 0;
	}
	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool out_finish(void)
{
	errno = 0;
	if (fflush(stdout) != 0 || ferror(stdout)) {
		out_note_error();
	}
	if (first_error == 0) {
		return true;
	}
	if (first_error != EPIPE) {
		complain("could not write the output: %s", strerror(first_error));
	}
	return false;
}
