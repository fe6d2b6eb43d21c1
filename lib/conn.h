/* SPDX-License-Identifier: MIT */
/*
 * A connection: requests to the daemon and their replies, one at a time.
 *
 * Lost connections are made again by the next request. A request whose reply is lost is sent again
 * once, as requests are made to be repeatable; CREATE and OPEN_OR_CREATE (by their cookie) and GROW
 * only when the next daemon says that they were carried out, as their work may be what ended the
 * last. A descriptor that the application closed behind our back, and that may be a file of its own
 * by now, is told by the socket's cookie before it is written to.
 */
#ifndef MP_CONN_H
#define MP_CONN_H

#include <pthread.h>
#include <stdint.h>
#include <sys/un.h>

#include <mempool/mempool.h>

#include "lib/core/atomic.h"
#include "lib/process.h"
#include "lib/wire/message.h"

struct mempool_conn {
	uint64_t epoch;
	pthread_mutex_t mutex; /* one request at a time; guards what follows, to tell_arg */
	int fd;                /* -1: none */
	uint64_t cookie;       /* SO_COOKIE of fd */
	uint32_t serial;
	bool sent;             /* the last request left this process */
	int64_t barrier_after; /* milliseconds; before that no barrier is asked for */
	void (*tell)(void *arg, uint64_t done, uint64_t total); /* of progress; NULL: nobody */
	void *tell_arg;
	mp_atomic32 references; /* the user's, and one for each open pool */
	struct sockaddr_un address;
};

/* Whether an ancestor made the connection, before a fork. */
static inline bool conn_is_foreign(const struct mempool_conn *conn)
{
	return conn->epoch != process_epoch();
}

/* Add a reference, drop one. Dropping the last closes and frees the connection. */
void conn_ref(struct mempool_conn *conn);
void conn_unref(struct mempool_conn *conn);

/* Whether requests can carry the name of a pool: 0, or -EINVAL with its sentence. */
int conn_check_name(const char *name);

/*
 * Sends the request @message, to which it adds the serial, and receives the reply into it. Stores
 * at most @*n_fds descriptors in @fds, which the caller then has to close, and their number in
 * @*n_fds; both may be NULL. Returns 0, or a negative errno with its sentence, which may be the
 * daemon's.
 */
int conn_request(struct mempool_conn *conn, union wire_message *message, int *fds, int *n_fds);

/*
 * Has the daemon run a membarrier for this process, which may not: a full barrier in all running
 * threads of processes that have registered. Connects anew if need be. False: there is no daemon,
 * or another request is under way, or no answer within some milliseconds; then the next second's
 * calls are false as well, so that gets do not wait each time. May be called from a signal handler.
 */
bool conn_barrier(struct mempool_conn *conn);

/* Sends a request whose failure does not matter: only if connected, and waits a second at most. */
void conn_tell(struct mempool_conn *conn, union wire_message *message);

#endif
