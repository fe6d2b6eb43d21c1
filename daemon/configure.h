/* SPDX-License-Identifier: MIT */
/*
 * Putting the configuration into effect: at the start, and again on SIGHUP. Then what can be
 * changed is changed, or nothing when there are faults: new pools, limits, access rules, defaults
 * of pools, log level. What is beyond a lower limit stays, and who has a pool open keeps it,
 * whatever the rules say now. What needs a restart is named.
 */
#ifndef MP_DAEMON_CONFIGURE_H
#define MP_DAEMON_CONFIGURE_H

struct options;
struct server;

/*
 * Reads the configuration, and adds to the options what it says and they do not. Logs. Returns 0
 * or -errno. The faults of pools' files are no failure.
 */
int configure(struct server *server, struct options *options);

/* Reads it again. */
void configure_again(struct server *server);

#endif
