/* SPDX-License-Identifier: MIT */
/*
 * Clients: the processes that have pools open, as the daemon lists them.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include <mempool/admin.h>

struct client_list {
	struct mempool_client *clients;
	size_t n_clients;
};

/*
 * Fills the list with the clients of the pool @name, or of all pools if @name is NULL. When the
 * daemon refuses, complains and returns false. The caller finishes the list either way.
 */
bool client_list_load(struct client_list *list, struct mempool_conn *conn, const char *name);
void client_list_finish(struct client_list *list);

/* Finds the client that has @slot in the pool with @pool_id. NULL: there is none. */
const struct mempool_client *client_list_find(const struct client_list *list, uint64_t pool_id,
					      uint32_t slot);

#endif
