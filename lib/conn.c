/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/conn.h"
#include "lib/core/layout.h"
#include "lib/error.h"
#include "lib/export.h"

#define SYSTEM_SOCKET "/run/mempoold/socket"
#define REPLY_MS 10000        /* a request's reply, or a sign of progress */
#define TELL_MS 1000          /* a reply that matters little */
#define BARRIER_MS 50         /* a get waits for it */
#define BARRIER_PAUSE_MS 1000 /* after one that was not to be had */
#define RECONNECT_MS 2000     /* for a daemon that is being restarted */
#define RECONNECT_PAUSE_MS 10

/* ---- addresses ---- */

static bool conn_copy_path(struct sockaddr_un *address, const char *path)
{
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof address->sun_path) {
		return false;
	}
	memcpy(address->sun_path, path, strlen(path) + 1);
	return true;
}

/*
 * The socket of this user's own daemon. A directory of another user's is not followed: a program
 * that was started by su or sudo may have it in its environment, and would map what that user's
 * daemon hands out.
 */
static bool conn_user_socket(struct sockaddr_un *address)
{
	const char *dir = secure_getenv("XDG_RUNTIME_DIR");
	char path[sizeof address->sun_path];
	struct stat st;

	return dir && *dir && stat(dir, &st) == 0 && st.st_uid == geteuid() &&
	       (size_t)snprintf(path, sizeof path, "%s/mempoold/socket", dir) < sizeof path &&
	       stat(path, &st) == 0 && conn_copy_path(address, path);
}

static int conn_find_address(struct sockaddr_un *address, const char *path)
{
	path = path ? path : secure_getenv("MEMPOOL_SOCKET");
	if (path && *path) {
		return conn_copy_path(address, path)
			       ? 0
			       : fail(ENAMETOOLONG,
				      "socket address '%.80s...' has %zu characters, "
				      "%zu are possible",
				      path, strlen(path), sizeof address->sun_path - 1);
	}
	if (!conn_user_socket(address)) {
		conn_copy_path(address, SYSTEM_SOCKET);
	}
	return 0;
}

/* ---- the socket ---- */

static uint64_t conn_cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t size = sizeof cookie;

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

static bool conn_is_connected(const struct mempool_conn *conn)
{
	return conn->fd >= 0 && conn_cookie_of(conn->fd) == conn->cookie;
}

/* Closes the socket, unless the application has closed it and uses the number itself. */
static void conn_hang_up(struct mempool_conn *conn)
{
	if (conn_is_connected(conn)) {
		close(conn->fd);
	}
	conn->fd = -1;
}

static int conn_tell_failure(const struct mempool_conn *conn, int error)
{
	const char *path = conn->address.sun_path;

	switch (error) {
	case ENOENT:
		return fail(error, "there is no socket %s: is mempoold running?", path);
	case ECONNREFUSED:
		return fail(error, "nobody listens on %s: is mempoold running?", path);
	case EACCES:
		return fail(error,
			    "no right to connect to %s: its mode and group say who may, see "
			    "socket_mode and socket_group in mempoold.conf(5)",
			    path);
	case EPROTOTYPE:
		return fail(error, "what listens at %s is no mempoold", path);
	case EAGAIN:
		return fail(ETIMEDOUT, "mempoold at %s does not accept connections", path);
	default:
		return fail(error, "cannot connect to %s: %s", path, strerror(error));
	}
}

/* So that a full backlog, or a daemon that does not read, does not block us for ever. */
static void conn_limit_sends(int fd, int patience_ms)
{
	struct timeval patience = {.tv_sec = patience_ms / 1000,
				   .tv_usec = patience_ms % 1000 * 1000};

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

static int conn_make_socket(int patience_ms)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		conn_limit_sends(fd, patience_ms);
	}
	return fd;
}

/* Connects @fd, or closes it. Returns 0 or an errno. */
static int conn_connect(struct mempool_conn *conn, int fd)
{
	if (connect(fd, (const struct sockaddr *)&conn->address, sizeof conn->address) != 0) {
		int error = errno;
		close(fd);
		return error;
	}
	conn->fd = fd;
	conn->cookie = conn_cookie_of(fd);
	return 0;
}

static int conn_open_socket(struct mempool_conn *conn)
{
	int fd = conn_make_socket(REPLY_MS);
	if (fd < 0) {
		return fail(errno, "cannot make a socket: %s%s", strerror(errno),
			    errno == EMFILE ? "; this process has no descriptors left (ulimit -n)"
			    : errno == EPERM || errno == EACCES
				    ? "; a sandbox (seccomp) refuses this process socket(AF_UNIX)"
				    : "");
	}
	int error = conn_connect(conn, fd);
	return error ? conn_tell_failure(conn, error) : 0;
}

