/* SPDX-License-Identifier: MIT */
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/crash/crowd.h"
#include "tests/support/service.h"

#define HELD 400 /* blocks a worker has at most */
#define BULK 64

unsigned crowd_random(unsigned *seed, unsigned below)
{
	return (unsigned)rand_r(seed) % below;
}

void crowd_make(struct crowd *crowd, const char *pool, uint32_t blocks, unsigned seed)
{
	size_t size = sizeof *crowd->ledger + blocks * sizeof *crowd->ledger->owner;

	*crowd = (struct crowd){.pool = pool, .blocks = blocks, .seed = seed};
	crowd->ledger = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (crowd->ledger == MAP_FAILED) {
		err(99, "ledger");
	}
}

/* ---- a worker ---- */

struct hands {
	struct ledger *ledger;
	struct mempool *pool;
	unsigned id;
	void *blocks[HELD + BULK];
	unsigned n;
};

static uint32_t *crowd_entry(struct hands *h, const void *block)
{
	return &h->ledger->owner[mempool_block_index(h->pool, block)];
}

static void crowd_enter(struct hands *h, const void *block)
{
	uint32_t was = __atomic_exchange_n(crowd_entry(h, block), h->id + 1, __ATOMIC_SEQ_CST);
	if (was && !__atomic_load_n(&h->ledger->doomed[was - 1], __ATOMIC_SEQ_CST)) {
		__atomic_add_fetch(&h->ledger->duplicated, 1, __ATOMIC_SEQ_CST);
	}
}

static void crowd_strike_out(struct hands *h, const void *block)
{
	__atomic_store_n(crowd_entry(h, block), 0, __ATOMIC_SEQ_CST);
}

static void crowd_check_put(struct hands *h, int error)
{
	if (error) {
		__atomic_add_fetch(&h->ledger->refused, 1, __ATOMIC_SEQ_CST);
	}
}

static void crowd_get_one(struct hands *h)
{
	void *block = h->n < HELD ? mempool_get(h->pool) : NULL;
	if (block) {
		crowd_enter(h, block);
		h->blocks[h->n++] = block;
	}
}

static void crowd_put_one(struct hands *h)
{
	if (h->n > 0) {
		crowd_strike_out(h, h->blocks[--h->n]);
		crowd_check_put(h, mempool_put(h->pool, h->blocks[h->n]));
	}
}

static void crowd_get_bulk(struct hands *h, unsigned n)
{
	if (h->n < HELD && mempool_get_bulk(h->pool, h->blocks + h->n, n) == 0) {
		for (unsigned i = 0; i < n; i++) {
			crowd_enter(h, h->blocks[h->n++]);
		}
	}
}

static void crowd_put_bulk(struct hands *h, unsigned n)
{
	if (h->n >= n) {
		h->n -= n;
		for (unsigned i = 0; i < n; i++) {
			crowd_strike_out(h, h->blocks[h->n + i]);
		}
		crowd_check_put(h, mempool_put_bulk(h->pool, h->blocks + h->n, n));
	}
}

/* Gives a block and takes it back. In between nobody has it. */
static void crowd_give_and_withdraw(struct hands *h)
{
	if (h->n > 0) {
		void *block = h->blocks[--h->n];
		crowd_strike_out(h, block);
		struct mempool_token token = mempool_give(h->pool, block);
		block = mempool_withdraw(h->pool, token);
		crowd_check_put(h, !block);
		if (block) {
			crowd_enter(h, block);
			h->blocks[h->n++] = block;
		}
	}
}

static void crowd_work_once(struct hands *h, unsigned *seed)
{
	unsigned what = crowd_random(seed, 100), n = 1 + crowd_random(seed, BULK);

	if (what < 40) {
		crowd_get_one(h);
	} else if (what < 80) {
		crowd_put_one(h);
	} else if (what < 88) {
		crowd_get_bulk(h, n);
	} else if (what < 96) {
		crowd_put_bulk(h, n);
	} else if (what < 99) {
		crowd_give_and_withdraw(h);
	} else if (n == 1) {
		mempool_flush(h->pool);
	}
}

static void crowd_work(struct crowd *crowd, unsigned id)
{
	static struct hands h;
	struct mempool_conn *conn = service_connect();
	unsigned seed = crowd->seed + id * 7919;

	h.ledger = crowd->ledger;
	h.id = id;
	if (mempool_open(conn, crowd->pool, 0, &h.pool) != 0) {
		errx(99, "worker: %s", mempool_errmsg());
	}
	for (;;) {
		crowd_work_once(&h, &seed);
		__atomic_add_fetch(&h.ledger->operations[id], 1, __ATOMIC_RELAXED);
	}
}

/* ---- the crowd ---- */

uint64_t crowd_operations(const struct crowd *crowd, const struct worker *worker)
{
	return __atomic_load_n(&crowd->ledger->operations[worker->id], __ATOMIC_RELAXED);
}

void crowd_start(struct crowd *crowd, struct worker *worker)
{
	worker->id = crowd->n_workers++;
	if (worker->id >= CROWD_WORKERS) {
		errx(99, "a crowd has %d workers", CROWD_WORKERS);
	}
	worker->pid = fork();
	if (worker->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		crowd_work(crowd, worker->id);
	}
	worker->pidfd = (int)syscall(SYS_pidfd_open, worker->pid, 0);
	int64_t deadline = now_ms() + HANG_MS;
	while (crowd_operations(crowd, worker) == 0) {
		if (now_ms() > deadline || waitpid(worker->pid, NULL, WNOHANG) != 0) {
			errx(99, "a worker does not come to work");
		}
	}
}

int64_t crowd_kill(struct crowd *crowd, struct worker *worker)
{
	struct pollfd p = {.fd = worker->pidfd, .events = POLLIN};

	__atomic_store_n(&crowd->ledger->doomed[worker->id], 1, __ATOMIC_SEQ_CST);
	kill(worker->pid, SIGKILL);
	poll(&p, 1, -1);
	int64_t at = now_ns();
	waitpid(worker->pid, NULL, 0);
	close(worker->pidfd);
	return at;
}
