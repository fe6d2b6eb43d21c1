/* SPDX-License-Identifier: MIT */
/* A client without the library: raw sockets and descriptors; and whether it harmed the daemon. */
#ifndef TESTS_SYSTEM_RAW_H
#define TESTS_SYSTEM_RAW_H

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/core/layout.h"
#include "lib/wire/message.h"
#include "tests/system/story.h"

/* Connects to the daemon. */
int dial(void);

/* Sends a request and receives the reply. False: the daemon hung up. */
bool ask(int fd, union wire_message *m, int *fds, int *n_fds);

/* Connects and says hello. Returns the descriptor, or the negative error of the daemon's reply. */
int greet(int32_t pid, uint64_t signature);

/* The same, as this process; the test fails when the daemon refuses. */
int greeted(void);

/* Attaches to a pool. Returns the connection, and in @fds control, data and liveness. */
int attach(const char *name, int fds[3]);

/* A process that has opened the pool so many times, and waits to be killed. Returns its pid. */
pid_t crowd(const char *name, int opens);

/* Whether the daemon closes the connection within five seconds. */
bool hung_up(int fd);

/* The processor time the daemon has used, which does not depend on how busy the machine is. */
uint64_t daemon_ns(void);

/* Whether the daemon answers, and the pool of the story is as it was. */
bool is_unharmed(void);

#endif
