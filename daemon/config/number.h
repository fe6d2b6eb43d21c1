/* SPDX-License-Identifier: MIT */
/*
 * Numbers as people write them in files, in the same spellings as on mempoolctl's command line:
 * client/number.c reads those, and tests/unit/spelling.c compares the two. Each function reads one
 * number, and returns false when the text is anything else: blanks and signs are.
 */
#ifndef MP_DAEMON_NUMBER_H
#define MP_DAEMON_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * A decimal number, perhaps with K, M, G or T behind it, also in lower case or as Ki. A fraction is
 * allowed, here and below, when the whole is a whole number.
 */
bool number_read_count(const char *text, uint64_t *n);

/* The same in bytes, so that a B may follow. */
bool number_read_size(const char *text, uint64_t *n);

/* A time in s, ms or min, a plain one in seconds; in milliseconds. */
bool number_read_time(const char *text, uint64_t *ms);

/* A number with a % behind it. */
bool number_read_percent(const char *text, uint64_t *n);

/* Digits of that base alone. */
bool number_read_plain(const char *text, int base, uint64_t *n);

/* A number in decimal, or in hexadecimal behind 0x. */
bool number_read_id(const char *text, uint64_t *n);

#endif
