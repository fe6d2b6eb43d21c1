/* SPDX-License-Identifier: MIT */
/*
 * A control segment as the daemon meets it when a client scribbles on it. Each input begins with a
 * pool in use: two clients have blocks, gifts, magazines, a queue and a broadcast. Then it is a
 * sequence of steps: scribble, on locks too, or truncate; have the daemon bury a client, seat
 * another, grow the pool, answer questions, be restarted and adopt what it finds; count and audit,
 * as an observer does. Whatever is in the segment, the daemon comes to rest, and touches nothing
 * outside.
 */
#include <assert.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/core/broadcast.h"
#include "lib/core/ends.h"
#include "lib/core/stats.h"
#include "tests/fuzz/bytes.h"
#include "tests/fuzz/host.h"
#include "tests/fuzz/scribble.h"
#include "tests/fuzz/world.h"
#include "tests/support/arena.h"

enum {
	STEPS = 40, /* an input */
	SEATS = 6,
	BLOCKS = 8,   /* that a client has */
	RESTARTS = 3, /* which take time */
	QUEUE = 0,    /* numbers of channels */
	BROADCAST = 1,
};

static struct mp_shape shape;
static unsigned char data_of_nobody[1 << 15]; /* addresses alone matter */

struct play {
	struct bytes in;
	struct host_client *client;
	struct wire_attached seats[SEATS];
	unsigned n_seats;
	unsigned char *control; /* as a client has it mapped, and open */
	int control_fd;
	unsigned n_restarts;
	bool truncated; /* then nobody but the daemon may look */
};

/* ---- messages ---- */

static void make(union wire_message *m, uint16_t type)
{
	wire_init(m, type, 0);
	/* They all have their name in the same place. */
	memcpy(m->name.name, "p", 2);
}

static void create(struct play *play)
{
	union wire_message m;

	make(&m, WIRE_CREATE);
	m.create.shape = (struct wire_shape){
		.block_size = scribble_shape.block_size,
		.blocks = scribble_shape.blocks,
		.max_blocks = scribble_shape.max_blocks,
		.alignment = scribble_shape.alignment,
		.capacity = scribble_shape.capacity,
		.n_caches = scribble_shape.n_caches,
		.n_slots = scribble_shape.n_slots,
		.n_shards = scribble_shape.n_shards,
		.n_channels = scribble_shape.n_channels,
		.depth = scribble_shape.depth,
	};
	m.create.uid = m.create.gid = UINT32_MAX;
	if (!host_ask(play->client, &m)) {
		errx(1, "no pool");
	}
	play->seats[play->n_seats++] = play->client->attached;
}

static bool open_as(struct play *play, enum wire_access access)
{
	union wire_message m;

	make(&m, WIRE_OPEN);
	m.open.access = access;
	return host_ask(play->client, &m);
}

static void seat(struct play *play)
{
	if (play->n_seats < SEATS && open_as(play, WIRE_WRITER)) {
		play->seats[play->n_seats++] = play->client->attached;
	}
}

/* ---- before ---- */

/* Gets a block and sends it by a channel of that kind. */
static void send_one(struct member *m, uint32_t number, enum mp_channel_kind kind)
{
	struct mp_channel *channel = mp_pool_channel(&m->pool, number);
	uint32_t index;
	int error = member_get(m, &index);

	assert(error == 0 && mp_channel_is_of_kind(channel, kind));
	void *block = mp_pool_address(&m->pool, index);
	mp_ends_begin(&m->pool, channel);
	if (kind == MP_CHANNEL_BROADCAST) {
		mp_broadcast_send(&m->pool, &m->local, number, &block, 1, &error);
	} else {
		mp_channel_send(&m->pool, channel, &block, 1, &error);
	}
	assert(error == 0);
}

/* Of its two blocks, it has borrowed one, and is yet to get the other. */
static void subscribe_and_broadcast(struct member *m)
{
	struct mp_subscriber subscriber;
	const void *block;
	int error = mp_broadcast_join(&m->pool, &m->local, BROADCAST, false, &subscriber);

	assert(error == 0);
	send_one(m, BROADCAST, MP_CHANNEL_BROADCAST);
	mp_broadcast_borrow(&m->pool, &m->local, &subscriber, &block, 1, &error);
	send_one(m, BROADCAST, MP_CHANNEL_BROADCAST);
}

