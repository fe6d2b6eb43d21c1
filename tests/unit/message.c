/* SPDX-License-Identifier: MIT */
/* Messages: what is well-formed, and descriptors that nobody asked for. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/wire/message.h"
#include "tests/unit/suite.h"

static int ends[2];

static void begin(void)
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
}

START_TEST(what_is_sent_is_received)
{
	union wire_message out, in;
	begin();
	wire_init(&out, WIRE_OPEN, 7);
	strcpy(out.open.name, "frames");
	ck_assert_int_eq(wire_send(ends[0], &out, NULL, 0, 0), 0);
	ssize_t n = wire_receive(ends[1], &in, NULL, NULL, NULL, 0);
	ck_assert_int_eq(n, sizeof in.open);
	ck_assert_int_eq(wire_check(&in, (size_t)n), 0);
	ck_assert_mem_eq(&in, &out, sizeof in.open);
}
END_TEST

START_TEST(every_length_but_the_right_one_is_refused)
{
	union wire_message m;
	for (uint16_t type = 0; type < 100; type++) {
		wire_init(&m, type, 1);
		if (type == WIRE_ERROR) {
			m.head.error = 1;
		}
		for (size_t n = 0; n <= sizeof m; n++) {
			m.head.size = (uint32_t)n;
			bool right = n > 0 && n == wire_size(type);
			ck_assert_int_eq(wire_check(&m, n) == 0, right);
		}
	}
}
END_TEST

START_TEST(another_version_is_told_apart)
{
	union wire_message m;
	wire_init(&m, WIRE_DAEMON, 1);
	m.head.version++;
	ck_assert_int_eq(wire_check(&m, m.head.size), -EPROTONOSUPPORT);
}
END_TEST

START_TEST(unterminated_names_are_refused)
{
	union wire_message m;
	wire_init(&m, WIRE_FIND_POOL, 1);
	memset(m.name.name, 'a', sizeof m.name.name);
	ck_assert_int_eq(wire_check(&m, m.head.size), -EPROTO);
}
END_TEST

START_TEST(names_keep_to_the_grammar)
{
	char name[70];
	memset(name, 'x', sizeof name);
	name[64] = 0;
	ck_assert(wire_name_valid(name));
	name[64] = 'x';
	name[65] = 0;
	ck_assert(!wire_name_valid(name));
	ck_assert(wire_name_valid("a.b-c_9"));
	ck_assert(!wire_name_valid(""));
	ck_assert(!wire_name_valid("A"));
	ck_assert(!wire_name_valid("a/b"));
	ck_assert(!wire_name_valid("a b"));
	ck_assert(!wire_name_valid("\xc3\xa4"));
}
END_TEST

START_TEST(unasked_descriptors_are_closed)
{
	union wire_message m;
	begin();
	int fds[] = {open("/dev/null", O_RDONLY), open("/dev/null", O_RDONLY)};
	wire_init(&m, WIRE_DAEMON, 1);
	ck_assert_int_eq(wire_send(ends[0], &m, fds, 2, 0), 0);
	int before = dup(0);
	close(before);
	ck_assert_int_eq(wire_receive(ends[1], &m, NULL, NULL, NULL, 0), -EBADMSG);
	int after = dup(0);
	ck_assert_int_eq(before, after);
}
END_TEST

START_TEST(descriptors_asked_for_arrive)
{
	union wire_message m;
	int got[WIRE_FDS], n = WIRE_FDS;
	begin();
	int fds[] = {open("/dev/null", O_RDONLY), open("/dev/zero", O_RDONLY)};
	wire_init(&m, WIRE_ATTACHED, 1);
	ck_assert_int_eq(wire_send(ends[0], &m, fds, 2, 0), 0);
	ck_assert_int_gt(wire_receive(ends[1], &m, got, &n, NULL, 0), 0);
	ck_assert_int_eq(n, 2);
	ck_assert_int_eq(fcntl(got[0], F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(an_overlong_packet_is_told)
{
	union wire_message m;
	char packet[sizeof m + 1] = {0};
	begin();
	ck_assert_int_eq(send(ends[0], packet, sizeof packet, 0), sizeof packet);
	ck_assert_int_eq(wire_receive(ends[1], &m, NULL, NULL, NULL, 0), -EMSGSIZE);
}
END_TEST

SUITE("message", what_is_sent_is_received, every_length_but_the_right_one_is_refused,
      another_version_is_told_apart, unterminated_names_are_refused, names_keep_to_the_grammar,
      unasked_descriptors_are_closed, descriptors_asked_for_arrive, an_overlong_packet_is_told)
