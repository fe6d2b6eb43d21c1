/* SPDX-License-Identifier: MIT */
/*
 * The names in /dev/shm, which others may remove while the pools are in use: looks whether they are
 * there. What is done then, registry_restore() and memory_look() say.
 */
#ifndef MP_DAEMON_NAMES_H
#define MP_DAEMON_NAMES_H

#include <stdbool.h>

struct pools;

/* Looks at the registry and some of the pools. Returns whether there are more to look at. */
bool names_look(struct pools *pools);

/* Looks at all, for the daemon's end: the next daemon is to find also what vanished just now. */
void names_settle(struct pools *pools);

#endif