/* A client that does a bit of everything, and is interrupted in the midst of it. */
static void use(struct play *play, unsigned number)
{
	struct member m;
	uint32_t index, slot = play->seats[number].slot;
	uint64_t token;
	int error;

	mp_pool_bind(&m.pool, &shape, play->control, data_of_nobody, slot);
	mp_local_init(&m.pool, &m.local);
	for (unsigned i = 0; i < BLOCKS; i++) {
		error = member_get(&m, &index);
		assert(error == 0);
	}
	mp_word_give(&m.pool, index, &token);
	mp_channel_claim(&m.pool, mp_pool_channel(&m.pool, QUEUE));
	mp_ends_begin_receiving(&m.pool, mp_pool_channel(&m.pool, QUEUE)); /* as of work */
	send_one(&m, QUEUE, MP_CHANNEL_QUEUE);
	subscribe_and_broadcast(&m);
}

static void begin(struct play *play)
{
	host_hello(play->client);
	create(play);
	play->control_fd = dup(play->client->control);
	play->control = mmap(NULL, shape.control_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			     play->control_fd, 0);
	assert(play->control != MAP_FAILED);
	seat(play);
	use(play, 0);
	use(play, 1);
}

/* ---- steps ---- */

static void do_scribble(struct play *play)
{
	if (!play->truncated) {
		scribble(&play->in, &shape, play->control, false);
	}
}

static void do_detach(struct play *play)
{
	const struct wire_attached *attached = &play->seats[bytes_u8(&play->in) % play->n_seats];
	union wire_message m;

	wire_init(&m, WIRE_DETACH, 0);
	m.detach.pool_id = attached->pool_id;
	m.detach.attachment = attached->attachment;
	m.detach.slot = attached->slot;
	host_ask(play->client, &m);
}

static void do_seat(struct play *play)
{
	seat(play);
}

static void do_grow(struct play *play)
{
	union wire_message m;

	make(&m, WIRE_GROW);
	m.grow.blocks = bytes_u16(&play->in) % (shape.max_blocks + 2);
	host_ask(play->client, &m);
}

static void do_ask(struct play *play)
{
	static const uint16_t questions[] = {WIRE_FIND_POOL, WIRE_NEXT_POOL, WIRE_NEXT_CLIENT};
	union wire_message m;

	for (unsigned i = 0; i < sizeof questions / sizeof *questions; i++) {
		make(&m, questions[i]);
		host_ask(play->client, &m);
	}
}

/* Without its liveness files the next daemon takes all for dead. */
static void do_restart(struct play *play)
{
	uint8_t how = bytes_u8(&play->in);

	if (play->n_restarts++ >= RESTARTS) {
		return;
	}
	if (how & 1) {
		host_let_go(play->client);
	}
	host_restart();
	host_hello(play->client);
	host_settle();
}

static void do_truncate(struct play *play)
{
	uint64_t pages = shape.control_size / shape.page;

	play->truncated = true;
	if (ftruncate(play->control_fd, (off_t)(bytes_u8(&play->in) % pages * shape.page)) < 0) {
		err(1, "ftruncate");
	}
}

static void do_look(struct play *play)
{
	struct mp_tally total, by_slot[3];
	struct mp_pool pool;
	struct arena arena;

	if (play->truncated || !open_as(play, WIRE_OBSERVER)) {
		return;
	}
	void *control = world_mmap(NULL, shape.control_size, PROT_READ, MAP_SHARED,
				   play->client->control, 0);
	assert(control != MAP_FAILED);
	if (mp_layout_matches(control, &shape, play->client->attached.pool_id)) {
		mp_pool_bind(&pool, &shape, control, NULL, MP_NONE);
		mp_tally(&pool, &total, by_slot, 3);
		arena.daemon = pool;
		arena_audit(&arena);
	}
	world_munmap(control, shape.control_size);
}

static void do_pass_time(struct play *play)
{
	(void)play;
	host_pass_time();
	host_settle();
}

static void (*const steps[])(struct play *) = {
	do_scribble, do_detach,   do_seat, do_grow,      do_ask,
	do_restart,  do_truncate, do_look, do_pass_time,
};

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	shape = scribble_shape;
	const char *fault = mp_shape_resolve(&shape, 1);
	assert(!fault && shape.data_size <= sizeof data_of_nobody);
	host_start();
	return 0;
}

/* The first byte is how fast the daemon's clock goes, as in message.c. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct play play = {.in = {data, size}, .client = &host.clients[0]};

	host_begin(bytes_u8(&play.in) * 2000u);
	begin(&play);
	for (int i = 0; i < STEPS && play.in.left > 0; i++) {
		steps[bytes_u8(&play.in) % (sizeof steps / sizeof *steps)](&play);
	}
	munmap(play.control, shape.control_size);
	close(play.control_fd);
	host_clear();
	return 0;
}
