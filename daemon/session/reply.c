/* SPDX-License-Identifier: MIT */
#include "daemon/base/loop.h"
#include "daemon/session/reply.h"

#define PROGRESS_NS 100000000u

struct session *reply_take(struct reply *reply)
{
	struct session *session = reply->session;

	if (session) {
		session->owed = NULL;
		reply->session = NULL;
		session_set_state(session, SESSION_READY);
	}
	return session;
}

void reply_assign(struct reply *reply, struct session *session, uint32_t serial)
{
	reply_take(reply);
	*reply = (struct reply){
		.session = session,
		.serial = serial,
		.told_ns = slice_now_ns(),
		.forgotten = reply->forgotten,
	};
	session->owed = reply;
	session_set_state(session, SESSION_BUILDING);
}

bool reply_is_owed(const struct reply *reply)
{
	return reply->session;
}

void reply_progress(struct reply *reply, uint64_t done, uint64_t total)
{
	uint64_t now = slice_now_ns();
	union wire_message m;

	if (!reply->session || now - reply->told_ns < PROGRESS_NS) {
		return;
	}
	reply->told_ns = now;
	wire_init(&m, WIRE_PROGRESS, reply->serial);
	m.progress.total = total;
	m.progress.done = done;
	if (session_send(reply->session, &m, NULL, 0) < 0) {
		session_abort(reply->session);
	}
}
