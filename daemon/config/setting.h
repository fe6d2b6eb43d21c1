/* SPDX-License-Identifier: MIT */
/*
 * A setting: a key of a configuration file, what may be written behind it, and the field of a
 * struct that it goes to. This file reads and prints settings of any table; table.c has the tables.
 */
#ifndef MP_DAEMON_SETTING_H
#define MP_DAEMON_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	SETTING_TEXT = 200,           /* bytes of a text, with the terminator */
	SETTING_INSTANCE_LENGTH = 32, /* characters of an instance's name, at most */
};

/* What the file may have behind the key, and the type of the field that keeps it. */
enum setting_type {
	SETTING_COUNT,    /* a number, K, M, G and T allowed; uint32_t */
	SETTING_LARGE,    /* likewise; uint64_t */
	SETTING_SIZE,     /* bytes, KB, KiB and the like allowed, too; uint64_t */
	SETTING_ID,       /* a number, also in hexadecimal; uint64_t */
	SETTING_PERCENT,  /* 50%; uint32_t */
	SETTING_TIME,     /* 10s, 500ms, 2min; uint32_t, milliseconds */
	SETTING_MODE,     /* permission bits, octal; uint32_t */
	SETTING_CACHE,    /* a number, none or off; uint32_t, UINT32_MAX for none */
	SETTING_WORD,     /* one of a few; uint32_t, its place among them */
	SETTING_LEVEL,    /* of the log; uint32_t, an enum log_level */
	SETTING_USER,     /* a name or a number; uint32_t */
	SETTING_GROUP,    /* likewise */
	SETTING_PATH,     /* absolute; char[SETTING_TEXT] */
	SETTING_INSTANCE, /* char[SETTING_TEXT] */
	SETTING_POOL,     /* the name of a pool; char[SETTING_TEXT] */
};

struct setting {
	const char *section;
	const char *name;
	const char *standard; /* default, as one would write it; "": what @about says */
	const char *about;
	const char *option;       /* the command line's argument of the same meaning, or NULL */
	const char *const *words; /* of SETTING_WORD; ends with NULL */
	const char *also;         /* another name of the key, or NULL */
	uint64_t min, max;        /* of a number, but for the default of ""; of a path, bytes */
	size_t at;                /* offset of the field in its struct */
	enum setting_type type;
	bool fixed; /* only a restart changes it */
};

struct setting_table {
	const struct setting *settings;
	size_t n;
};

enum {
	SETTING_MAIN_N = 25, /* in mempoold.conf */
	SETTING_POOL_N = 21, /* in a *.pool file */
};

/* The setting of that name; of any section when @section is NULL. NULL: there is none. */
const struct setting *setting_find(const struct setting_table *table, const char *section,
				   const char *name);

/*
 * Reads @text into its field of @base. Returns true, or false with what is wrong, and the remedy,
 * in @why.
 */
bool setting_take(const struct setting *setting, void *base, const char *text, char *why,
		  size_t size);

/* Gives every field of @base its default. */
void setting_reset(const struct setting_table *table, void *base);

/* Whether the name of an instance keeps to the grammar [a-z0-9_-]{1,32}. */
bool setting_is_instance(const char *name);

/* Puts @name into *@best if it resembles @text, and more than what stood there; NULL: nothing. */
void setting_consider(const char *text, const char *name, const char **best);

/* What is allowed there: "1 to 64", "bytes, ...". */
void setting_range(const struct setting *setting, char *text, size_t size);

/* Prints a file that has every key with its default, commented out. */
void setting_print(const struct setting_table *table, FILE *to);

#endif
