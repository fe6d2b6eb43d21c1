/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/base/manager.h"
#include "daemon/base/watch.h"
#include "daemon/config/config.h"
#include "daemon/config/place.h"
#include "daemon/session/listener.h"
#include "daemon/session/session.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

#define BACKLOG 512
#define TAKEN_MS 500 /* how long the path may be taken at the start */
#define TAKEN_PAUSE_MS 5
#define NO_ADMISSION_MS 100 /* how long the listener pauses when even the reserve is gone */

static int listener_open_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* No descriptor is left: gives up the reserve to accept the connection, and closes that. */
static void listener_turn_away(struct listener *listener)
{
	int fd;

	if (!listener->starved) {
		log_error("no file descriptor is left; connections are turned away, raise "
			  "LimitNOFILE");
	}
	listener->starved = true;
	if (listener->reserve_fd >= 0) {
		close(listener->reserve_fd);
	}
	fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0) {
		session_turn_away(fd, -EMFILE);
	}
	listener->reserve_fd = listener_open_reserve();
	if (listener->reserve_fd < 0) {
		/* The system as a whole has no descriptor left: tries again later. */
		event_del(&listener->readable);
		evtimer_add(&listener->pause, &(struct timeval){.tv_usec = NO_ADMISSION_MS * 1000});
	}
}

/* Accepts one connection. Returns false when there is none. */
static bool listener_accept_one(struct listener *listener)
{
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		listener->starved = false;
		session_create(listener->sessions, fd);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE) {
		listener_turn_away(listener);
		return false;
	}
	return errno == EINTR || errno == ECONNABORTED;
}

static void listener_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct listener *listener = arg;
	struct loop *loop = listener->sessions->loop;

	(void)fd;
	(void)what;
	slice_begin(&loop->slice);
	for (uint32_t i = 0; i < SESSION_BURST && !slice_over(&loop->slice); i++) {
		if (!listener_accept_one(listener)) {
			break;
		}
	}
	slice_end(&loop->slice);
}

static void listener_on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct listener *listener = arg;

	(void)fd;
	(void)what;
	listener->reserve_fd = listener_open_reserve();
	event_add(&listener->readable, NULL);
}

/*
 * Unlinks an old socket at the path. We hold the instance's lock, so that socket is a leftover,
 * unless the daemon of another instance was given the same path and listens there.
 */
