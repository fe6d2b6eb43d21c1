/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl blocks: the state and the holder of each block of a pool. People get one line for each
 * run of neighbours with the same state and holder; programs get every block. The walk stores no
 * list of all blocks, so the pool may be of any size.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/client.h"
#include "client/commands.h"
#include "client/complain.h"
#include "client/json.h"
#include "client/number.h"
#include "client/out.h"
#include "client/pool.h"
#include "client/refusal.h"
#include "client/text.h"

static const char *const states[] = {
	[MEMPOOL_BLOCK_NONE] = "none",     [MEMPOOL_BLOCK_FREE] = "free",
	[MEMPOOL_BLOCK_CACHED] = "cached", [MEMPOOL_BLOCK_USED] = "used",
	[MEMPOOL_BLOCK_MOVING] = "moving", [MEMPOOL_BLOCK_RECLAIMED] = "reclaimed",
	[MEMPOOL_BLOCK_SHARED] = "shared",
};

#define AT_ONCE (1u << 20) /* blocks that are read in one go: 20 MiB */

#define N_STATES (sizeof(states) / sizeof(*states))

/* Which blocks the user asked for. */
struct filter {
	int64_t pid; /* of the holder; -1: any */
	int state;   /* -1: any */
};

/* The walk over the blocks of one pool. */
struct walk {
	const struct mempool_info *info;
	const struct client_list *clients;
	struct filter filter;
	/* Of broadcasts, as they were just after the blocks were read. */
	struct mempool_seat seats[MEMPOOL_BROADCASTS_MAX][MEMPOOL_SUBSCRIBERS_MAX];
	bool json;
	uint64_t n_shown;
	uint64_t n[N_STATES];       /* n_shown by state */
	uint32_t first, run;        /* the run not yet printed: its first index, its length */
	struct mempool_block block; /* one of the run, which are all alike */
};

static bool blocks_has_holder(const struct mempool_block *block)
{
	return block->state == MEMPOOL_BLOCK_USED || block->state == MEMPOOL_BLOCK_CACHED ||
	       (block->state == MEMPOOL_BLOCK_MOVING && block->channel == UINT32_MAX);
}

/* Whether its sender is gone, and a channel has the block. */
static bool blocks_is_sent(const struct mempool_block *block)
{
	return block->state == MEMPOOL_BLOCK_MOVING && block->channel != UINT32_MAX;
}

/* The client that holds the block. NULL: nobody does, or the daemon does not list it. */
static const struct mempool_client *blocks_find_holder(const struct walk *walk,
						       const struct mempool_block *block)
{
	if (!blocks_has_holder(block)) {
		return NULL;
	}
	return client_list_find(walk->clients, walk->info->id, block->slot);
}

/* The process that has that seat of the channel that shares the block. 0: nobody has it now. */
static int32_t blocks_find_subscriber(const struct walk *walk, const struct mempool_block *block,
				      uint32_t seat)
{
	if (block->channel >= MEMPOOL_BROADCASTS_MAX) {
		return 0;
	}

	const struct mempool_seat *at = &walk->seats[block->channel][seat];
	const struct mempool_client *client =
		client_list_find(walk->clients, walk->info->id, at->slot);

	return client != NULL ? client->pid : at->pid;
}

/* Whether that process has the shared block. */
static bool blocks_is_held_by(const struct walk *walk, const struct mempool_block *block,
			      int64_t pid)
{
	for (uint32_t i = 0; i < MEMPOOL_SUBSCRIBERS_MAX; i++) {
		if (block->held >> i & 1 && blocks_find_subscriber(walk, block, i) == pid) {
			return true;
		}
	}
	return false;
}

static bool blocks_is_wanted(const struct walk *walk, const struct mempool_block *block)
{
	const struct filter *filter = &walk->filter;

	if (filter->state >= 0 && (int)block->state != filter->state) {
		return false;
	}
	if (filter->pid < 0) {
		return true;
	}
	if (block->state == MEMPOOL_BLOCK_SHARED) {
		return blocks_is_held_by(walk, block, filter->pid);
	}

	const struct mempool_client *holder = blocks_find_holder(walk, block);

	return holder != NULL && holder->pid == filter->pid;
}

static bool blocks_are_alike(const struct mempool_block *a, const struct mempool_block *b)
{
	return a->state == b->state && a->channel == b->channel && a->held == b->held &&
	       a->pending == b->pending && (!blocks_has_holder(a) || a->slot == b->slot);
}

