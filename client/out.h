/* SPDX-License-Identifier: MIT */
/*
 * Output on stdout. This file remembers the errno of the first write that failed (full disk, closed
 * pipe), for the exit status. After that write it prints nothing more.
 */
#ifndef CLIENT_OUT_H
#define CLIENT_OUT_H

#include <stdbool.h>

void out_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether a write has failed, so that the caller can leave out the rest of a long output. */
bool out_has_failed(void);

/*
 * How many characters a line of that descriptor may have: $COLUMNS, else the terminal's. 0: any
 * number, as it is no terminal.
 */
int out_width(int fd);

/*
 * Flushes. If any write failed, complains and returns false; of a closed pipe it says nothing.
 */
bool out_finish(void);

#endif