static int listener_clear_path(const struct sockaddr_un *address)
{
	const char *path = address->sun_path;
	struct stat st;
	int fd, r;

	if (lstat(path, &st) < 0) {
		return errno == ENOENT ? 0 : -errno;
	}
	if (!S_ISSOCK(st.st_mode)) {
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -errno;
	}
	r = connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 ? errno : 0;
	close(fd);
	if (r != ECONNREFUSED) {
		return -EADDRINUSE; /* also when we may not connect to somebody else's socket */
	}
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/*
 * Makes the kernel refuse descriptors that a client sends: the sender gets EPERM. Accepted sockets
 * inherit that. Otherwise we would have to close them, and the last close of a file can take as
 * long as its sender likes: a TCP socket lingers for seconds. Kernels before 6.16 cannot refuse:
 * there we close the session, and the client can hold the loop up.
 */
static void listener_refuse_descriptors(struct listener *listener)
{
	int off = 0;

	listener->takes_descriptors =
		setsockopt(listener->fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof off) < 0;
	if (listener->takes_descriptors) {
		log_debug("this kernel cannot turn away descriptors: %s", strerror(errno));
	}
}

/* Sets mode and group of the socket file, which say who may connect. */
static int listener_set_rights(const char *path, const struct config *config)
{
	mode_t mode = geteuid() == 0 ? 0666 : 0600;

	if (config->socket_group != UINT32_MAX &&
	    chown(path, (uid_t)-1, config->socket_group) < 0) {
		return -errno;
	}
	return chmod(path, config->socket_mode ? config->socket_mode : mode) < 0 ? -errno : 0;
}

/*
 * The name of the socket file until it is complete: in the same folder, the instance's own, and no
 * longer than an address may be, however long the path is.
 */
static void listener_name_draft(const struct listener *listener, struct sockaddr_un *draft)
{
	const char *path = listener->path, *base = strrchr(path, '/');
	size_t folder = base ? (size_t)(base - path) + 1 : 0, kept = strlen(path);
	size_t most = sizeof draft->sun_path - sizeof "~12345";
	char digits[16];
	uint32_t hash = 0;

	for (const char *c = listener->sessions->instance; *c; c++) {
		hash = hash * 31 + (unsigned char)*c;
	}
	snprintf(digits, sizeof digits, "~%05x", (hash ^ hash >> 12) & 0xfffff);
	kept = kept > most ? most : kept;
	kept = kept < folder ? folder : kept;
	*draft = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(draft->sun_path, path, kept);
	for (size_t i = 0; digits[i] && kept + i + 1 < sizeof draft->sun_path; i++) {
		draft->sun_path[kept + i] = digits[i];
	}
	if (!strcmp(draft->sun_path, path)) {
		draft->sun_path[strlen(path) - 1] ^= 1;
	}
}

/* Makes the socket, which has the file @draft then. Returns 0 or -errno. */
static int listener_bind_and_listen(struct listener *listener, const struct sockaddr_un *draft)
{
	int on = 1;

	unlink(draft->sun_path); /* one of ours that was killed may have left it */
	listener->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0) {
		return -errno;
	}
	listener_refuse_descriptors(listener);
	/* Set here, so that messages that arrive before accept() have credentials, too. */
	if (setsockopt(listener->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ||
	    bind(listener->fd, (const struct sockaddr *)draft, sizeof *draft) < 0) {
		return -errno;
	}
	if (listener_set_rights(draft->sun_path, listener->sessions->config) < 0 ||
	    listen(listener->fd, BACKLOG) < 0) {
		return -errno;
	}
	return 0;
}

/* Gives the file the name that clients know. Returns 0, -EADDRINUSE when it is taken, or -errno. */
static int listener_publish(struct listener *listener, const struct sockaddr_un *draft)
{
	const char *from = draft->sun_path, *to = listener->path;
	struct stat st;
	int r;

	if (stat(from, &st) < 0) {
		return -errno;
	}
	r = renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
	if (r < 0 && errno == EINVAL) {
		r = rename(from, to); /* not every file system can refuse to replace */
	}
	if (r < 0) {
		return errno == EEXIST ? -EADDRINUSE : -errno;
	}
	listener->device = st.st_dev;
	listener->inode = st.st_ino;
	return 0;
}

/* Listens on the socket that the service manager made, which keeps it, too. */
static int listener_inherit(struct listener *listener, struct place *place)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size = sizeof address - 1;
	struct stat st;
	int on = 1;

	if (getsockname(listener->fd, (struct sockaddr *)&address, &size) < 0 ||
	    setsockopt(listener->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ||
	    fcntl(listener->fd, F_SETFL, O_NONBLOCK) < 0) {
		return -errno;
	}
	listener_refuse_descriptors(listener);
	memcpy(place->socket, address.sun_path, sizeof place->socket);
	listener->inherited = true;
	if (stat(place->socket, &st) == 0) {
		listener->device = st.st_dev;
		listener->inode = st.st_ino;
	}
	if (listener->sessions->config->socket_mode ||
	    listener->sessions->config->socket_group != UINT32_MAX) {
		log_warning("socket_mode and socket_group have no effect: the service manager "
			    "made %s, see SocketMode= and SocketGroup= of its unit",
			    place->socket);
	}
	return 0;
}

/* Listens on a new socket. After an error the listener has the socket that it had. */
static int listener_make(struct listener *listener)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX}, draft;
	int r, old = listener->fd;

	memcpy(address.sun_path, listener->path, sizeof address.sun_path);
	listener_name_draft(listener, &draft);
	r = listener_clear_path(&address);
	if (r < 0) {
		return r;
	}
	r = listener_bind_and_listen(listener, &draft);
	r = r < 0 ? r : listener_publish(listener, &draft);
	if (r < 0) {
		unlink(draft.sun_path);
		if (listener->fd >= 0 && listener->fd != old) {
			close(listener->fd);
		}
		listener->fd = old;
	}
	return r;
}

