/* SPDX-License-Identifier: MIT */
/* Clients that break every rule with a raw socket and a raw mapping: the daemon goes on. */
#include <sys/wait.h>

#include "tests/system/raw.h"

START_TEST(garbage_ends_the_session)
{
	begin();
	unsigned seed = 1;
	for (int i = 0; i < 200; i++) {
		unsigned char packet[300];
		size_t n = (size_t)rand_r(&seed) % sizeof packet;
		for (size_t k = 0; k < n; k++) {
			packet[k] = (unsigned char)rand_r(&seed);
		}
		int fd = i % 2 ? dial() : greeted();
		ck_assert_int_eq(send(fd, packet, n, MSG_NOSIGNAL), n);
		ck_assert(hung_up(fd));
		close(fd);
	}
	ck_assert(is_unharmed());
	end();
}
END_TEST

START_TEST(a_request_before_hello_ends_the_session)
{
	begin();
	union wire_message m;
	for (uint16_t type = WIRE_CREATE; type < WIRE_REQUEST_END; type++) {
		int fd = dial();
		wire_init(&m, type, 1);
		ck_assert_int_eq(wire_send(fd, &m, NULL, 0, 0), 0);
		ck_assert(hung_up(fd));
		close(fd);
	}
	ck_assert(is_unharmed());
	end();
}
END_TEST

START_TEST(another_layout_is_refused_in_words)
{
	begin();
	ck_assert_int_eq(greet(getpid(), mp_signature() + 1), -EPROTONOSUPPORT);
	ck_assert(is_unharmed());
	end();
}
END_TEST

/* Whose pid is another than the kernel says is taken for one of another PID namespace. */
START_TEST(another_pid_may_observe_and_is_refused_a_slot_in_words)
{
	begin();
	union wire_message m;
	int fd = greet(getpid() + 1, mp_signature());
	ck_assert_int_ge(fd, 0);
	for (uint32_t access = WIRE_WRITER; access <= WIRE_OBSERVER; access++) {
		int fds[3], n = 3;
		wire_init(&m, WIRE_OPEN, 2);
		strcpy(m.open.name, "frames");
		m.open.access = access;
		ck_assert(ask(fd, &m, fds, &n));
		if (access == WIRE_OBSERVER) {
			ck_assert_int_eq(m.head.type, WIRE_ATTACHED);
		} else {
			ck_assert_int_eq(m.head.error, EACCES);
			ck_assert_ptr_nonnull(strstr(m.error.text, "another PID namespace"));
			n = 0;
		}
		while (n > 0) {
			close(fds[--n]);
		}
	}
	close(fd);
	ck_assert(is_unharmed());
	end();
}
END_TEST

START_TEST(descriptors_are_not_accepted)
{
	begin();
	union wire_message m;
	int fd = greeted(), gift = open("/dev/null", O_RDONLY);
	wire_init(&m, WIRE_DAEMON, 2);
	/* A kernel that can keeps them off (EPERM); on others the session ends. */
	int error = wire_send(fd, &m, &gift, 1, 0);
	ck_assert(error == -EPERM || (error == 0 && hung_up(fd)));
	ck_assert(is_unharmed());
	end();
}
END_TEST

START_TEST(who_never_reads_is_hung_up_on)
{
	begin();
	union wire_message m;
	int fd = greeted();
	wire_init(&m, WIRE_DAEMON, 2);
	int64_t deadline = now_ms() + HANG_MS;
	while (wire_send(fd, &m, NULL, 0, MSG_DONTWAIT) != -EPIPE) {
		ck_assert_int_lt(now_ms(), deadline);
	}
	ck_assert(is_unharmed());
	end();
}
END_TEST

/* Asks @n times and reads no reply. A pause now and then lets the daemon come to them. */
static void ask_unread(int fd, int n)
{
	union wire_message m;
	wire_init(&m, WIRE_DAEMON, 2);
	for (int i = 0; i < n && wire_send(fd, &m, NULL, 0, MSG_DONTWAIT) == 0; i++) {
		if (i % 8 == 7) {
			sleep_ms(1);
		}
	}
}

/* How many replies the daemon can send to a client that reads none. */
static int count_fitting_replies(void)
{
	union wire_message m;
	int n = 0, fd = greeted();
	ask_unread(fd, 5000);
	sleep_ms(50);
	while (wire_receive(fd, &m, NULL, NULL, NULL, MSG_DONTWAIT) > 0) {
		n++;
	}
	close(fd);
	return n;
}

/* A pool of its own that ends with its last user, whose liveness file the client never maps. */
static int create_unlocked(void)
{
	union wire_message m;
	int fds[3], n = 3, fd = greeted();
	wire_init(&m, WIRE_CREATE, 2);
	strcpy(m.create.name, "brief");
	m.create.shape = (struct wire_shape){
		.block_size = 4096, .blocks = 64, .max_blocks = 100000, .n_slots = 8};
	m.create.terms.lifetime = WIRE_LAST_USER;
	m.create.mode = 0600;
	m.create.uid = m.create.gid = UINT32_MAX;
	ck_assert(ask(fd, &m, fds, &n));
	ck_assert_int_eq(m.head.type, WIRE_ATTACHED);
	for (int i = 0; i < n; i++) {
		close(fds[i]);
	}
	return fd;
}

