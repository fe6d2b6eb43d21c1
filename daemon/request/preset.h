/* SPDX-License-Identifier: MIT */
/*
 * Presets: the pools that *.pool files describe. The daemon makes them when it starts, before it
 * listens, and when it reads the configuration again. When a pool of that name exists, the daemon
 * keeps it and logs how it differs. When it cannot make one preset, it still makes the others.
 */
#ifndef MP_DAEMON_PRESET_H
#define MP_DAEMON_PRESET_H

#include <stdbool.h>

struct config;
struct pools;

/* Begins to make the presets that do not exist yet; logs why it cannot. */
void preset_make_all(struct pools *pools);

/* Whether presets are being made. */
bool preset_is_pending(const struct pools *pools);

/* Logs which presets of @old are no more in @new: their pools stay. */
void preset_tell_vanished(struct pools *pools, const struct config *old, const struct config *new);

#endif
