/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/store/hugepage.h"
#include "daemon/base/cgroup.h"
#include "daemon/base/log.h"
#include "daemon/store/object.h"
#include "daemon/store/reserve.h"
#include "daemon/base/loop.h"

/* The kernel's, which headers of glibc 2.34 do not name. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define SLICE_SIZE (16u << 20)
#define RING_ENTRIES 8 /* UNDER_WAY of them are used */
#define UNDER_WAY 2
#define WINDOW_SIZE (4u << 20) /* small: while it is populated, this process can map nothing */

static bool reserve_wants_window(const struct reservation *r)
{
	return r->wish.huge_pages != WIRE_NO || r->wish.prefault != WIRE_NO;
}

/* Bytes of the next slice. A window ends at the end of a huge page. */
static uint64_t reserve_slice_of(const struct reservation *r)
{
	uint64_t most = reserve_wants_window(r) ? WINDOW_SIZE - r->at % WINDOW_SIZE : SLICE_SIZE;

	return r->end - r->at < most ? r->end - r->at : most;
}

/* ---- windows ---- */

static int reserve_open_window(struct reservation *r)
{
	uint64_t size = reserve_slice_of(r);

	r->window = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, (off_t)r->at);
	if (r->window == MAP_FAILED) {
		r->window = NULL;
		return -errno;
	}
	if (r->wish.huge_pages != WIRE_NO) {
		madvise(r->window, size, MADV_HUGEPAGE); /* its result is counted later */
	}
	return 0;
}

/* Counts the bytes of the slice that might be, and that are, on huge pages. 0 or -EOPNOTSUPP. */
static int reserve_count_window(struct reservation *r, uint64_t size)
{
	uint64_t first = (r->at + HUGEPAGE_SIZE - 1) / HUGEPAGE_SIZE;
	uint64_t last = (r->at + size) / HUGEPAGE_SIZE;
	uint64_t asked = last > first ? (last - first) * HUGEPAGE_SIZE : 0;
	uint64_t huge = hugepage_count(r->window);

	r->asked += asked;
	r->huge += huge;
	return r->wish.huge_pages == WIRE_REQUIRE && huge < asked ? -EOPNOTSUPP : 0;
}

/* Closes the window of a slice of @size bytes that ended with @result. Returns 0 or -errno. */
static int reserve_close_window(struct reservation *r, uint64_t size, int result)
{
	if (result == 0 && r->wish.huge_pages != WIRE_NO) {
		result = reserve_count_window(r, size);
	}
	munmap(r->window, size);
	r->window = NULL;
	if (result == -EFAULT) {
		return -ENOSPC; /* no page was left: touching it would have been a SIGBUS */
	}
	if (result == -EINVAL) {
		/* Linux before 5.14 cannot populate. */
		bool needed =
			r->wish.huge_pages == WIRE_REQUIRE || r->wish.prefault == WIRE_REQUIRE;
		r->wish = (struct reserve_wish){0};
		return needed ? -EOPNOTSUPP : -EAGAIN;
	}
	return result;
}

static int reserve_populate(const struct reservation *r)
{
	return madvise(r->window, reserve_slice_of(r), MADV_POPULATE_WRITE) < 0 ? -errno : 0;
}

/* ---- the thread ---- */

