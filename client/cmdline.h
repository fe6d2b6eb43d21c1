/* SPDX-License-Identifier: MIT */
/*
 * The command line of a client, which tells apart processes of one name. mempoold does not know it:
 * mempoolctl reads it from its own /proc, where it may see less than the daemon.
 */
#ifndef CLIENT_CMDLINE_H
#define CLIENT_CMDLINE_H

#include <mempool/admin.h>

/*
 * The arguments of the process, from its own name on, with blanks between them. Bytes that are not
 * printable ASCII, and backslashes, are escaped as in C. NULL: it cannot be read, or it is another
 * process's. The caller frees it.
 */
char *cmdline_read(const struct mempool_client *client);

#endif
