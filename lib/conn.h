/* SPDX-License-Identifier: MIT */
/*
 * A connection: requests to the daemon and their replies, one at a time.
 *
 * Lost connections are made again by the next request, which is sent again: requests are made to
 * be repeatable (CREATE by its cookie). A descriptor that the application closed behind our back,
 * and that may be a file of its own by now, is told by the socket's cookie before it is written to.
 */
#ifndef MP_CONN_H
#define MP_CONN_H

#include <pthread.h>
#include <stdint.h>
#include <sys/un.h>

#include <mempool/mempool.h>

#include "lib/core/atomic.h"
#include "lib/wire/message.h"

struct mempool_conn {
	uint64_t epoch;
	pthread_mutex_t mutex; /* one request at a time; guards fd, cookie, serial, tell */
	int fd;                /* -1: none */
	uint64_t cookie;       /* SO_COOKIE of fd */
	uint32_t serial;
	void (*tell)(void *arg, uint64_t done, uint64_t total); /* of progress; NULL: nobody */
	void *tell_arg;
	mp_atomic32 references; /* the user's, and one a pool */
	struct sockaddr_un address;
};

/* One more, one fewer; the last closes and frees it. */
void conn_ref(struct mempool_conn *conn);
void conn_unref(struct mempool_conn *conn);

/* Whether requests can carry the name of a pool: 0, or -EINVAL with its sentence. */
int conn_check_name(const char *name);

/*
 * Sends @message, a request but for its serial, and receives the reply into it. At most @*n_fds
 * descriptors are stored in @fds, the caller's then, and @*n_fds says how many; both may be NULL.
 * Returns 0, or a negative errno with its sentence, by this side or the daemon's.
 */
int conn_request(struct mempool_conn *conn, union wire_message *message, int *fds, int *n_fds);

/* Sends a request whose reply matters little, only if connected, and does not wait for long. */
void conn_tell(struct mempool_conn *conn, union wire_message *message);

#endif
