/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "daemon/base/budget.h"
#include "daemon/base/journal.h"
#include "daemon/base/log.h"
#include "daemon/base/slice.h"

#define PERIOD_NS 1000000000u
#define LINE 1024

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

/* Lines that name no user, of each level. */
static const unsigned most_a_period[] = {
	[LOG_LEVEL_ERROR] = 200,
	[LOG_LEVEL_WARNING] = 20,
	[LOG_LEVEL_INFO] = 200,
	[LOG_LEVEL_DEBUG] = 2000,
};

static enum log_level threshold = LOG_LEVEL_INFO;

/* Counts the lines that were not written; the next line that is written tells the counts. */
static struct {
	uint64_t period_ns;                  /* when it began */
	unsigned lines[LOG_LEVEL_DEBUG + 1]; /* in this period, of each level */
	unsigned suppressed;                 /* beyond what a period may have */
	unsigned dropped;                    /* as standard error took no more */
	bool is_fresh;                       /* nothing was suppressed in this period */
	bool users_are_bound;                /* by the budget */
	struct budget budget;
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

/* Writes the line, of @n bytes, behind which there is room for its end. Returns as log_put(). */
static bool log_put_line(enum log_level level, char *line, size_t n)
{
	size_t begin = strlen(level_names[level]) + 2;

	if (journal_is_open()) {
		return journal_send(priorities[level], line + begin, n - begin);
	}
	line[n] = '\n';
	return log_put(line, n + 1);
}

/* Makes a line. Returns how many bytes it has; the buffer holds one more. */
__attribute__((format(printf, 3, 0))) static size_t
log_format(char line[LINE], enum log_level level, const char *format, va_list args)
{
	int n = snprintf(line, LINE, "%s: ", level_names[level]);
	int m = vsnprintf(line + n, LINE - (size_t)n, format, args);

	n += m < 0 ? 0 : m;
	return (size_t)n > LINE - 1 ? LINE - 1 : (size_t)n;
}

/* Says how many of a kind are missing, if any, and forgets them. Returns false when it cannot. */
__attribute__((format(printf, 2, 3))) static bool log_settle_one(unsigned *n, const char *format,
								 ...)
{
	char line[LINE];
	va_list args;
	bool done;

	if (*n == 0) {
		return true;
	}
	va_start(args, format);
	done = log_put_line(LOG_LEVEL_WARNING, line,
			    log_format(line, LOG_LEVEL_WARNING, format, args));
	va_end(args);
	if (done) {
		*n = 0;
	}
	return done;
}

/* Says what users' lines are missing, as far as it is time. Returns false when it cannot. */
static bool log_settle_users(uint64_t now)
{
	const struct budget_account *account;

	while ((account = budget_due(&state.budget, now)) != NULL) {
		unsigned n = account->n_left_out;
		if (!(account->uid == BUDGET_OTHERS
			      ? log_settle_one(&n, "%u lines about other users left out", n)
			      : log_settle_one(&n,
					       "uid %u: %u lines left out, as it caused more "
					       "than %u a second",
					       account->uid, n, BUDGET_RATE))) {
			return false;
		}
		budget_settle(&state.budget, account);
	}
	return true;
}

static bool log_settle_all(void)
{
	return log_settle_one(&state.dropped, "%u lines dropped, as the log was not read",
			      state.dropped) &&
	       log_settle_users(slice_now_ns()) &&
	       (!state.is_fresh ||
		log_settle_one(&state.suppressed, "%u more suppressed", state.suppressed));
}

bool log_owes(void)
{
	return state.dropped || state.suppressed || budget_owes(&state.budget);
}

/* Begins the next period, when it is time. */
static void log_look_at_clock(uint64_t now)
{
	if (now - state.period_ns >= PERIOD_NS) {
		state.period_ns = now;
		memset(state.lines, 0, sizeof state.lines);
		state.is_fresh = true;
	}
}

void log_settle(void)
{
	log_look_at_clock(slice_now_ns());
	log_settle_all();
}

void log_bind_users(void)
{
	state.users_are_bound = true;
}

/* Lines for finding faults: those about root's own doings are not bound. */
static bool log_is_bound(enum log_level level, uint32_t uid)
{
	return level != LOG_LEVEL_DEBUG || (uid != 0 && uid != geteuid());
}

/* Users shall not fill the disk: whether the line may be written. */
static bool log_admit(enum log_level level, const char *line)
{
	uint64_t now = slice_now_ns();
	uint32_t uid;

	if (state.users_are_bound && budget_read_user(line, &uid)) {
		return !log_is_bound(level, uid) || budget_admit(&state.budget, uid, now);
	}
	log_look_at_clock(now);
	if (state.lines[level]++ >= most_a_period[level]) {
		state.suppressed++;
		state.is_fresh = false;
		return false;
	}
	return true;
}

__attribute__((format(printf, 2, 0))) static void log_line(enum log_level level, const char *format,
							   va_list args)
{
	char line[LINE];
	size_t n = log_format(line, level, format, args);

	if (log_admit(level, line) && (!log_settle_all() || !log_put_line(level, line, n))) {
		state.dropped++;
	}
}

#define DEFINE_LOG(name, level)                \
	void name(const char *format, ...)     \
	{                                      \
		va_list args;                  \
		if (threshold < (level)) {     \
			return;                \
		}                              \
		va_start(args, format);        \
		log_line(level, format, args); \
		va_end(args);                  \
	}

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)
