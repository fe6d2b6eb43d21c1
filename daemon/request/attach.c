/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/config/config.h"
#include "daemon/pool/pool.h"
#include "daemon/request/attach.h"
#include "daemon/seat/attachment.h"
#include "daemon/seat/ending.h"
#include "daemon/seat/reclaim.h"
#include "daemon/seat/share.h"
#include "daemon/session/session.h"

const char *attach_name(enum wire_access access)
{
	static const char *const names[] = {
		[WIRE_WRITER] = "writer",
		[WIRE_READER] = "reader",
		[WIRE_OBSERVER] = "observer",
	};

	return names[access];
}

/* What ATTACHED carries. handout_finish() closes the descriptors, but for the pool's own. */
struct handout {
	int fds[WIRE_FDS]; /* control, data, liveness */
	int n;
	struct attachment *attachment; /* NULL: an observer */
};

static void handout_finish(const struct pool *pool, struct handout *handout)
{
	for (int i = 0; i < WIRE_FDS; i++) {
		if (handout->fds[i] >= 0 && handout->fds[i] != pool_control(pool)) {
			close(handout->fds[i]);
		}
	}
}

/*
 * Attaches the session's process. When there is no room, it tests the liveness locks of the
 * process's attachments to the pool, as the process may have closed the pool while there was no
 * daemon, or exec'd; then it reclaims what can be reclaimed at once, and tries again. Returns 0, a
 * reason of attachment.h, or -errno: -ENOENT when the pool's lifetime ended with one of those.
 */
static int attach_seat(const struct session *session, struct pool *pool, enum wire_access access,
		       struct attachment **attachment, int *liveness_fd)
{
	struct seats *seats = session->sessions->seats;
	struct process *process = session->process;
	uint32_t uid = session->peer.uid;
	int r = attachment_create(seats, pool, process, uid, access, attachment, liveness_fd);

	if (r <= 0 || r == ATTACHMENT_USER_FULL) {
		return r;
	}
	ending_test_seats(process, pool);
	if (pool_state(pool) == REGISTRY_POOL_GONE) {
		return -ENOENT;
	}
	reclaim_run(seats);
	return attachment_create(seats, pool, process, uid, access, attachment, liveness_fd);
}

/*
 * Opens the descriptors that the session gets, and attaches its process unless it observes. Returns
 * 0; or a reason of attachment.h or -errno, and it did not attach.
 */
static int handout_init(struct handout *handout, const struct session *session, struct pool *pool,
			enum wire_access access)
{
	int *fds = handout->fds, r = pool_verify(pool);

	*handout = (struct handout){.fds = {-1, -1, -1}, .n = 2};
	if (r < 0) {
		return r;
	}
	fds[0] = access == WIRE_OBSERVER ? pool_open_control(pool) : pool_control(pool);
	fds[1] = pool_open_data(pool, access == WIRE_WRITER ? O_RDWR : O_RDONLY);
	r = fds[0] < 0 ? fds[0] : fds[1] < 0 ? fds[1] : 0;
	if (r == -EUCLEAN) {
		pool_break(pool, "its data object has another size");
		return -EIO;
	}
	if (r < 0 || access == WIRE_OBSERVER) {
		return r;
	}
	handout->n = 3;
	return attach_seat(session, pool, access, &handout->attachment, &fds[2]);
}

/* The pool has free slots, but not for this user. */
static int attach_refuse_share(struct session *session, uint32_t serial, const struct pool *pool,
			       int why)
{
	const struct limits *limits = &session->sessions->config->limits;
	const char *name = pool->record->name;
	uint32_t n_slots = pool->shape.n_slots;

	log_warning("pool '%s', uid %u, pid %d: `%s` allows no more", name, session->peer.uid,
		    (int)session->peer.pid,
		    why == SHARE_KEPT ? "pool_seats_kept" : "pool_seats_per_user");
	if (why == SHARE_KEPT) {
		return session_refuse(
			session, serial, EUSERS,
			"pool '%s' is for %u processes, of which `pool_seats_kept` "
			"keeps %u for its owner and root; close it somewhere, or make "
			"it for more processes",
			name, n_slots, share_kept(limits, n_slots));
	}
	return session_refuse(session, serial, EUSERS,
			      "uid %u has pool '%s' open %u times, all that `pool_seats_per_user` "
			      "allows of its %u; close some, or make it for more processes",
			      session->peer.uid, name, share_of_user(limits, n_slots), n_slots);
}

