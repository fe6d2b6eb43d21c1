/* SPDX-License-Identifier: MIT */
/* The program behind actor.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mempool/mempool.h>

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

static int64_t keep(void *block)
{
	if (!block) {
		return -errno;
	}
	blocks[n++] = block;
	return 0;
}

static int64_t do_take(const char *arg)
{
	return keep(mempool_take(pool, (struct mempool_token){(uint64_t)strtoll(arg, NULL, 10)}));
}

static int64_t do_withdraw(const char *arg)
{
	return keep(
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

/* What a child that was forked gets from its parent's handle: an errno, positive. */
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

static int64_t do_exit(const char *arg)
{
	exit(atoi(arg));
}

static const struct {
	const char *name;
	int64_t (*act)(const char *arg);
} commands[] = {
	{"open", do_open},         {"get", do_get},     {"put", do_put},
	{"bulk", do_bulk},         {"give", do_give},   {"take", do_take},
	{"withdraw", do_withdraw}, {"flush", do_flush}, {"drain", do_drain},
	{"close", do_close},       {"force", do_force}, {"foreign", do_foreign},
	{"churn", do_churn},       {"exec", do_exec},   {"closefrom", do_closefrom},
	{"fork", do_fork},         {"write", do_write}, {"exit", do_exit},
};

static int64_t obey(char *line)
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
		puts("0"); /* the answer to exec */
		fflush(stdout);
	}
	while (fgets(line, sizeof line, stdin)) {
		line[strcspn(line, "\n")] = 0;
		printf("%" PRId64 "\n", obey(line));
		fflush(stdout);
	}
	return 0;
}
