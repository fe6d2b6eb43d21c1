/* SPDX-License-Identifier: MIT */
/*
 * The sentence that goes with a failure, kept in the thread's part.
 */
#ifndef MP_ERROR_H
#define MP_ERROR_H

/* Keeps the sentence and returns -@error. */
__attribute__((format(printf, 2, 3))) int fail(int error, const char *format, ...);

#endif
