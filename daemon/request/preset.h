/* SPDX-License-Identifier: MIT */
/*
 * Presets: the pools that *.pool files describe. They are made when the daemon starts, before
 * anybody is served, and when the configuration is read again. What exists by that name is kept as
 * it is, and what differs is said. One that cannot be made does not keep others from being made.
 */
#ifndef MP_DAEMON_PRESET_H
#define MP_DAEMON_PRESET_H

#include <stdbool.h>

struct config;
struct pools;

/* Begins to make those of the configuration that are missing; logs. */
void preset_make_all(struct pools *pools);

/* Whether some are being made. */
bool preset_is_pending(const struct pools *pools);

/* Says of pools that @old had and @new has not that they stay. */
void preset_tell_vanished(struct pools *pools, const struct config *old, const struct config *new);

#endif
