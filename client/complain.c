/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mempool/mempool.h>

#include "client/call.h"
#include "client/complain.h"

void complain(const char *format, ...)
{
	va_list arguments;

	fflush(stdout);
	fputs("mempoolctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

void complain_error(int error, const char *format, ...)
{
	const char *sentence = mempool_errmsg();

	if (sentence[0] != '\0') {
		complain("%s", sentence);
		return;
	}

	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	complain("%s: %s", text, strerror(-error));
}

void complain_no_memory(void)
{
	complain("there is no memory left; ask for fewer pools at once, or free some memory");
	exit(STATUS_FAILED);
}
