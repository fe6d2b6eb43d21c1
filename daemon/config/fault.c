/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>

#include "daemon/config/fault.h"

void fault(struct faults *faults, const char *file, unsigned line, const char *format, ...)
{
	char text[1024];
	int n;
	va_list args;

	faults->n++;
	if (!faults->tell) {
		return;
	}
	n = line ? snprintf(text, sizeof text, "%s:%u: ", file, line)
		 : snprintf(text, sizeof text, "%s: ", file);
	if (n >= 0 && (size_t)n < sizeof text) {
		va_start(args, format);
		vsnprintf(text + n, sizeof text - (size_t)n, format, args);
		va_end(args);
	}
	faults->tell(faults->arg, text);
}
