/* SPDX-License-Identifier: MIT */
/*
 * Values as people read them. Each function fills the buffer @text and returns it, so that a call
 * can be an argument of a print: text_size(TEXT, n).
 */
#ifndef CLIENT_TEXT_H
#define CLIENT_TEXT_H

#include <stdint.h>

#define TEXT_MAX 32

/* A buffer for one text, which lasts until the end of the enclosing block. */
#define TEXT ((char[TEXT_MAX]){0})

/* Bytes: "512 B", "64 KiB", "1.5 MiB". */
const char *text_size(char text[TEXT_MAX], uint64_t bytes);

/* A large number in at most six characters: "9999", "12.3k", "4.56M". */
const char *text_count(char text[TEXT_MAX], uint64_t n);

/* How long ago @since was, in seconds of the epoch: "5s", "12m", "3h", "40d". */
const char *text_age(char text[TEXT_MAX], uint64_t since);

/* A user's or group's name, or its number. */
const char *text_user(char text[TEXT_MAX], uint32_t uid);
const char *text_group(char text[TEXT_MAX], uint32_t gid);

/* What ends a pool. The text is constant. */
const char *text_lifetime(uint32_t lifetime);

/* The words for the values of attr.backing, and for those of attr.huge_pages and prefault. */
extern const char *const text_backings[3];
extern const char *const text_efforts[3];

/*
 * @name with a '?' for each byte that is not printable ASCII, as a process may call itself
 * anything.
 */
const char *text_clean(char text[TEXT_MAX], const char *name);

#endif
