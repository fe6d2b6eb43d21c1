/* SPDX-License-Identifier: MIT */
/*
 * Kills clients of a daemon in the calls that do more than the engine does: create, attach, detach,
 * close by force, grow, and getting the blocks of a pool that has just grown; and in those on
 * channels of all kinds. Each call is killed before and after each of its system calls, and after
 * each change of the control segment.
 *
 *	kill_calls [--only NAME]
 *
 * After each kill, a client that has had the pool open all the time must get every block exactly
 * once; nobody else may have a seat in the pool, and the pool must be sound.
 */
#include <err.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mempool/admin.h>

#include "tests/crash/step.h"
#include "tests/support/service.h"

#define FIRST 40 /* blocks */
#define MOST 56
#define GRACE_MS 20
#define CONTROL_MAX (1 << 20) /* bytes */

static struct service service;
static struct mempool_conn *conn;
static struct mempool *pool; /* of the client that stays */
static void *control;        /* the pool's control segment */
static size_t control_size;
static unsigned long faults;

/* ---- what a victim does, in its own process ---- */

static struct mempool_conn *its_conn;
static struct mempool *its_pool;

static void calls_must(int error)
{
	if (error) {
		errx(98, "victim: %s", mempool_errmsg());
	}
}

static void calls_connect_first(void)
{
	calls_must(mempool_connect(&its_conn, NULL));
}

static void calls_open_first(void)
{
	calls_connect_first();
	calls_must(mempool_open(its_conn, "calls", 0, &its_pool));
}

/* Gets blocks; then the victim has some in hand, some in its cache, and gave one. */
static void calls_have_some(void)
{
	void *blocks[20];

	calls_open_first();
	calls_must(mempool_get_bulk(its_pool, blocks, 20));
	calls_must(mempool_put_bulk(its_pool, blocks, 10));
	mempool_give(its_pool, blocks[15]);
}

static void calls_use_first(void)
{
	calls_open_first();
	calls_must(mempool_put(its_pool, mempool_get(its_pool)));
}

static void do_attach(void *unused)
{
	(void)unused;
	calls_open_first();
}

static void do_first_get(void *unused)
{
	(void)unused;
	mempool_get(its_pool);
}

static void do_close(void *unused)
{
	(void)unused;
	calls_must(mempool_close(its_pool));
}

static void do_close_force(void *unused)
{
	(void)unused;
	calls_must(mempool_close_force(its_pool));
}

static void do_create(void *unused)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	(void)unused;
	attr.block_size = 64;
	attr.blocks = 10;
	calls_must(mempool_create(its_conn, "another", &attr, &its_pool));
}

static void do_grow(void *unused)
{
	(void)unused;
	calls_must(mempool_grow(its_conn, "calls", MOST));
}

/* Gets all blocks there are, then makes the pool larger. */
static void calls_have_all_and_see_growth(void)
{
	calls_open_first();
	while (mempool_get(its_pool)) {
	}
	calls_must(mempool_grow(its_conn, "calls", MOST));
}

static void do_get_two(void *unused)
{
	(void)unused;
	mempool_get(its_pool);
	mempool_get(its_pool);
}

static void calls_nothing_first(void)
{
}

/* ---- channels, one of each kind ---- */

enum { QUEUE, WORK, BROADCAST, KINDS };

static const unsigned kinds[KINDS] = {0, MEMPOOL_CHANNEL_WORK, MEMPOOL_CHANNEL_BROADCAST};
static struct mempool_channel *its_senders[KINDS], *its_receivers[KINDS];

static void do_open_channels(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < KINDS; i++) {
		calls_must(mempool_channel_open(its_pool, i, kinds[i], &its_senders[i]));
		calls_must(mempool_channel_open(its_pool, i, kinds[i] | MEMPOOL_CHANNEL_RECEIVE,
						&its_receivers[i]));
	}
}

static void calls_open_channels_first(void)
{
	calls_use_first();
	do_open_channels(NULL);
}

static void do_send(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < KINDS; i++) {
		calls_must(mempool_channel_send(its_senders[i], mempool_get(its_pool), 0));
		calls_must(mempool_channel_send(its_senders[i], mempool_get(its_pool), 0));
	}
}

static void calls_send_first(void)
{
	calls_open_channels_first();
	do_send(NULL);
}

static void do_receive(void *unused)
{
	const void *block = mempool_channel_borrow(its_receivers[BROADCAST], 0);

	(void)unused;
	calls_must(mempool_put(its_pool, mempool_channel_receive(its_receivers[QUEUE], 0)));
	calls_must(mempool_put(its_pool, mempool_channel_receive(its_receivers[WORK], 0)));
	calls_must(mempool_channel_return(its_receivers[BROADCAST], block));
}

