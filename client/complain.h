/* SPDX-License-Identifier: MIT */
/*
 * What goes to stderr: one sentence a line, "mempoolctl: " before it.
 */
#ifndef CLIENT_COMPLAIN_H
#define CLIENT_COMPLAIN_H

/* Says the sentence. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Says why a request to the daemon failed with @error (negative): the library's own sentence when
 * it has one, else the one given, with the error's name behind it.
 */
void complain_error(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Says that memory ran out and exits. */
void complain_no_memory(void) __attribute__((noreturn));

#endif
