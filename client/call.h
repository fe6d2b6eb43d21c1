/* SPDX-License-Identifier: MIT */
/*
 * A call of mempoolctl: the command that the user named, its arguments and options, and the
 * connection that the command uses.
 *
 * To add a command, write a file with a run function; declare the function at the end of this
 * header; name it in main.c, and the file in meson.build; add a line to the table of commands.c.
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

/* An option of a command: --name. It takes a value unless @value is NULL. */
struct flag {
	const char *name;
	const char *value; /* what --help calls the value */
	const char *help;
	const char *also; /* another name of it, or NULL */
};

struct command {
	const char *name;
	const char *arguments; /* as --help shows them, without the flags */
	const char *required; /* the flags that the user must give, as --help shows them, or NULL */
	const char *about;    /* one line for --help */
	int min_names, max_names;
	const struct flag *flags; /* at most CALL_FLAGS_MAX; a name of NULL ends them. Or NULL */
};

struct call {
	const struct command *command;
	const char *socket; /* NULL: the library chooses */
	bool json;
	bool help, version;
	const char
		*values[CALL_FLAGS_MAX]; /* of the command's flags; NULL: the flag is not given */
	char **names;                    /* the arguments that are no options */
	int n_names;
	struct mempool_conn *conn; /* NULL before call_connect() */
};

/* Connects to mempoold. When that fails, complains and returns false. */
bool call_connect(struct call *call);

enum status blocks_run(struct call *call);
enum status channels_run(struct call *call);
enum status check_run(struct call *call);
enum status clients_run(struct call *call);
enum status create_run(struct call *call);
enum status destroy_run(struct call *call);
enum status grow_run(struct call *call);
enum status list_run(struct call *call);
enum status mpstat_run(struct call *call);
enum status purge_run(struct call *call);
enum status show_run(struct call *call);
enum status status_run(struct call *call);

#endif
