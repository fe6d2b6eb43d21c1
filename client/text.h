/* SPDX-License-Identifier: MIT */
/*
 * Values as people read them. Each function fills the buffer given and returns its text, so that
 * calls fit into the arguments of a print: size_text((char[TEXT_MAX]){0}, n).
 */
#ifndef CLIENT_TEXT_H
#define CLIENT_TEXT_H

#include <stdint.h>

#define TEXT_MAX 32

/* A room for one text, good until the end of the enclosing block. */
#define TEXT ((char[TEXT_MAX]){0})

/* Bytes: "512 B", "64 KiB", "1.5 MiB". */
const char *text_size(char text[TEXT_MAX], uint64_t bytes);

/* A large number in at most six characters: "9999", "12.3k", "4.56M". */
const char *text_count(char text[TEXT_MAX], uint64_t n);

/* How long ago a second of the epoch was: "5s", "12m", "3h", "40d". */
const char *text_age(char text[TEXT_MAX], uint64_t since);

/* A user's or group's name, or its number. */
const char *text_user(char text[TEXT_MAX], uint32_t uid);
const char *text_group(char text[TEXT_MAX], uint32_t gid);

/* How long a pool stays; a constant. */
const char *text_lifetime(uint32_t lifetime);

/* What attr.backing, and attr.huge_pages and prefault, are called; by their number. */
extern const char *const text_backings[3];
extern const char *const text_efforts[3];

/* What a process calls itself, with everything but plain ASCII as '?'. */
const char *text_clean(char text[TEXT_MAX], const char *name);

#endif
