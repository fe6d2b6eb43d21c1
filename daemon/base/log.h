/* SPDX-License-Identifier: MIT */
/*
 * Log lines, `<level>: text`, to standard error, or to the journal (journal.h). A line is written
 * once, by the code that decides, and names the pool, the user and the process; code below it only
 * returns an errno. The journal's fields are read from it: "pool 'NAME'", "of uid N" for the
 * pool's owner, "uid N, pid N" for who did something.
 *
 * Logging never blocks: a line that standard error does not take is dropped. Users have a budget of
 * lines, of any level (budget.h); of those that name no user, and of warnings even more, there are
 * only so many a second. A later line says how many are missing.
 */
#ifndef MP_DAEMON_LOG_H
#define MP_DAEMON_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Lines less urgent than @level are not written. The level is info at first. */
void log_set_level(enum log_level level);

/* Whether @text names a level, and which. */
bool log_parse_level(const char *text, enum log_level *level);

/* The daemon serves: from now on lines that name a user count against its budget. */
void log_bind_users(void);

/* Whether lines are missing and nobody has been told. */
bool log_owes(void);

/* Tells, as far as it is time; to be called every second or so while something is owed. */
void log_settle(void);

#define LOG_PRINTF __attribute__((format(printf, 1, 2)))
LOG_PRINTF void log_error(const char *format, ...);
LOG_PRINTF void log_warning(const char *format, ...);
LOG_PRINTF void log_info(const char *format, ...);
LOG_PRINTF void log_debug(const char *format, ...);

#endif