/* ---- requests ---- */

static int64_t conn_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int conn_wait_readable(int fd, int64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (;;) {
		int64_t left = deadline - conn_now_ms();
		int n = poll(&p, 1, left > 0 ? (int)left : 0);
		if (n > 0) {
			return 0;
		}
		if (n == 0 || errno != EINTR) {
			return n == 0 ? -ETIMEDOUT : -errno;
		}
	}
}

static void conn_close_fds(const int *fds, int *n_fds)
{
	while (*n_fds > 0) {
		close(fds[--*n_fds]);
	}
}

/* Receives one message and checks it. @n_fds: room in, number out. */
static int conn_receive(struct mempool_conn *conn, union wire_message *message, int *fds,
			int *n_fds, int64_t deadline)
{
	int error = conn_wait_readable(conn->fd, deadline);
	if (error) {
		return error;
	}
	ssize_t n = wire_receive(conn->fd, message, fds, n_fds, NULL, 0);
	if (n <= 0) {
		return n == 0 ? -ECONNRESET : (int)n;
	}
	error = wire_check(message, (size_t)n);
	if (error) {
		conn_close_fds(fds, n_fds);
	}
	return error;
}

/* Waits for the reply to @message; each message on progress gives the daemon more time. */
static int conn_await_reply(struct mempool_conn *conn, union wire_message *message, int *fds,
			    int *n_fds, int patience_ms)
{
	uint32_t serial = message->head.serial;
	uint16_t type = wire_reply_type(message->head.type);
	int room = *n_fds;

	do {
		*n_fds = room;
		int error = conn_receive(conn, message, fds, n_fds, conn_now_ms() + patience_ms);
		if (error) {
			*n_fds = 0;
			return error;
		}
		if (message->head.type != type) {
			conn_close_fds(fds, n_fds); /* only the awaited type may carry some */
		}
		if (message->head.type == WIRE_PROGRESS && conn->tell) {
			conn->tell(conn->tell_arg, message->progress.done, message->progress.total);
		}
	} while (message->head.type == WIRE_PROGRESS);
	if (message->head.serial == serial &&
	    (message->head.type == type || message->head.type == WIRE_ERROR)) {
		return 0;
	}
	conn_close_fds(fds, n_fds);
	return -EPROTO;
}

/* Sends and receives once, over the open socket. The reply, or WIRE_ERROR, is in @message. */
static int conn_ask(struct mempool_conn *conn, union wire_message *message, int *fds, int *n_fds,
		    int patience_ms)
{
	int none = 0;

	message->head.serial = ++conn->serial;
	int error = wire_send(conn->fd, message, NULL, 0, 0);
	conn->sent = error == 0;
	if (error) {
		return error;
	}
	return conn_await_reply(conn, message, fds, n_fds ? n_fds : &none, patience_ms);
}

/* A daemon that cannot have one more session says why, unasked, and hangs up. */
static bool conn_is_last_word(const union wire_message *m)
{
	return m->head.type == WIRE_ERROR && m->head.serial == 0 &&
	       wire_check(m, m->head.size) == 0;
}

/* What lies there still when the connection was found closed; else @error. */
static int conn_hear_last_word(struct mempool_conn *conn, union wire_message *m, int error)
{
	ssize_t n = wire_receive(conn->fd, m, NULL, NULL, NULL, MSG_DONTWAIT);

	if (n > 0 && wire_check(m, (size_t)n) == 0) {
		return -EPROTO; /* no answer, whatever it is */
	}
	m->head.type = 0;
	return error;
}

/* Why there is no greeting, as far as this side can know. */
static int conn_tell_no_greeting(const struct mempool_conn *conn, const union wire_message *m,
				 int error)
{
	const char *path = conn->address.sun_path;

	switch (-error) {
	case ECONNRESET:
	case EPIPE:
		return fail(-error,
			    "what listens at %s hung up before it greeted: see mempoold's log; it "
			    "does so when it has no descriptors left (LimitNOFILE=), or may not "
			    "look at this process",
			    path);
	case EPROTONOSUPPORT:
		return fail(-error,
			    "mempoold at %s speaks version %u of the protocol, libmempool "
			    "" MP_VERSION " version %u; use those of one release",
			    path, m->head.version, WIRE_VERSION);
	case EPROTO:
	case EMSGSIZE:
	case EBADMSG:
		return fail(-error, "what listens at %s is no mempoold", path);
	case ETIMEDOUT:
		return fail(-error, "mempoold at %s does not greet; is it stopped?", path);
	default:
		return fail(-error, "mempoold at %s does not greet: %s", path, strerror(-error));
	}
}

