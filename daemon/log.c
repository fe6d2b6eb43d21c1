/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

static enum log_level threshold = LOG_LEVEL_INFO;

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

/* One line is one write, so that lines of several daemons on one terminal stay whole. */
__attribute__((format(printf, 2, 0))) static void write_line(enum log_level level,
							     const char *format, va_list args)
{
	char line[1024];
	int n = snprintf(line, sizeof line, "%s: ", level_names[level]);
	int m = vsnprintf(line + n, sizeof line - (size_t)n, format, args);

	n += m < 0 ? 0 : m;
	if ((size_t)n > sizeof line - 1) {
		n = sizeof line - 1;
	}
	line[n] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n + 1) < 0) {
		return; /* nobody is left to tell */
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