/* All is under way still, so that each drain is in vain. */
static void do_drain(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < KINDS; i++) {
		mempool_channel_drain(its_senders[i], 30);
	}
}

/* What is under way stays in the queue and in work. */
static void do_close_channels(void *unused)
{
	(void)unused;
	for (uint32_t i = 0; i < KINDS; i++) {
		calls_must(mempool_channel_close(its_receivers[i]));
		calls_must(mempool_channel_close(its_senders[i]));
	}
	calls_must(mempool_close(its_pool));
}

static const struct call {
	const char *name;
	void (*prepare)(void);
	void (*act)(void *);
} calls[] = {
	{"attach", calls_nothing_first, do_attach},
	{"first get", calls_open_first, do_first_get},
	{"detach", calls_use_first, do_close},
	{"close by force", calls_have_some, do_close_force},
	{"create", calls_connect_first, do_create},
	{"grow", calls_connect_first, do_grow},
	{"get what has grown", calls_have_all_and_see_growth, do_get_two},
	{"open channels", calls_use_first, do_open_channels},
	{"send by channels", calls_open_channels_first, do_send},
	{"receive by channels", calls_send_first, do_receive},
	{"drain channels", calls_send_first, do_drain},
	{"close channels", calls_send_first, do_close_channels},
	{"close them by force", calls_send_first, do_close_force},
};

/* ---- the pool ---- */

/* Maps the one control object of the instance: its owner may, and that is who runs the test. */
static void calls_map_control(void)
{
	char path[300], prefix[64];
	struct stat st;

	snprintf(prefix, sizeof prefix, "mempool.%s.calls.", service.instance);
	DIR *shm = opendir("/dev/shm");
	for (struct dirent *e; shm && (e = readdir(shm));) {
		size_t n = strlen(e->d_name);
		if (strncmp(e->d_name, prefix, strlen(prefix)) == 0 &&
		    strcmp(e->d_name + n - 4, ".ctl") == 0) {
			snprintf(path, sizeof path, "/dev/shm/%s", e->d_name);
			int fd = open(path, O_RDONLY | O_CLOEXEC);
			if (fd < 0 || fstat(fd, &st) != 0) {
				err(99, "%s", path);
			}
			control_size = (size_t)st.st_size;
			control = mmap(NULL, control_size, PROT_READ, MAP_SHARED, fd, 0);
			close(fd);
		}
	}
	closedir(shm);
	if (!control || control == MAP_FAILED || control_size > CONTROL_MAX) {
		errx(99, "the control segment of %s is not to be found", service.instance);
	}
}

static void calls_make_pool(void)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	attr.block_size = 64;
	attr.blocks = FIRST;
	attr.max_blocks = MOST;
	attr.gift_grace_ms = GRACE_MS;
	/* A small segment is watched faster. */
	attr.processes = 4;
	attr.threads = 4;
	attr.shards = 1;
	attr.channels = KINDS;
	attr.channel_depth = 8;
	if (mempool_create(conn, "calls", &attr, &pool) != 0) {
		errx(99, "%s", mempool_errmsg());
	}
	control = NULL;
	calls_map_control();
}

static void calls_drop_pool(void)
{
	munmap(control, control_size);
	mempool_close_force(pool);
	mempool_destroy(conn, "calls");
	mempool_destroy(conn, "another"); /* if the victim made it */
}

/* Puts what the dead have sent and nobody has received. */
static void calls_empty_channels(void)
{
	struct mempool_channel *channel;
	void *block;

	for (uint32_t i = 0; i < BROADCAST; i++) {
		if (mempool_channel_open(pool, i, kinds[i] | MEMPOOL_CHANNEL_RECEIVE, &channel)) {
			continue; /* the dead one receives from it still */
		}
		while ((block = mempool_channel_receive(channel, 0))) {
			mempool_put(pool, block);
		}
		mempool_channel_close(channel);
	}
}

/* Gets all blocks, at most one more than were born: that one came twice. Returns how many. */
static uint32_t calls_count_blocks(uint32_t born)
{
	void *blocks[MOST];
	uint32_t n = 0;

	while (n < born && (blocks[n] = mempool_get(pool))) {
		n++;
	}
	bool more = n == born && mempool_get(pool);
	mempool_put_bulk(pool, blocks, n);
	mempool_flush(pool);
	return n + more;
}

/* Whether every block is obtainable once, and nobody else has a seat. */
static bool calls_is_all_well(void *data)
{
	const char **fault = data;
	uint32_t born = mempool_blocks(pool), n;
	struct mempool_report report;
	struct mempool_info info;

	if (mempool_find_pool(conn, "calls", &info) != 0) {
		errx(1, "%s", mempool_errmsg());
	}
	calls_empty_channels();
	n = calls_count_blocks(born);
	*fault = n > born                            ? "a block was handed out twice"
		 : n < born                          ? "blocks are lost"
		 : info.clients != 1                 ? "the dead one has its seat still"
		 : mempool_check(pool, &report) != 0 ? "the pool is not sound"
						     : NULL;
	return n > born || !*fault;
}

