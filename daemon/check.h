/* SPDX-License-Identifier: MIT */
/*
 * mempoold --check-config: reads the configuration as a start would, and prints its faults.
 */
#ifndef MP_DAEMON_CHECK_H
#define MP_DAEMON_CHECK_H

#include "daemon/config/options.h"

/* Prints every fault, or that there is none. Returns the exit status. */
int check_config(const struct options *options);

#endif
