/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/wire/message.h"

/* What the kernel may attach to one packet that we accept. */
#define CONTROL_SIZE (CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(WIRE_FDS * sizeof(int)))

size_t wire_size(uint16_t type)
{
	switch (type) {
#define CASE_REQUEST(t, s, r) \
	case t:               \
		return sizeof(s);
#define CASE_REPLY(t, s) \
	case t:          \
		return sizeof(s);
		WIRE_REQUESTS(CASE_REQUEST)
		WIRE_REPLIES(CASE_REPLY)
	default:
		return 0;
	}
}

uint16_t wire_reply_type(uint16_t type)
{
	switch (type) {
#define CASE_ANSWER(t, s, r) \
	case t:              \
		return r;
		WIRE_REQUESTS(CASE_ANSWER)
	default:
		return 0;
	}
}

static bool message_is_terminated(const char *field, size_t size)
{
	return memchr(field, 0, size) != NULL;
}

/* Fields whose form does not depend on the daemon's state. */
static bool message_has_valid_fields(const union wire_message *m)
{
	switch (m->head.type) {
	case WIRE_HELLO:
		return m->hello.zero == 0;
	case WIRE_CREATE:
	case WIRE_OPEN_OR_CREATE:
		return message_is_terminated(m->create.name, sizeof m->create.name) &&
		       m->create.shape.zero == 0 && m->create.terms.zero == 0;
	case WIRE_OPEN:
		return message_is_terminated(m->open.name, sizeof m->open.name);
	case WIRE_GROW:
		return message_is_terminated(m->grow.name, sizeof m->grow.name) &&
		       m->grow.zero == 0;
	case WIRE_DETACH:
		return m->detach.zero == 0;
	case WIRE_DESTROY:
	case WIRE_FIND_POOL:
		return message_is_terminated(m->name.name, sizeof m->name.name);
	case WIRE_NEXT_POOL:
	case WIRE_NEXT_CLIENT:
		return message_is_terminated(m->next.name, sizeof m->next.name) &&
		       m->next.zero == 0;
	case WIRE_WELCOME:
		return message_is_terminated(m->welcome.instance, sizeof m->welcome.instance) &&
		       message_is_terminated(m->welcome.version, sizeof m->welcome.version);
	case WIRE_POOL:
		return message_is_terminated(m->pool.name, sizeof m->pool.name);
	case WIRE_CLIENT:
		return message_is_terminated(m->client.pool, sizeof m->client.pool) &&
		       message_is_terminated(m->client.comm, sizeof m->client.comm);
	case WIRE_DAEMON_INFO:
		return message_is_terminated(m->daemon_info.instance,
					     sizeof m->daemon_info.instance) &&
		       message_is_terminated(m->daemon_info.version, sizeof m->daemon_info.version);
	case WIRE_STATUS_INFO:
		return message_is_terminated(m->status_info.instance,
					     sizeof m->status_info.instance) &&
		       message_is_terminated(m->status_info.version, sizeof m->status_info.version);
	case WIRE_ERROR:
		return message_is_terminated(m->error.text, sizeof m->error.text) &&
		       m->head.error > 0;
	default:
		return true;
	}
}

int wire_check(const union wire_message *message, size_t length)
{
	if (length < sizeof message->head || message->head.size != length) {
		return -EPROTO;
	}
	if (message->head.version != WIRE_VERSION) {
		return -EPROTONOSUPPORT;
	}
	if (wire_size(message->head.type) != length || !message_has_valid_fields(message)) {
		return -EPROTO;
	}
	return 0;
}

bool wire_name_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-");
	return n >= 1 && n <= 64 && name[n] == 0;
}

void wire_init(union wire_message *message, uint16_t type, uint32_t serial)
{
	memset(message, 0, sizeof *message);
	message->head.size = (uint32_t)wire_size(type);
	message->head.version = WIRE_VERSION;
	message->head.type = type;
	message->head.serial = serial;
}

static void message_add(struct msghdr *msg, int type, const void *data, size_t size)
{
	struct cmsghdr *c = (void *)((char *)msg->msg_control + msg->msg_controllen);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(c), data, size);
	msg->msg_controllen += CMSG_SPACE(size);
}

/* 0 or a negative errno. */
static int message_send(int socket, const struct msghdr *msg, int flags)
{
	while (sendmsg(socket, msg, flags | MSG_NOSIGNAL) < 0) {
		if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

int wire_send(int socket, const union wire_message *message, const int *fds, int n_fds, int flags)
{
	_Alignas(struct cmsghdr) char control[CONTROL_SIZE] = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)message, .iov_len = message->head.size};
	struct ucred self = {.pid = getpid(), .uid = geteuid(), .gid = getegid()};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control};

	if (n_fds > 0) {
		message_add(&msg, SCM_RIGHTS, fds, (size_t)n_fds * sizeof(int));
	}
	size_t without = msg.msg_controllen;
	/*
	 * Who sends: with the effective ids, which are those the kernel noted at connect; left to
	 * itself it would add the real ones, and a set-user-ID client would look like somebody
	 * else.
	 */
	message_add(&msg, SCM_CREDENTIALS, &self, sizeof self);
	int r = message_send(socket, &msg, flags);
	if (r == -EINVAL) {
		/* In a user namespace that has no number for us we cannot name ourselves. */
		msg.msg_controllen = without;
		r = message_send(socket, &msg, flags);
	}
	return r;
}

/* Takes the descriptors of one control message: into @fds while there is room, else closes them. */
static bool message_take_fds(const struct cmsghdr *c, int *fds, int room, int *n)
{
	size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	bool wanted = true;

	for (size_t i = 0; i < count; i++) {
		int fd;
		memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
		if (fds && *n < room) {
			fds[(*n)++] = fd;
		} else {
			close(fd);
			wanted = false;
		}
	}
	return wanted;
}

/* Takes what came beside the bytes. Returns false when there were descriptors nobody wants. */
static bool message_take_control(struct msghdr *msg, int *fds, int *n_fds,
				 struct wire_sender *sender)
{
	int room = n_fds ? *n_fds : 0, n = 0;
	bool wanted = !(msg->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET) {
			continue;
		}
		if (c->cmsg_type == SCM_RIGHTS) {
			wanted &= message_take_fds(c, fds, room, &n);
		} else if (c->cmsg_type == SCM_CREDENTIALS && sender) {
			struct ucred cred;
			memcpy(&cred, CMSG_DATA(c), sizeof cred);
			*sender = (struct wire_sender){cred.pid, cred.uid, cred.gid};
		}
	}
	if (n_fds) {
		*n_fds = n;
	}
	return wanted;
}

ssize_t wire_receive(int socket, union wire_message *message, int *fds, int *n_fds,
		     struct wire_sender *sender, int flags)
{
	_Alignas(struct cmsghdr) char control[CONTROL_SIZE];
	struct iovec iov = {.iov_base = message, .iov_len = sizeof *message};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control,
	};
	ssize_t length;

	if (sender) {
		*sender = (struct wire_sender){0};
	}
	do {
		length = recvmsg(socket, &msg, flags | MSG_CMSG_CLOEXEC);
	} while (length < 0 && errno == EINTR);
	if (length < 0) {
		return -errno;
	}
	if (!message_take_control(&msg, fds, n_fds, sender)) {
		for (int i = 0; n_fds && i < *n_fds; i++) {
			close(fds[i]);
		}
		if (n_fds) {
			*n_fds = 0;
		}
		/* Some that were asked for are missing: there is no number left for them. */
		return fds && msg.msg_flags & MSG_CTRUNC ? -EMFILE : -EBADMSG;
	}
	return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : length;
}
