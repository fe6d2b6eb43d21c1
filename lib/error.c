/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <mempool/mempool.h>

#include "lib/error.h"
#include "lib/export.h"
#include "lib/thread.h"
#include "lib/why.h"

int fail(int error, const char *format, ...)
{
	struct thread *thread = thread_get();
	va_list args;

	if (thread) {
		va_start(args, format);
		vsnprintf(thread->errmsg, sizeof thread->errmsg, format, args);
		va_end(args);
		thread->why.kind = WHY_TOLD;
	}
	return -error;
}

EXPORT const char *mempool_errmsg(void)
{
	struct thread *thread = thread_self;

	if (thread_lacks_part) {
		return "no memory for what libmempool keeps for each thread, its last failure's "
		       "sentence included: see RLIMIT_AS, and after mlockall() RLIMIT_MEMLOCK";
	}
	if (thread->why.kind != WHY_TOLD) {
		why_tell(&thread->why, thread->errmsg, sizeof thread->errmsg);
		thread->why.kind = WHY_TOLD;
	}
	return thread->errmsg;
}

EXPORT const char *mempool_version(void)
{
	return MP_VERSION;
}