/* Prints the processes of those seats, and what they do, if there are any. */
static void blocks_print_subscribers(const struct walk *walk, const char *what, uint16_t seats)
{
	for (uint32_t i = 0; i < MEMPOOL_SUBSCRIBERS_MAX; i++) {
		if (seats >> i & 1) {
			out_print("%s %" PRId32, what,
				  blocks_find_subscriber(walk, &walk->block, i));
			what = "";
		}
	}
}

static void blocks_print_run(struct walk *walk)
{
	const struct mempool_client *holder = blocks_find_holder(walk, &walk->block);
	const char *command = "-";
	char pid[16] = "-", name[TEXT_MAX];

	if (walk->run == 0) {
		return;
	}
	if (walk->n_shown == walk->run) {
		out_print("%9s %9s %9s  %-9s %9s  %s\n", "FIRST", "LAST", "COUNT", "STATE", "PID",
			  "COMMAND");
	}
	if (holder != NULL) {
		snprintf(pid, sizeof(pid), "%" PRId32, holder->pid);
		command = holder->dead ? "(dead)" : text_clean(name, holder->comm);
	} else if (blocks_is_sent(&walk->block) || walk->block.state == MEMPOOL_BLOCK_SHARED) {
		snprintf(name, sizeof(name), "channel %" PRIu32, walk->block.channel);
		command = name;
	}
	out_print("%9" PRIu32 " %9" PRIu32 " %9" PRIu32 "  %-9s %9s  %s", walk->first,
		  walk->first + walk->run - 1, walk->run, states[walk->block.state], pid, command);
	blocks_print_subscribers(walk, ", held by", walk->block.held);
	blocks_print_subscribers(walk, ", pending for", walk->block.pending);
	out_print("\n");
	walk->run = 0;
}

/* Adds the processes of those seats. */
static void blocks_json_subscribers(const struct walk *walk, const struct mempool_block *block,
				    struct json_object *object, const char *key, uint16_t seats)
{
	if (block->state != MEMPOOL_BLOCK_SHARED) {
		json_add_null(object, key);
		return;
	}

	struct json_object *array = json_new_array();

	for (uint32_t i = 0; i < MEMPOOL_SUBSCRIBERS_MAX; i++) {
		if (seats >> i & 1) {
			json_append(array,
				    json_object_new_int(blocks_find_subscriber(walk, block, i)));
		}
	}
	json_add_array(object, key, array);
}

static void blocks_print_object(const struct walk *walk, uint32_t index,
				const struct mempool_block *block)
{
	const struct mempool_client *holder = blocks_find_holder(walk, block);
	struct json_object *object = json_new_object();

	json_add_number(object, "index", index);
	json_add_text(object, "state", states[block->state]);
	if (blocks_has_holder(block)) {
		json_add_number(object, "slot", block->slot);
	} else {
		json_add_null(object, "slot");
	}
	if (holder != NULL) {
		json_add_number(object, "pid", (uint64_t)holder->pid);
	} else {
		json_add_null(object, "pid");
	}
	if (block->channel != UINT32_MAX) {
		json_add_number(object, "channel", block->channel);
	} else {
		json_add_null(object, "channel");
	}
	blocks_json_subscribers(walk, block, object, "held_by", block->held);
	blocks_json_subscribers(walk, block, object, "pending_for", block->pending);
	json_add_number(object, "generation", block->generation);
	out_print("%s\n  ", walk->n_shown == 1 ? "" : ",");
	json_print_short(object);
}

static void blocks_show(struct walk *walk, uint32_t index, const struct mempool_block *block)
{
	bool joins = walk->run > 0 && walk->first + walk->run == index &&
		     blocks_are_alike(&walk->block, block);

	if (!walk->json && !joins) {
		blocks_print_run(walk);
		walk->first = index;
		walk->block = *block;
	}
	walk->run++;
	walk->n_shown++;
	walk->n[block->state]++;
	if (walk->json) {
		blocks_print_object(walk, index, block);
	}
}

static void blocks_print_summary(const struct walk *walk)
{
	bool filtered = walk->filter.pid >= 0 || walk->filter.state >= 0;

	if (filtered) {
		out_print("%" PRIu64 " of ", walk->n_shown);
	}
	out_print("%" PRIu32 " blocks", walk->info->blocks);
	for (size_t i = 0, listed = 0; i < N_STATES; i++) {
		if (walk->n[i] > 0 || (!filtered && i != MEMPOOL_BLOCK_NONE)) {
			out_print("%s %" PRIu64 " %s", listed++ == 0 ? ":" : ",", walk->n[i],
				  states[i]);
		}
	}
	out_print("\n");
}

