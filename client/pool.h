/* SPDX-License-Identifier: MIT */
/*
 * A pool as mempoolctl sees it: what the daemon says of it and, if this user may observe the pool,
 * the counts of its blocks.
 */
#ifndef CLIENT_POOL_H
#define CLIENT_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mempool/admin.h>

struct json_object;

struct pool {
	struct mempool_info info;
	bool seen;          /* stats and usage are filled in */
	const char *remark; /* why they are not, in a word or three; empty when they are */
	struct mempool_stats stats;
	struct mempool_usage *usage; /* an array by slot, of info.processes */
};

struct pool_list {
	struct pool *pools;
	size_t n_pools;
};

/*
 * Fills the list with the pool @name, as the daemon describes it. When the daemon refuses,
 * complains and returns false. The caller finishes the list either way.
 */
bool pool_list_load(struct pool_list *list, struct mempool_conn *conn, const char *name);

/* The same for all pools named @prefix or @prefix.*; NULL: for all pools. */
bool pool_list_load_all(struct pool_list *list, struct mempool_conn *conn, const char *prefix);

/*
 * Opens each pool as observer and counts its blocks. A pool that this user may not observe, or that
 * nobody can open any more, stays unseen and gets a remark. When the daemon does not answer,
 * complains and returns false.
 */
bool pool_list_look(struct pool_list *list, struct mempool_conn *conn);
void pool_list_finish(struct pool_list *list);

/* Finds the pool with that id. NULL: it is not in the list. */
const struct pool *pool_list_find(const struct pool_list *list, uint64_t id);

/*
 * The pool as JSON. Counts of a pool that is not seen are null. The id is text, in hex as in
 * /dev/shm, because many readers of JSON round numbers of 64 bits.
 */
struct json_object *pool_json(const struct pool *pool);

/* Prints the pools as an array of JSON. */
void pool_list_print_json(const struct pool_list *list);

#endif
