/* SPDX-License-Identifier: MIT */
/*
 * Checking, sending and receiving messages; used by library and daemon alike.
 */
#ifndef MP_WIRE_MESSAGE_H
#define MP_WIRE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/wire/protocol.h"

/* Who sent a packet, as the kernel says. pid 0: it did not say. */
struct wire_sender {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/* The size of a message of that type; 0 when there is no such type. */
size_t wire_size(uint16_t type);

/* The type of a request's reply; 0 when the type is no request. */
uint16_t wire_reply_type(uint16_t type);

/*
 * Whether @length bytes at @message are a well-formed message: size, version, type, terminated
 * strings, zero padding; not ranges and rights. Returns 0, -EPROTO or, for another version,
 * -EPROTONOSUPPORT.
 */
int wire_check(const union wire_message *message, size_t length);

/* Whether a name keeps to the grammar [a-z0-9._-]{1,64}. */
bool wire_name_valid(const char *name);

/* Zeroes @message and makes it one of that type. */
void wire_init(union wire_message *message, uint16_t type, uint32_t serial);

/*
 * Sends a message with @n_fds descriptors. @flags as for sendmsg(2); MSG_NOSIGNAL is added.
 * Returns 0 or -errno.
 */
int wire_send(int socket, const union wire_message *message, const int *fds, int n_fds, int flags);

/*
 * Receives a message, unchecked. Stores at most @*n_fds descriptors that come along in @fds,
 * close-on-exec, and their number in @*n_fds; closes them when @fds is NULL. @sender may be NULL.
 * Returns the length, 0 at the end, -EMSGSIZE for a packet longer than any message, -EBADMSG for
 * descriptors that were not asked for (it closes them), -EMFILE when this process has no numbers
 * left for those asked for, or -errno. @flags as for recvmsg(2).
 */
ssize_t wire_receive(int socket, union wire_message *message, int *fds, int *n_fds,
		     struct wire_sender *sender, int flags);

#endif
