/* SPDX-License-Identifier: MIT */
/*
 * Numbers as people type them. Each function reads one number from @text. If the text is anything
 * else (a number out of range, a sign, a space, more text behind the number), the function
 * complains about the argument called @what and returns false.
 */
#ifndef CLIENT_NUMBER_H
#define CLIENT_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* A decimal number. */
bool number_parse(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *n);

/* A decimal number, perhaps with K, M or G behind it: times 1024, 1024^2, 1024^3. */
bool number_parse_size(const char *what, const char *text, uint64_t min, uint64_t max, uint64_t *n);

/* A number in decimal, or in hexadecimal behind 0x; not zero. */
bool number_parse_id(const char *what, const char *text, uint64_t *n);

/* Permission bits in octal, 1 to 0777. */
bool number_parse_mode(const char *what, const char *text, uint32_t *mode);

/* Seconds with up to three decimals, as milliseconds, at least one. */
bool number_parse_seconds(const char *what, const char *text, uint32_t *ms);

/* The number of a user or a group, given by name or by number. */
bool number_parse_user(const char *what, const char *text, uint32_t *uid);
bool number_parse_group(const char *what, const char *text, uint32_t *gid);

#endif
