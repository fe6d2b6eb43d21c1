/* SPDX-License-Identifier: MIT */
/* Each limit of a pool, a process or a call is reached; one more is refused, in words. */
#include <limits.h>
#include <stdio.h>

#include "tests/system/raw.h"

#define POOLS 1024 /* of a daemon, and open in a process */
#define SEATS 4    /* of a process in a pool, see seats_per_process */
#define DEPTH_MAX MEMPOOL_CHANNEL_DEPTH_MAX

static void *blocks[DEPTH_MAX + 1];

static bool says(const char *word)
{
	return strstr(mempool_errmsg(), word) != NULL;
}

/* ---- attributes ---- */

static int create_and_use(const struct mempool_attr *attr)
{
	struct mempool *made;

	int error = mempool_create(conn, "most", attr, &made);
	if (error) {
		return error;
	}
	void *block = mempool_get(made);
	ck_assert_ptr_nonnull(block);
	ck_assert_int_eq(mempool_put(made, block), 0);
	ck_assert_int_eq(mempool_close(made), 0);
	return mempool_destroy(conn, "most");
}

#define FIELD(name) #name, offsetof(struct mempool_attr, name)

static const struct {
	const char *name;
	size_t at;
	uint32_t most, beyond; /* of most 0: it would need much memory, and is not tried */
	const char *word;
} ends[] = {
	{FIELD(blocks), 1, 0, "number of blocks"},
	{FIELD(blocks), 0, MEMPOOL_BLOCKS_MAX + 1, "number of blocks"},
	{FIELD(max_blocks), 10, 9, "most blocks"},
	{FIELD(max_blocks), 0, MEMPOOL_BLOCKS_MAX + 1, "most blocks"},
	{FIELD(alignment), MEMPOOL_ALIGNMENT_MAX, 2 * MEMPOOL_ALIGNMENT_MAX, "alignment"},
	{FIELD(alignment), 8, 4, "alignment"},
	{FIELD(processes), MEMPOOL_PROCESSES_MAX, MEMPOOL_PROCESSES_MAX + 1, "processes"},
	{FIELD(threads), MEMPOOL_THREADS_MAX, MEMPOOL_THREADS_MAX + 1, "threads"},
	{FIELD(shards), MEMPOOL_SHARDS_MAX, 2 * MEMPOOL_SHARDS_MAX, "shards"},
	{FIELD(channels), MEMPOOL_CHANNELS_MAX, MEMPOOL_CHANNELS_MAX + 1, "channels"},
	{FIELD(channel_depth), DEPTH_MAX, 2 * DEPTH_MAX, "channels"},
	{FIELD(channel_depth), 8, 4, "channels"},
	{FIELD(backing), MEMPOOL_BACKING_MEMFD, MEMPOOL_BACKING_MEMFD + 1, "backing"},
	{FIELD(huge_pages), MEMPOOL_TRY, MEMPOOL_REQUIRE + 1, "huge_pages"},
	{FIELD(prefault), MEMPOOL_REQUIRE, MEMPOOL_REQUIRE + 1, "prefault"},
	{FIELD(mode), 0777, 01000, "mode"},
};

START_TEST(every_attribute_ends_at_its_limit)
{
	begin();
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct mempool_attr attr = MEMPOOL_ATTR_INIT;
		attr.block_size = 64;
		attr.blocks = 10;
		if (ends[i].most) {
			memcpy((char *)&attr + ends[i].at, &ends[i].most, sizeof ends[i].most);
			ck_assert_msg(create_and_use(&attr) == 0, "%s %u: %s", ends[i].name,
				      ends[i].most, mempool_errmsg());
		}
		memcpy((char *)&attr + ends[i].at, &ends[i].beyond, sizeof ends[i].beyond);
		ck_assert_msg(create_and_use(&attr) == -EINVAL, "%s %u", ends[i].name,
			      ends[i].beyond);
		ck_assert_msg(says(ends[i].word), "%s: %s", ends[i].name, mempool_errmsg());
	}
	end();
}
END_TEST

START_TEST(a_block_has_16_bytes_to_a_gib)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;

	begin();
	attr.blocks = 1;
	attr.block_size = MEMPOOL_BLOCK_SIZE_MIN;
	ck_assert_int_eq(create_and_use(&attr), 0);
	attr.block_size--;
	ck_assert_int_eq(create_and_use(&attr), -EINVAL);
	ck_assert(says("block size must be 16 bytes to 1 GiB"));
	attr.block_size = MEMPOOL_BLOCK_SIZE_MAX + 1ull;
	ck_assert_int_eq(create_and_use(&attr), -EINVAL);
	ck_assert(says("block size must be 16 bytes to 1 GiB"));
	attr.block_size = 1ull << 32 | 64;
	ck_assert_int_eq(create_and_use(&attr), -EINVAL);
	end();
}
END_TEST

