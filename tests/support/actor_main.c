/* SPDX-License-Identifier: MIT */
/* The program behind actor.h. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mempool/mempool.h>

#include "tests/support/refuse.h"

#define MOST (1 << 20)

static struct mempool_conn *conn;
static struct mempool *pool;
static void *blocks[MOST];
static size_t n;

static int64_t do_open(const char *arg)
{
	char name[80], how[20] = "";

	sscanf(arg, "%79s %19s", name, how);
	if (!conn) {
		int error = mempool_connect(&conn, NULL);
		if (error) {
			return error;
		}
	}
	return mempool_open(conn, name,
			    !strcmp(how, "reader")     ? MEMPOOL_RDONLY
			    : !strcmp(how, "observer") ? MEMPOOL_OBSERVE
						       : 0,
			    &pool);
}

static int64_t do_make(const char *arg)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	char name[80];

	sscanf(arg, "%79s %" SCNu32 " %" SCNu32, name, &attr.lifetime, &attr.processes);
	attr.block_size = 64;
	attr.blocks = 100;
	int error = conn ? 0 : mempool_connect(&conn, NULL);
	return error ? error : mempool_create(conn, name, &attr, &pool);
}

static int64_t do_large(const char *arg)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	char name[80];

	sscanf(arg, "%79s %" SCNu32 " %" SCNu32, name, &attr.blocks, &attr.backing);
	attr.block_size = 1 << 20;
	int error = conn ? 0 : mempool_connect(&conn, NULL);
	return error ? error : mempool_create(conn, name, &attr, &pool);
}

/* Opens the pool or makes it; the rest of its attributes are the defaults. */
static int64_t do_either(const char *arg)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	char name[80];

	sscanf(arg, "%79s %" SCNu32 " %" SCNu32, name, &attr.blocks, &attr.lifetime);
	attr.block_size = 1 << 20;
	int error = conn ? 0 : mempool_connect(&conn, NULL);
	return error ? error : mempool_open_or_create(conn, name, &attr, &pool);
}

/* One block, with the bookkeeping of as many as there can be. */
static int64_t do_wide(const char *name)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	attr.block_size = 16;
	attr.blocks = 1;
	attr.max_blocks = 64 << 20;
	int error = conn ? 0 : mempool_connect(&conn, NULL);
	return error ? error : mempool_create(conn, name, &attr, &pool);
}

static int64_t do_grow(const char *arg)
{
	char name[80];
	uint32_t many;

	sscanf(arg, "%79s %" SCNu32, name, &many);
	int error = conn ? 0 : mempool_connect(&conn, NULL);
	return error ? error : mempool_grow(conn, name, many);
}

static int64_t do_destroy(const char *name)
{
	int error = conn ? 0 : mempool_connect(&conn, NULL);
	return error ? error : mempool_destroy(conn, name);
}

static int64_t do_state(const char *arg)
{
	(void)arg;
	return mempool_state(pool);
}

static int64_t do_blocks(const char *arg)
{
	(void)arg;
	return mempool_blocks(pool);
}

static int64_t do_read(const char *arg)
{
	(void)arg;
	return *(const unsigned char *)blocks[n - 1];
}

static int64_t do_get(const char *arg)
{
	for (int64_t i = atol(arg); i > 0 && n < MOST; i--) {
		void *block = mempool_get(pool);
		if (!block) {
			return -errno;
		}
		blocks[n++] = block;
	}
	return 0;
}

static int64_t do_drain(const char *arg)
{
	size_t before = n;
	(void)arg;
	while (n < MOST && (blocks[n] = mempool_get(pool))) {
		n++;
	}
	return (int64_t)(n - before);
}

static int64_t do_bulk(const char *arg)
{
	size_t many = (size_t)atol(arg);
	int error = mempool_get_bulk(pool, blocks + n, many);
	n += error ? 0 : many;
	return error;
}

static int64_t do_put(const char *arg)
{
	for (int64_t i = atol(arg); i > 0 && n > 0; i--) {
		int error = mempool_put(pool, blocks[n - 1]);
		if (error) {
			return error;
		}
		n--;
	}
	return 0;
}

static int64_t do_foreign(const char *arg)
{
	return mempool_put(pool, mempool_block_at(pool, (uint32_t)atol(arg)));
}

static int64_t do_give(const char *arg)
{
	(void)arg;
	struct mempool_token token =
		n ? mempool_give(pool, blocks[n - 1]) : (struct mempool_token){0};
	n -= token.v != 0;
	return token.v ? (int64_t)token.v : -errno;
}

static int64_t actor_keep(void *block)
{
	if (!block) {
		return -errno;
	}
	blocks[n++] = block;
	return 0;
}

