/* SPDX-License-Identifier: MIT */
/*
 * Messages as the daemon meets them. An input is a sequence of steps: connect, send, disconnect,
 * let the daemon's loop turn, let go of what was received. What is sent is bytes as they come, or
 * with a head that is right, so that the fields behind it are reached.
 *
 * A message goes by the socket; or straight to the check and the handler, as a packet of just its
 * length on the heap, so that who looks behind its end is seen to.
 */
#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/pool/pool.h"
#include "daemon/request/request.h"
#include "lib/core/layout.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/host.h"

#define STEPS 64 /* an input */
#define STRANGER 12345

enum {
	RIGHT_HEAD = 1,   /* of the type's size */
	RIGHT_FIELDS = 2, /* those nobody can guess; where the input has zeros */
	STRAIGHT = 4,
	WITH_FD = 8,
	AS_STRANGER = 16, /* straight: neither root nor the daemon's user */
};

struct packet {
	union {
		union wire_message message;
		unsigned char bytes[sizeof(union wire_message) + 64];
	};
	size_t size;
};

/* ---- making packets ---- */

static void mend_head(struct packet *p, uint16_t type)
{
	size_t size = wire_size(type);

	if (size == 0) {
		return;
	}
	memset(p->bytes + p->size, 0, sizeof p->bytes - p->size);
	p->size = size;
	p->message.head.size = (uint32_t)size;
	p->message.head.version = WIRE_VERSION;
	p->message.head.type = type;
}

static void mend_fields(struct packet *p, const struct host_client *client)
{
	union wire_message *m = &p->message;

	switch (m->head.type) {
	case WIRE_HELLO:
		m->hello.signature ^= mp_signature();
		m->hello.pid ^= getpid();
		break;
	case WIRE_DETACH:
		m->detach.pool_id ^= client->attached.pool_id;
		m->detach.attachment ^= client->attached.attachment;
		m->detach.slot ^= client->attached.slot;
		break;
	default:
		break;
	}
}

/* {flags, type, length} and so many bytes: of the whole, or behind a head that is right. */
static unsigned take_packet(struct bytes *in, const struct host_client *client, struct packet *p)
{
	unsigned flags = bytes_u8(in), type = bytes_u8(in) % WIRE_REPLY_END;
	size_t length = bytes_u16(in) % sizeof p->bytes;
	size_t at = flags & RIGHT_HEAD ? sizeof p->message.head : 0;

	memset(p, 0, sizeof *p);
	length = length < sizeof p->bytes - at ? length : sizeof p->bytes - at;
	p->size = at + bytes_copy(in, p->bytes + at, length);
	if (flags & RIGHT_HEAD) {
		mend_head(p, (uint16_t)type);
	}
	if (flags & RIGHT_FIELDS && p->size >= wire_size(p->message.head.type)) {
		mend_fields(p, client);
	}
	return flags;
}

/* ---- steps ---- */

/* Whether requests of that type have a name, all in the same place. */
static bool has_name(uint16_t type)
{
	return type != WIRE_HELLO && type != WIRE_DETACH && type != WIRE_DAEMON &&
	       type != WIRE_STATUS && type != WIRE_BARRIER && type < WIRE_REQUEST_END;
}

static bool is_terminated(const char *name)
{
	return memchr(name, 0, WIRE_NAME) != NULL;
}

/* What a session does with a packet, without the socket. */
static void deliver(struct session *session, const struct packet *p, bool as_stranger)
{
	union wire_message *exact = malloc(p->size);
	struct ucred *peer = &session->peer, self = *peer;

	assert(exact || p->size == 0);
	if (p->size > 0) {
		memcpy(exact, p->bytes, p->size);
	}
	peer->uid = as_stranger ? STRANGER : self.uid;
	slice_begin(&host.server.loop.slice);
	bool good = wire_check(exact, p->size) == 0;
	assert(!good || !has_name(exact->head.type) || is_terminated(exact->name.name));
	if (!good || request_handle(session, exact) < 0) {
		session_close(session);
	} else {
		*peer = self;
	}
	slice_end(&host.server.loop.slice);
	free(exact);
}

static void do_send(struct bytes *in, struct host_client *client)
{
	struct packet packet;
	unsigned flags = take_packet(in, client, &packet);

	if (!(flags & STRAIGHT)) {
		host_send(client, packet.bytes, packet.size, flags & WITH_FD);
	} else if (!LIST_EMPTY(&host.server.sessions.all)) {
		deliver(LIST_FIRST(&host.server.sessions.all), &packet, flags & AS_STRANGER);
	}
}

static void do_connect(struct bytes *in, struct host_client *client)
{
	(void)in;
	host_connect(client);
	host_turn();
}

static void do_disconnect(struct bytes *in, struct host_client *client)
{
	(void)in;
	host_disconnect(client);
}

static void do_turn(struct bytes *in, struct host_client *client)
{
	(void)in;
	(void)client;
	host_turn();
}

static void do_settle(struct bytes *in, struct host_client *client)
{
	(void)in;
	(void)client;
	host_settle();
}

static void do_let_go(struct bytes *in, struct host_client *client)
{
	(void)in;
	host_let_go(client);
}

static void do_pass_time(struct bytes *in, struct host_client *client)
{
	(void)in;
	(void)client;
	host_pass_time();
}

static void (*const steps[])(struct bytes *, struct host_client *) = {
	do_send, do_connect, do_turn, do_settle, do_disconnect, do_let_go, do_pass_time, do_send,
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	host_start();
	return 0;
}

/* The first byte is how fast the daemon's clock goes, in 2 microseconds a look. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = {data, size};

	host_begin(bytes_u8(&in) * 2000u);
	for (int i = 0; i < STEPS && in.left > 0; i++) {
		unsigned step = bytes_u8(&in);
		steps[step % (sizeof steps / sizeof *steps)](
			&in, &host.clients[step / 8 % HOST_CLIENTS]);
	}
	host_clear();
	return 0;
}
