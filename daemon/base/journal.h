/* SPDX-License-Identifier: MIT */
/*
 * The journal: log lines as systemd's journal takes them, with fields to search by, when standard
 * error leads there.
 *
 *	pool 'frames' of uid 1000 destroyed by uid 0, pid 7: ...
 *		MEMPOOL_POOL=frames  MEMPOOL_OWNER=1000  MEMPOOL_UID=0  MEMPOOL_PID=7
 *
 * journal_send() reads the fields from the line: every log line names pool, user and process in
 * these forms (log.h). It sends the datagrams itself, because libsystemd's calls would wait for a
 * journal that has stopped, and the daemon waits for nobody.
 */
#ifndef MP_DAEMON_JOURNAL_H
#define MP_DAEMON_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

/* Connects to the journal, if systemd connected standard error to it. */
void journal_open(void);

/* Whether journal_open() connected. */
bool journal_is_open(void);

/* Sends a line (without newline), with syslog's @priority. False: the journal's queue is full. */
bool journal_send(int priority, const char *line, size_t length);

#endif