/*
 * The sweep found a liveness lock free, the pool ended with it, so did its growth, whose requester
 * could not be told as it does not read: the daemon closed that session, freed the process, and
 * went on reading it.
 */
START_TEST(who_does_not_read_and_lets_go_of_a_growing_pool_harms_nobody)
{
	begin();
	int fit = count_fitting_replies();
	for (int i = 0; i < 8; i++) {
		pid_t pid = check_fork();
		if (pid == 0) {
			union wire_message m;
			int fd = create_unlocked();
			ask_unread(fd, fit);
			sleep_ms(30 + i * 30);
			wire_init(&m, WIRE_GROW, 3);
			strcpy(m.grow.name, "brief");
			m.grow.blocks = 100000;
			wire_send(fd, &m, NULL, 0, 0);
			sleep_ms(300);
			_exit(0);
		}
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	}
	ck_assert(is_unharmed());
	end();
}
END_TEST

START_TEST(foreign_seats_cannot_be_given_up)
{
	begin();
	struct actor a = holder(10);
	union wire_message m;
	for (uint32_t slot = 0; slot < 10; slot++) {
		int fd = greeted();
		struct mempool_info info;
		ck_assert_int_eq(mempool_find_pool(conn, "frames", &info), 0);
		wire_init(&m, WIRE_DETACH, 2);
		m.detach.pool_id = info.id;
		m.detach.attachment = slot;
		m.detach.slot = slot;
		ck_assert(!ask(fd, &m, NULL, NULL) || m.head.type == WIRE_ERROR);
		close(fd);
	}
	ck_assert_uint_eq(stats().used, 10);
	ck_assert_int_eq(actor_ask(&a, "put 10"), 0);
	actor_kill(&a);
	end();
}
END_TEST

/* The pool is cut off under the daemon's feet while it has to pass over a dead client. */
START_TEST(a_truncated_pool_is_broken_and_no_other)
{
	begin();
	struct mempool *victim = service_pool(conn, "victim", 64, 5000);
	ck_assert_int_eq(mempool_close(victim), 0);
	pid_t pid = check_fork();
	if (pid == 0) {
		int fds[3];
		attach("victim", fds);
		ck_assert_int_eq(ftruncate(fds[0], 0), 0);
		kill(getpid(), SIGKILL);
	}
	ck_assert_int_eq(kill(pid, 0), 0);
	struct mempool_info info = {0};
	for (int64_t deadline = now_ms() + HANG_MS; !info.broken && now_ms() < deadline;
	     sleep_ms(1)) {
		ck_assert_int_eq(mempool_find_pool(conn, "victim", &info), 0);
	}
	ck_assert(info.broken);
	ck_assert_int_eq(mempool_open(conn, "victim", 0, &victim), -EIO);
	ck_assert(is_unharmed());
	ck_assert_int_eq(mempool_destroy(conn, "victim"), 0);
	end();
}
END_TEST

/* Every byte of the control segment at random, while the daemon passes and is restarted. */
START_TEST(a_scribbled_pool_harms_no_other)
{
	begin();
	for (unsigned seed = 1; seed <= 8; seed++) {
		struct mempool *victim = service_pool(conn, "victim", 64, 5000);
		ck_assert_int_eq(mempool_close(victim), 0);
		pid_t pid = check_fork();
		if (pid == 0) {
			int fds[3];
			unsigned state = seed;
			attach("victim", fds);
			off_t size = lseek(fds[0], 0, SEEK_END);
			unsigned char *p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
						MAP_SHARED, fds[0], 0);
			for (off_t i = 0; i < size; i++) {
				p[i] = (unsigned char)(seed == 1 ? 255 : rand_r(&state));
			}
			kill(getpid(), SIGKILL);
		}
		sleep_ms(20);
		service_kill(&service);
		service_restart(&service);
		ck_assert(is_unharmed());
		ck_assert_int_eq(mempool_destroy(conn, "victim"), 0);
	}
	end();
}
END_TEST

START_TEST(a_dead_mans_lock_on_a_shard_stops_nobody)
{
	begin();
	pid_t pid = check_fork();
	if (pid == 0) {
		int fds[3];
		attach("frames", fds);
		off_t size = lseek(fds[0], 0, SEEK_END);
		unsigned char *p =
			mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
		struct mp_shard *shard = (void *)(p + MP_HEADER_SIZE);
		pthread_mutex_lock(&shard->lock);
		kill(getpid(), SIGKILL);
	}
	sleep_ms(50);
	ck_assert(is_unharmed());
	end();
}
END_TEST

SUITE("hostile", garbage_ends_the_session, a_request_before_hello_ends_the_session,
      another_layout_is_refused_in_words, another_pid_may_observe_and_is_refused_a_slot_in_words,
      descriptors_are_not_accepted, who_never_reads_is_hung_up_on,
      who_does_not_read_and_lets_go_of_a_growing_pool_harms_nobody,
      foreign_seats_cannot_be_given_up, a_truncated_pool_is_broken_and_no_other,
      a_scribbled_pool_harms_no_other, a_dead_mans_lock_on_a_shard_stops_nobody)
