/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <mempool/mempool.h>

#include "lib/error.h"
#include "lib/export.h"
#include "lib/thread.h"
#include "lib/why.h"

/*
 * With signals blocked, here and in mempool_errmsg(): a handler's failure, or its look at the
 * sentence, would come into a half written one.
 */
int fail(int error, const char *format, ...)
{
	struct thread *thread = thread_get();
	struct calm calm;
	va_list args;

	if (thread) {
		calm_begin(&calm);
		va_start(args, format);
		vsnprintf(thread->errmsg, sizeof thread->errmsg, format, args);
		va_end(args);
		why_forget(&thread->why);
		calm_end(&calm);
	}
	return -error;
}

/* Makes the sentence, unless a handler has made it just now. */
static void error_tell(struct thread *thread)
{
	if (thread->why.kind != WHY_TOLD) {
		why_tell(&thread->why, thread->errmsg, sizeof thread->errmsg);
		thread->why.kind = WHY_TOLD;
	}
}

EXPORT const char *mempool_errmsg(void)
{
	struct thread *thread = thread_self;
	struct calm calm;

	if (thread_lacks_part) {
		return "no memory for what libmempool keeps for each thread, its last failure's "
		       "sentence included: see RLIMIT_AS, and after mlockall() RLIMIT_MEMLOCK";
	}
	if (thread->why.kind != WHY_TOLD) {
		calm_begin(&calm);
		error_tell(thread);
		calm_end(&calm);
	}
	return thread->errmsg;
}

EXPORT const char *mempool_version(void)
{
	return MP_VERSION;
}
