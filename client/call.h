/* SPDX-License-Identifier: MIT */
/*
 * A call of mempoolctl: the command asked for, what came with it, and the connection it uses.
 *
 * To add a command: its file with a run function and a struct command, a line here, a line in the
 * table of main.c. Parser and --help both read the flags of that struct.
 */
#ifndef CLIENT_CALL_H
#define CLIENT_CALL_H

#include <stdbool.h>

#define CALL_FLAGS_MAX 24 /* flags of one command */

/* Exit statuses. */
enum status {
	STATUS_DONE = 0,
	STATUS_FAILED = 1, /* the service said no, or a check found something */
	STATUS_USAGE = 2,
};

struct mempool_conn;
struct call;

/* An option of a command: --name, with a value unless that is NULL. */
struct flag {
	const char *name;
	const char *value; /* what --help calls it */
	const char *help;
};

struct command {
	const char *name;
	const char *arguments; /* as --help shows them, flags apart */
	const char *required;  /* flags that must be given, or NULL */
	const char *about;     /* one line */
	int min_names, max_names;
	struct flag flags[CALL_FLAGS_MAX]; /* ends with a name of NULL */
	enum status (*run)(struct call *call);
};

struct call {
	const struct command *command;
	const char *socket; /* NULL: the library's choice */
	bool json;
	bool help, version;
	const char *values[CALL_FLAGS_MAX]; /* of the command's flags; NULL when not given */
	char **names;                       /* the arguments that are no options */
	int n_names;
	struct mempool_conn *conn; /* after call_connect() */
};

/* Connects, or complains and returns false. */
bool call_connect(struct call *call);

extern const struct command blocks_command;
extern const struct command check_command;
extern const struct command mpstat_command;
extern const struct command clients_command;
extern const struct command create_command;
extern const struct command destroy_command;
extern const struct command grow_command;
extern const struct command list_command;
extern const struct command show_command;

#endif