static void calls_check(const char *name, const char *how, unsigned at)
{
	const char *fault;

	wait_until(calls_is_all_well, &fault, HANG_MS);
	if (fault && ++faults <= 10) {
		fprintf(stderr, "%s: killed at %s %u: %s\n", name, how, at, fault);
	}
	if (waitpid(service.pid, NULL, WNOHANG) != 0) {
		errx(1, "%s: killed at %s %u: the daemon died", name, how, at);
	}
}

/* ---- kills ---- */

/* Whether the victim has stopped, and not come to its end. */
static bool calls_is_stopped(int status)
{
	if (!WIFSTOPPED(status) && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
		errx(1, "a victim ended with status %#x", status);
	}
	return WIFSTOPPED(status);
}

static bool calls_wait_for_stop(pid_t pid)
{
	int status;

	alarm(HANG_MS / 1000);
	if (waitpid(pid, &status, 0) != pid) {
		err(99, "waitpid");
	}
	alarm(0);
	return calls_is_stopped(status);
}

/* Starts a victim, which stops before it acts. */
static pid_t calls_start(const struct call *call)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		call->prepare();
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		call->act(NULL);
		_exit(0);
	}
	if (!calls_wait_for_stop(pid)) {
		errx(1, "%s: the victim did not begin", call->name);
	}
	return pid;
}

static void calls_finish(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Lets the victim run to where it begins or ends a system call. False: it has ended. */
static bool calls_go_on(pid_t pid)
{
	ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	return calls_wait_for_stop(pid);
}

/* Lets the victim do one instruction. False: it has ended. */
static bool calls_step(pid_t pid)
{
	alarm(HANG_MS / 1000);
	int status = step_one(pid);
	alarm(0);
	return calls_is_stopped(status);
}

/* Kills the victim at its @n-th stop before or after a system call. False: it ended before. */
static bool kill_at_system_call(const struct call *call, unsigned n)
{
	pid_t pid = calls_start(call);

	for (unsigned i = 0; i < n; i++) {
		if (!calls_go_on(pid)) {
			return false;
		}
	}
	calls_finish(pid);
	return true;
}

/* Kills the victim after the @n-th instruction during which the segment changed. */
static bool kill_at_change(const struct call *call, unsigned n)
{
	static unsigned char shadow[CONTROL_MAX];
	pid_t pid = calls_start(call);

	memcpy(shadow, control, control_size);
	while (n > 0) {
		if (!calls_step(pid)) {
			return false;
		}
		if (memcmp(shadow, control, control_size) != 0) {
			memcpy(shadow, control, control_size);
			n--;
		}
	}
	calls_finish(pid);
	return true;
}

/* Kills a victim at each point, one after the other. Returns how many points there are. */
static unsigned kill_at_each(const struct call *call, const char *how,
			     bool (*kill_at)(const struct call *, unsigned))
{
	unsigned n = 0;

	for (bool killed = true; killed;) {
		calls_make_pool();
		killed = kill_at(call, ++n);
		calls_check(call->name, how, n);
		calls_drop_pool();
	}
	return n - 1;
}

static void calls_on_alarm(int signal)
{
	static const char text[] = "a victim hung\n";

	(void)signal;
	(void)!write(2, text, sizeof text - 1);
	_exit(1);
}

/* Stepping is three times as fast when tracer and victim share a CPU. */
static void calls_stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof set, &set);
}

int main(int argc, char **argv)
{
	const char *only = argc == 3 && !strcmp(argv[1], "--only") ? argv[2] : NULL;
	unsigned points = 0;

	if (argc > 1 && !only) {
		errx(2, "usage: kill_calls [--only NAME]");
	}
	calls_stay_on_one_cpu();
	signal(SIGALRM, calls_on_alarm);
	service_start(&service);
	conn = service_connect();
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		const struct call *c = &calls[i];
		if (only && strcmp(only, c->name) != 0) {
			continue;
		}
		unsigned stops = kill_at_each(c, "the stop of a system call", kill_at_system_call);
		unsigned changes = kill_at_each(c, "change", kill_at_change);
		printf("  %-20s killed at %4u stops of system calls, %4u changes, %lu faults\n",
		       c->name, stops, changes, faults);
		fflush(stdout);
		points += stops + changes;
	}
	mempool_disconnect(conn);
	unsigned left = service_stop(&service);
	if (left) {
		printf("%u objects were left in /dev/shm\n", left);
	}
	printf("%u kills, %lu faults\n", points, faults);
	return faults || left ? 1 : points ? 0 : 2;
}
