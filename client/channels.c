/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl channels: lists the channels of a pool, how full each is, who sends and who receives.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "client/call.h"
#include "client/channel.h"
#include "client/client.h"
#include "client/json.h"
#include "client/out.h"
#include "client/pool.h"
#include "client/refusal.h"
#include "client/table.h"
#include "client/text.h"

static const struct column columns[] = {
	{.heading = "CHANNEL", .right = true},
	{.heading = "KIND"},
	{.heading = "FILL", .right = true},
	{.heading = "DEPTH", .right = true},
	{.heading = "ROLE"},
	{.heading = "PID", .right = true},
	{.heading = "COMMAND"},
	{.heading = "LAG", .right = true},
	{.heading = "LOST", .right = true},
	{.heading = ""},
};

/* Where the channels that are read go: a table, or else an array of JSON. */
struct listing {
	const struct mempool_info *info;
	const struct client_list *clients;
	struct table *table;
	struct json_object *array;
};

static const struct mempool_client *channels_find(const struct listing *listing, uint32_t slot)
{
	return client_list_find(listing->clients, listing->info->id, slot);
}

/* What the subscriber has yet to receive. */
static uint64_t channels_lag(const struct channel *channel, const struct mempool_seat *seat)
{
	uint64_t sent = channel->stats.sent;

	return sent > seat->cursor ? sent - seat->cursor : 0;
}

/* ---- for people ---- */

static void channels_add_numbers(struct table *table, const struct channel *channel)
{
	const char *kind = channel_kind(channel);

	table_add(table, "%" PRIu32, channel->number);
	table_add(table, "%s", kind != NULL ? kind : "-");
	table_add(table, "%" PRIu64, channel->stats.lag);
	table_add(table, "%" PRIu32, channel->stats.depth);
}

static void channels_add_process(const struct listing *listing, const char *role, uint32_t slot,
				 int32_t pid)
{
	const struct mempool_client *client = channels_find(listing, slot);

	table_add(listing->table, "%s", role);
	table_add(listing->table, "%" PRId32, client != NULL ? client->pid : pid);
	table_add(listing->table, "%s",
		  client == NULL ? "-"
		  : client->dead ? "(dead)"
				 : text_clean(TEXT, client->comm));
}

/* A row of who has no seat: of all but subscribers. */
static void channels_add_user(const struct listing *listing, const struct channel *channel,
			      const struct mempool_channel_user *user, const char *role)
{
	channels_add_numbers(listing->table, channel);
	channels_add_process(listing, role, user->slot, user->pid);
	table_add(listing->table, "-");
	table_add(listing->table, "-");
	table_add(listing->table, "%s", "");
}

static void channels_add_seat(const struct listing *listing, const struct channel *channel,
			      const struct mempool_seat *seat)
{
	channels_add_numbers(listing->table, channel);
	channels_add_process(listing, "receives", seat->slot, seat->pid);
	table_add(listing->table, "%" PRIu64, channels_lag(channel, seat));
	table_add(listing->table, "%" PRIu64, seat->lost);
	table_add(listing->table, "%s", seat->lossy ? "lossy" : "reliable");
}

/* A row of a channel that nobody has open. */
static void channels_add_deserted(struct table *table, const struct channel *channel)
{
	channels_add_numbers(table, channel);
	for (int i = 0; i < 5; i++) {
		table_add(table, "-");
	}
	table_add(table, "%s", "");
}

static void channels_add_rows(const struct listing *listing, const struct channel *channel)
{
	bool is_broadcast = channel->stats.kind == MEMPOOL_KIND_BROADCAST;

	for (size_t i = 0; i < channel->n_users; i++) {
		if (channel->users[i].sends) {
			channels_add_user(listing, channel, &channel->users[i], "sends");
		}
	}
	for (size_t i = 0; !is_broadcast && i < channel->n_users; i++) {
		if (channel->users[i].receives) {
			channels_add_user(listing, channel, &channel->users[i], "receives");
		}
	}
	for (size_t i = 0; is_broadcast && i < MEMPOOL_SUBSCRIBERS_MAX; i++) {
		if (channel->seats[i].slot != UINT32_MAX) {
			channels_add_seat(listing, channel, &channel->seats[i]);
		}
	}
	if (channel->n_users == 0) {
		channels_add_deserted(listing->table, channel);
	}
}

/* ---- for programs ---- */

