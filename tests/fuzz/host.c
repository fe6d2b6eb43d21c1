/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <err.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/base/log.h"
#include "daemon/pool/pool.h"
#include "daemon/seat/attachment.h"
#include "daemon/seat/ending.h"
#include "daemon/seat/process.h"
#include "tests/fuzz/host.h"
#include "tests/fuzz/world.h"

#define SOCKET "/dev/shm/socket"
#define TURNS 5000 /* of the loop, at most, until all is quiet */
#define SKIPPED 77

struct host host;

/* While nobody has anything. */
static struct {
	int fds; /* open; the fuzzer may take one between two inputs */
	unsigned long long free_blocks, free_files;
} clean;

/* ---- its place ---- */

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0) {
		warn("%s", path);
	}
	close(fd);
}

/* Who is not root is allowed it in a user namespace, in which it stays who it was. */
static int enter_user_namespace(void)
{
	char users[32], groups[32];

	snprintf(users, sizeof users, "%u %u 1", geteuid(), geteuid());
	snprintf(groups, sizeof groups, "%u %u 1", getegid(), getegid());
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0) {
		return -1;
	}
	write_file("/proc/self/uid_map", users);
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/gid_map", groups);
	return 0;
}

/* A /dev/shm of our own, small enough to be filled, which goes when we do, however we end. */
static void enter_place(void)
{
	if ((unshare(CLONE_NEWNS) < 0 && enter_user_namespace() < 0) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("fuzz", "/dev/shm", "tmpfs", 0, "size=8m,mode=1777") < 0) {
		warn("skipped: no /dev/shm of its own");
		exit(SKIPPED);
	}
}

/* ---- the daemon ---- */

static void start_daemon(void)
{
	const struct options options = {.socket = SOCKET, .instance = "fuzz"};

	if (server_start(&host.server, &options) < 0 ||
	    listener_open(&host.server.listener, &host.server.sessions, &host.server.manager,
			  &host.server.place, &host.server.watch) < 0) {
		errx(1, "the daemon does not start");
	}
	/* Few enough of each for an input to meet the limits. */
	host.server.configuration.config.limits = (struct limits){
		.sessions = 2,
		.sessions_kept = 1,
		.sessions_per_user = 1,
		.seats_per_user = 3,
		.seats_per_process = 4,
		.pool_seats_kept = 10,
		.pool_seats_per_user = 50,
		.pools = 5,
		.pools_kept = 20,
		.pools_per_user = 2,
		.bytes_per_user = 4 << 20,
		.memory_per_user = 50,
		.memory_of_users = 80,
		.blocks_per_user = 1000,
	};
	/* These signals are for the fuzzer. */
	event_del(&host.server.terminate);
	event_del(&host.server.interrupt);
	event_del(&host.server.hangup);
}

static int count_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++) {
		n += fcntl(fd, F_GETFD) >= 0;
	}
	return n;
}

static void measure(struct statvfs *fs)
{
	if (statvfs("/dev/shm", fs) < 0) {
		err(1, "/dev/shm");
	}
}

void host_start(void)
{
	struct statvfs fs;

	enter_place();
	world_begin(1);
	log_set_level(LOG_LEVEL_DEBUG);
	for (int k = 0; k < HOST_CLIENTS; k++) {
		host.clients[k] = (struct host_client){.fd = -1, .control = -1};
	}
	start_daemon();
	measure(&fs);
	clean.free_blocks = fs.f_bfree;
	clean.free_files = fs.f_ffree;
}

void host_begin(uint64_t tick_ns)
{
	world_begin(tick_ns);
	clean.fds = count_fds();
}

void host_restart(void)
{
	for (int k = 0; k < HOST_CLIENTS; k++) {
		host_disconnect(&host.clients[k]);
	}
	server_stop(&host.server);
	start_daemon();
}

/* ---- the loop ---- */

static bool is_reserving(void)
{
	const struct reserver *r = &host.server.pools.reserver;

	return r->n_under_way > 0 || !TAILQ_EMPTY(&r->waiting);
}

/* Whether something has come that the daemon has not looked at. */
static bool is_called(void)
{
	struct pollfd p[2 * HOST_CLIENTS + 1] = {{.fd = host.server.listener.fd, .events = POLLIN}};
	const struct session *s;
	nfds_t n = 1;

	LIST_FOREACH(s, &host.server.sessions.all, of_all)
	{
		if (n < sizeof p / sizeof *p) {
			p[n++] = (struct pollfd){.fd = s->fd, .events = POLLIN};
		}
	}
	return poll(p, n, 0) > 0;
}

static bool is_quiet(void)
{
	const struct server *s = &host.server;

	return TAILQ_EMPTY(&s->sessions.requests.tasks) && TAILQ_EMPTY(&s->pools.builds.tasks) &&
	       TAILQ_EMPTY(&s->pools.removals.tasks) && TAILQ_EMPTY(&s->seats.reclaims) &&
	       !is_reserving() && !is_called();
}

/* ---- clients ---- */