/* The number alone would let the client think of its own descriptors. */
static const char *attach_remedy(int error)
{
	return error == -EMFILE ? "; it has no file descriptor left: raise LimitNOFILE= of its unit"
				: "";
}

static int attach_refuse(struct session *session, uint32_t serial, const struct pool *pool, int why)
{
	const struct limits *limits = &session->sessions->config->limits;
	const char *name = pool->record->name;

	switch (why) {
	case SHARE_NO_SLOT:
		return session_refuse(session, serial, EUSERS,
				      "pool '%s' is open in %u processes, as many as it was made "
				      "for; close it somewhere, or make it for more processes",
				      name, pool->shape.n_slots);
	case SHARE_FULL:
	case SHARE_KEPT:
		return attach_refuse_share(session, serial, pool, why);
	case ATTACHMENT_PROCESS_FULL:
		log_warning("pool '%s', uid %u, pid %d: `seats_per_process` allows no more", name,
			    session->peer.uid, (int)session->peer.pid);
		return session_refuse(session, serial, EUSERS,
				      "pid %d has %u slots of pool '%s' already, as many as a "
				      "process may; close it there",
				      (int)session->peer.pid, limits->seats_per_process, name);
	case ATTACHMENT_USER_FULL:
		log_warning("pool '%s', uid %u, pid %d: `seats_per_user` allows no more", name,
			    session->peer.uid, (int)session->peer.pid);
		return session_refuse(session, serial, EUSERS,
				      "uid %u has pools open %u times, as many as "
				      "`seats_per_user` allows; close some",
				      session->peer.uid, limits->seats_per_user);
	case -ENOENT:
		return session_refuse(session, serial, ENOENT,
				      "pool '%s' has just ended, as its last client or its creator "
				      "left; make it anew",
				      name);
	case -EIO:
		return session_refuse(session, serial, EIO,
				      "pool '%s' is broken, see the log of mempoold; destroy it "
				      "and make it anew",
				      name);
	case -EOPNOTSUPP:
		return session_refuse(session, serial, EOPNOTSUPP,
				      "pool '%s' can be opened to write alone: mempoold sees no "
				      "/proc, by which it opens memory to read; mount it there",
				      name);
	default:
		log_error("pool '%s', uid %u, pid %d: cannot be opened: %s", name,
			  session->peer.uid, (int)session->peer.pid, strerror(-why));
		return session_refuse(session, serial, -why,
				      "pool '%s' cannot be opened: mempoold says %s%s", name,
				      strerror(-why), attach_remedy(why));
	}
}

static void attach_fill(union wire_message *reply, const struct pool *pool,
			const struct attachment *attachment, enum wire_access access)
{
	reply->attached.pool_id = pool->record->id;
	reply->attached.shape = pool->record->shape;
	reply->attached.terms = pool->record->terms;
	reply->attached.access = access;
	reply->attached.slot = MP_NONE;
	if (attachment) {
		reply->attached.slot = attachment->slot;
		reply->attached.attachment = attachment_slot(attachment)->attachment;
	}
}

int attach_session(struct session *session, uint32_t serial, struct pool *pool,
		   enum wire_access access)
{
	struct handout handout;
	union wire_message reply;
	int r = handout_init(&handout, session, pool, access);

	if (r) {
		handout_finish(pool, &handout);
		r = attach_refuse(session, serial, pool, r);
		ending_expire(session->sessions->seats, pool);
		return r;
	}
	wire_init(&reply, WIRE_ATTACHED, serial);
	attach_fill(&reply, pool, handout.attachment, access);
	r = session_send(session, &reply, handout.fds, handout.n);
	handout_finish(pool, &handout);
	if (r < 0 && handout.attachment) {
		ending_let_go(handout.attachment);
	}
	if (r == 0) {
		pool->unclaimed = pool->unclaimed && !handout.attachment;
		log_debug("pool '%s', uid %u, pid %d: opened as %s", pool->record->name,
			  session->peer.uid, (int)session->peer.pid, attach_name(access));
	}
	return r;
}
