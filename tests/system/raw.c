/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/core/layout.h"
#include "tests/system/raw.h"

int dial(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, service.socket);
	ck_assert_msg(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect: %s",
		      strerror(errno));
	return fd;
}

bool ask(int fd, union wire_message *m, int *fds, int *n_fds)
{
	if (wire_send(fd, m, NULL, 0, 0) != 0) {
		return false;
	}
	ssize_t n = wire_receive(fd, m, fds, n_fds, NULL, 0);
	return n > 0 && wire_check(m, (size_t)n) == 0;
}

int greet(int32_t pid, uint64_t signature)
{
	union wire_message m;
	int fd = dial();
	wire_init(&m, WIRE_HELLO, 1);
	m.hello.pid = pid;
	m.hello.signature = signature;
	ck_assert(ask(fd, &m, NULL, NULL));
	int error = m.head.error;
	if (error) {
		ck_assert(m.error.text[0]);
		close(fd);
		return -error;
	}
	return fd;
}

int greeted(void)
{
	int fd = greet(getpid(), mp_signature());
	ck_assert_int_ge(fd, 0);
	return fd;
}

int attach(const char *name, int fds[3])
{
	union wire_message m;
	int n = 3, fd = greeted();
	wire_init(&m, WIRE_OPEN, 2);
	strcpy(m.open.name, name);
	ck_assert(ask(fd, &m, fds, &n));
	ck_assert_int_eq(m.head.type, WIRE_ATTACHED);
	ck_assert_int_eq(n, 3);
	return fd;
}

pid_t crowd(const char *name, int opens)
{
	int ready[2];
	char byte;
	ck_assert_int_eq(pipe(ready), 0);
	pid_t pid = check_fork();
	if (pid == 0) {
		for (int i = 0; i < opens; i++) {
			int fds[3];
			attach(name, fds);
			mmap(NULL, 1, PROT_READ, MAP_SHARED, fds[2], 0);
		}
		(void)!write(ready[1], "", 1);
		for (;;) {
			pause();
		}
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	return pid;
}

bool hung_up(int fd)
{
	char byte;
	struct timeval patience = {.tv_sec = HANG_MS / 1000};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	ssize_t n;
	while ((n = recv(fd, &byte, 1, 0)) > 0) {
	}
	return n == 0 || errno == ECONNRESET;
}

uint64_t daemon_ns(void)
{
	struct timespec t;
	clockid_t clock;
	ck_assert_int_eq(clock_getcpuclockid(service.pid, &clock), 0);
	ck_assert_int_eq(clock_gettime(clock, &t), 0);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

bool is_unharmed(void)
{
	struct mempool_daemon info;
	return mempool_daemon(conn, &info) == 0 && obtainable() == BLOCKS && is_sound();
}