START_TEST(a_name_has_64_characters)
{
	char name[MEMPOOL_NAME_MAX + 2];
	struct mempool_info info;
	struct mempool *longest;

	begin();
	memset(name, 'n', sizeof name);
	name[MEMPOOL_NAME_MAX] = 0;
	ck_assert_int_eq(mempool_close(service_pool(conn, name, 64, 10)), 0);
	ck_assert_int_eq(mempool_open(conn, name, 0, &longest), 0);
	ck_assert_int_eq(mempool_close(longest), 0);
	ck_assert_int_eq(mempool_find_pool(conn, name, &info), 0);
	ck_assert_str_eq(info.name, name);
	ck_assert_int_eq(mempool_grow(conn, name, 11), -EINVAL);
	ck_assert(says(name));
	ck_assert_int_eq(mempool_destroy(conn, name), 0);
	name[MEMPOOL_NAME_MAX] = 'n';
	name[MEMPOOL_NAME_MAX + 1] = 0;
	ck_assert_int_eq(mempool_open(conn, name, 0, &longest), -EINVAL);
	ck_assert_int_eq(mempool_find_pool(conn, name, &info), -EINVAL);
	ck_assert_int_eq(mempool_grow(conn, name, 11), -EINVAL);
	ck_assert_int_eq(mempool_destroy(conn, name), -EINVAL);
	ck_assert(says("1 to 64 of a-z 0-9"));
	end();
}
END_TEST

/* ---- bulks ---- */

START_TEST(a_bulk_has_as_many_blocks_as_the_pool)
{
	static struct mempool_token tokens[BLOCKS + 1], listed[BLOCKS];
	static void *had[BLOCKS + 1];

	begin();
	struct actor idle = holder(0);
	ck_assert_int_eq(actor_ask(&idle, "idle 20 40"), 0);
	ck_assert_int_eq(mempool_get_bulk(pool, blocks, BLOCKS + 1), -ENOMEM);
	ck_assert_uint_eq(stats().used, 0);
	ck_assert_int_eq(mempool_get_bulk(pool, blocks, BLOCKS), 0);
	blocks[BLOCKS] = blocks[0];
	ck_assert_int_eq(mempool_put_bulk(pool, blocks, BLOCKS + 1), -EINVAL);
	ck_assert_int_lt(mempool_give_bulk(pool, blocks, tokens, BLOCKS + 1), 0);
	ck_assert_uint_eq(stats().used, BLOCKS);
	ck_assert_int_eq(mempool_give_bulk(pool, blocks, tokens, BLOCKS), 0);
	tokens[BLOCKS] = tokens[0];
	ck_assert_int_eq(mempool_gifts(pool, NULL, 0), BLOCKS);
	ck_assert_int_eq(mempool_gifts(pool, listed, BLOCKS - 1), BLOCKS);
	ck_assert_uint_ne(listed[BLOCKS - 2].v, 0);
	ck_assert_uint_eq(listed[BLOCKS - 1].v, 0);
	ck_assert_int_eq(mempool_take_bulk(pool, tokens, had, BLOCKS + 1), BLOCKS);
	ck_assert_ptr_null(had[BLOCKS]);
	ck_assert_int_eq(mempool_put_bulk(pool, had, BLOCKS), 0);
	actor_kill(&idle);
	ck_assert(wait_until(is_all_obtainable, NULL, HANG_MS));
	end();
}
END_TEST

/* ---- channels ---- */

/* Fills the last channel of a pool that has as many of that depth, and empties it. */
static void check_channel(uint32_t channels, uint32_t depth)
{
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool_channel *in, *out, *none;

	service_start(&service);
	conn = service_connect();
	attr.block_size = 16;
	attr.blocks = depth + 1;
	attr.channels = channels;
	attr.channel_depth = depth;
	ck_assert_int_eq(mempool_create(conn, "frames", &attr, &pool), 0);
	ck_assert_int_eq(mempool_channel_open(pool, channels, 0, &none), -EINVAL);
	ck_assert(says("there is no channel"));
	ck_assert_int_eq(mempool_channel_open(pool, channels - 1, 0, &out), 0);
	ck_assert_int_eq(mempool_channel_open(pool, channels - 1, MEMPOOL_CHANNEL_RECEIVE, &in), 0);
	ck_assert_int_eq(mempool_channel_open(pool, channels - 1, MEMPOOL_CHANNEL_RECEIVE, &none),
			 -EBUSY);
	ck_assert_int_eq(mempool_get_bulk(pool, blocks, depth + 1), 0);
	ck_assert_int_eq(mempool_channel_send_bulk(out, blocks, depth + 1, 0), depth);
	ck_assert_int_eq(mempool_channel_send(out, blocks[depth], 0), -EAGAIN);
	ck_assert_int_eq(mempool_put(pool, blocks[depth]), 0);
	ck_assert_int_eq(mempool_channel_receive_bulk(in, blocks, depth + 1, 0), depth);
	ck_assert_int_eq(mempool_put_bulk(pool, blocks, depth), 0);
	end();
}

