/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <mempool/mempool.h>

#include "lib/error.h"
#include "lib/export.h"
#include "lib/thread.h"

int fail(int error, const char *format, ...)
{
	struct thread *thread = thread_get();
	va_list args;

	if (thread) {
		va_start(args, format);
		vsnprintf(thread->errmsg, sizeof thread->errmsg, format, args);
		va_end(args);
	}
	return -error;
}

EXPORT const char *mempool_errmsg(void)
{
	return thread_self->errmsg;
}

EXPORT const char *mempool_version(void)
{
	return MP_VERSION;
}
