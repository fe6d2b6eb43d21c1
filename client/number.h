/* SPDX-License-Identifier: MIT */
/*
 * Numbers as people type them, in the same spellings as mempoold's files: daemon/config/number.c
 * reads those, and tests/unit/spelling.c compares the two. Each function reads one number from
 * @text. If the text is anything else (a number out of range, a sign, a blank, more text behind the
 * number), the function complains about the argument called @what and returns false.
 */
#ifndef CLIENT_NUMBER_H
#define CLIENT_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* A decimal number. */
bool number_parse(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *n);

/*
 * A decimal number, perhaps with K, M, G or T behind it, also in lower case or as Ki: times 1024,
 * 1024^2 and so on. It may have a fraction when the whole is a whole number: 1.5K.
 */
bool number_parse_count(const char *what, const char *text, uint64_t min, uint64_t max,
			uint64_t *n);

/* The same in bytes, so that a B may follow, which changes nothing: 2MB and 2MiB are 2M. */
bool number_parse_size(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *n);

/* A number in decimal, or in hexadecimal behind 0x. */
bool number_parse_id(const char *what, const char *text, uint64_t *n);

/* Permission bits in octal, 1 to 0777. */
bool number_parse_mode(const char *what, const char *text, uint32_t *mode);

/* A time in s, ms or min, plain ones in seconds, with a fraction or without; in milliseconds. */
bool number_parse_time(const char *what, const char *text, uint32_t *ms);

/* The number of a user or a group, given by number or by name. */
bool number_parse_user(const char *what, const char *text, uint32_t *uid);
bool number_parse_group(const char *what, const char *text, uint32_t *gid);

#endif