static void *reserve_work(void *arg)
{
	struct reserver *reserver = arg;
	struct reserve_thread *w = &reserver->worker;

	pthread_mutex_lock(&w->mutex);
	for (;;) {
		while (!w->stop && !w->job) {
			pthread_cond_wait(&w->wanted, &w->mutex);
		}
		if (w->stop) {
			break;
		}
		struct reservation *r = w->job;
		pthread_mutex_unlock(&w->mutex);
		r->result = r->window ? reserve_populate(r)
				      : object_reserve(r->fd, r->at, reserve_slice_of(r));
		pthread_mutex_lock(&w->mutex);
		w->job = NULL;
		w->ended = r;
		eventfd_write(reserver->fd, 1);
	}
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

static int reserve_start_thread(struct reserver *reserver)
{
	struct reserve_thread *w = &reserver->worker;
	sigset_t all, old;

	pthread_mutex_init(&w->mutex, NULL);
	pthread_cond_init(&w->wanted, NULL);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int error = pthread_create(&w->thread, NULL, reserve_work, reserver);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -error;
}

static void reserve_stop_thread(struct reserver *reserver)
{
	struct reserve_thread *w = &reserver->worker;

	pthread_mutex_lock(&w->mutex);
	w->stop = true;
	pthread_cond_signal(&w->wanted);
	pthread_mutex_unlock(&w->mutex);
	pthread_join(w->thread, NULL);
}

/* ---- the ring ---- */

static bool reserve_has_both(struct io_uring *ring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	bool has = probe && io_uring_opcode_supported(probe, IORING_OP_FALLOCATE) &&
		   io_uring_opcode_supported(probe, IORING_OP_MADVISE);

	io_uring_free_probe(probe);
	return has;
}

/* Some sandboxes let a ring be made, and refuse its use: whether it does nothing when asked to. */
static bool reserve_is_usable(struct io_uring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;

	if (!sqe) {
		return false;
	}
	io_uring_prep_nop(sqe);
	if (io_uring_submit(ring) != 1 || io_uring_wait_cqe(ring, &cqe) < 0) {
		return false;
	}
	io_uring_cqe_seen(ring, cqe);
	return true;
}

static bool reserve_start_ring(struct reserver *reserver)
{
	const char *no = secure_getenv("MEMPOOLD_NO_URING");

	if ((no && strcmp(no, "1") == 0) ||
	    io_uring_queue_init(RING_ENTRIES, &reserver->ring, 0) < 0) {
		return false;
	}
	if (!reserve_has_both(&reserver->ring) || !reserve_is_usable(&reserver->ring) ||
	    io_uring_register_eventfd(&reserver->ring, reserver->fd) < 0) {
		io_uring_queue_exit(&reserver->ring);
		return false;
	}
	return true;
}

/* ---- slices ---- */

static void reserve_destroy(struct reservation *r)
{
	if (r->window) {
		munmap(r->window, reserve_slice_of(r));
	}
	close(r->fd);
	free(r);
}

/* Begins a slice. Returns 0, or -errno if it did not begin. */
static int reserve_submit(struct reserver *reserver, struct reservation *r)
{
	if (!reserver->uring) {
		pthread_mutex_lock(&reserver->worker.mutex);
		reserver->worker.job = r;
		pthread_cond_signal(&reserver->worker.wanted);
		pthread_mutex_unlock(&reserver->worker.mutex);
		return 0;
	}
	struct io_uring_sqe *sqe = io_uring_get_sqe(&reserver->ring);
	if (!sqe) {
		return -EAGAIN;
	}
	if (r->window) {
		io_uring_prep_madvise(sqe, r->window, (off_t)reserve_slice_of(r),
				      MADV_POPULATE_WRITE);
	} else {
		io_uring_prep_fallocate(sqe, r->fd, 0, (off_t)r->at, (off_t)reserve_slice_of(r));
	}
	io_uring_sqe_set_flags(sqe, IOSQE_ASYNC); /* else the loop would take the first pages */
	io_uring_sqe_set_data(sqe, r);
	int n = io_uring_submit(&reserver->ring);
	if (io_uring_sq_ready(&reserver->ring) > 0) {
		/* Left in the ring, it would go with the next, for a reservation freed by then. */
		io_uring_prep_nop(sqe);
		io_uring_sqe_set_data(sqe, NULL);
		return n < 0 ? n : -EAGAIN;
	}
	return 0;
}

static void reserve_conclude(struct reservation *r, int result)
{
	r->told(r->owner, result);
	reserve_destroy(r);
}

/* Whether it would not get the daemon killed; others may have taken what there was before. */
static bool reserve_fits_cgroup(const struct reservation *r)
{
	uint64_t size = reserve_slice_of(r);
	struct cgroup_limit cgroup;

	cgroup_look("", &cgroup);
	return size + reserve_overhead(size) <= cgroup.left;
}

static int reserve_begin_slice(struct reserver *reserver, struct reservation *r)
{
	if (!reserve_fits_cgroup(r)) {
		return -EDQUOT;
	}
	int error = reserve_wants_window(r) ? reserve_open_window(r) : 0;

	return error ? error : reserve_submit(reserver, r);
}

/* Begins slices of waiting reservations, until UNDER_WAY are under way. */
static void reserve_pump(struct reserver *reserver)
{
	unsigned most = reserver->uring ? UNDER_WAY : 1;

	while (reserver->n_under_way < most && !TAILQ_EMPTY(&reserver->waiting)) {
		struct reservation *r = TAILQ_FIRST(&reserver->waiting);
		TAILQ_REMOVE(&reserver->waiting, r, of_queue);
		int error = r->at < r->end ? reserve_begin_slice(reserver, r) : 0;
		if (error || r->at == r->end) {
			reserve_conclude(r, error);
			continue;
		}
		r->under_way = true;
		reserver->n_under_way++;
	}
}

/* A slice has ended with that result: tells the owner, and lets the rest wait for its turn. */
static void reserve_end_slice(struct reserver *reserver, struct reservation *r, int result)
{
	uint64_t size = reserve_slice_of(r);

	reserver->n_under_way--;
	r->under_way = false;
	if (!r->owner) {
		reserve_destroy(r);
		return;
	}
	if (r->window) {
		result = reserve_close_window(r, size, result);
	}
	if (result == -EINTR || result == -EAGAIN) {
		TAILQ_INSERT_TAIL(&reserver->waiting, r, of_queue);
		return;
	}
	if (result < 0) {
		reserve_conclude(r, result);
		return;
	}
	r->at += size;
	if (r->at == r->end) {
		reserve_conclude(r, 0);
		return;
	}
	TAILQ_INSERT_TAIL(&reserver->waiting, r, of_queue);
	r->told(r->owner, 1); /* the owner may abandon it here */
}

static void reserve_reap_ring(struct reserver *reserver)
{
	struct io_uring_cqe *cqe;

	while (io_uring_peek_cqe(&reserver->ring, &cqe) == 0) {
		struct reservation *r = io_uring_cqe_get_data(cqe);
		int result = cqe->res;
		io_uring_cqe_seen(&reserver->ring, cqe);
		if (r) {
			reserve_end_slice(reserver, r, result);
		}
	}
}

static void reserve_reap_thread(struct reserver *reserver)
{
	pthread_mutex_lock(&reserver->worker.mutex);
	struct reservation *r = reserver->worker.ended;
	reserver->worker.ended = NULL;
	pthread_mutex_unlock(&reserver->worker.mutex);
	if (r) {
		reserve_end_slice(reserver, r, r->result);
	}
}

static void reserve_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct reserver *reserver = arg;
	eventfd_t n;

	(void)what;
	slice_begin(&reserver->loop->slice);
	eventfd_read(fd, &n);
	if (reserver->uring) {
		reserve_reap_ring(reserver);
	} else {
		reserve_reap_thread(reserver);
	}
	reserve_pump(reserver);
	slice_end(&reserver->loop->slice);
}