static struct json_object *channels_json_process(const struct listing *listing, uint32_t slot,
						 int32_t pid)
{
	const struct mempool_client *client = channels_find(listing, slot);
	struct json_object *object = json_new_object();

	json_add_number(object, "pid", (uint64_t)(client != NULL ? client->pid : pid));
	json_add_number(object, "slot", slot);
	json_add_text(object, "comm", client != NULL ? text_clean(TEXT, client->comm) : "");
	json_add_text(object, "state", client != NULL && client->dead ? "dead" : "live");
	return object;
}

static struct json_object *channels_json_users(const struct listing *listing,
					       const struct channel *channel, bool senders)
{
	struct json_object *array = json_new_array();

	for (size_t i = 0; i < channel->n_users; i++) {
		const struct mempool_channel_user *user = &channel->users[i];

		if (senders ? user->sends : user->receives) {
			json_append(array, channels_json_process(listing, user->slot, user->pid));
		}
	}
	return array;
}

static struct json_object *channels_json_seats(const struct listing *listing,
					       const struct channel *channel)
{
	struct json_object *array = json_new_array();

	for (uint32_t i = 0; i < MEMPOOL_SUBSCRIBERS_MAX; i++) {
		const struct mempool_seat *seat = &channel->seats[i];

		if (seat->slot != UINT32_MAX) {
			struct json_object *object =
				channels_json_process(listing, seat->slot, seat->pid);

			json_add_number(object, "seat", i);
			json_add_flag(object, "lossy", seat->lossy);
			json_add_number(object, "lag", channels_lag(channel, seat));
			json_add_number(object, "lost", seat->lost);
			json_append(array, object);
		}
	}
	return array;
}

static struct json_object *channels_json(const struct listing *listing,
					 const struct channel *channel)
{
	const char *kind = channel_kind(channel);
	struct json_object *object = json_new_object();

	json_add_number(object, "channel", channel->number);
	if (kind != NULL) {
		json_add_text(object, "kind", kind);
	} else {
		json_add_null(object, "kind");
	}
	json_add_number(object, "fill", channel->stats.lag);
	json_add_number(object, "depth", channel->stats.depth);
	json_add_number(object, "sent", channel->stats.sent);
	json_add_number(object, "retired", channel->stats.retired);
	json_add_array(object, "senders", channels_json_users(listing, channel, true));
	json_add_array(object, "receivers",
		       channel->stats.kind == MEMPOOL_KIND_BROADCAST
			       ? channels_json_seats(listing, channel)
			       : channels_json_users(listing, channel, false));
	return object;
}

/* ---- the command ---- */

static bool channels_read_all(const struct listing *listing, struct mempool *pool)
{
	bool read = true;

	for (uint32_t i = 0; read && i < listing->info->channels; i++) {
		struct channel channel;

		read = channel_read(&channel, pool, i);
		if (read && listing->array != NULL) {
			json_append(listing->array, channels_json(listing, &channel));
		} else if (read) {
			channels_add_rows(listing, &channel);
		}
		channel_finish(&channel);
	}
	return read;
}

/* Opens the pool and reads its channels. When that fails, complains and returns false. */
static bool channels_look(const struct listing *listing, struct mempool_conn *conn)
{
	const char *name = listing->info->name;
	struct mempool *pool;
	int r = mempool_open(conn, name, MEMPOOL_OBSERVE, &pool);

	if (r < 0) {
		refusal_complain(r, "could not open pool %s", name);
		return false;
	}

	bool read = channels_read_all(listing, pool);

	mempool_close(pool);
	return read;
}

static bool channels_print_json(struct listing *listing, struct mempool_conn *conn)
{
	listing->array = json_new_array();

	bool read = channels_look(listing, conn);

	if (read) {
		json_print(listing->array);
	} else {
		json_object_put(listing->array);
	}
	return read;
}

static bool channels_print_table(struct listing *listing, struct mempool_conn *conn)
{
	struct table table;

	table_init(&table, columns, sizeof(columns) / sizeof(*columns));
	listing->table = &table;

	bool read = channels_look(listing, conn);

	if (read) {
		table_print(&table, out_width(STDOUT_FILENO));
	}
	table_finish(&table);
	return read;
}

enum status channels_run(struct call *call)
{
	struct pool_list pools = {0};
	struct client_list clients = {0};
	bool shown = false;

	if (call_connect(call) && pool_list_load(&pools, call->conn, call->names[0]) &&
	    client_list_load(&clients, call->conn, call->names[0])) {
		struct listing listing = {.info = &pools.pools[0].info, .clients = &clients};

		shown = call->json ? channels_print_json(&listing, call->conn)
				   : channels_print_table(&listing, call->conn);
	}
	client_list_finish(&clients);
	pool_list_finish(&pools);
	return shown ? STATUS_DONE : STATUS_FAILED;
}
