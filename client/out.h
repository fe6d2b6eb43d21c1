/* SPDX-License-Identifier: MIT */
/*
 * What goes to stdout. The first write that fails (full disk, closed pipe) is remembered with its
 * errno, so that the exit status can tell it.
 */
#ifndef CLIENT_OUT_H
#define CLIENT_OUT_H

#include <stdbool.h>

void out_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether a write has failed: the rest of a long output can be left out. */
bool out_has_failed(void);

/* Flushes. Returns false after complaining when any write failed; a closed pipe needs no word. */
bool out_finish(void);

#endif
