/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "daemon/base/journal.h"
#include "daemon/base/log.h"
#include "daemon/base/slice.h"

#define PERIOD_NS 1000000000u
#define WARNINGS_A_PERIOD 20u

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static const int priorities[] = {
	[LOG_LEVEL_ERROR] = LOG_ERR,
	[LOG_LEVEL_WARNING] = LOG_WARNING,
	[LOG_LEVEL_INFO] = LOG_INFO,
	[LOG_LEVEL_DEBUG] = LOG_DEBUG,
};

static enum log_level threshold = LOG_LEVEL_INFO;

/* Counts the lines that were not written; the next line that is written tells the counts. */
static struct {
	uint64_t period_ns;  /* when it began */
	unsigned warnings;   /* in this period */
	unsigned suppressed; /* warnings beyond WARNINGS_A_PERIOD */
	unsigned dropped;    /* lines that standard error did not take */
} state;

void log_set_level(enum log_level level)
{
	threshold = level;
}

bool log_parse_level(const char *text, enum log_level *level)
{
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		if (!strcmp(text, level_names[i])) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

/*
 * Writes a line to standard error; false: it takes no more now. Never waits: the log's reader
 * may have stopped, and the daemon serves others. One line is one write, so that lines
 * of several daemons on one terminal stay whole. A pipe that poll() calls writable has room for it.
 */
static bool log_put(const char *line, size_t size)
{
	struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&p, 1, 0) == 0) {
		return false;
	}
	/* Any other error is permanent: we drop the line, and count nothing. */
	return write(STDERR_FILENO, line, size) >= 0 || errno != EAGAIN;
}

__attribute__((format(printf, 2, 0))) static bool put_line(enum log_level level, const char *format,
							   va_list args)
{
	char line[1024];
	int n = snprintf(line, sizeof line, "%s: ", level_names[level]);
	int m = vsnprintf(line + n, sizeof line - (size_t)n, format, args);

	int begin = n;

	n += m < 0 ? 0 : m;
	if ((size_t)n > sizeof line - 1) {
		n = sizeof line - 1;
	}
	if (journal_is_open()) {
		return journal_send(priorities[level], line + begin, (size_t)(n - begin));
	}
	line[n] = '\n';
	return log_put(line, (size_t)n + 1);
}

/* Logs how many lines of a kind are missing (@n), and zeroes @n. False: not written, @n stays. */
__attribute__((format(printf, 2, 3))) static bool settle(unsigned *n, const char *format, ...)
{
	va_list args;
	bool done;

	if (*n == 0) {
		return true;
	}
	va_start(args, format);
	done = put_line(LOG_LEVEL_WARNING, format, args);
	va_end(args);
	if (done) {
		*n = 0;
	}
	return done;
}

/* Whether this line may be written. Warnings are limited, as clients can cause any number. */
static bool log_admit(enum log_level level)
{
	uint64_t now = slice_now_ns();

	if (now - state.period_ns >= PERIOD_NS) {
		state.period_ns = now;
		state.warnings = 0;
	}
	if (level == LOG_LEVEL_WARNING && state.warnings++ >= WARNINGS_A_PERIOD) {
		state.suppressed++;
		return false;
	}
	return true;
}

__attribute__((format(printf, 2, 0))) static void write_line(enum log_level level,
							     const char *format, va_list args)
{
	if (!log_admit(level)) {
		return;
	}
	if (!settle(&state.dropped, "%u lines dropped, as the log was not read", state.dropped) ||
	    (state.warnings <= 1 &&
	     !settle(&state.suppressed, "%u more suppressed", state.suppressed)) ||
	    !put_line(level, format, args)) {
		state.dropped++;
	}
}

#define DEFINE_LOG(name, level)                  \
	void name(const char *format, ...)       \
	{                                        \
		va_list args;                    \
		if (threshold < (level)) {       \
			return;                  \
		}                                \
		va_start(args, format);          \
		write_line(level, format, args); \
		va_end(args);                    \
	}

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)
