/* SPDX-License-Identifier: MIT */
/*
 * The guard around every access to memory that clients can truncate. A client that has a pool's
 * control object open for writing can make it shorter; whoever then touches the missing pages gets
 * SIGBUS. Under the guard that ends the piece of work and nothing else.
 *
 * The work must hold no lock and own no memory: it may be left at any of its accesses.
 */
#ifndef MP_DAEMON_GUARD_H
#define MP_DAEMON_GUARD_H

#include <stddef.h>

/* Installs the signal handler. Returns 0 or -errno. */
int guard_install(void);

/*
 * Runs @work; a SIGBUS whose address lies in [@base, @base + @size) leaves it. Any other SIGBUS
 * kills the daemon, as it should. Returns 0, or -EIO when the work was left. Does not nest.
 */
int guard_run(void *base, size_t size, void (*work)(void *), void *arg);

#endif