START_TEST(a_channel_holds_what_it_is_deep_and_not_one_more)
{
	check_channel(1, 8);
	check_channel(MEMPOOL_CHANNELS_MAX, 16);
	check_channel(2, DEPTH_MAX);
}
END_TEST

/* ---- pools ---- */

static void name_pool(char name[16], int i)
{
	snprintf(name, 16, "p%d", i);
}

START_TEST(a_daemon_has_1024_pools_and_a_process_has_them_all_open)
{
	static struct mempool *all[POOLS];
	struct mempool_attr attr = MEMPOOL_ATTR_INIT;
	struct mempool *more;
	char name[16];

	service_start(&service);
	conn = service_connect();
	attr.block_size = 16;
	attr.blocks = 1;
	attr.threads = 1;
	for (int i = 0; i < POOLS; i++) {
		name_pool(name, i);
		ck_assert_msg(mempool_create(conn, name, &attr, &all[i]) == 0, "%s: %s", name,
			      mempool_errmsg());
	}
	ck_assert_int_eq(mempool_create(conn, "more", &attr, &more), -EDQUOT);
	ck_assert(says("as many pools as `pools` allows, 1024; destroy some"));
	/* An observer's handle is one more than a process may have. */
	ck_assert_int_eq(mempool_open(conn, "p7", MEMPOOL_OBSERVE, &more), -EMFILE);
	ck_assert(says("1024 pools open"));
	ck_assert_ptr_nonnull(mempool_get(all[POOLS - 1]));
	ck_assert_int_eq(mempool_close(all[0]), 0);
	ck_assert_int_eq(mempool_open(conn, "p7", MEMPOOL_OBSERVE, &more), 0);
	ck_assert_int_eq(mempool_close(more), 0);
	for (int i = 0; i < POOLS; i++) {
		name_pool(name, i);
		ck_assert_int_eq(i ? mempool_close_force(all[i]) : 0, 0);
		ck_assert_int_eq(mempool_destroy(conn, name), 0);
	}
	mempool_disconnect(conn);
	ck_assert_uint_eq(service_stop(&service), 0);
}
END_TEST

/* ---- what the daemon gives a process ---- */

/* A library opens a pool once; who goes without one may do so some times, and no more. */
START_TEST(a_process_has_four_slots_of_a_pool)
{
	union wire_message m;
	int sessions[SEATS], fds[3], n = 3;
	void *lives[SEATS];

	begin(); /* the first */
	for (int i = 1; i < SEATS; i++) {
		sessions[i] = attach("frames", fds);
		lives[i] = mmap(NULL, 1, PROT_READ, MAP_SHARED, fds[2], 0);
		ck_assert_ptr_ne(lives[i], MAP_FAILED);
		close(fds[2]);
	}
	sessions[0] = greeted();
	wire_init(&m, WIRE_OPEN, 2);
	strcpy(m.open.name, "frames");
	ck_assert(ask(sessions[0], &m, fds, &n));
	ck_assert_int_eq(m.head.type, WIRE_ERROR);
	ck_assert_int_eq(m.head.error, EUSERS);
	ck_assert_ptr_nonnull(strstr(m.error.text, "has 4 slots of pool 'frames' already"));
	for (int i = 0; i < SEATS; i++) {
		if (i > 0) {
			munmap(lives[i], 1);
		}
		close(sessions[i]);
	}
	ck_assert(wait_until(is_alone, NULL, HANG_MS));
	end();
}
END_TEST

SUITE("beyond", every_attribute_ends_at_its_limit, a_block_has_16_bytes_to_a_gib,
      a_name_has_64_characters, a_bulk_has_as_many_blocks_as_the_pool,
      a_channel_holds_what_it_is_deep_and_not_one_more,
      a_daemon_has_1024_pools_and_a_process_has_them_all_open, a_process_has_four_slots_of_a_pool)
