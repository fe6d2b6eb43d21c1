/* SPDX-License-Identifier: MIT */
/*
 * A program with a fault, to be run under AddressSanitizer or Memcheck. The argument says which
 * fault; `none` has none, and does everything that must not be reported.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mempool/mempool.h>

static struct mempool_conn *conn;
static struct mempool *pool;
static volatile char sink;

static void must(int error)
{
	if (error) {
		errx(99, "%s", mempool_errmsg());
	}
}

static char *get(void)
{
	char *block = mempool_get(pool);

	if (!block) {
		err(99, "get");
	}
	memset(block, 1, mempool_block_size(pool));
	return block;
}

/* Blocks move in every way there is, and are used while they are ours. */
static void use(void)
{
	struct mempool_channel *in, *out;
	void *blocks[30];

	char *a = get();
	struct mempool_token token = mempool_give(pool, a);
	a = mempool_take(pool, token);
	sink = a[mempool_block_size(pool) - 1];
	token = mempool_give(pool, a);
	a = mempool_withdraw(pool, token);
	sink = *a;
	must(mempool_channel_open(pool, 0, MEMPOOL_CHANNEL_RECEIVE, &in));
	must(mempool_channel_open(pool, 0, 0, &out));
	must(mempool_channel_send(out, a, 0));
	a = mempool_channel_receive(in, 0);
	sink = *a;
	must(mempool_put(pool, a));
	if (mempool_put(pool, a) == 0 || mempool_put(pool, a + 1) == 0) {
		errx(99, "a wrong put was taken");
	}
	must(mempool_get_bulk(pool, blocks, 30));
	memset(blocks[29], 2, mempool_block_size(pool));
	must(mempool_put_bulk(pool, blocks, 30));
	must(mempool_channel_close(in));
	must(mempool_channel_close(out));
}

/* Two subscribers of one process have the same block, and one of them has it for good. */
static void share(void)
{
	const unsigned subscribe = MEMPOOL_CHANNEL_BROADCAST | MEMPOOL_CHANNEL_RECEIVE;
	struct mempool_channel *first, *second, *out;

	must(mempool_channel_open(pool, 1, subscribe, &first));
	must(mempool_channel_open(pool, 1, subscribe, &second));
	must(mempool_channel_open(pool, 1, MEMPOOL_CHANNEL_BROADCAST, &out));
	must(mempool_channel_send(out, get(), 0));
	const char *a = mempool_channel_borrow(first, 0);
	const char *b = mempool_channel_borrow(second, 0);
	sink = a[mempool_block_size(pool) - 1];
	must(mempool_channel_return(first, a));
	sink = b[mempool_block_size(pool) - 1];
	char *own = mempool_channel_own(second, b);
	*own = 1;
	must(mempool_put(pool, own));
	must(mempool_channel_close(first));
	must(mempool_channel_close(second));
	must(mempool_channel_close(out));
}

/* The fault of who reads what it has returned. */
static void read_returned(char *block)
{
	struct mempool_channel *in, *out;

	must(mempool_channel_open(pool, 1, MEMPOOL_CHANNEL_BROADCAST | MEMPOOL_CHANNEL_RECEIVE,
				  &in));
	must(mempool_channel_open(pool, 1, MEMPOOL_CHANNEL_BROADCAST, &out));
	must(mempool_channel_send(out, block, 0));
	must(mempool_channel_return(in, mempool_channel_borrow(in, 0)));
	sink = *block;
}

/* A child's memory may lie where our blocks do. */
static void fork_and_map(void)
{
	void *at = mempool_block_at(pool, 0);
	size_t size = mempool_stride(pool) * mempool_blocks(pool);
	int status;

	pid_t pid = fork();
	if (pid == 0) {
		char *p = mmap(at, size, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		p[size / 2] = 1;
		sink = p[0];
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (status != 0) {
		errx(98, "the child: %#x", status);
	}
}

static void commit(const char *fault)
{
	char *block = get();

	if (!strcmp(fault, "put")) {
		mempool_put(pool, block);
		sink = *block;
	} else if (!strcmp(fault, "give")) {
		mempool_give(pool, block);
		*block = 1;
	} else if (!strcmp(fault, "return")) {
		read_returned(block);
	} else if (!strcmp(fault, "beyond")) {
		block[mempool_block_size(pool)] = 1;
	} else {
		mempool_put(pool, block);
	}
}

int main(int argc, char **argv)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	attr.block_size = 100;
	attr.blocks = 100;
	attr.channels = 2;
	must(mempool_connect(&conn, NULL));
	must(mempool_create(conn, "poison", &attr, &pool));
	use();
	share();
	fork_and_map();
	commit(argc > 1 ? argv[1] : "none");
	must(mempool_close_force(pool));
	must(mempool_destroy(conn, "poison"));
	mempool_disconnect(conn);
	puts("done");
	return 0;
}
