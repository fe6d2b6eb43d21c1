/* SPDX-License-Identifier: MIT */
/*
 * mempoolctl purge: receives what waits in a channel, and puts it. Blocks that were sent stay sent
 * for as long as the pool lives, also when nobody is left who would receive them.
 */
#include <errno.h>
#include <inttypes.h>

#include "client/call.h"
#include "client/channel.h"
#include "client/client.h"
#include "client/commands.h"
#include "client/complain.h"
#include "client/json.h"
#include "client/number.h"
#include "client/out.h"
#include "client/pool.h"
#include "client/refusal.h"
#include "client/text.h"

#define AT_ONCE 64 /* blocks that are received in one go */

/* A purge that is under way. */
struct purge {
	struct mempool_conn *conn;
	const struct mempool_info *info;
	struct mempool *pool;
	struct channel channel; /* as it was at the beginning */
	uint64_t n_put;
};

/* Names who receives. */
static bool purge_refuse_busy(const struct purge *purge)
{
	const struct channel *channel = &purge->channel;
	const struct mempool_client *client = NULL;
	struct client_list clients = {0};
	uint32_t slot = UINT32_MAX;
	int32_t pid = 0;

	for (size_t i = 0; i < channel->n_users; i++) {
		if (channel->users[i].receives) {
			slot = channel->users[i].slot;
			pid = channel->users[i].pid;
		}
	}
	if (client_list_load(&clients, purge->conn, purge->info->name)) {
		client = client_list_find(&clients, purge->info->id, slot);
	}
	complain("channel %" PRIu32 " of %s is received by process %" PRId32
		 " (%s): end that, or leave the blocks to it",
		 channel->number, purge->info->name, client != NULL ? client->pid : pid,
		 client == NULL ? "unknown"
		 : client->dead ? "dead; mempoold frees it soon"
				: text_clean(TEXT, client->comm));
	client_list_finish(&clients);
	return false;
}

/*
 * Receives and puts as many as there were at the beginning: senders may go on. False: a put failed,
 * of which it has complained.
 */
static bool purge_receive(struct purge *purge, struct mempool_channel *from)
{
	void *blocks[AT_ONCE];
	ssize_t n;
	int r = 0;

	for (uint64_t left = purge->channel.stats.lag; left > 0; left -= (uint64_t)n) {
		n = mempool_channel_receive_bulk(from, blocks, left < AT_ONCE ? left : AT_ONCE, 0);
		if (n <= 0) {
			r = n == -EAGAIN ? 0 : (int)n;
			break;
		}
		r = mempool_put_bulk(purge->pool, blocks, (size_t)n);
		if (r < 0) {
			break;
		}
		purge->n_put += (uint64_t)n;
	}
	if (r < 0) {
		refusal_complain(r, "could not purge channel %" PRIu32 " of %s",
				 purge->channel.number, purge->info->name);
	}
	return r == 0;
}

static bool purge_open_and_receive(struct purge *purge)
{
	bool is_work = purge->channel.stats.kind == MEMPOOL_KIND_WORK;
	struct mempool_channel *from;
	int r = mempool_channel_open(purge->pool, purge->channel.number,
				     MEMPOOL_CHANNEL_RECEIVE | (is_work ? MEMPOOL_CHANNEL_WORK : 0),
				     &from);

	if (r == -EBUSY) {
		return purge_refuse_busy(purge);
	}
	if (r < 0) {
		refusal_complain(r, "could not receive from channel %" PRIu32 " of %s",
				 purge->channel.number, purge->info->name);
		return false;
	}

	bool purged = purge_receive(purge, from);

	mempool_channel_close(from);
	return purged;
}

/* An open would decide what kind the channel is: one that nobody has opened is left alone. */
static bool purge_channel(struct purge *purge)
{
	switch (purge->channel.stats.kind) {
	case MEMPOOL_KIND_QUEUE:
	case MEMPOOL_KIND_WORK:
		return purge_open_and_receive(purge);
	case MEMPOOL_KIND_BROADCAST:
		complain("channel %" PRIu32
			 " of %s is a broadcast, which keeps blocks for nobody but subscribers "
			 "that live: end those that do not receive (mempoolctl channels %s)",
			 purge->channel.number, purge->info->name, purge->info->name);
		return false;
	default:
		return true;
	}
}

static bool purge_pool(struct purge *purge, uint32_t number)
{
	int r = mempool_open(purge->conn, purge->info->name, MEMPOOL_RDONLY, &purge->pool);

	if (r < 0) {
		refusal_complain(r, "could not open pool %s", purge->info->name);
		return false;
	}

	bool purged = channel_read(&purge->channel, purge->pool, number) && purge_channel(purge);

	channel_finish(&purge->channel);
	mempool_close(purge->pool);
	return purged;
}

static void purge_tell(const struct purge *purge, bool json)
{
	if (json) {
		struct json_object *object = json_new_object();

		json_add_text(object, "name", purge->info->name);
		json_add_number(object, "channel", purge->channel.number);
		json_add_number(object, "purged", purge->n_put);
		json_print(object);
	} else {
		out_print("purged channel %" PRIu32 " of %s: %" PRIu64 " block%s put\n",
			  purge->channel.number, purge->info->name, purge->n_put,
			  purge->n_put == 1 ? "" : "s");
	}
}

enum status purge_run(struct call *call)
{
	const char *text = call->values[PURGE_CHANNEL];
	struct pool_list pools = {0};
	struct purge purge = {0};
	bool purged = false;
	uint64_t number;

	if (text == NULL) {
		complain("purge: --channel is missing; see mempoolctl purge --help");
		return STATUS_USAGE;
	}
	if (!number_parse("--channel", text, 0, MEMPOOL_CHANNELS_MAX - 1, &number)) {
		return STATUS_USAGE;
	}
	if (call_connect(call) && pool_list_load(&pools, call->conn, call->names[0])) {
		purge.conn = call->conn;
		purge.info = &pools.pools[0].info;
		purged = purge_pool(&purge, (uint32_t)number);
	}
	if (purged) {
		purge_tell(&purge, call->json);
	}
	pool_list_finish(&pools);
	return purged ? STATUS_DONE : STATUS_FAILED;
}
