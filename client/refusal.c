/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <mempool/mempool.h>

#include "client/complain.h"
#include "client/refusal.h"

void refusal_complain(int error, const char *format, ...)
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