/* ---- verbs ---- */

struct reserve_wish reserve_wish(const struct wire_terms *terms, bool is_data)
{
	return (struct reserve_wish){
		.huge_pages = is_data ? terms->huge_pages : WIRE_NO,
		.prefault = terms->prefault,
	};
}

void reserve_log(const struct reservation *reservation, const char *name, uint32_t uid)
{
	if (reservation->asked > reservation->huge) {
		log_info("pool '%s' of uid %u: %llu MiB of %llu MiB are on huge pages", name, uid,
			 (unsigned long long)reservation->huge >> 20,
			 (unsigned long long)reservation->asked >> 20);
	}
}

int reserver_init(struct reserver *reserver, struct loop *loop)
{
	int r = 0;

	reserver->loop = loop;
	TAILQ_INIT(&reserver->waiting);
	reserver->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (reserver->fd < 0) {
		r = -errno;
	} else {
		reserver->uring = reserve_start_ring(reserver);
		r = reserver->uring ? 0 : reserve_start_thread(reserver);
	}
	if (r < 0) {
		log_error("cannot reserve memory: %s", strerror(-r));
		if (reserver->fd >= 0) {
			close(reserver->fd);
			reserver->fd = -1;
		}
		return r;
	}
	log_debug("memory is reserved by %s", reserver->uring ? "io_uring" : "a thread");
	event_assign(&reserver->readable, loop->base, reserver->fd, EV_READ | EV_PERSIST,
		     reserve_on_readable, reserver);
	return event_add(&reserver->readable, NULL) < 0 ? -ENOMEM : 0;
}

static void reserve_await_ring(struct reserver *reserver)
{
	struct io_uring_cqe *cqe;
	int r = 0;

	while (reserver->n_under_way > 0 && (r == 0 || r == -EINTR)) {
		r = io_uring_wait_cqe(&reserver->ring, &cqe);
		reserve_reap_ring(reserver);
	}
	io_uring_queue_exit(&reserver->ring);
}

void reserver_finish(struct reserver *reserver)
{
	if (reserver->fd < 0) {
		return;
	}
	event_del(&reserver->readable);
	if (reserver->uring) {
		reserve_await_ring(reserver);
	} else {
		reserve_stop_thread(reserver);
		reserve_reap_thread(reserver);
		if (reserver->worker.job) {
			reserve_destroy(reserver->worker.job); /* its slice did not begin */
		}
	}
	close(reserver->fd);
	reserver->fd = -1;
}

struct reservation *reserve_start(struct reserver *reserver, int fd, uint64_t from, uint64_t to,
				  struct reserve_wish wish, reserve_told *told, void *owner)
{
	struct reservation *r = calloc(1, sizeof *r);
	int own = r ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

	if (own < 0) {
		int error = r ? errno : ENOMEM;
		free(r);
		errno = error;
		return NULL;
	}
	*r = (struct reservation){
		.reserver = reserver,
		.fd = own,
		.at = from,
		.end = to,
		.wish = wish,
		.told = told,
		.owner = owner,
	};
	TAILQ_INSERT_TAIL(&reserver->waiting, r, of_queue);
	/* The loop begins the slice later: the owner gets our result before a failure. */
	eventfd_write(reserver->fd, 1);
	return r;
}

void reserve_abandon(struct reservation *reservation)
{
	reservation->owner = NULL;
	if (!reservation->under_way) {
		TAILQ_REMOVE(&reservation->reserver->waiting, reservation, of_queue);
		reserve_destroy(reservation);
	}
}
