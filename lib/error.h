/* SPDX-License-Identifier: MIT */
/*
 * The sentence that goes with a failure; the thread's part keeps it. Of calls on an open pool see
 * why.h.
 */
#ifndef MP_ERROR_H
#define MP_ERROR_H

/* Keeps the sentence for mempool_errmsg() and returns -@error. */
__attribute__((format(printf, 2, 3))) int fail(int error, const char *format, ...);

#endif