static int64_t do_take(const char *arg)
{
	return actor_keep(
		mempool_take(pool, (struct mempool_token){(uint64_t)strtoll(arg, NULL, 10)}));
}

static int64_t do_withdraw(const char *arg)
{
	return actor_keep(
		mempool_withdraw(pool, (struct mempool_token){(uint64_t)strtoll(arg, NULL, 10)}));
}

static int64_t do_flush(const char *arg)
{
	(void)arg;
	return mempool_flush(pool);
}

static int64_t do_close(const char *arg)
{
	(void)arg;
	return mempool_close(pool);
}

static int64_t do_force(const char *arg)
{
	(void)arg;
	n = 0;
	return mempool_close_force(pool);
}

static int64_t do_churn(const char *arg)
{
	while (arg) {
		void *block = mempool_get(pool);
		if (block) {
			mempool_put(pool, block);
		}
	}
	return 0;
}

static int64_t do_wait(const char *arg)
{
	return actor_keep(mempool_get_wait(pool, atoi(arg)));
}

/* Puts @n blocks some milliseconds from now. */
static long soon_ms, soon_n;

static void *actor_put_soon(void *unused)
{
	usleep((useconds_t)soon_ms * 1000);
	for (; soon_n > 0 && n > 0; soon_n--) {
		mempool_put(pool, blocks[--n]);
	}
	return unused;
}

static int64_t do_soon(const char *arg)
{
	pthread_t thread;

	sscanf(arg, "%ld %ld", &soon_ms, &soon_n);
	return -pthread_create(&thread, NULL, actor_put_soon, NULL);
}

/* Holds all blocks for ever, but for the moment between a put and the next get. */
static int64_t do_greedy(const char *arg)
{
	long ms = atol(arg);

	while (arg) {
		do_drain("");
		if (ms > 0) {
			usleep((useconds_t)ms * 1000);
		}
		if (n > 0) {
			mempool_put(pool, blocks[--n]);
		}
	}
	return 0;
}

/* A thread that fills its magazines, says so by a pipe, and does nothing more. */
static int idle_pipe[2];
static size_t idle_blocks;

static void *actor_be_idle(void *unused)
{
	void *mine[512];

	int error = mempool_get_bulk(pool, mine, idle_blocks);
	error = error ? error : mempool_put_bulk(pool, mine, idle_blocks);
	(void)!write(idle_pipe[1], &error, sizeof error);
	for (;;) {
		pause();
	}
	return unused;
}

static int64_t do_idle(const char *arg)
{
	size_t threads;
	pthread_t thread;
	int error = pipe(idle_pipe);

	sscanf(arg, "%zu %zu", &threads, &idle_blocks);
	for (size_t i = 0; error == 0 && i < threads; i++) {
		pthread_create(&thread, NULL, actor_be_idle, NULL);
		(void)!read(idle_pipe[0], &error, sizeof error);
	}
	return error;
}

static int64_t do_gifts(const char *arg)
{
	(void)arg;
	return mempool_gifts(pool, NULL, 0);
}

static struct mempool_channel *channel;

/* @arg is "CHANNEL [FLAGS]". */
static int64_t actor_open_channel(const char *arg, unsigned flags)
{
	char *rest;
	uint32_t number = (uint32_t)strtoul(arg, &rest, 10);

	return mempool_channel_open(pool, number, flags | (unsigned)strtoul(rest, NULL, 0),
				    &channel);
}

static int64_t do_sender(const char *arg)
{
	return actor_open_channel(arg, 0);
}

static int64_t do_receiver(const char *arg)
{
	return actor_open_channel(arg, MEMPOOL_CHANNEL_RECEIVE);
}

static int64_t do_send(const char *arg)
{
	size_t many = (size_t)atol(arg);
	ssize_t sent = mempool_channel_send_bulk(channel, blocks + n - many, many, 0);
	n -= sent == (ssize_t)many ? many : 0;
	return sent;
}

static int64_t do_receive(const char *arg)
{
	size_t many;
	int ms;

	sscanf(arg, "%zu %d", &many, &ms);
	ssize_t got = mempool_channel_receive_bulk(channel, blocks + n, many, ms);
	n += got > 0 ? (size_t)got : 0;
	return got;
}

static int64_t do_stream(const char *arg)
{
	for (int64_t i = 1, many = atol(arg); i <= many; i++) {
		int64_t *block = mempool_get_wait(pool, -1);
		if (!block) {
			return -errno;
		}
		*block = i;
		int error = mempool_channel_send(channel, block, -1);
		if (error) {
			return error;
		}
	}
	return 0;
}

static int64_t do_sink(const char *arg)
{
	while (arg) {
		void *block = mempool_channel_receive(channel, -1);
		if (!block || mempool_put(pool, block) != 0) {
			exit(99);
		}
	}
	return 0;
}