static void keep_attached(struct host_client *c, const struct wire_attached *attached,
			  const int *fds, int n)
{
	struct stat st;

	assert(n == (attached->access == WIRE_OBSERVER ? 2 : 3));
	assert(fstat(fds[0], &st) == 0 && st.st_size > 0);
	c->attached = *attached;
	c->control = fds[0];
}

/* Reads what the daemon has to say. It must be well-formed, whatever it was asked. */
static void read_replies(struct host_client *c)
{
	union wire_message reply;
	int fds[WIRE_FDS];

	while (c->fd >= 0) {
		int n_fds = WIRE_FDS;
		ssize_t n = wire_receive(c->fd, &reply, fds, &n_fds, NULL, MSG_DONTWAIT);
		if (n == -EAGAIN) {
			return;
		}
		if (n <= 0) {
			close(c->fd);
			c->fd = -1;
			return;
		}
		assert(wire_check(&reply, (size_t)n) == 0 && reply.head.type >= WIRE_WELCOME);
		if (c->n_fds + (unsigned)n_fds > HOST_FDS) {
			host_let_go(c);
		}
		memcpy(c->fds + c->n_fds, fds, (size_t)n_fds * sizeof *fds);
		c->n_fds += (unsigned)n_fds;
		if (reply.head.type == WIRE_ATTACHED) {
			keep_attached(c, &reply.attached, fds, n_fds);
		}
		c->last = reply.head.type;
	}
}

static void turn(int flags)
{
	slice_begin_turn(&host.server.loop.slice);
	if (event_base_loop(host.server.loop.base, flags) < 0) {
		errx(1, "the loop failed");
	}
	for (int k = 0; k < HOST_CLIENTS; k++) {
		read_replies(&host.clients[k]);
	}
}

void host_turn(void)
{
	turn(EVLOOP_NONBLOCK);
}

void host_pass_time(void)
{
	struct attachment *a;

	if (host.server.seats.n_live > 0) {
		event_active(&host.server.seats.sweep, EV_TIMEOUT, 1);
	}
	TAILQ_FOREACH(a, &host.server.seats.graced, of_queue)
	{
		event_active(&a->grace, EV_TIMEOUT, 1);
	}
	host_turn();
}

void host_settle(void)
{
	for (int n = 0; n < TURNS; n++) {
		turn(is_reserving() ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
		if (is_quiet()) {
			return;
		}
	}
	errx(1, "the daemon does not come to rest");
}

void host_connect(struct host_client *client)
{
	const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};

	if (client->fd >= 0) {
		return;
	}
	client->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connect(client->fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		err(1, "connect");
	}
}

void host_disconnect(struct host_client *client)
{
	if (client->fd >= 0) {
		close(client->fd);
		client->fd = -1;
	}
}

void host_send(struct host_client *client, const void *bytes, size_t size, bool with_fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	const int fd = STDIN_FILENO;

	if (with_fd) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof control;
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	if (client->fd >= 0) {
		(void)!sendmsg(client->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

bool host_ask(struct host_client *client, union wire_message *message)
{
	client->last = 0;
	message->head.serial = ++client->serial;
	host_send(client, message, message->head.size, false);
	host_settle();
	return client->last == wire_reply_type(message->head.type);
}

void host_hello(struct host_client *client)
{
	union wire_message m;

	wire_init(&m, WIRE_HELLO, 0);
	m.hello.signature = mp_signature();
	m.hello.pid = getpid();
	host_connect(client);
	if (!host_ask(client, &m)) {
		errx(1, "no welcome");
	}
}

void host_let_go(struct host_client *client)
{
	while (client->n_fds > 0) {
		close(client->fds[--client->n_fds]);
	}
	client->control = -1;
}

/* ---- the end of an input ---- */

/* Nobody has a pool open any more: what the daemon finds out with its next sweep. */
static void end_attachments(void)
{
	struct attachment *a, *next;

	for (a = TAILQ_FIRST(&host.server.seats.live); a; a = next) {
		struct process *process = a->process;
		next = TAILQ_NEXT(a, of_queue);
		ending_test(a);
		if (LIST_EMPTY(&process->attachments)) {
			process_settle(process);
		}
	}
	assert(TAILQ_EMPTY(&host.server.seats.live));
}

static void check_clean(void)
{
	struct statvfs fs;

	for (int i = 0; i < REGISTRY_POOLS; i++) {
		assert(!host.server.pools.of[i]);
	}
	assert(LIST_EMPTY(&host.server.sessions.all));
	assert(TAILQ_EMPTY(&host.server.seats.graced));
	assert(count_fds() == clean.fds);
	measure(&fs);
	assert(fs.f_bfree == clean.free_blocks && fs.f_ffree == clean.free_files);
}

void host_clear(void)
{
	for (int k = 0; k < HOST_CLIENTS; k++) {
		host_disconnect(&host.clients[k]);
		host_let_go(&host.clients[k]);
		host.clients[k] = (struct host_client){.fd = -1, .control = -1};
	}
	host_settle();
	end_attachments();
	for (int i = 0; i < REGISTRY_POOLS; i++) {
		if (host.server.pools.of[i]) {
			ending_retire(&host.server.seats, host.server.pools.of[i]);
		}
	}
	host_settle();
	check_clean();
}
