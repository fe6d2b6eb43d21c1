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
	bool seen;	    /* stats and usage are good */
	const char *remark; /* why not, in a word or three; empty when they are */
	struct mempool_stats stats;
	struct mempool_usage *usage; /* info.processes of them, by slot */
};

struct pool_list {
	struct pool *pools;
	size_t n_pools;
};

/*
 * Fills the list with the pool @name, or with all when NULL, without looking inside. Returns false
 * after complaining; the list can be finished either way.
 */
bool pool_list_load(struct pool_list *list, struct mempool_conn *conn, const char *name);

/*
 * Looks inside each. A pool this user may not see, or nobody can any more, is left unseen with a
 * remark. Returns false after complaining when the service cannot be asked.
 */
bool pool_list_look(struct pool_list *list, struct mempool_conn *conn);
void pool_list_finish(struct pool_list *list);

/* What that slot has, or NULL when it could not be seen. */
const struct mempool_usage *pool_list_usage(const struct pool_list *list, uint64_t pool_id,
					    uint32_t slot);

/* The pool for programs; counts not seen are null. */
struct json_object *pool_json(const struct pool *pool);

#endif
