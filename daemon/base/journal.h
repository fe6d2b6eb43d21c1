/* SPDX-License-Identifier: MIT */
/*
 * The journal: log lines as systemd's journal takes them, with fields to search by, when standard
 * error leads there.
 *
 *	pool 'frames' of uid 1000 destroyed by uid 0, pid 7: ...
 *		MEMPOOL_POOL=frames  MEMPOOL_OWNER=1000  MEMPOOL_UID=0  MEMPOOL_PID=7
 *
 * The fields are read from the line, which names pool, user and process in that manner wherever it
 * comes from (log.h). Datagrams are sent by hand, as those of libsystemd would wait for a journal
 * that has stopped, and the daemon waits for nobody.
 */
#ifndef MP_DAEMON_JOURNAL_H
#define MP_DAEMON_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

/* Looks whether standard error is the journal's, and opens the way there if so. */
void journal_open(void);

/* Whether lines go there. */
bool journal_is_open(void);

/* Sends a line, without its end, with that priority of syslog's. False: it was not taken. */
bool journal_send(int priority, const char *line, size_t length);

#endif