/* Shows @n blocks from @first on, of those that are wanted. */
static void blocks_show_wanted(struct walk *walk, uint32_t first,
			       const struct mempool_block *blocks, size_t n)
{
	for (size_t i = 0; i < n && !out_has_failed(); i++) {
		if (blocks_is_wanted(walk, &blocks[i])) {
			blocks_show(walk, first + (uint32_t)i, &blocks[i]);
		}
	}
}

/* Returns 0, or a negative errno of the library. */
static int blocks_read_seats(struct walk *walk, struct mempool *pool)
{
	int r = 0;

	for (uint32_t i = 0; i < walk->info->channels && i < MEMPOOL_BROADCASTS_MAX; i++) {
		for (uint32_t k = 0; r == 0 && k < MEMPOOL_SUBSCRIBERS_MAX; k++) {
			r = mempool_channel_seat(pool, i, k, &walk->seats[i][k]);
		}
	}
	return r;
}

/* Shows all, some at a time. Returns 0, or a negative errno of the library. */
static int blocks_show_all(struct walk *walk, struct mempool *pool)
{
	struct mempool_block *blocks = calloc(AT_ONCE, sizeof(*blocks));
	uint32_t first = 0;
	ssize_t n;
	int r;

	if (blocks == NULL) {
		complain_no_memory();
	}
	do {
		uint32_t left = walk->info->blocks - first;

		n = mempool_block_bulk(pool, first, blocks, left < AT_ONCE ? left : AT_ONCE);
		r = n > 0 ? blocks_read_seats(walk, pool) : 0;
		n = r < 0 ? r : n;
		blocks_show_wanted(walk, first, blocks, n > 0 ? (size_t)n : 0);
		first += n > 0 ? (uint32_t)n : 0;
	} while (n > 0 && first < walk->info->blocks && !out_has_failed());
	free(blocks);
	return n < 0 ? (int)n : 0;
}

static enum status blocks_walk(struct walk *walk, struct mempool *pool)
{
	if (walk->json) {
		out_print("[");
	}

	int r = blocks_show_all(walk, pool);

	if (r < 0) {
		refusal_complain(r, "could not read the blocks of pool %s", walk->info->name);
		return STATUS_FAILED;
	}
	if (walk->json) {
		out_print("%s]\n", walk->n_shown > 0 ? "\n" : "");
	} else {
		blocks_print_run(walk);
		blocks_print_summary(walk);
	}
	return STATUS_DONE;
}

static enum status blocks_open_and_walk(struct walk *walk, struct mempool_conn *conn)
{
	struct mempool *pool;
	int r = mempool_open(conn, walk->info->name, MEMPOOL_OBSERVE, &pool);

	if (r < 0) {
		refusal_complain(r, "could not open pool %s", walk->info->name);
		return STATUS_FAILED;
	}

	enum status status = blocks_walk(walk, pool);

	mempool_close(pool);
	return status;
}

static bool blocks_parse_filter(const struct call *call, struct filter *filter)
{
	const char *state = call->values[BLOCKS_STATE];
	uint64_t pid;

	*filter = (struct filter){.pid = -1, .state = -1};
	if (call->values[BLOCKS_HELD_BY] != NULL) {
		if (!number_parse("--held-by", call->values[BLOCKS_HELD_BY], 1, INT32_MAX, &pid)) {
			return false;
		}
		filter->pid = (int64_t)pid;
	}
	for (size_t i = MEMPOOL_BLOCK_FREE; state != NULL && i < N_STATES; i++) {
		if (strcmp(state, states[i]) == 0) {
			filter->state = (int)i;
		}
	}
	if (state != NULL && filter->state < 0) {
		complain("--state: \"%s\" is none of free, cached, used, moving, shared, reclaimed",
			 state);
		return false;
	}
	return true;
}

enum status blocks_run(struct call *call)
{
	struct pool_list pools = {0};
	struct client_list clients = {0};
	struct walk walk = {.clients = &clients, .json = call->json};
	enum status status = STATUS_FAILED;

	if (!blocks_parse_filter(call, &walk.filter)) {
		return STATUS_USAGE;
	}
	if (call_connect(call) && pool_list_load(&pools, call->conn, call->names[0]) &&
	    client_list_load(&clients, call->conn, call->names[0])) {
		walk.info = &pools.pools[0].info;
		status = blocks_open_and_walk(&walk, call->conn);
	}
	client_list_finish(&clients);
	pool_list_finish(&pools);
	return status;
}
