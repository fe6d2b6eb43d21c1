/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "client/client.h"
#include "client/complain.h"
#include "client/refusal.h"

static void client_list_add(struct client_list *list, const struct mempool_client *client)
{
	/* The array doubles when the number of clients is a power of two. */
	if ((list->n_clients & (list->n_clients - 1)) == 0) {
		size_t capacity = list->n_clients == 0 ? 1 : list->n_clients * 2;
		struct mempool_client *clients =
			reallocarray(list->clients, capacity, sizeof(*clients));

		if (clients == NULL) {
			complain_no_memory();
		}
		list->clients = clients;
	}
	list->clients[list->n_clients++] = *client;
}

bool client_list_load(struct client_list *list, struct mempool_conn *conn, const char *name)
{
	struct mempool_client client;
	uint32_t cursor = 0;
	int r;

	while ((r = mempool_next_client(conn, name, &cursor, &client)) > 0) {
		client_list_add(list, &client);
	}
	if (r < 0) {
		refusal_complain(r, "could not list the clients");
	}
	return r == 0;
}

void client_list_finish(struct client_list *list)
{
	free(list->clients);
}

const struct mempool_client *client_list_find(const struct client_list *list, uint64_t pool_id,
					      uint32_t slot)
{
	for (size_t i = 0; i < list->n_clients; i++) {
		const struct mempool_client *client = &list->clients[i];

		if (client->pool_id == pool_id && client->slot == slot) {
			return client;
		}
	}
	return NULL;
}