static const void *loans[1000];
static size_t n_loans;

static int64_t do_borrow(const char *arg)
{
	size_t many;
	int ms;

	sscanf(arg, "%zu %d", &many, &ms);
	ssize_t got = mempool_channel_borrow_bulk(channel, loans + n_loans, many, ms);
	n_loans += got > 0 ? (size_t)got : 0;
	return got;
}

static int64_t do_return(const char *arg)
{
	int error = 0;

	for (long many = atol(arg); error == 0 && many > 0; many--) {
		error = mempool_channel_return(channel, loans[--n_loans]);
	}
	return error;
}

/* Borrows and returns so many blocks of a stream. Answers how many of them were not the next. */
static int64_t do_follow(const char *arg)
{
	int64_t last = 0, odd = 0;

	for (int64_t many = atol(arg); many > 0; many--) {
		const int64_t *block = mempool_channel_borrow(channel, 10000);
		if (!block) {
			return -errno;
		}
		odd += *block != last + 1;
		last = *block;
		int error = mempool_channel_return(channel, block);
		if (error) {
			return error;
		}
	}
	return odd;
}

/* Receives from one channel, work, and sends by the other, a queue, for ever. */
static int64_t do_relay(const char *arg)
{
	struct mempool_channel *in, *out;
	uint32_t from, to;

	sscanf(arg, "%" SCNu32 " %" SCNu32, &from, &to);
	if (mempool_channel_open(pool, from, MEMPOOL_CHANNEL_RECEIVE | MEMPOOL_CHANNEL_WORK, &in) ||
	    mempool_channel_open(pool, to, 0, &out)) {
		return -1;
	}
	puts("0");
	fflush(stdout);
	for (void *block; (block = mempool_channel_receive(in, -1));) {
		if (mempool_channel_send(out, block, -1) != 0) {
			break;
		}
	}
	exit(99);
}

static int64_t do_exec(const char *arg)
{
	(void)arg;
	execl("/proc/self/exe", "actor", "--again", (char *)NULL);
	return -errno;
}

static int64_t do_closefrom(const char *arg)
{
	(void)arg;
	closefrom(3);
	return 0;
}

/* Forks a child that gets from its parent's handle. Answers the errno of that, positive. */
static int64_t do_fork(const char *arg)
{
	int status;
	(void)arg;
	pid_t pid = fork();
	if (pid == 0) {
		_exit(mempool_get(pool) ? 0 : errno);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int64_t do_write(const char *arg)
{
	(void)arg;
	memset(blocks[n - 1], 1, mempool_block_size(pool));
	return 0;
}

static int64_t do_box(const char *arg)
{
	(void)arg;
	return refuse_call(SYS_membarrier, EPERM);
}

static int64_t do_exit(const char *arg)
{
	exit(atoi(arg));
}

static const struct {
	const char *name;
	int64_t (*act)(const char *arg);
} commands[] = {
	{"large", do_large},       {"grow", do_grow},       {"make", do_make},
	{"open", do_open},         {"get", do_get},         {"put", do_put},
	{"bulk", do_bulk},         {"give", do_give},       {"take", do_take},
	{"withdraw", do_withdraw}, {"flush", do_flush},     {"drain", do_drain},
	{"close", do_close},       {"force", do_force},     {"foreign", do_foreign},
	{"churn", do_churn},       {"exec", do_exec},       {"closefrom", do_closefrom},
	{"wait", do_wait},         {"soon", do_soon},       {"greedy", do_greedy},
	{"idle", do_idle},         {"gifts", do_gifts},     {"sender", do_sender},
	{"receiver", do_receiver}, {"send", do_send},       {"receive", do_receive},
	{"stream", do_stream},     {"sink", do_sink},       {"fork", do_fork},
	{"write", do_write},       {"exit", do_exit},       {"blocks", do_blocks},
	{"read", do_read},         {"destroy", do_destroy}, {"wide", do_wide},
	{"box", do_box},           {"either", do_either},   {"state", do_state},
	{"borrow", do_borrow},     {"return", do_return},   {"follow", do_follow},
	{"relay", do_relay},
};

static int64_t actor_obey(char *line)
{
	char *arg = strchr(line, ' ');
	if (arg) {
		*arg++ = 0;
	}
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (!strcmp(line, commands[i].name)) {
			return commands[i].act(arg ? arg : "");
		}
	}
	return -EBADRQC;
}

int main(int argc, char **argv)
{
	char line[200];

	(void)argv;
	if (argc > 1) {
		puts("0"); /* answers the command exec of the program it was */
		fflush(stdout);
	}
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = 0;
		printf("%" PRId64 "\n", actor_obey(line));
		fflush(stdout);
	}
	return 0;
}
