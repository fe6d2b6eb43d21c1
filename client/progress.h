/* SPDX-License-Identifier: MIT */
/*
 * Progress: a line on the terminal, on stderr, while a pool is made or grows. Nothing elsewhere.
 */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H

struct mempool_conn;

/* From now on requests over @conn tell how far they are: "@verb @name: ...". Both must last. */
void progress_begin(struct mempool_conn *conn, const char *verb, const char *name);

/* Takes the line away again, if there is one. */
void progress_end(void);

#endif
