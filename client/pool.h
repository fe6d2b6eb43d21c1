/* SPDX-License-Identifier: MIT */
/*
 * A pool as the tool sees it: what the daemon knows of it and, when this user may look inside, the
 * counts of its blocks.
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
	bool seen;          /* stats and usage are good */
	const char *remark; /* why not, in a word or three; empty when they are */
	struct mempool_stats stats;
	struct mempool_usage *usage; /* info.processes of them, by slot */
};

struct pool_list {
	struct pool *pools;
	size_t n_pools;
};

/*
 * Fills the list with the pool @name, without looking inside. Returns false after complaining; the
 * list can be finished either way.
 */
bool pool_list_load(struct pool_list *list, struct mempool_conn *conn, const char *name);

/* The same with all pools named @prefix or @prefix.*; NULL: with all. */
bool pool_list_load_all(struct pool_list *list, struct mempool_conn *conn, const char *prefix);

/*
 * Looks inside each. A pool this user may not see, or nobody can any more, is left unseen with a
 * remark. Returns false after complaining when the service cannot be asked.
 */
bool pool_list_look(struct pool_list *list, struct mempool_conn *conn);
void pool_list_finish(struct pool_list *list);

/* The pool of that id, or NULL. */
const struct pool *pool_list_find(const struct pool_list *list, uint64_t id);

/*
 * The pool for programs. Counts not seen are null; the id is text, in hex as in /dev/shm, because
 * many readers of JSON round numbers of 64 bits.
 */
struct json_object *pool_json(const struct pool *pool);

/* Prints an array of them. */
void pool_list_print_json(const struct pool_list *list);

#endif
