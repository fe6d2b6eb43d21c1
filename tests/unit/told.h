/* SPDX-License-Identifier: MIT */
/*
 * What tests of configuration files have in common: faults are kept, to be looked at.
 */
#ifndef TESTS_UNIT_TOLD_H
#define TESTS_UNIT_TOLD_H

#include <string.h>

#include "daemon/config/parse.h"
#include "daemon/config/config.h"
#include "tests/unit/suite.h"

static char told[4000]; /* all lines */
static struct faults faults;
static struct config config;

static inline void note(void *unused, const char *line)
{
	(void)unused;
	size_t n = strlen(told);
	snprintf(told + n, sizeof told - n, "%s\n", line);
}

static inline void begin(void)
{
	*told = 0;
	faults = (struct faults){.tell = note};
	config_finish(&config);
	parse_init(&config);
}

/* Reads a main file, anew. */
static inline void read_main(const char *text)
{
	begin();
	parse_main(&config, text, strlen(text), "main", &faults);
}

/* Reads a pool's file, besides what was read. */
static inline void read_pool(const char *text, const char *file)
{
	parse_pool(&config, text, strlen(text), file, &faults);
}

static inline void expect_good(void)
{
	ck_assert_str_eq(told, "");
	ck_assert_uint_eq(faults.n, 0);
}

/* There was one fault, and this is what was said. */
static inline void expect_fault(const char *line)
{
	ck_assert_uint_eq(faults.n, 1);
	ck_assert_mem_eq(told, line, strlen(line));
}

#endif
