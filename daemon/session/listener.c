/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/base/manager.h"
#include "daemon/config/config.h"
#include "daemon/config/place.h"
#include "daemon/session/listener.h"
#include "daemon/session/session.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

#define BACKLOG 512
#define NO_ADMISSION_MS 100 /* pause when not even the reserve helps */

static int listener_open_reserve(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* No descriptor is left: takes the connection in the place of the reserve, and closes it. */
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
		close(fd);
	}
	listener->reserve_fd = listener_open_reserve();
	if (listener->reserve_fd < 0) {
		/* The system as a whole has none: come back later. */
		event_del(&listener->readable);
		evtimer_add(&listener->pause, &(struct timeval){.tv_usec = NO_ADMISSION_MS * 1000});
	}
}

/* Takes one connection. Returns false when there is none. */
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
 * Makes way for the socket. Only the daemon with the instance's lock comes here, so a socket of
 * that name is a leftover, unless another instance was told the same path and listens.
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
		return -EADDRINUSE; /* or the socket is somebody else's and not for us */
	}
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/*
 * Has the kernel turn away descriptors already at the sender, who gets EPERM; accepted sockets
 * inherit that. Received, they would have to be closed, and the last close of a file can take as
 * long as its sender likes: a TCP socket lingers for seconds. Kernels before 6.16 cannot: there a
 * session that sends descriptors is closed, and its client can hold the loop up.
 */
static void listener_refuse_descriptors(const struct listener *listener)
{
	int off = 0;

	if (setsockopt(listener->fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof off) < 0) {
		log_debug("this kernel cannot turn away descriptors: %s", strerror(errno));
	}
}

/* Who may connect. */
static int listener_set_rights(const char *path, const struct config *config)
{
	mode_t mode = geteuid() == 0 ? 0666 : 0600;

	if (config->socket_group != UINT32_MAX &&
	    chown(path, (uid_t)-1, config->socket_group) < 0) {
		return -errno;
	}
	return chmod(path, config->socket_mode ? config->socket_mode : mode) < 0 ? -errno : 0;
}

static int listener_bind_and_listen(struct listener *listener, const struct sockaddr_un *address)
{
	const char *path = address->sun_path;
	struct stat st;
	int on = 1;

	listener->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0) {
		return -errno;
	}
	listener_refuse_descriptors(listener);
	/* Credentials from the first message on, also of those sent before accept. */
	if (setsockopt(listener->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ||
	    bind(listener->fd, (const struct sockaddr *)address, sizeof *address) < 0) {
		return -errno;
	}
	if (listener_set_rights(path, listener->sessions->config) < 0 || stat(path, &st) < 0 ||
	    listen(listener->fd, BACKLOG) < 0) {
		int r = -errno;
		unlink(path);
		return r;
	}
	listener->device = st.st_dev;
	listener->inode = st.st_ino;
	return 0;
}

/* Listens on the socket the service manager made, which stays the manager's. */
static int listener_inherit(struct listener *listener, struct place *place)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t size = sizeof address - 1;
	int on = 1;

	if (getsockname(listener->fd, (struct sockaddr *)&address, &size) < 0 ||
	    setsockopt(listener->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ||
	    fcntl(listener->fd, F_SETFL, O_NONBLOCK) < 0) {
		return -errno;
	}
	listener_refuse_descriptors(listener);
	memcpy(place->socket, address.sun_path, sizeof place->socket);
	if (listener->sessions->config->socket_mode ||
	    listener->sessions->config->socket_group != UINT32_MAX) {
		log_warning("socket_mode and socket_group are not looked at: the service manager "
			    "made %s, see SocketMode= and SocketGroup= of its unit",
			    place->socket);
	}
	return 0;
}

static int listener_make(struct listener *listener, const struct place *place)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int r;

	memcpy(address.sun_path, place->socket, sizeof address.sun_path);
	r = listener_clear_path(&address);
	return r == 0 ? listener_bind_and_listen(listener, &address) : r;
}

int listener_open(struct listener *listener, struct sessions *sessions, struct manager *manager,
		  struct place *place)
{
	int r;

	listener->sessions = sessions;
	listener->path = place->socket;
	listener->fd = manager_listen_fd(manager);
	r = listener->fd >= 0 ? listener_inherit(listener, place) : listener_make(listener, place);
	if (r < 0) {
		log_error("cannot listen on %s: %s", place->socket,
			  r == -EEXIST       ? "something that is no socket is in the way"
			  : r == -EADDRINUSE ? "somebody else listens there"
			  : r == -EPERM      ? "no right to give it that socket_group"
					     : strerror(-r));
		if (listener->fd >= 0) {
			close(listener->fd);
			listener->fd = -1;
		}
		return r;
	}
	listener->reserve_fd = listener_open_reserve();
	event_assign(&listener->readable, sessions->loop->base, listener->fd, EV_READ | EV_PERSIST,
		     listener_on_readable, listener);
	evtimer_assign(&listener->pause, sessions->loop->base, listener_on_pause_over, listener);
	event_add(&listener->readable, NULL);
	return 0;
}

void listener_close(struct listener *listener)
{
	const char *path = listener->path;
	struct stat st;

	if (listener->fd < 0) {
		return;
	}
	if (stat(path, &st) == 0 && st.st_dev == listener->device && st.st_ino == listener->inode) {
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
