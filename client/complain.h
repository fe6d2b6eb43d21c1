/* SPDX-License-Identifier: MIT */
/*
 * Complaints: sentences on stderr, each on a line of its own behind "mempoolctl: ".
 */
#ifndef CLIENT_COMPLAIN_H
#define CLIENT_COMPLAIN_H

/* Prints the sentence on stderr, after what stdout still holds back. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says that memory ran out, and exits. */
void complain_no_memory(void) __attribute__((noreturn));

#endif
