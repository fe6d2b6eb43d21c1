/* SPDX-License-Identifier: MIT */
/*
 * Progress: a line on stderr that says how far the daemon is with making or growing a pool. It is
 * shown only if stderr is a terminal.
 */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H

struct mempool_conn;

/*
 * From now on, requests over @conn show the line "@verb @name: ...". Both texts must stay until
 * progress_end().
 */
void progress_begin(struct mempool_conn *conn, const char *verb, const char *name);

/* Removes the line, if there is one. */
void progress_end(void);

#endif