/*
 * The same at the start. A keeper has the last daemon's socket until it has executed: that daemon,
 * whose lock we hold, may have been killed just then.
 */
static int listener_make_first(struct listener *listener)
{
	const struct timespec pause = {.tv_nsec = TAKEN_PAUSE_MS * 1000000};
	int r = listener_make(listener);

	for (int ms = 0; r == -EADDRINUSE && ms < TAKEN_MS; ms += TAKEN_PAUSE_MS) {
		nanosleep(&pause, NULL);
		r = listener_make(listener);
	}
	return r;
}

static const char *listener_explain(int error)
{
	return error == -EEXIST       ? "something that is no socket is in the way"
	       : error == -EADDRINUSE ? "somebody else listens there"
	       : error == -EPERM      ? "no right to give it that socket_group"
				      : strerror(-error);
}

static void listener_watch(struct listener *listener)
{
	struct event_base *base = listener->sessions->loop->base;

	event_assign(&listener->readable, base, listener->fd, EV_READ | EV_PERSIST,
		     listener_on_readable, listener);
	event_add(&listener->readable, NULL);
	watch_add(listener->watch, listener->path);
}

int listener_open(struct listener *listener, struct sessions *sessions, struct manager *manager,
		  struct place *place, struct watch *watch)
{
	int r;

	listener->sessions = sessions;
	listener->watch = watch;
	listener->path = place->socket;
	listener->fd = manager_listen_fd(manager);
	r = listener->fd >= 0 ? listener_inherit(listener, place) : listener_make_first(listener);
	if (r < 0) {
		log_error("cannot listen on %s: %s", place->socket, listener_explain(r));
		if (listener->fd >= 0) {
			close(listener->fd);
			listener->fd = -1;
		}
		return r;
	}
	listener->reserve_fd = listener_open_reserve();
	evtimer_assign(&listener->pause, sessions->loop->base, listener_on_pause_over, listener);
	listener_watch(listener);
	return 0;
}

/* ---- a file that vanished ---- */

static bool listener_is_there(const struct listener *listener)
{
	struct stat st;

	/* An abstract socket has no file. */
	return listener->path[0] == 0 ||
	       (stat(listener->path, &st) == 0 && st.st_dev == listener->device &&
		st.st_ino == listener->inode);
}

/* Listens on a new socket. Who connected to the old one is taken first. Returns 0 or -errno. */
static int listener_renew(struct listener *listener)
{
	int r, old = listener->fd;

	if (listener->inherited) {
		return -ECHILD;
	}
	r = listener_make(listener);
	if (r < 0) {
		return r;
	}
	event_del(&listener->readable);
	evtimer_del(&listener->pause);
	for (int fd, n = 0; n < BACKLOG; n++) {
		fd = accept4(old, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0) {
			break;
		}
		session_create(listener->sessions, fd);
	}
	close(old);
	listener_watch(listener);
	return 0;
}

void listener_look(struct listener *listener)
{
	int r;

	if (listener->fd < 0 || listener_is_there(listener)) {
		listener->lost = 0;
		return;
	}
	r = listener_renew(listener);
	if (r == 0) {
		log_warning("somebody removed the socket %s; made again, and listening there",
			    listener->path);
	} else if (r != listener->lost && listener->inherited) {
		log_error("somebody removed the socket %s, which the service manager made: nobody "
			  "can connect until its socket unit and mempoold are restarted",
			  listener->path);
	} else if (r != listener->lost) {
		log_error("somebody removed the socket %s, and it cannot be made again: %s; nobody "
			  "can connect until it can",
			  listener->path, listener_explain(r));
	}
	listener->lost = r;
}

void listener_ask_again(struct listener *listener)
{
	listener->lost = 0;
}

void listener_close(struct listener *listener)
{
	const char *path = listener->path;
	struct stat st;

	if (listener->fd < 0) {
		return;
	}
	if (!listener->inherited && stat(path, &st) == 0 && st.st_dev == listener->device &&
	    st.st_ino == listener->inode) {
		unlink(path);
	}
	event_del(&listener->readable);
	evtimer_del(&listener->pause);
	close(listener->fd);
	if (listener->reserve_fd >= 0) {
		close(listener->reserve_fd);
	}
	listener->fd = -1;
}
