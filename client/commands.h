/* SPDX-License-Identifier: MIT */
/*
 * The table of commands: their names, arguments and flags, and what --help says of them. Parser,
 * --help, manual page and completion are made of it. It needs nothing of the library: describe.c
 * has it printed on the machine that builds, whatever machine mempoolctl is for.
 */
#ifndef CLIENT_COMMANDS_H
#define CLIENT_COMMANDS_H

#include "client/attr.h"
#include "client/call.h"

/* In the order of --help. */
enum {
	COMMAND_LIST,
	COMMAND_SHOW,
	COMMAND_CLIENTS,
	COMMAND_BLOCKS,
	COMMAND_CHANNELS,
	COMMAND_CREATE,
	COMMAND_GROW,
	COMMAND_PURGE,
	COMMAND_DESTROY,
	COMMAND_CHECK,
	COMMAND_MPSTAT,
	COMMAND_STATUS,
	COMMANDS_N,
};

/* Where in a call's values those of the command's flags are. */
enum { BLOCKS_HELD_BY, BLOCKS_STATE };
enum { CREATE_IF_MISSING = ATTR_PREFAULT + 1 }; /* behind those of attr.h */
enum { PURGE_CHANNEL };

extern const struct command commands[COMMANDS_N];

/* The command of that name. NULL: there is none. */
const struct command *commands_find(const char *name);

#endif
