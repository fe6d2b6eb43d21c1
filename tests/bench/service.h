/* SPDX-License-Identifier: MIT */
/*
 * A private mempoold for a benchmark: its own directory under /tmp, its own instance and with it
 * its own names in /dev/shm. service_stop() leaves nothing of either, whatever happened.
 *
 * service_guard() makes ctrl-C and friends set a flag instead of ending the program, so that there
 * is a time to stop the service.
 */
#ifndef BENCH_SERVICE_H
#define BENCH_SERVICE_H

#include <stdbool.h>
#include <sys/types.h>

struct service {
	pid_t pid;	   /* of the daemon; 0: none */
	char dir[64];	   /* there even when the daemon is not; empty: none */
	char socket[96];   /* also in $MEMPOOL_SOCKET */
	char instance[32]; /* in the names in /dev/shm */
	char why[160];	   /* why there is none */
};

/* The daemon to start: @option, else $MEMPOOLD, else the one this tree built. */
const char *service_program(const char *option);

/* Starts it and waits until it answers. Returns false with a reason in service->why. */
bool service_start(struct service *service, const char *program);

/* Ends it and removes what it left. Harmless when nothing was started. */
void service_stop(struct service *service);

void service_guard(void);
bool service_interrupted(void);

#endif
