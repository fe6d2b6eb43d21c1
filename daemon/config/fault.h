/* SPDX-License-Identifier: MIT */
/*
 * Faults of configuration files: fault() tells each once, as `file:line: what: remedy`.
 */
#ifndef MP_DAEMON_FAULT_H
#define MP_DAEMON_FAULT_H

#include <stddef.h>

struct faults {
	void (*tell)(void *arg, const char *line); /* NULL: they are only counted */
	void *arg;
	size_t n;
};

/* Counts and tells a fault in @line of @file; @line 0: in the file as a whole. */
__attribute__((format(printf, 4, 5))) void fault(struct faults *faults, const char *file,
						 unsigned line, const char *format, ...);

#endif
