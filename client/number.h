/* SPDX-License-Identifier: MIT */
/*
 * Numbers as people type them. Each function takes the name of the argument for its complaint, and
 * returns false after complaining when the text is anything but one number in range: no sign, no
 * space, no junk behind it.
 */
#ifndef CLIENT_NUMBER_H
#define CLIENT_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* A decimal number. */
bool number_parse(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *n);

/* A decimal number, perhaps with K, M or G behind it: times 1024, 1024^2, 1024^3. */
bool number_parse_size(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *n);

/* Decimal, or hexadecimal with 0x before it; not zero. */
bool number_parse_id(const char *what, const char *text, uint64_t *n);

/* Permission bits in octal, 1 to 0777. */
bool number_parse_mode(const char *what, const char *text, uint32_t *mode);

/* Seconds with up to three decimals, as milliseconds, at least one. */
bool number_parse_seconds(const char *what, const char *text, uint32_t *ms);

/* A user or a group, by name or number. */
bool number_parse_user(const char *what, const char *text, uint32_t *uid);
bool number_parse_group(const char *what, const char *text, uint32_t *gid);

#endif
