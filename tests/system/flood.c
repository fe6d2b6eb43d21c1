/* SPDX-License-Identifier: MIT */
/*
 * Too much of everything: connections, requests, halves of messages, descriptors, clients that come
 * and go in the middle. The daemon answers others meanwhile, keeps no descriptor and no session of
 * it, and spends no more than 50 ms of its own time on one thing.
 */
#include <dirent.h>
#include <stdio.h>
#include <sys/wait.h>

#include "tests/system/raw.h"

#define STALL_NS 50000000ull

static unsigned count_fds(void)
{
	char path[64];
	unsigned n = 0;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)service.pid);
	DIR *dir = opendir(path);
	ck_assert_ptr_nonnull(dir);
	while (readdir(dir)) {
		n++;
	}
	closedir(dir);
	return n;
}

static unsigned fds_before;

static bool are_fds_gone(void *unused)
{
	(void)unused;
	return count_fds() <= fds_before;
}

/* A bystander is answered: how much of the daemon's own time passed until then. */
static uint64_t answer_ns(void)
{
	struct mempool_daemon info;

	uint64_t before = daemon_ns();
	ck_assert_int_eq(mempool_daemon(conn, &info), 0);
	return daemon_ns() - before;
}

static void begin_flood(void)
{
	begin();
	answer_ns();
	fds_before = count_fds();
}

static void end_flood(void)
{
	ck_assert(wait_until(are_fds_gone, NULL, HANG_MS));
	ck_assert(is_unharmed());
	end();
}

/* Whoever is refused is hung up on; who is not, says nothing. */
START_TEST(connections_that_say_nothing_keep_nobody_out)
{
	enum { MANY = 3000 };
	static int fds[MANY];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint64_t worst = 0;
	int n = 0;

	begin_flood();
	strcpy(address.sun_path, service.socket);
	for (; n < MANY; n++) {
		fds[n] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fds[n] < 0) {
			break; /* as many as we may have */
		}
		(void)!connect(fds[n], (struct sockaddr *)&address, sizeof address);
		if (n % 100 == 0) {
			uint64_t ns = answer_ns();
			worst = ns > worst ? ns : worst;
		}
	}
	ck_assert_int_gt(n, 500);
	while (n > 0) {
		close(fds[--n]);
	}
	ck_assert_uint_lt(worst, STALL_NS);
	end_flood();
}
END_TEST

/* More want to connect than wait in line, while the daemon is stopped: each is served later. */
START_TEST(who_finds_the_line_full_is_served_when_it_moves)
{
	enum { MANY = 3000 };
	static int fds[MANY];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = 0, status;

	begin_flood();
	strcpy(address.sun_path, service.socket);
	ck_assert_int_eq(kill(service.pid, SIGSTOP), 0);
	do {
		ck_assert_int_lt(n, MANY);
		fds[n] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	} while (connect(fds[n++], (struct sockaddr *)&address, sizeof address) == 0);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_gt(n, 500);
	pid_t late = check_fork();
	if (late == 0) {
		struct mempool_conn *c;
		_exit(mempool_connect(&c, NULL) != 0);
	}
	sleep_ms(100);
	ck_assert_int_eq(waitpid(late, &status, WNOHANG), 0);
	ck_assert_int_eq(kill(service.pid, SIGCONT), 0);
	ck_assert_int_eq(waitpid(late, &status, 0), late);
	ck_assert_int_eq(status, 0);
	while (n > 0) {
		close(fds[--n]);
	}
	end_flood();
}
END_TEST

/* Of every type: too short by one byte, too long by one, of another version, of no type. */
START_TEST(a_message_that_is_not_well_formed_ends_the_session)
{
	union {
		union wire_message m;
		char bytes[sizeof(union wire_message) + 1];
	} u;

	begin_flood();
	for (uint16_t type = 0; type <= WIRE_REQUEST_END; type++) {
		for (int fault = 0; fault < 4; fault++) {
			size_t size = wire_size(type) ? wire_size(type) : sizeof u.m.head;
			memset(&u, 0, sizeof u);
			wire_init(&u.m, type, 7);
			u.m.head.version += fault == 2;
			u.m.head.type += fault == 3 ? 1000 : 0;
			size += fault == 0 ? -1 : fault == 1 ? 1 : 0;
			int fd = greeted();
			ck_assert_int_eq(send(fd, u.bytes, size, MSG_NOSIGNAL), size);
			ck_assert(hung_up(fd));
			close(fd);
		}
	}
	end_flood();
}
END_TEST

/* It hangs up, on one side or both, at each stage of a conversation. */
START_TEST(who_half_closes_is_let_go)
{
	union wire_message m;

	begin_flood();
	for (int stage = 0; stage < 4; stage++) {
		for (int how = SHUT_RD; how <= SHUT_RDWR; how++) {
			int fd = stage == 0 ? dial() : greeted();
			if (stage >= 2) {
				wire_init(&m, stage == 2 ? WIRE_DAEMON : WIRE_OPEN, 2);
				if (stage == 3) {
					strcpy(m.open.name, "frames");
				}
				ck_assert_int_eq(wire_send(fd, &m, NULL, 0, 0), 0);
			}
			shutdown(fd, how);
			answer_ns();
			close(fd);
		}
	}
	end_flood();
}
END_TEST

/* Requests without end, and nobody reads what comes: from several, and over and over. */
START_TEST(requests_nobody_reads_the_answers_of_stall_nobody)
{
	union wire_message m;
	uint64_t worst = 0;

	begin_flood();
	for (int round = 0; round < 20; round++) {
		int fd = greeted();
		for (int i = 0; i < 1000; i++) {
			wire_init(&m, i % 2 ? WIRE_NEXT_POOL : WIRE_OPEN, (uint32_t)i);
			if (i % 2 == 0) {
				strcpy(m.open.name, "frames");
			}
			if (wire_send(fd, &m, NULL, 0, MSG_DONTWAIT) == -EPIPE) {
				break;
			}
		}
		uint64_t ns = answer_ns();
		worst = ns > worst ? ns : worst;
		close(fd);
	}
	ck_assert_uint_lt(worst, STALL_NS);
	end_flood();
}
END_TEST

/* Seats are taken and left as fast as it goes, by one who never detaches. */
START_TEST(who_opens_and_hangs_up_leaves_no_seat)
{
	int fds[3];
	struct mempool_info info;

	begin_flood();
	for (int i = 0; i < 100; i++) {
		pid_t pid = check_fork();
		if (pid == 0) {
			attach("frames", fds);
			kill(getpid(), SIGKILL);
		}
		waitpid(pid, NULL, 0);
	}
	int64_t end_ms = now_ms() + HANG_MS;
	do {
		ck_assert_int_eq(mempool_find_pool(conn, "frames", &info), 0);
	} while (info.clients > 1 && now_ms() < end_ms);
	ck_assert_uint_eq(info.clients, 1);
	end_flood();
}
END_TEST

SUITE("flood", connections_that_say_nothing_keep_nobody_out,
      who_finds_the_line_full_is_served_when_it_moves,
      a_message_that_is_not_well_formed_ends_the_session, who_half_closes_is_let_go,
      requests_nobody_reads_the_answers_of_stall_nobody, who_opens_and_hangs_up_leaves_no_seat)
