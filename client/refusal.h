/* SPDX-License-Identifier: MIT */
/*
 * Why the library or the daemon refused, as a complaint.
 */
#ifndef CLIENT_REFUSAL_H
#define CLIENT_REFUSAL_H

/*
 * Says why a call of the library failed with @error, a negative errno. Prints the library's own
 * sentence if there is one; otherwise the sentence given here, and the error's text behind it.
 */
void refusal_complain(int error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
