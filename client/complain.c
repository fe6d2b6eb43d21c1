/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

void complain_no_memory(void)
{
	complain("there is no memory left; ask for fewer pools at once, or free some memory");
	exit(STATUS_FAILED);
}