static int conn_greet(struct mempool_conn *conn, union wire_message *m, int patience_ms)
{
	wire_init(m, WIRE_HELLO, 0);
	m->hello.signature = mp_signature();
	m->hello.pid = getpid();
	return conn_ask(conn, m, NULL, NULL, patience_ms);
}

static int conn_hello(struct mempool_conn *conn)
{
	union wire_message m;
	int error = conn_greet(conn, &m, REPLY_MS);

	if (error == -ECONNRESET || error == -EPIPE) {
		error = conn_hear_last_word(conn, &m, error);
	}
	if (error && !conn_is_last_word(&m)) {
		return conn_tell_no_greeting(conn, &m, error);
	}
	return m.head.type == WIRE_ERROR ? fail(m.head.error, "%s", m.error.text) : 0;
}

static int conn_dial(struct mempool_conn *conn)
{
	int error = conn_open_socket(conn);
	if (error == 0) {
		error = conn_hello(conn);
		if (error) {
			conn_hang_up(conn);
		}
	}
	return error;
}

static bool conn_is_gone(int error)
{
	return error == -ENOENT || error == -ECONNREFUSED || error == -ECONNRESET ||
	       error == -EPIPE;
}

/* Dials until somebody answers, for as long as a daemon's restart may take. */
static int conn_redial(struct mempool_conn *conn)
{
	const struct timespec pause = {.tv_nsec = RECONNECT_PAUSE_MS * 1000000};
	int64_t deadline = conn_now_ms() + RECONNECT_MS;

	for (;;) {
		int error = conn_dial(conn);
		if (!conn_is_gone(error) || conn_now_ms() > deadline) {
			return error;
		}
		nanosleep(&pause, NULL);
	}
}

/*
 * Whether a request that a daemon had when it ended may be put to the next. CREATE, OPEN_OR_CREATE
 * and GROW reserve memory, which may be what ended it, and would end each daemon in turn: they are
 * repeated only when they were carried out, and all that is missing is the reply.
 */
static bool conn_may_repeat(struct mempool_conn *conn, const union wire_message *message)
{
	uint16_t type = message->head.type;
	bool creates = type == WIRE_CREATE || type == WIRE_OPEN_OR_CREATE;
	union wire_message m;

	if (!creates && type != WIRE_GROW) {
		return true;
	}
	wire_init(&m, WIRE_FIND_POOL, 0);
	strcpy(m.name.name, creates ? message->create.name : message->grow.name);
	if (conn_ask(conn, &m, NULL, NULL, REPLY_MS) != 0 || m.head.type != WIRE_POOL) {
		return false;
	}
	return creates || m.pool.shape.blocks >= message->grow.blocks;
}

static int conn_tell_no_reply(const struct mempool_conn *conn, int error)
{
	return fail(-error, "mempoold at %s: %s", conn->address.sun_path,
		    error == -ETIMEDOUT ? "no reply; is it stopped?"
		    : error == -EMFILE  ? "this process has no descriptors left for a pool's three"
					: strerror(-error));
}

/* Once more after the connection was lost, when that is safe, to whichever daemon is there then. */
static int conn_ask_and_redial(struct mempool_conn *conn, union wire_message *message, int *fds,
			       int *n_fds)
{
	union wire_message again = *message;
	int room = n_fds ? *n_fds : 0, error = -ECONNRESET;
	bool delivered = false;

	for (int tries = 0; tries < 2; tries++) {
		if (!conn_is_connected(conn)) {
			conn->fd = -1;
			error = conn_redial(conn);
			if (error) {
				return error;
			}
		}
		if (delivered && !conn_may_repeat(conn, message)) {
			return fail(ECONNRESET,
				    "mempoold at %s ended while it did this, and was not asked "
				    "again: that might end it once more; see its log",
				    conn->address.sun_path);
		}
		error = conn_ask(conn, message, fds, n_fds, REPLY_MS);
		if (error == 0) {
			return 0;
		}
		if (error == -EMFILE) {
			break; /* the reply came, its descriptors did not; the connection is good */
		}
		delivered = conn->sent;
		conn_hang_up(conn);
		if (!conn_is_gone(error)) {
			break;
		}
		*message = again;
		if (n_fds) {
			*n_fds = room;
		}
	}
	return conn_tell_no_reply(conn, error);
}

