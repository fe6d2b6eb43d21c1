/* SPDX-License-Identifier: MIT */
/*
 * The tables of settings: every key of a configuration file, once, with its default, its range and
 * what it means. Parser, sample files and --help are made of them.
 *
 *	mempoold.conf	into a struct config	sections [daemon] [limits] [pools]
 *	*.pool		into a struct preset	section [pool]
 *
 * To add a setting: a field of that struct, and a line in table.c. HACKING.md has more.
 */
#ifndef MP_DAEMON_TABLE_H
#define MP_DAEMON_TABLE_H

#include "daemon/config/setting.h"

extern const struct setting_table table_main; /* of a struct config */
extern const struct setting_table table_pool; /* of a struct preset */

#endif