int conn_check_name(const char *name)
{
	return name && wire_name_valid(name)
		       ? 0
		       : fail(EINVAL, "'%.80s' is no name: 1 to 64 of a-z 0-9 . _ -",
			      name ? name : "");
}

int conn_request(struct mempool_conn *conn, union wire_message *message, int *fds, int *n_fds)
{
	if (conn_is_foreign(conn)) {
		return fail(ECHILD,
			    "the parent made this connection to mempoold at %s, before fork: "
			    "connect in this process",
			    conn->address.sun_path);
	}
	int cancel;
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(&conn->mutex);
	int error = conn_ask_and_redial(conn, message, fds, n_fds);
	pthread_mutex_unlock(&conn->mutex);
	pthread_setcancelstate(cancel, NULL);
	if (error == 0 && message->head.type == WIRE_ERROR) {
		error = fail(message->head.error, "%s", message->error.text);
	}
	if (error && n_fds) {
		*n_fds = 0;
	}
	return error;
}

/* Dials once, and without a sentence: the get that needs it has its own. */
static bool conn_dial_for_barrier(struct mempool_conn *conn)
{
	union wire_message m;
	int fd = conn_make_socket(BARRIER_MS);

	conn->fd = -1;
	if (fd < 0 || conn_connect(conn, fd) != 0) {
		return false;
	}
	if (conn_greet(conn, &m, BARRIER_MS) != 0 || m.head.type == WIRE_ERROR) {
		conn_hang_up(conn);
		return false;
	}
	conn_limit_sends(fd, REPLY_MS);
	return true;
}

/*
 * Once more if the connection was lost. Hangs up when there is no answer in time: it may come late,
 * and must not be taken for another's.
 */
static bool conn_try_barrier(struct mempool_conn *conn)
{
	union wire_message m;
	int error = -EPIPE;

	for (int tries = 0; tries < 2 && conn_is_gone(error); tries++) {
		if (!conn_is_connected(conn) && !conn_dial_for_barrier(conn)) {
			break;
		}
		wire_init(&m, WIRE_BARRIER, 0);
		error = conn_ask(conn, &m, NULL, NULL, BARRIER_MS);
		if (error == 0) {
			return m.head.type == WIRE_DONE;
		}
		conn_hang_up(conn);
	}
	return false;
}

bool conn_barrier(struct mempool_conn *conn)
{
	bool had = false;
	int cancel;

	if (pthread_mutex_trylock(&conn->mutex) != 0) {
		return false;
	}
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	if (conn_now_ms() >= conn->barrier_after) {
		had = conn_try_barrier(conn);
		conn->barrier_after = had ? 0 : conn_now_ms() + BARRIER_PAUSE_MS;
	}
	pthread_mutex_unlock(&conn->mutex);
	pthread_setcancelstate(cancel, NULL);
	return had;
}

void conn_tell(struct mempool_conn *conn, union wire_message *message)
{
	pthread_mutex_lock(&conn->mutex);
	if (conn_is_connected(conn) && conn_ask(conn, message, NULL, NULL, TELL_MS) != 0) {
		conn_hang_up(conn);
	}
	pthread_mutex_unlock(&conn->mutex);
}

/* ---- life ---- */

void conn_ref(struct mempool_conn *conn)
{
	mp_add(&conn->references, 1);
}

void conn_unref(struct mempool_conn *conn)
{
	if (mp_add(&conn->references, -1u) == 1) {
		conn_hang_up(conn);
		pthread_mutex_destroy(&conn->mutex);
		free(conn);
	}
}

EXPORT int mempool_connect(struct mempool_conn **result, const char *address)
{
	if (!process_get()) {
		return fail(ENOMEM, "no memory to begin with");
	}
	struct mempool_conn *conn = calloc(1, sizeof *conn);
	if (!conn) {
		return fail(ENOMEM, "no memory for a connection");
	}
	conn->epoch = process_epoch();
	mp_store(&conn->references, 1);
	conn->fd = -1;
	pthread_mutex_init(&conn->mutex, NULL);
	int error = conn_find_address(&conn->address, address);
	if (error == 0) {
		error = conn_dial(conn);
	}
	if (error) {
		conn_unref(conn);
		return error;
	}
	*result = conn;
	return 0;
}

EXPORT void mempool_disconnect(struct mempool_conn *conn)
{
	if (!conn) {
		return;
	}
	if (!conn_is_foreign(conn)) {
		conn_unref(conn);
	} else {
		/* The parent's: its descriptor came along by fork, its pools did not. */
		conn_hang_up(conn);
		free(conn);
	}
}
